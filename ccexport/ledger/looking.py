"""Looks a whole ledger over: whether it is there, and whether SQLite finds it sound.

Must never change, make or migrate anything.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from ccexport.ledger import notices, schedules  # noqa: F401 (their tables belong to the whole)
from ccexport.ledger.database import NEWEST, Database
from ccexport.ledger.tables import metadata

ENOUGH = 3


@dataclass(frozen=True)
class Looked:
    """The ledger's version, what is damaged, the tables without which rows lead nowhere, and missing tables."""

    version: str | None
    damaged: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def exists(address: str) -> bool:
    """Return whether there may be a ledger: false only for a SQLite file that is not there."""
    try:
        url = make_url(address)
    except SQLAlchemyError:
        return True  # opening it says what is wrong
    return url.get_backend_name() != "sqlite" or not url.database or Path(url.database).exists()


def look_over(address: str) -> Looked:
    """Read the version, and check the whole file of SQLite. Raises `LedgerTrouble` when it cannot be read."""
    database = Database(address, read_only=True)
    try:
        version = database.version()
        with database.read() as connection:
            damaged: list[str] = []
            loose: list[str] = []
            if connection.dialect.name == "sqlite":
                said = connection.execute(text(f"PRAGMA quick_check({ENOUGH})")).scalars()
                damaged = [line for line in said if line != "ok"]
                loose = [row[0] for row in connection.execute(text("PRAGMA foreign_key_check"))]
            there = set(inspect(connection).get_table_names())
        missing = sorted(set(metadata.tables) - there) if version == NEWEST else []
        return Looked(version, tuple(damaged), tuple(sorted(set(loose))), tuple(missing))
    finally:
        database.close()
