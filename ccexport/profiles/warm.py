"""One database per process kept open on the newest snapshot asked for, so that a page does not open it anew.

Each read gets a cursor of its own; a snapshot that is replaced stays readable to those who have one. Must
never be used for work that makes tables or runs for long: that has a private session.
"""

import threading
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ccexport.model.profiles import Snapshot
from ccexport.profiles.database import DuckDB, session


class WarmDatabase:
    """The open database, or none yet."""

    def __init__(self, memory_limit: str, temp_dir: Path) -> None:
        self._memory_limit = memory_limit
        self._temp_dir = temp_dir
        self._lock = threading.Lock()
        self._opened: tuple[Path, DuckDB, ExitStack] | None = None

    @contextmanager
    def cursor(self, snapshot: Snapshot) -> Iterator[DuckDB]:
        """A cursor on the snapshot, attached as `s`."""
        with ExitStack() as used:
            with self._lock:
                db = used.enter_context(self._database(snapshot.path).cursor())
            yield db

    def close(self) -> None:
        """Close; the next read opens it again."""
        with self._lock:
            self._drop()

    def _database(self, path: Path) -> DuckDB:
        if self._opened is None or self._opened[0] != path:
            self._drop()
            stack = ExitStack()
            opened = session(memory_limit=self._memory_limit, temp_dir=self._temp_dir, read={"s": path})
            self._opened = (path, stack.enter_context(opened), stack)
            weakref.finalize(self, stack.close)  # at exit, too
        return self._opened[1]

    def _drop(self) -> None:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            opened[2].close()
