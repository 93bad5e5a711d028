"""Keeps one database per process open on the last snapshot used, so that pages need not open it again.

Each read gets its own cursor; a replaced snapshot stays open until its last read ends. Must
never be used for work that makes tables or takes long: use a private session for that.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.model.profiles import Snapshot
from ccexport.profiles.database import DuckDB, session


@dataclass
class _Opened:
    path: Path
    db: DuckDB
    stack: ExitStack = field(default_factory=ExitStack)
    users: int = 0


class WarmDatabase:
    """The open database, or none yet."""

    def __init__(self, memory_limit: str, temp_dir: Path) -> None:
        self._memory_limit = memory_limit
        self._temp_dir = temp_dir
        self._lock = threading.Lock()
        self._current: _Opened | None = None

    @contextmanager
    def cursor(self, snapshot: Snapshot) -> Iterator[DuckDB]:
        """Provide a cursor on the snapshot, attached as `s`."""
        with ExitStack() as used:
            with self._lock:
                opened = self._database(snapshot.path)
                opened.users += 1
                used.callback(self._leave, opened)
                db = used.enter_context(opened.db.cursor())
            yield db

    def close(self) -> None:
        """Close the database once no read uses it; the next read opens it again."""
        with self._lock:
            self._replace(None)

    def _database(self, path: Path) -> _Opened:
        if self._current is None or self._current.path != path:
            stack = ExitStack()
            opening = session(memory_limit=self._memory_limit, temp_dir=self._temp_dir, read={"s": path})
            opened = _Opened(path, stack.enter_context(opening), stack)
            weakref.finalize(self, stack.close)  # at exit, too
            self._replace(opened)
            return opened
        return self._current

    def _replace(self, opened: _Opened | None) -> None:
        old, self._current = self._current, opened
        if old is not None and old.users == 0:
            old.stack.close()

    def _leave(self, opened: _Opened) -> None:
        with self._lock:
            opened.users -= 1
            if opened.users == 0 and opened is not self._current:
                opened.stack.close()
