"""Loading source files into one staged table, with every row that could not be read.

CSV is read fast with a fixed dialect; when the loader stumbles, or the lines do not add up, the file
is read again carefully. Must never write to a source file.
"""

import gzip
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.profiles.careful import LINE, Reject, read_csv_carefully, read_json_carefully
from ccexport.profiles.csv_dialect import CsvDialect, find_dialect
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path

STAGED = "staging._staged"
_IN_MEMORY_SHARE = 0.2  # of the memory limit that sources may have to be staged in memory
_JSON = {".jsonl", ".ndjson", ".json"}
_TEXT = {".csv", ".tsv", ".txt"}
_RESERVED = {"_row": "source_row", "_id": "source_id", LINE: "source_line", "rowid": "source_rowid"}


@dataclass(frozen=True)
class _Part:
    """One loaded file: its temporary table, fields, and the line of its first row."""

    name: str
    table: str
    types: tuple[tuple[str, str], ...]
    rows: int
    first_line: int
    rejects: tuple[Reject, ...] = ()
    semicolons: bool = False


@dataclass(frozen=True)
class Staged:
    """The staged table `_staged`: fields, where its rows came from, and what was rejected."""

    types: tuple[tuple[str, str], ...]
    text: bool
    decimal_comma: bool
    parts: tuple[tuple[str, int, int], ...]  # file, first rowid, line of that row
    rejects: list[Reject] = field(default_factory=list)
    rows: int = 0

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.types)

    def origin(self, rowid: int) -> tuple[str, int, int]:
        """The file a row came from, that file's first rowid, and the line of it."""
        return max((p for p in self.parts if p[1] <= rowid), key=lambda p: p[1])


def stage(db: DuckDB, files: Sequence[Path], folder: Path, progress: Callable[[float], None]) -> Staged:
    """Load every file, stacked in the order given, into the table `_staged` of a database `staging`."""
    if not files:
        raise BadInput("No file was given.")
    _make_room(db, files, folder)
    parts: list[_Part] = []
    for number, file in enumerate(files):
        work = folder / f"source-{number}"
        work.mkdir()
        parts.append(_load(db, file, work, f"staging._part{number}"))
        _check_alike(parts[0], parts[-1])
        progress((number + 1) / len(files))
    return _stack(db, parts, text=_suffix(files[0]) in _TEXT)


def _make_room(db: DuckDB, files: Sequence[Path], folder: Path) -> None:
    """Small sources are staged in memory; big ones in a file, which is compressed and needs no spilling."""
    size = sum(f.stat().st_size for f in files if f.is_file())
    target = folder / "staging.duckdb" if size > _IN_MEMORY_SHARE * db.memory_limit else Path(":memory:")
    db.run(f"ATTACH {quote_path(target)} AS staging")


def breaks_within(db: DuckDB, table: str, fields: Sequence[str], before: int | None = None) -> int:
    """How many line breaks the text values hold (in the rows before that rowid)."""
    counts = " + ".join(
        f"if(contains({c}, chr(10)), length({c}) - length(replace({c}, chr(10), '')), 0)"
        for c in (f"coalesce({quote_identifier(f)}, '')" for f in fields)
    )
    where = "" if before is None else f"WHERE rowid < {int(before)}"
    (found,) = db.row(f"SELECT coalesce(sum({counts}), 0) FROM {table} {where}")
    return int(found)


def _stack(db: DuckDB, parts: list[_Part], *, text: bool) -> Staged:
    if len(parts) == 1:
        db.run(f"ALTER TABLE {parts[0].table} RENAME TO _staged")
    else:
        union = " UNION ALL BY NAME ".join(f"SELECT * FROM {p.table}" for p in parts)
        db.run(f"CREATE TABLE {STAGED} AS {union}")
        for part in parts:
            db.run(f"DROP TABLE {part.table}")
    starts, rows = [], 0
    for part in parts:
        starts.append((part.name, rows, part.first_line))
        rows += part.rows
    if rows == 0:
        raise BadInput(f"{parts[0].name} has no rows besides its header.", file=parts[0].name)
    rejects = [r for p in parts for r in p.rejects]
    return Staged(parts[0].types, text, any(p.semicolons for p in parts), tuple(starts), rejects, rows)


def _check_alike(first: _Part, other: _Part) -> None:
    ours, theirs = dict(first.types), dict(other.types)
    lacking = [n for n in ours if n not in theirs]
    extra = [n for n in theirs if n not in ours]
    if lacking or extra:
        what = f"has no field '{lacking[0]}'" if lacking else f"has a field '{extra[0]}' more"
        raise BadInput(f"{other.name} {what}; files given together need the same fields as {first.name}.")
    for name, declared in ours.items():
        if theirs[name] != declared:
            raise BadInput(
                f"The field '{name}' is {theirs[name]} in {other.name} and {declared} in {first.name}; "
                "files given together need the same types."
            )


def _suffix(file: Path) -> str:
    suffixes = [s.lower() for s in file.suffixes]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes or [""])[-1]


def _load(db: DuckDB, file: Path, work: Path, table: str) -> _Part:
    if not file.is_file():
        raise BadInput(f"{file.name} is not there, or is not a file.", file=file.name)
    if file.stat().st_size == 0:
        raise BadInput(f"{file.name} is empty.", file=file.name)
    suffix = _suffix(file)
    if suffix in _TEXT:
        return _load_csv(db, file.name, _safely_named(file, work), work, table)
    if suffix in _JSON:
        return _load_json(db, file.name, _safely_named(file, work), work, table)
    if suffix == ".parquet":
        return _load_parquet(db, file.name, _safely_named(file, work), table)
    known = "CSV (.csv, .tsv, .txt), Parquet (.parquet) or JSON lines (.jsonl, .ndjson, .json)"
    raise BadInput(f"{file.name} cannot be read: give {known}.", file=file.name)


def _safely_named(file: Path, work: Path) -> Path:
    """The file under a name of ours: the loader takes `*` and `[` in a path as a pattern."""
    safe = work / "source"
    with file.open("rb") as opened:
        packed = opened.read(2) == b"\x1f\x8b"
    if not packed:
        safe.symlink_to(file.absolute())
        return safe
    try:
        with gzip.open(file) as source, safe.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except (OSError, EOFError) as error:
        raise BadInput(f"{file.name} is not a whole gzip file.", file=file.name) from error
    return safe


def _field_names(found: Sequence[str], name: str) -> tuple[str, ...]:
    """The names, none twice; what would collide with our own columns gets another name."""
    given = {n.casefold() for n in found}
    names: list[str] = []
    for wanted in found:
        renamed = _RESERVED.get(wanted.casefold(), wanted)
        if renamed != wanted and renamed in given:
            raise BadInput(f"{name}: rename the field '{wanted}', which is a name this store uses itself.")
        if renamed.casefold() in {n.casefold() for n in names}:
            raise BadInput(
                f"{name}: the header names the field '{wanted}' twice; rename one of them.", file=name, line=1
            )
        names.append(renamed)
    return tuple(names)


def _load_csv(db: DuckDB, name: str, path: Path, work: Path, table: str) -> _Part:
    dialect = find_dialect(path, name, work)
    fields = _field_names(dialect.header, name)
    rejects: list[Reject] = []
    if not _loaded_fast(db, dialect, fields, table):
        dialect = find_dialect(path, name, work, thorough=True)
        fields = _field_names(dialect.header, name)
        transcoded = dialect.path != path
        if not (transcoded and _loaded_fast(db, dialect, fields, table)):
            rejects = _load_carefully(db, dialect, fields, work / "careful.csv", table)
    (rows,) = db.row(f"SELECT count(*) FROM {table}")
    if len(rejects) > rows:
        first = rejects[0]
        raise BadInput(
            f"{name} cannot be read: {len(rejects):,} of {len(rejects) + rows:,} lines are damaged, "
            f"the first at line {first.line}: {first.detail}.",
            file=name,
            line=first.line,
        )
    types = tuple((f, "VARCHAR") for f in fields)
    first_line = 2 + sum(h.count("\n") for h in dialect.header)
    return _Part(name, table, types, rows, first_line, tuple(rejects), dialect.delimiter == ";")


def _load_carefully(
    db: DuckDB, dialect: CsvDialect, fields: tuple[str, ...], copy: Path, table: str
) -> list[Reject]:
    rejects = read_csv_carefully(dialect, copy)
    reader = _csv_reader(copy, dialect.delimiter, len(fields), with_line=True)
    _create(db, table, fields, reader, f"CAST({LINE} AS BIGINT)")
    return rejects


def _loaded_fast(db: DuckDB, dialect: CsvDialect, fields: tuple[str, ...], table: str) -> bool:
    """Load without ignoring anything; false when it stumbled or lines are unaccounted for."""
    reader = _csv_reader(dialect.path, dialect.delimiter, len(fields), with_line=False)
    try:
        _create(db, table, fields, reader, "CAST(NULL AS BIGINT)")
    except BadInput:
        return False
    (rows,) = db.row(f"SELECT count(*) FROM {table}")
    missing = dialect.lines - rows - 1 - sum(h.count("\n") for h in dialect.header)
    return missing == 0 or missing == breaks_within(db, table, fields)


def _csv_reader(path: Path, delimiter: str, width: int, *, with_line: bool) -> str:
    names = [LINE] * with_line + [f"c{n}" for n in range(width)]
    columns = ", ".join(f"'{n}': 'VARCHAR'" for n in names)
    return (
        f"read_csv({quote_path(path)}, delim = '{delimiter}', quote = '\"', escape = '\"', header = true, "
        f"columns = {{{columns}}}, auto_detect = false, nullstr = '', strict_mode = true)"
    )


def _create(db: DuckDB, table: str, fields: tuple[str, ...], reader: str, line: str) -> None:
    chosen = ", ".join(f"c{n} AS {quote_identifier(f)}" for n, f in enumerate(fields))
    db.run(f"CREATE OR REPLACE TABLE {table} AS SELECT {chosen}, {line} AS {LINE} FROM {reader}")


def _load_json(db: DuckDB, name: str, path: Path, work: Path, table: str) -> _Part:
    rejects: list[Reject] = []
    try:
        return _load_native(db, name, f"read_json({quote_path(path)}, sample_size = -1)", table, 1)
    except BadInput:
        copy = work / "careful.jsonl"
        rejects = read_json_carefully(path, name, copy)
        if not copy.stat().st_size:
            raise BadInput(f"{name} holds no JSON objects, one on each line.", file=name) from None
        reader = f"read_json({quote_path(copy)}, format = 'newline_delimited', sample_size = -1)"
        return _load_native(db, name, reader, table, 1, tuple(rejects))


def _load_parquet(db: DuckDB, name: str, path: Path, table: str) -> _Part:
    try:
        return _load_native(db, name, f"read_parquet({quote_path(path)})", table, 1)
    except BadInput as error:
        raise BadInput(f"{name} is not a whole Parquet file.", file=name) from error


def _load_native(
    db: DuckDB, name: str, reader: str, table: str, first_line: int, rejects: tuple[Reject, ...] = ()
) -> _Part:
    found = [(n, t) for n, t, *_ in db.rows(f"DESCRIBE SELECT * FROM {reader}")]
    own_line = any(n == LINE for n, _ in found) and bool(rejects)
    found = [(n, t) for n, t in found if not (own_line and n == LINE)]
    fields = _field_names([n for n, _ in found], name)
    chosen = ", ".join(
        f"{quote_identifier(n)} AS {quote_identifier(f)}" for (n, _), f in zip(found, fields, strict=True)
    )
    line = f"CAST({LINE} AS BIGINT)" if own_line else "CAST(NULL AS BIGINT)"
    db.run(f"CREATE OR REPLACE TABLE {table} AS SELECT {chosen}, {line} AS {LINE} FROM {reader}")
    (rows,) = db.row(f"SELECT count(*) FROM {table}")
    types = tuple((f, t) for f, (_, t) in zip(fields, found, strict=True))
    return _Part(name, table, types, rows, first_line, rejects)
