"""Small notes that pages and routes of this process pass to each other under a random key, for minutes.

Must never hold tokens: a note says where to go or what to show.
"""

import secrets
import threading
import time
from collections.abc import Callable
from typing import Any


class Handoff:
    """Notes that expire. `read` keeps a note; `take` removes it."""

    def __init__(self, *, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._notes: dict[str, tuple[float, Any]] = {}

    def put(self, note: Any) -> str:
        key = secrets.token_urlsafe(16)
        now = self._monotonic()
        with self._lock:
            self._notes = {k: v for k, v in self._notes.items() if v[0] > now}
            self._notes[key] = (now + self._seconds, note)
        return key

    def read(self, key: str | None) -> Any | None:
        with self._lock:
            end, note = self._notes.get(key or "", (0.0, None))
        return note if end > self._monotonic() else None

    def take(self, key: str | None) -> Any | None:
        note = self.read(key)
        with self._lock:
            self._notes.pop(key or "", None)
        return note


AUTHORISATIONS = Handoff(seconds=60)
DRAFTS = Handoff(seconds=1800)
