"""Writes a snapshot as a file that can be ingested again, and computes the digest of its content.

Owns how each type is written. Must never change the snapshot.
"""

from collections.abc import Iterator
from pathlib import Path

from ccexport.model.profiles import ROW, ProfileField, Snapshot
from ccexport.model.words import FieldType
from ccexport.profiles.csv_cells import csv_cell_sql, csv_line
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path
from ccexport.profiles.workbook_writer import write_workbook

FORMATS = ("csv", "parquet", "xlsx")
_PIECE = 10_000  # rows that are hashed together


def write_snapshot(db: DuckDB, snapshot: Snapshot, into: Path, form: str, *, temp_dir: Path) -> None:
    """Write all fields of all profiles in order, in one of `FORMATS`; the file is complete or absent."""
    part = into.with_name(f".{into.name}.part")
    columns = ", ".join(quote_identifier(f.name) for f in snapshot.fields)
    try:
        if form == "parquet":
            query = f"SELECT {columns} FROM s.profiles ORDER BY {ROW}"
            db.run(f"COPY ({query}) TO {quote_path(part)} (FORMAT parquet, COMPRESSION zstd)")
        elif form == "csv":
            with part.open(
                "w", encoding="utf-8-sig", newline=""
            ) as file:  # the mark tells Excel that it is UTF-8
                file.writelines(_csv(db, snapshot))
        else:
            typed = ", ".join(_cell(f) for f in snapshot.fields)
            names = [f.name for f in snapshot.fields]
            batches = db.arrow(f"SELECT {typed} FROM s.profiles ORDER BY {ROW}")
            rows = (tuple(r.values()) for b in batches for r in b.rename_columns(_numbers(names)).to_pylist())
            write_workbook(part, names, rows, temp_dir=temp_dir)
        part.replace(into)
    finally:
        part.unlink(missing_ok=True)


def snapshot_digest(db: DuckDB, snapshot: Snapshot) -> str:
    """Return a digest of fields, values and their order; it does not depend on the source."""
    texts = ", ".join(_plain(f) for f in snapshot.fields)
    names = [f.name for f in snapshot.fields]
    row = f"md5(CAST(to_json([{texts}]) AS VARCHAR))"
    pieces = (
        f"SELECT {ROW} // {_PIECE} AS piece_, md5(string_agg({row}, '' ORDER BY {ROW})) AS hash_ "
        f"FROM s.profiles GROUP BY {ROW} // {_PIECE}"
    )
    all_of_them = "coalesce(string_agg(hash_, '' ORDER BY piece_), '')"
    query = f"SELECT md5({all_of_them} || CAST(to_json(?::VARCHAR[]) AS VARCHAR)) FROM ({pieces})"
    return str(db.row(query, [names])[0])


def _csv(db: DuckDB, snapshot: Snapshot) -> Iterator[str]:
    yield csv_line([f.name for f in snapshot.fields])
    line = " || ',' || ".join(_csv_cell(f) for f in snapshot.fields)
    for batch in db.arrow(f"SELECT {line} || chr(13) || chr(10) AS t FROM s.profiles ORDER BY {ROW}"):
        yield "".join(batch.column(0).to_pylist())


def _csv_cell(field: ProfileField) -> str:
    """SQL: a CSV cell; only a text can be a formula, so only texts get marks."""
    column = quote_identifier(field.name)
    if field.type in {FieldType.TEXT, FieldType.LIST}:
        return csv_cell_sql(_text(field))
    return f"coalesce(CAST({column} AS VARCHAR), '')"


def _cell(field: ProfileField) -> str:
    return _text(field) if field.type in {FieldType.TEXT, FieldType.LIST} else quote_identifier(field.name)


def _text(field: ProfileField) -> str:
    column = quote_identifier(field.name)
    return f"CAST(to_json({column}) AS VARCHAR)" if field.type is FieldType.LIST else column


def _plain(field: ProfileField) -> str:
    """SQL: the value as a text that does not depend on how it is stored."""
    column = quote_identifier(field.name)
    if field.type is FieldType.NUMBER:
        return f"regexp_replace(CAST({column} AS VARCHAR), '(\\.[0-9]*?)0+$|\\.$', '\\1')"
    if field.type in {FieldType.DATE, FieldType.TIMESTAMP}:
        return f"CAST(CAST({column} AS TIMESTAMP) AS VARCHAR)"
    return f"CAST({_text(field)} AS VARCHAR)"


def _numbers(names: list[str]) -> list[str]:
    return [str(n) for n in range(len(names))]
