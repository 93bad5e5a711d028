"""The one place that opens DuckDB: private in-memory sessions that read immutable snapshot files.

Owns connections, their limits and the translation of driver errors. Must never open a shared file
for writing (a writer gives its own new file to `writing`), load an extension, or let a Python
variable be found by name from SQL. No other module imports duckdb.
"""

import atexit
import re
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ccexport.errors import BadInput, StoreTrouble
from ccexport.profiles.scratch import private_folder

Params = Sequence[Any] | Mapping[str, Any] | None

_WRONG_VALUES = (
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
    duckdb.TypeMismatchException,
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_IN_UTC = "SET TimeZone = 'UTC'"
_open: "weakref.WeakSet[DuckDB]" = weakref.WeakSet()


def quote_identifier(name: str) -> str:
    """The name as one SQL identifier, whatever characters it holds."""
    if not name or "\0" in name:
        raise BadInput("A field name is empty or holds a NUL character.")
    return '"' + name.replace('"', '""') + '"'


def quote_path(path: Path) -> str:
    """The path as a SQL text literal: ATTACH and COPY take no bound parameters."""
    return "'" + str(path).replace("'", "''") + "'"


class DuckDB:
    """One connection, for one thread and one unit of work at a time.

    An open `arrow` reader occupies the connection until it is drained or closed; a `cursor` beside
    it sees the same tables, except temporary ones.
    """

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        self.raw = raw
        self.busy = False
        _open.add(self)

    def rows(self, sql: str, params: Params = None) -> list[tuple[Any, ...]]:
        """Every row of the answer."""
        self.busy = True
        try:
            with translated_errors():
                return self.raw.execute(sql, params).fetchall()
        finally:
            self.busy = False

    def row(self, sql: str, params: Params = None) -> tuple[Any, ...]:
        """The only row of the answer."""
        return self.rows(sql, params)[0]

    def run(self, sql: str, params: Params = None) -> None:
        """Execute to the end; the answer is dropped."""
        self.rows(sql, params)

    def arrow(self, sql: str, params: Params = None, batch: int = 20_000) -> pa.RecordBatchReader:
        """The answer as a stream of Arrow batches, made while it is read."""
        with translated_errors():
            relation = self.raw.sql(sql, params=params)
            if relation is None:
                raise BadInput("This statement gives no rows.")
            return relation.to_arrow_reader(batch)

    @contextmanager
    def given(self, name: str, table: pa.Table) -> Iterator[None]:
        """An Arrow table of ours, readable under `name` for as long as the block lasts."""
        self.raw.register(name, table)
        try:
            yield
        finally:
            self.raw.unregister(name)

    @contextmanager
    def cursor(self) -> "Iterator[DuckDB]":
        """Another connection to the same database, for a second statement or another thread."""
        with translated_errors():
            other = DuckDB(self.raw.cursor())
            other.run(_IN_UTC)  # settings are the cursor's own
        try:
            yield other
        finally:
            other.close()

    @property
    def memory_limit(self) -> int:
        """How many bytes this database may use."""
        (text,) = self.row("SELECT current_setting('memory_limit')")
        number, _, unit = str(text).partition(" ")
        return int(float(number) * 1024 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit))

    def interrupt(self) -> None:
        """Stop what another thread is running here."""
        self.raw.interrupt()

    def close(self) -> None:
        """Close; nothing happens the second time."""
        _open.discard(self)
        with suppress(duckdb.Error):
            self.raw.close()


@contextmanager
def session(*, memory_limit: str, temp_dir: Path, read: Mapping[str, Path] | None = None) -> Iterator[DuckDB]:
    """A private in-memory database; `read` attaches snapshot files read-only under the given names."""
    with private_folder(temp_dir) as folder, _connected(":memory:", memory_limit, folder) as db:
        for name, path in (read or {}).items():
            attach(db, name, path)
        yield db


def attach(db: DuckDB, name: str, path: Path) -> None:
    """Attach a snapshot file read-only under `name`."""
    if not path.exists():
        raise StoreTrouble(
            f"The stored file {path.name} is missing.", log="stored file missing", file=path.name
        )
    db.run(f"ATTACH {quote_path(path)} AS {quote_identifier(name)} (READ_ONLY)")


@contextmanager
def writing(path: Path, *, memory_limit: str, temp_dir: Path) -> Iterator[DuckDB]:
    """A new database file of our own, to be renamed into place once it is complete and closed."""
    if path.exists():
        raise StoreTrouble(f"{path.name} exists already; a snapshot's path is never used twice.")
    with private_folder(temp_dir) as folder, _connected(str(path), memory_limit, folder) as db:
        yield db


@contextmanager
def translated_errors() -> Iterator[None]:
    """Driver errors as ours. Quoted text is left out: it may be a person's."""
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
        raise BadInput(f"A value does not fit: {_safe(error)}", log=_safe(error)) from error
    except duckdb.Error as error:
        raise StoreTrouble(f"The profile store failed: {_safe(error)}", log=_safe(error)) from error


def _safe(error: duckdb.Error) -> str:
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {_QUOTED.sub('…', first)[:300]}"


@contextmanager
def _connected(target: str, memory_limit: str, folder: Path) -> Iterator[DuckDB]:
    config: dict[str, Any] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "memory_limit": memory_limit,
        "temp_directory": str(folder),
        "preserve_insertion_order": True,
    }
    with translated_errors():
        db = DuckDB(duckdb.connect(target, config=config))
    try:
        db.run(_IN_UTC)
        yield db
    finally:
        db.close()


@atexit.register
def _close_all() -> None:
    """An interpreter that exits with an open result or a running query aborts (exit code 134)."""
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
