"""Operations on a whole ledger: reading its version, moving it to another database.

Must never change the ledger that is moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, Integer, Table, func, insert, select, text

from ccexport.errors import Conflict, StoreTrouble
from ccexport.ledger import notices, schedules  # noqa: F401 (their tables belong to the whole)
from ccexport.ledger.database import NEWEST, Database
from ccexport.ledger.looking import exists
from ccexport.ledger.tables import metadata

__all__ = ["NEWEST", "Moved", "move", "version_of"]
ROWS = 1000


@dataclass(frozen=True)
class Moved:
    """How many rows of each table were copied."""

    rows: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def version_of(address: str) -> str | None:
    """Return the ledger's version without changing anything; None when there is no ledger yet."""
    if not exists(address):
        return None
    database = Database(address, read_only=True)
    try:
        return database.version()
    finally:
        database.close()


def move(source: str, target: str) -> Moved:
    """Copy every row into the empty ledger at `target`, all or nothing, and compare the counts.

    Raises `Conflict` when something is there already, or a run or lease is live in the source.
    """
    old, new = Database(source), Database(target)
    try:
        old.upgrade()
        new.upgrade()
        with old.read() as reading, new.write() as writing:
            old.without_timeouts(reading)
            new.without_timeouts(writing)
            _refuse_live(reading)
            rows = copy_rows(reading, writing)
        return Moved(rows)
    finally:
        old.close()
        new.close()


def copy_rows(reading: Connection, writing: Connection) -> dict[str, int]:
    """Copy every row into another, empty ledger of the same version; return how many of each table.

    Raises `Conflict` when something is there already.
    """
    _refuse_full(writing)
    rows = {table.name: _copy(table, reading, writing) for table in metadata.sorted_tables}
    for table in metadata.sorted_tables:
        _count_on(table, writing)
    return rows


def _refuse_live(reading: Connection) -> None:
    runs = metadata.tables["runs"]
    live = reading.execute(
        select(func.count()).select_from(runs).where(runs.c.state.not_in(_RESTING), runs.c.live)
    )
    if live.scalar_one():
        raise Conflict("A run is being worked on: stop every worker, let the run end or wait, and move then.")


_RESTING = ("queued", "waiting")


def _refuse_full(writing: Connection) -> None:
    for table in metadata.sorted_tables:
        if writing.execute(select(func.count()).select_from(table)).scalar_one():
            raise Conflict(f"The ledger there is not empty ({table.name}): move into a new database.")


def _copy(table: Table, reading: Connection, writing: Connection) -> int:
    found = reading.execute(select(table)).mappings()
    copied = 0
    while rows := [dict(row) for row in islice(found, ROWS)]:
        writing.execute(insert(table), rows)
        copied += len(rows)
    there = writing.execute(select(func.count()).select_from(table)).scalar_one()
    if there != copied:
        raise StoreTrouble(f"{there} of {copied} rows of {table.name} arrived; nothing was moved.")
    return copied


def _count_on(table: Table, writing: Connection) -> None:
    """Set PostgreSQL's sequences to continue after the copied numbers."""
    key = table.primary_key.columns.values()
    if writing.dialect.name != "postgresql" or len(key) != 1 or not isinstance(key[0].type, Integer):
        return
    writing.execute(
        text(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', '{key[0].name}'),"
            f" coalesce((SELECT max({key[0].name}) FROM {table.name}), 0) + 1, false)"
        )
    )
