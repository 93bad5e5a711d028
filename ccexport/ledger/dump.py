"""Writes the rows of a whole ledger as Parquet files, and makes a ledger from them.

There is one file for each table. All are written from one read transaction, so that the rows belong together
while other processes go on working. The files are independent of the database: what SQLite held can be restored
into PostgreSQL and the other way round. Must never change the ledger that is dumped.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    insert,
    select,
    table,
)
from sqlalchemy import column as sql_column
from sqlalchemy.engine import default
from sqlalchemy.types import TypeEngine

from ccexport.errors import StoreTrouble
from ccexport.ledger import notices, schedules  # noqa: F401 (their tables belong to the whole)
from ccexport.ledger.database import NEWEST, Database
from ccexport.ledger.maintenance import copy_rows
from ccexport.ledger.tables import Said, Utc, metadata

ROWS = 5_000
_ARROW: Sequence[tuple[type[TypeEngine[Any]], pa.DataType]] = (
    (Boolean, pa.bool_()),
    (Integer, pa.int64()),
    (Float, pa.float64()),
    (LargeBinary, pa.binary()),
)


def dump(address: str, folder: Path) -> tuple[str, dict[str, int]]:
    """Write every table into `folder` as `<table>.parquet`; return the ledger's version and the rows of each table.

    Raises `StoreTrouble` when the ledger has another version than this program.
    """
    database = Database(address)
    try:
        version = database.version()
        if version != NEWEST:
            raise StoreTrouble(
                "The ledger is at version {found}, this program at {newest}: start ccexport once, then back up.",
                found=str(version),
                newest=NEWEST,
            )
        with database.read() as reading:
            rows = {one.name: _dump_table(one, reading, folder) for one in metadata.sorted_tables}
        return version, rows
    finally:
        database.close()


def _dump_table(one: Table, reading: Any, folder: Path) -> int:
    schema = pa.schema([(c.name, _arrow(c)) for c in one.columns])
    written = 0
    with pq.ParquetWriter(folder / f"{one.name}.parquet", schema) as writer:
        found = reading.execute(select(one).order_by(*one.primary_key.columns)).mappings()
        while some := [_plain(one, row) for row in islice(found, ROWS)]:
            writer.write_table(pa.Table.from_pylist(some, schema=schema))
            written += len(some)
    return written


def _arrow(column: Column[Any]) -> pa.DataType:
    if isinstance(column.type, Utc):
        return pa.timestamp("us", tz="UTC")
    return next((arrow for kind, arrow in _ARROW if isinstance(column.type, kind)), pa.string())


def _plain(one: Table, row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a row as Parquet takes it: JSON and sentences as text."""
    return {c.name: _as_text(c.type, row[c.name]) for c in one.columns}


def _as_text(kind: object, value: Any) -> Any:
    if isinstance(kind, Said):
        return kind.process_bind_param(value, default.DefaultDialect())
    return json.dumps(value) if _is_json(kind) else value


def _is_json(kind: object) -> bool:
    return isinstance(kind, JSON)


def restore_rows(folder: Path, version: str, target: str, scratch: Path) -> dict[str, int]:
    """Fill the empty ledger at `target` with the dumped rows, migrated to the newest version.

    `scratch` is an empty folder for an intermediate ledger. Raises `StoreTrouble` for a dump of a newer
    program and `Conflict` when something is at `target` already.
    """
    if version > NEWEST:
        raise StoreTrouble(
            "This back-up's ledger is at version {found}, newer than this program's {newest}: "
            "install the ccexport that made it, or a newer one.",
            found=version,
            newest=NEWEST,
        )
    made, new = Database(f"sqlite:///{scratch / 'restored.sqlite'}"), Database(target)
    try:
        made.upgrade_to(version)
        rows = {path.stem: _load(path, made) for path in sorted(folder.glob("*.parquet"), key=_rank)}
        made.upgrade()
        new.upgrade()
        with made.read() as reading, new.write() as writing:
            copy_rows(reading, writing)
        return rows
    finally:
        made.close()
        new.close()


def _rank(path: Path) -> tuple[int, str]:
    """Sort key that puts referenced tables first; tables this program no longer has come last."""
    names = [one.name for one in metadata.sorted_tables]
    return (names.index(path.stem) if path.stem in names else len(names), path.stem)


def _load(path: Path, into: Database) -> int:
    file = pq.ParquetFile(path)
    known = metadata.tables.get(path.stem)
    columns = {name: _type(known, name, file.schema_arrow) for name in file.schema_arrow.names}
    target = table(path.stem, *(sql_column(name, kind) for name, kind in columns.items()))
    with into.write() as writing:
        for rows in _rows(file, columns):
            writing.execute(insert(target), rows)
    return int(file.metadata.num_rows)


def _type(known: Table | None, name: str, schema: pa.Schema) -> TypeEngine[Any]:
    """Return the column's own type, or the file's type for a column that this version no longer has."""
    if known is not None and name in known.columns:
        kind = known.columns[name].type
        return String() if isinstance(kind, Said) else kind  # already text; an older one is plain text
    arrow = schema.field(name).type
    if pa.types.is_timestamp(arrow):
        return Utc()
    return next((kind() for kind, as_arrow in _ARROW if as_arrow == arrow), String())


def _rows(file: pq.ParquetFile, columns: Mapping[str, TypeEngine[Any]]) -> Iterator[list[dict[str, Any]]]:
    as_json = [name for name, kind in columns.items() if _is_json(kind)]
    for batch in file.iter_batches(ROWS):
        rows = batch.to_pylist()
        for row in rows:
            row.update({name: json.loads(row[name]) for name in as_json if row[name] is not None})
        yield rows
