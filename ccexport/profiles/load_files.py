"""Loading one CSV, JSON-lines or Parquet file into a table, with every row that could not be read.

CSV is read fast with a fixed dialect; when the loader stumbles, or the lines do not add up, the file
is read again carefully. Must never write to a source file.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.profiles.csv_dialect import CsvDialect, find_dialect
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, breaks_within, field_names
from ccexport.profiles.tolerant_reader import LINE, LONGEST, Reject, read_csv_carefully, read_json_carefully

_EXACT_TO = 2**53  # above it, not every whole number has a floating point of its own


def load_csv(loading: Loading, name: str, path: Path, work: Path, table: str) -> Part:
    """A CSV file: every good record, and the damaged lines."""
    db = loading.db
    if loading.limit:
        path = _head(find_dialect(path, name, work).path, work / "head.csv", loading.limit)
    dialect = find_dialect(path, name, work)
    fields = field_names(dialect.header, name)
    rejects: list[Reject] = []
    if not _loaded_fast(loading, dialect, fields, table):
        dialect = find_dialect(path, name, work, thorough=True)
        fields = field_names(dialect.header, name)
        transcoded = dialect.path != path
        if not (transcoded and _loaded_fast(loading, dialect, fields, table)):
            rejects = _load_carefully(loading, dialect, fields, work / "careful.csv", table)
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
    first_line = 2 + dialect.before_header + sum(h.count("\n") for h in dialect.header)
    semicolons = dialect.delimiter == ";"
    return Part(name, table, types, rows, first_line, tuple(rejects), semicolons, text=True)


def _head(path: Path, copy: Path, lines: int) -> Path:
    """The first lines of a UTF-8 file; a record that is cut in two is one damaged line of a preview."""
    with path.open("rb") as file, copy.open("wb") as out:
        out.writelines(islice(file, lines + 1))
    return copy


def _load_carefully(
    loading: Loading, dialect: CsvDialect, fields: tuple[str, ...], copy: Path, table: str
) -> list[Reject]:
    loading.say("reading", what=dialect.name)
    rejects = read_csv_carefully(dialect, copy)
    reader = _csv_reader(copy, dialect.delimiter, len(fields), with_line=True)
    _create(loading, table, fields, reader, f"CAST({LINE} AS BIGINT)", copy, dialect.name)
    return rejects


def _loaded_fast(loading: Loading, dialect: CsvDialect, fields: tuple[str, ...], table: str) -> bool:
    """Load without ignoring anything; false when it stumbled or lines are unaccounted for."""
    if dialect.before_header:  # DuckDB would take the first line for the header, whatever it holds
        return False
    reader = _csv_reader(dialect.path, dialect.delimiter, len(fields), with_line=False)
    try:
        _create(loading, table, fields, reader, "CAST(NULL AS BIGINT)", dialect.path, dialect.name)
    except BadInput:
        return False
    (rows,) = loading.db.row(f"SELECT count(*) FROM {table}")
    missing = dialect.lines - rows - 1 - sum(h.count("\n") for h in dialect.header)
    return missing == 0 or missing == breaks_within(loading.db, table, fields)


def _csv_reader(path: Path, delimiter: str, width: int, *, with_line: bool) -> str:
    names = [LINE] * with_line + [f"c{n}" for n in range(width)]
    columns = ", ".join(f"'{n}': 'VARCHAR'" for n in names)
    return (
        f"read_csv({quote_path(path)}, delim = '{delimiter}', quote = '\"', escape = '\"', header = true, "
        f"columns = {{{columns}}}, auto_detect = false, max_line_size = {2 * LONGEST}, buffer_size = {2 * LONGEST}, "
        "nullstr = '', strict_mode = true)"
    )


def _create(
    loading: Loading, table: str, fields: tuple[str, ...], reader: str, line: str, path: Path, name: str
) -> None:
    chosen = ", ".join(f"c{n} AS {quote_identifier(f)}" for n, f in enumerate(fields))
    loading.create(table, f"SELECT {chosen}, {line} AS {LINE} FROM {reader}", path=path, what=name)


def load_json(loading: Loading, name: str, path: Path, work: Path, table: str) -> Part:
    """A file of JSON objects, one on each line."""
    return replace(_load_json(loading, name, path, work, table), json=True)


def _load_json(loading: Loading, name: str, path: Path, work: Path, table: str) -> Part:
    rejects: list[Reject] = []
    sample = loading.limit or -1
    try:
        reader = f"read_json({quote_path(path)}, sample_size = {sample})"
        return load_native(loading, name, reader, table, path)
    except BadInput:
        copy = work / "careful.jsonl"
        rejects = read_json_carefully(path, name, copy)
        if not copy.stat().st_size:
            raise BadInput(f"{name} holds no JSON objects, one on each line.", file=name) from None
        reader = f"read_json({quote_path(copy)}, format = 'newline_delimited', sample_size = {sample})"
        return load_native(loading, name, reader, table, copy, tuple(rejects))


def load_parquet(loading: Loading, name: str, path: Path, table: str) -> Part:
    """A Parquet file with its own types."""
    try:
        return load_native(loading, name, f"read_parquet({quote_path(path)})", table, path)
    except BadInput as error:
        raise BadInput(f"{name} is not a whole Parquet file.", file=name) from error


def load_native(
    loading: Loading, name: str, reader: str, table: str, path: Path, rejects: tuple[Reject, ...] = ()
) -> Part:
    """What DuckDB reads with types of its own."""
    db = loading.db
    found = [(n, t) for n, t, *_ in db.rows(f"DESCRIBE SELECT * FROM {reader}")]
    own_line = any(n == LINE for n, _ in found) and bool(rejects)
    found = [(n, t) for n, t in found if not (own_line and n == LINE)]
    fields = field_names([n for n, _ in found], name)
    chosen = ", ".join(
        f"{_plain(n, t)} AS {quote_identifier(f)}" for (n, t), f in zip(found, fields, strict=True)
    )
    line = f"CAST({LINE} AS BIGINT)" if own_line else "CAST(NULL AS BIGINT)"
    loading.create(table, f"SELECT {chosen}, {line} AS {LINE} FROM {reader}", path=path, what=name)
    (rows,) = db.row(f"SELECT count(*) FROM {table}")
    declared = {f: "VARCHAR" if t == "JSON" else t for f, (_, t) in zip(fields, found, strict=True)}
    types = tuple((declared | _made_whole(db, table, declared)).items())
    return Part(name, table, types, rows, 1, rejects)


def _made_whole(db: DuckDB, table: str, declared: Mapping[str, str]) -> dict[str, str]:
    """Whole numbers that came as floating point (as from tools that have no empty integers) are whole again:
    the id 7 is not the text 7.0.
    """
    floats = [f for f, t in declared.items() if t in ("DOUBLE", "FLOAT")]
    if not floats:
        return {}
    tests = ", ".join(
        f"bool_and({c} = trunc({c}) AND abs({c}) <= {_EXACT_TO}) FILTER (isfinite({c}))"
        for c in map(quote_identifier, floats)
    )
    whole = [f for f, yes in zip(floats, db.row(f"SELECT {tests} FROM {table}"), strict=True) if yes]
    for c in map(quote_identifier, whole):
        number = f"CASE WHEN isfinite({c}) THEN CAST({c} AS BIGINT) END"
        db.run(f"ALTER TABLE {table} ALTER {c} TYPE BIGINT USING {number}")
    return dict.fromkeys(whole, "BIGINT")


def _plain(name: str, declared: str) -> str:
    """SQL: the column; where a file of objects has a text here and a number there, what stands in the quotes."""
    column = quote_identifier(name)
    return f"{column} ->> '$'" if declared == "JSON" else column
