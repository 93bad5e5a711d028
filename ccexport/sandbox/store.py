"""The one SQLite file: connections, transactions, configuration, clock and events.

Owns how the file is opened and shared between threads and processes. Must never know an endpoint
or a rule of the API.
"""

import json
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ccexport.sandbox.config import Config, checked

SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
_CONFIG = "config."
BUSY_SECONDS = 60.0


class Store:
    """An open store. Threads share it; each `read` or `write` borrows a connection of its own."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._real_clock = clock
        self._free: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._borrow() as db:
            _retrying(lambda: db.execute("PRAGMA journal_mode = WAL"))
            _retrying(lambda: db.executescript(SCHEMA))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading, seeing one state throughout."""
        with self._borrow() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    @contextmanager
    def write(
        self, *, before: Callable[[sqlite3.Connection], None] | None = None
    ) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock from its start, so that a decision stays true.

        `before` prepares temporary tables on the same connection, while others may still write.
        """
        with self._borrow() as db:
            if before is not None:
                _prepare(db, before)
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for db in self._all:
                db.close()
            self._all.clear()

    def now(self, db: sqlite3.Connection) -> float:
        """The time inside the double: frozen, or the machine's plus what was advanced."""
        told = dict(
            db.execute("SELECT key, value FROM settings WHERE key IN ('clock.offset', 'clock.frozen')")
        )
        if "clock.frozen" in told:
            return float(told["clock.frozen"])
        return self._real_clock() + float(told.get("clock.offset", 0.0))

    def set_clock(self, *, advance: float = 0.0, frozen: bool | None = None) -> float:
        """Move the clock forward and, when asked, stop it or let it run on. Returns the new time."""
        with self.write() as db:
            now = self.now(db) + advance
            stopped = db.execute("SELECT 1 FROM settings WHERE key = 'clock.frozen'").fetchone() is not None
            if stopped if frozen is None else frozen:
                put(db, "clock.frozen", now)
            else:
                db.execute("DELETE FROM settings WHERE key = 'clock.frozen'")
                put(db, "clock.offset", now - self._real_clock())
        return now

    def configure(self, changes: object) -> Config:
        """Check and store configuration changes. Raises `BadConfig`."""
        good = checked(changes)
        with self.write() as db:
            for key, value in good.items():
                put(db, _CONFIG + key, value)
            return config_of(db)

    @contextmanager
    def _borrow(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._free.get_nowait()
        except queue.Empty:
            db = self._connect()
        try:
            yield db
        finally:
            self._free.put(db)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        for pragma in (
            "synchronous = NORMAL",  # survives a kill; only a power cut could lose the last commits
            "temp_store = MEMORY",
            "cache_size = -32000",
            "mmap_size = 1073741824",
            "wal_autocheckpoint = 8000",
        ):
            db.execute(f"PRAGMA {pragma}")
        with self._lock:
            self._all.append(db)
        return db


def config_of(db: sqlite3.Connection) -> Config:
    """The configuration in force."""
    rows = db.execute("SELECT key, value FROM settings WHERE key GLOB 'config.*'")
    told = {key[len(_CONFIG) :]: json.loads(value) for key, value in rows}
    return replace(
        Config(), **{key: value for key, value in told.items() if key in Config.__dataclass_fields__}
    )


def put(db: sqlite3.Connection, key: str, value: Any) -> None:
    """Store one setting as JSON."""
    db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, json.dumps(value)))


def note(db: sqlite3.Connection, at: float, kind: str, **detail: Any) -> None:
    """Leave an event for whoever inspects later. Never a token."""
    db.execute("INSERT INTO events (at, kind, detail) VALUES (?, ?, ?)", (at, kind, json.dumps(detail)))


def _prepare(db: sqlite3.Connection, before: Callable[[sqlite3.Connection], None]) -> None:
    try:
        before(db)
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _retrying(action: Callable[[], object]) -> None:
    # Switching to WAL ignores the busy timeout, and two processes may open a new file at once.
    for _ in range(50):
        try:
            action()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            threading.Event().wait(0.1)
    action()
