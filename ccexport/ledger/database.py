"""Opens the ledger's database and brings it to the newest version.

Owns engine, transactions, migrations and the translation of driver errors. Must never hold
queries about a particular table.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from ccexport.errors import BadSettings, Conflict, StoreTrouble
from ccexport.ledger.tables import metadata

NEWEST = "0004"
_VERSION_TABLE = (
    "CREATE TABLE alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
BUSY_SECONDS = 30


class Database:
    """One engine; `read()` and `write()` give a connection inside a transaction."""

    def __init__(self, address: str) -> None:
        self.engine = _engine(address)
        self._sqlite = self.engine.dialect.name == "sqlite"

    def read(self) -> "_Scope":
        """A transaction for reading: sees one consistent state."""
        return self._scope("BEGIN")

    def write(self) -> "_Scope":
        """A transaction for writing; on SQLite it takes the write lock at its start."""
        return self._scope("BEGIN IMMEDIATE")

    @contextmanager
    def _scope(self, begin: str) -> Iterator[Connection]:
        with (
            _translated(),
            self.engine.connect().execution_options(begin=begin) as connection,
            connection.begin(),
        ):
            yield connection

    def upgrade(self) -> None:
        """Create or migrate the tables. Raises `StoreTrouble` when they are newer than this program."""
        with _translated(), self._alone():
            found = self._version()
            if found == NEWEST:
                return
            if found is not None and found > NEWEST:
                raise StoreTrouble(
                    f"The ledger is at version {found}, newer than this program's {NEWEST}: upgrade ccexport."
                )
            if found is None:
                self._create()
            else:
                self._migrate()

    def upgrade_to(self, version: str) -> None:
        """Make the tables of an empty database as they were at `version`, for rows of that version."""
        with _translated(), self._alone():
            self._migrate(version)

    def version(self) -> str | None:
        """The version it is at, or None before the first."""
        with _translated():
            return self._version()

    def _version(self) -> str | None:
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def _create(self) -> None:
        """The newest tables at once, as all the migrations one after the other make them, which takes longer."""
        with self.write() as connection:
            metadata.create_all(connection, checkfirst=False)
            connection.execute(text(_VERSION_TABLE))
            connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": NEWEST})

    def _migrate(self, version: str = "head") -> None:
        from alembic import command  # alembic costs 0.2 s and is needed once per version
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, version)
            connection.commit()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes that start at once must not both create the tables."""
        if self._sqlite:
            path = Path(str(self.engine.url.database) + ".lock")
            with path.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        else:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT pg_advisory_lock(710112)"))
                try:
                    yield
                finally:
                    connection.execute(text("SELECT pg_advisory_unlock(710112)"))

    def scrub(self) -> bool:
        """Rewrite the file so that what was deleted is not in it either. False when that has to wait.

        PostgreSQL does this by itself (autovacuum); SQLite leaves deleted rows in free pages and in its log.
        """
        if not self._sqlite:
            return True
        raw = self.engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            row = cursor.fetchone()
            return row is not None and row[0] == 0
        except sqlite3.OperationalError:  # somebody else is writing or reading just now
            return False
        finally:
            raw.close()

    def close(self) -> None:
        self.engine.dispose()


_Scope = Any  # a context manager of Connection; contextlib's own type does not survive two callers


def _engine(address: str) -> Engine:
    try:
        url = make_url(address)
        if url.get_backend_name() == "postgresql" and url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
            _prepare_sqlite(engine)
            return engine
        return create_engine(url, pool_pre_ping=True)
    except (SQLAlchemyError, ImportError) as error:
        raise BadSettings(
            "The setting CCEXPORT_LEDGER_URL is wrong: it must look like sqlite:///path or "
            "postgresql://person:password@host/database."
        ) from error
    except OSError as error:
        raise StoreTrouble(f"The data directory cannot be made or written: {error.strerror}.") from error


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _: Any) -> None:
        raw.isolation_level = None  # we begin our transactions ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def relative(path: Path, root: Path) -> str:
    """How a file is kept: below the data directory by its place in it, so that the directory can move."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


@contextmanager
def _translated() -> Iterator[None]:
    """Driver errors in the words of ccexport.errors, with their cause kept."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(
            "That already exists, or something still depends on it.", log=type(error.orig).__name__
        ) from error
    except OperationalError as error:
        raise StoreTrouble(
            f"The ledger cannot be used: {_first_line(error)}. Check the disk and CCEXPORT_LEDGER_URL."
        ) from error


def _first_line(error: OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0] if error.orig else "no answer"
