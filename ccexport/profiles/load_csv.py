"""Loads one CSV file into a table, with every row that could not be read.

CSV is read fast with a fixed dialect. When the loader fails or the line counts do not match, the file
is read again line by line. Must never write to a source file.
"""

from itertools import islice
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.model.reading import FileReading
from ccexport.model.sources import Given
from ccexport.profiles.csv_dialect import CsvDialect, find_dialect
from ccexport.profiles.database import quote_identifier, quote_path
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, breaks_within, drop_empty, field_names, renamed_fields
from ccexport.profiles.tolerant_reader import LINE, LONGEST, Reject, read_csv_carefully


def load_csv(loading: Loading, given: Given, name: str, path: Path, work: Path, table: str) -> Part:
    """Load a CSV file: every good record, and the damaged lines."""
    db = loading.db
    how: dict[str, Any] = {"encoding": given.encoding, "skip_rows": given.skip_rows}
    if loading.limit:
        dialect = find_dialect(path, name, work, **how)
        path = _head(dialect.path, work / "head.csv", loading.limit + dialect.before_header)
        how["encoding"] = None
        found = dialect.encoding
    dialect = find_dialect(path, name, work, **how)
    fields = field_names(dialect.header, name)
    rejects: list[Reject] = []
    trailing = 0
    if not _loaded_fast(loading, dialect, fields, table):
        dialect = find_dialect(path, name, work, thorough=True, **how)
        fields = field_names(dialect.header, name)
        transcoded = dialect.path != path
        if not (transcoded and _loaded_fast(loading, dialect, fields, table)):
            rejects, trailing = _load_carefully(loading, dialect, fields, work / "careful.csv", table)
    (rows,) = db.row(f"SELECT count(*) FROM {table}")
    kept = drop_empty(db, table, dialect.header, fields)
    encoding = found if loading.limit else dialect.encoding
    counts = {"title_lines": dialect.titles, "trailing": trailing, "empty_fields": len(fields) - len(kept)}
    reading = FileReading(
        name,
        given.name,
        "csv",
        encoding=encoding.name,
        sure=encoding.sure,
        delimiter=dialect.delimiter,
        header_line=dialect.before_header + 1,
        counts={code: n for code, n in counts.items() if n},
        renamed=renamed_fields(dialect.header, fields),
        others=encoding.others,
    )
    loading.samples[name] = encoding.samples
    first_line = 2 + dialect.before_header + sum(h.count("\n") for h in dialect.header)
    return Part(
        name,
        table,
        tuple((f, "VARCHAR") for f in kept),
        rows,
        first_line,
        tuple(rejects),
        semicolons=dialect.delimiter == ";",
        text=True,
        guarded=dialect.guarded,
        scientific=dialect.scientific,
        reading=reading,
    )


def _head(path: Path, copy: Path, lines: int) -> Path:
    """Copy the first lines of a UTF-8 file; a record cut in two becomes one damaged line of a preview."""
    with path.open("rb") as file, copy.open("wb") as out:
        out.writelines(islice(file, lines + 1))
    return copy


def _load_carefully(
    loading: Loading, dialect: CsvDialect, fields: tuple[str, ...], copy: Path, table: str
) -> tuple[list[Reject], int]:
    loading.say("reading", what=dialect.name)
    rejects, trailing = read_csv_carefully(dialect, copy)
    reader = _csv_reader(copy, dialect.delimiter, len(fields), with_line=True)
    _create(loading, table, fields, reader, f"CAST({LINE} AS BIGINT)", copy, dialect.name)
    return rejects, trailing


def _loaded_fast(loading: Loading, dialect: CsvDialect, fields: tuple[str, ...], table: str) -> bool:
    """Load without ignoring errors; return False on an error or when lines are unaccounted for."""
    skipped = dialect.before_header
    reader = _csv_reader(dialect.path, dialect.delimiter, len(fields), with_line=False, skip=skipped)
    try:
        _create(loading, table, fields, reader, "CAST(NULL AS BIGINT)", dialect.path, dialect.name)
    except BadInput:
        return False
    (rows,) = loading.db.row(f"SELECT count(*) FROM {table}")
    missing = dialect.lines - skipped - rows - 1 - sum(h.count("\n") for h in dialect.header)
    return missing == 0 or missing == breaks_within(loading.db, table, fields)


def _csv_reader(path: Path, delimiter: str, width: int, *, with_line: bool, skip: int = 0) -> str:
    names = [LINE] * with_line + [f"c{n}" for n in range(width)]
    columns = ", ".join(f"'{n}': 'VARCHAR'" for n in names)
    return (
        f"read_csv({quote_path(path)}, delim = '{delimiter}', quote = '\"', escape = '\"', header = true, "
        f"skip = {skip}, columns = {{{columns}}}, auto_detect = false, max_line_size = {2 * LONGEST}, "
        f"buffer_size = {2 * LONGEST}, nullstr = '', strict_mode = true)"
    )


def _create(
    loading: Loading, table: str, fields: tuple[str, ...], reader: str, line: str, path: Path, name: str
) -> None:
    chosen = ", ".join(f"c{n} AS {quote_identifier(f)}" for n, f in enumerate(fields))
    loading.create(table, f"SELECT {chosen}, {line} AS {LINE} FROM {reader}", path=path, what=name)
