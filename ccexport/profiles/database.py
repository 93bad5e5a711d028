"""The one place that opens DuckDB: private in-memory sessions that read immutable snapshot files.

Owns connections, their limits, their reuse, and the translation of driver errors.
Must never open a shared file for writing (a writer gives its own new file to `writing`), load an extension,
or let SQL find a Python variable by name. No other module imports duckdb.
"""

import atexit
import os
import re
import time
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ccexport.errors import BadInput, StoreTrouble
from ccexport.files import private_folder

Params = Sequence[Any] | Mapping[str, Any] | None

_WRONG_VALUES = (
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.TypeMismatchException,
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_IN_UTC = "SET TimeZone = 'UTC'"
_IN_ROOM = f"USE room; {_IN_UTC}"
# All settings that sessions change for the whole database; `_put_back` resets them.
SET_BY_US = ("disabled_optimizers", "force_compression", "preserve_insertion_order", "threads")
_SPARES_KEPT = 2
_SMALL = 16 * 1024 * 1024  # bytes
_open: "weakref.WeakSet[DuckDB]" = weakref.WeakSet()
# By process: a forked process would have its parent's databases without their threads.
_spares: "defaultdict[int, list[DuckDB]]" = defaultdict(list)


def quote_identifier(name: str) -> str:
    """Return the name as one SQL identifier, whatever characters it holds."""
    if not name or "\0" in name:
        raise BadInput("A field name is empty or holds a NUL character.")
    return '"' + name.replace('"', '""') + '"'


def quote_path(path: Path) -> str:
    """Return the path as a SQL text literal: ATTACH and COPY take no bound parameters."""
    return quote_text(str(path))


def quote_text(text: str) -> str:
    """Return the text as one SQL literal; DuckDB's only escape in it is the doubled quote."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"


class DuckDB:
    """One connection, for one thread and one unit of work at a time.

    An open `arrow` reader occupies the connection until it is drained or closed; a `cursor` beside
    it sees the same tables, except temporary ones.
    """

    def __init__(self, raw: duckdb.DuckDBPyConnection, begin: str = _IN_UTC) -> None:
        self.raw = raw
        self.busy = False
        self._begin = begin  # statements that each connection to this database has to run first
        _open.add(self)

    def rows(self, sql: str, params: Params = None) -> list[tuple[Any, ...]]:
        """Return every row of the answer."""
        self.busy = True
        try:
            with translated_errors():
                return self.raw.execute(sql, params).fetchall()
        finally:
            self.busy = False

    def row(self, sql: str, params: Params = None) -> tuple[Any, ...]:
        """Return the only row of the answer."""
        return self.rows(sql, params)[0]

    def run(self, sql: str, params: Params = None) -> None:
        """Execute to the end; the answer is dropped."""
        self.rows(sql, params)

    def arrow(self, sql: str, params: Params = None, batch: int = 20_000) -> pa.RecordBatchReader:
        """Return the answer as a stream of Arrow batches, made while it is read."""
        with translated_errors():
            relation = self.raw.sql(sql, params=params)
            if relation is None:
                raise BadInput("This statement gives no rows.")
            return relation.to_arrow_reader(batch)

    @contextmanager
    def given(self, name: str, table: pa.Table) -> Iterator[None]:
        """Make an Arrow table readable under `name` inside the block."""
        self.raw.register(name, table)
        try:
            yield
        finally:
            self.raw.unregister(name)

    @contextmanager
    def cursor(self) -> "Iterator[DuckDB]":
        """Open another connection to the same database, for a second statement or another thread."""
        with translated_errors():
            other = DuckDB(self.raw.cursor(), self._begin)
            other.run(self._begin)
        try:
            yield other
        finally:
            other.close()

    @property
    def memory_limit(self) -> int:
        """The number of bytes this database may use."""
        (text,) = self.row("SELECT current_setting('memory_limit')")
        number, _, unit = str(text).partition(" ")
        return int(float(number) * 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit))

    def interrupt(self) -> None:
        """Stop a statement that another thread is running here."""
        self.raw.interrupt()

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        _open.discard(self)
        with suppress(duckdb.Error):
            self.raw.close()


@contextmanager
def session(*, memory_limit: str, temp_dir: Path, read: Mapping[str, Path] | None = None) -> Iterator[DuckDB]:
    """Open a private in-memory database; `read` attaches snapshot files read-only under the given names."""
    with private_folder(temp_dir) as folder, _room(memory_limit, folder) as db:
        for name, path in (read or {}).items():
            attach(db, name, path)
        yield db


def attach(db: DuckDB, name: str, path: Path) -> None:
    """Attach a snapshot file read-only under `name`."""
    if not path.exists():
        raise StoreTrouble("The stored file {file} is missing.", log="stored file missing", file=path.name)
    db.run(f"ATTACH {quote_path(path)} AS {quote_identifier(name)} (READ_ONLY)")


@contextmanager
def writing(path: Path, *, memory_limit: str, temp_dir: Path) -> Iterator[DuckDB]:
    """Open a new database file of our own; the caller renames it into place once it is complete and closed."""
    if path.exists():
        raise StoreTrouble("{file} exists already; a snapshot's path is never used twice.", file=path.name)
    with private_folder(temp_dir) as folder, _connected(str(path), memory_limit, folder) as db:
        yield db


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn driver errors into ours. Quoted text is left out: it may be a person's data."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise StoreTrouble(
            "The work needs more memory or temporary disk space than allowed; raise the memory limit "
            "or free space in the temporary folder.",
            log=_safe(error),
        ) from error
    except duckdb.InterruptException as error:
        raise StoreTrouble("The query was stopped.", log=_safe(error)) from error
    except _WRONG_VALUES as error:
        raise BadInput("A value does not fit: {problem}", problem=_safe(error), log=_safe(error)) from error
    except duckdb.Error as error:
        raise StoreTrouble(
            "The profile store failed: {problem}", problem=_safe(error), log=_safe(error)
        ) from error


def _safe(error: duckdb.Error) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {_QUOTED.sub('…', first)[:300]}"


@contextmanager
def _connected(target: str, memory_limit: str, folder: Path) -> Iterator[DuckDB]:
    db = _connect(target, memory_limit, folder)
    try:
        db.run(_IN_UTC)
        yield db
    finally:
        db.close()


def _connect(target: str, memory_limit: str, folder: Path) -> DuckDB:
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "memory_limit": memory_limit,
        "temp_directory": str(folder),
        "preserve_insertion_order": True,
    }
    with translated_errors():
        return DuckDB(duckdb.connect(target, config=config))


@contextmanager
def _room(memory_limit: str, folder: Path) -> Iterator[DuckDB]:
    """Provide an empty in-memory database inside a DuckDB that sessions reuse one after the other.

    Starting DuckDB takes 20 ms of processor time, more than most sessions need.
    """
    house = _spare(memory_limit, folder) or _connect(":memory:", memory_limit, folder)
    try:
        with translated_errors():
            db = DuckDB(house.raw.cursor(), _IN_ROOM)
        try:
            db.run("ATTACH ':memory:' AS room")
            db.run(_IN_ROOM)
            yield db
        finally:
            db.close()
    finally:
        _put_back(house)


def _spare(memory_limit: str, folder: Path) -> DuckDB | None:
    """Return a DuckDB that was put back, with these limits, or None."""
    with suppress(IndexError):
        house = _spares[os.getpid()].pop()
        try:
            house.run(
                f"SET memory_limit = {quote_text(memory_limit)}; SET temp_directory = {quote_path(folder)}"
            )
            return house
        except (BadInput, StoreTrouble):  # unusable with these limits; a new one reports the cause
            house.close()
    return None


def _put_back(house: DuckDB) -> None:
    """Keep it for the next session, unless something of this session would remain: a table, a file, much memory."""
    spares = _spares[os.getpid()]
    try:
        attached = (
            "SELECT database_name FROM duckdb_databases() WHERE NOT internal AND database_name <> 'memory'"
        )
        for (name,) in house.rows(attached):
            house.run(f"DETACH {quote_identifier(name)}")
        # DuckDB refuses another temporary folder once it has written to one.
        house.run("".join(f"RESET {name}; " for name in SET_BY_US) + "SET temp_directory = ''")
        (held,) = house.row("SELECT sum(memory_usage_bytes) FROM duckdb_memory()")
        if held <= _SMALL and len(spares) < _SPARES_KEPT:
            spares.append(house)
            return
    except (BadInput, StoreTrouble):
        pass
    house.close()


@atexit.register
def _close_all() -> None:
    """Close all databases: an interpreter that exits with an open result or a running query aborts (code 134)."""
    deadline = time.monotonic() + 3
    left = list(_open)
    while any(db.busy for db in left) and time.monotonic() < deadline:
        for db in left:
            with suppress(duckdb.Error):
                db.interrupt()
        time.sleep(0.005)
    for db in left:
        if not db.busy:
            db.close()
    _spares.clear()
