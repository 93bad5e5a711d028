"""Opens the ledger's database and migrates it to the newest version.

Owns engine, transactions, migrations and the translation of driver errors. Must never hold
queries about a particular table.
"""

import copy
import fcntl
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Interval,
    Table,
    create_engine,
    event,
    func,
    inspect,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ccexport.clock import utc_now
from ccexport.errors import BadSettings, Conflict, HandOver, LedgerTrouble, StoreTrouble
from ccexport.files import make_folder
from ccexport.ledger.tables import Utc, leases, metadata

NEWEST = "0010"
_VERSION_TABLE = (
    "CREATE TABLE alembic_version "
    "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
BUSY_SECONDS = 30
# Timeouts of the server and the connection, so that one stopped process, or a network that
# drops packets, blocks nobody for long.
CONNECT_ARGUMENTS = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
TIMEOUTS = (
    "SET idle_in_transaction_session_timeout = '15s'; SET lock_timeout = '10s'; SET statement_timeout = '60s'"
)
NO_TIMEOUTS = (
    "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = 0; "
    "SET LOCAL statement_timeout = 0"
)


@dataclass(frozen=True)
class Lease:
    """A lease as its holder has it. The number grows with every holder, so an old lease can be recognised."""

    name: str
    holder: str
    number: int


class Database:
    """One engine; `read()` and `write()` give a connection inside a transaction.

    `shared_clock` is the clock that all hosts of the ledger share. The default is the server's clock or,
    with SQLite, which has one host, that host's `clock`. With `read_only` nothing is made and nothing can be written.
    """

    def __init__(
        self,
        address: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        shared_clock: Callable[[], datetime] | None = None,
        read_only: bool = False,
    ) -> None:
        self.engine = _engine_for_looking(address) if read_only else _engine(address)
        self._sqlite = self.engine.dialect.name == "sqlite"
        self._clock = shared_clock or (clock if self._sqlite else None)
        self._lease: Lease | None = None

    def under(self, lease: Lease) -> "Database":
        """Return the database for the holder of a lease: every `write()` raises `HandOver` once it is lost."""
        other = copy.copy(self)
        other._lease = lease
        return other

    def read(self) -> "_Scope":
        """Open a transaction for reading, which sees one consistent state."""
        return self._scope("BEGIN")

    def write(self) -> "_Scope":
        """Open a transaction for writing; on SQLite it takes the write lock at its start."""
        return self._scope("BEGIN IMMEDIATE", self._lease)

    def single(self) -> "_Scope":
        """Open a connection on which each statement is its own transaction, so a stopped process locks no row.

        On SQLite it is `write()`.
        """
        return self.write() if self._sqlite else self._single()

    @contextmanager
    def _scope(self, begin: str, lease: Lease | None = None) -> Iterator[Connection]:
        with (
            _translated(),
            self.engine.connect().execution_options(begin=begin) as connection,
            connection.begin(),
        ):
            if lease is not None:
                _refuse_without(connection, lease)
            yield connection

    @contextmanager
    def _single(self) -> Iterator[Connection]:
        with (
            _translated(),
            self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            yield connection

    # -- differences between the two databases ----------------------------------------------------

    def moment(self, ahead: timedelta = timedelta()) -> ColumnElement[datetime]:
        """Return SQL for the current time of the shared clock, read when the statement has locked its row."""
        if self._clock is not None:
            return literal(self._clock() + ahead, Utc)
        return func.timezone("UTC", func.clock_timestamp(), type_=Utc) + literal(ahead, Interval)

    def now(self) -> datetime:
        """Return the current time of the shared clock. Raises `LedgerTrouble`."""
        if self._clock is not None:
            return self._clock()
        with self.single() as connection:
            at: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return at.astimezone(UTC)

    @property
    def shared_clock(self) -> Callable[[], datetime] | None:
        """The clock all hosts share, or None when that is the server's."""
        return self._clock

    def insert(self, table: Table) -> Any:
        """Return an INSERT that supports ON CONFLICT."""
        return sqlite.insert(table) if self._sqlite else postgresql.insert(table)

    def one_after_the_other(self, connection: Connection, what: int) -> None:
        """Wait until no other transaction has asked for `what`, until this one ends; SQLite has one writer anyway."""
        if not self._sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:what)"), {"what": what})

    def without_timeouts(self, connection: Connection) -> None:
        """Turn off all timeouts for this transaction."""
        if not self._sqlite:
            connection.execute(text(NO_TIMEOUTS))

    # -- versions -----------------------------------------------------------------------------------

    def upgrade(self) -> None:
        """Create or migrate the tables. Raises `StoreTrouble` when they are newer than this program."""
        if not self._sqlite and self.version() == NEWEST:
            return  # without the lock: a process that holds it may have been stopped
        with _translated(), self._alone():
            found = self._version()
            if found == NEWEST:
                return
            if found is not None and found > NEWEST:
                raise StoreTrouble(
                    "The ledger is at version {found}, newer than this program's {newest}: upgrade ccexport.",
                    found=found,
                    newest=NEWEST,
                )
            if found is None:
                self._create()
            else:
                self._migrate()

    def upgrade_to(self, version: str) -> None:
        """Create the tables of an empty database as they were at `version`, for rows of that version."""
        with _translated(), self._alone():
            self._migrate(version)

    def version(self) -> str | None:
        """Return the ledger's version, or None before the first one."""
        with _translated():
            return self._version()

    def _version(self) -> str | None:
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def _create(self) -> None:
        """Create the newest tables at once, with the same result as all the migrations, which take longer."""
        with self.write() as connection:
            metadata.create_all(connection, checkfirst=False)
            connection.execute(text(_VERSION_TABLE))
            connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": NEWEST})

    def _migrate(self, version: str = "head") -> None:
        from alembic import command  # importing alembic costs 0.2 s and is needed once per version
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.engine.connect() as connection:
            self.without_timeouts(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, version)
            connection.commit()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold a lock, so that two processes that start at once do not both create the tables."""
        if self._sqlite:
            path = Path(str(self.engine.url.database) + ".lock")
            with path.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        else:
            # Outside a transaction, which would time out while the tables are created.
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("SET lock_timeout = '5min'; SET statement_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_lock(710112)"))
                try:
                    yield
                finally:
                    connection.execute(text("SELECT pg_advisory_unlock(710112)"))
                    connection.execute(text(TIMEOUTS))

    def scrub(self) -> bool:
        """Rewrite the file without the deleted rows. Returns False when that has to wait.

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
        except sqlite3.OperationalError:  # another process is writing or reading just now
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
            make_folder(Path(url.database).parent, 0o700)
            engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
            _prepare_sqlite(engine)
            return engine
        engine = create_engine(url, pool_pre_ping=True, connect_args=_unless_given(url.query))
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    except (SQLAlchemyError, ImportError) as error:
        raise BadSettings(
            "The setting CCEXPORT_LEDGER_URL is wrong: it must look like sqlite:///path or "
            "postgresql://person:password@host/database."
        ) from error
    except OSError as error:
        raise StoreTrouble(
            "The data directory cannot be made or written: {problem}.", problem=error.strerror
        ) from error


def _engine_for_looking(address: str) -> Engine:
    """Return an engine that only reads: it makes no folder, no file, and no row."""
    try:
        url = make_url(address)
    except SQLAlchemyError:
        return _engine(address)  # which says what is wrong with it
    if url.get_backend_name() != "sqlite" or not url.database:
        engine = _engine(address)
        event.listen(engine, "connect", _only_read_postgresql)
        return engine
    path = Path(url.database)
    return create_engine(url, creator=lambda: _open_for_looking(path))


def _open_for_looking(path: Path) -> sqlite3.Connection:
    """Open a SQLite file so that neither it nor its folder changes.

    A file without a log is closed everywhere, and nothing but itself is needed to read it.
    """
    how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    raw = sqlite3.connect(
        f"file:{quote(str(path))}?{how}", uri=True, timeout=BUSY_SECONDS, check_same_thread=False
    )
    raw.isolation_level = None
    return raw


def _only_read_postgresql(raw: Any, _: Any) -> None:
    before, raw.autocommit = raw.autocommit, True
    raw.execute("SET default_transaction_read_only = on")
    raw.autocommit = before


def _unless_given(query: Any) -> dict[str, int]:
    """Return the default connection arguments, except those set in the address."""
    return {name: value for name, value in CONNECT_ARGUMENTS.items() if name not in query}


def _prepare_postgresql(raw: Any, _: Any) -> None:
    before, raw.autocommit = raw.autocommit, True
    raw.execute(TIMEOUTS)
    raw.autocommit = before


def _refuse_without(connection: Connection, lease: Lease) -> None:
    """Raise `HandOver` unless this holder still has the lease; lock the lease until the transaction ends."""
    mine = (leases.c.name == lease.name) & (leases.c.number == lease.number)
    query = select(leases.c.holder).where(mine).with_for_update(read=True)
    if connection.execute(query).scalar() != lease.holder:
        raise HandOver


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
    """Return the stored form of a path: relative if below the data directory, so that the directory can move."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


@contextmanager
def _translated() -> Iterator[None]:
    """Translate driver errors into those of ccexport.errors, with their cause kept."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(
            "That already exists, or something still depends on it.", log=type(error.orig).__name__
        ) from error
    except (OperationalError, InternalError, InterfaceError, PoolTimeout) as error:
        raise LedgerTrouble(
            "The ledger cannot be used: {problem}. Check the disk and CCEXPORT_LEDGER_URL.",
            problem=_first_line(error),
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:
            raise  # a bug of ours: wrong SQL or a wrong value
        raise LedgerTrouble(
            "The ledger is damaged ({problem}): restore it from a back-up.", problem=_first_line(error)
        ) from error


def _first_line(error: SQLAlchemyError) -> str:
    said = str(getattr(error, "orig", None) or "").strip()
    return said.splitlines()[0] if said else "no answer"
