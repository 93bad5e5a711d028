"""Limits: open connections of an origin that is not signed in, and uploads of a web session.

Must never slow down people who are signed in because of those who are not.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from streamlit import runtime

STRANGERS_PER_ORIGIN = 40
STRANGERS = 200


class Strangers:
    """Counts open connections of visitors who are not signed in, by origin."""

    def __init__(self, each: int = STRANGERS_PER_ORIGIN, all_: int = STRANGERS) -> None:
        self._each, self._all = each, all_
        self._lock = threading.Lock()
        self._open: Counter[str] = Counter()

    @contextmanager
    def one_more(self, origin: str) -> Iterator[bool]:
        """Yield whether the origin may open one more connection; count it until the end of the block."""
        with self._lock:
            fits = self._open[origin] < self._each and self._open.total() < self._all
            self._open[origin] += fits
        try:
            yield fits
        finally:
            with self._lock:
                self._open[origin] -= fits
                self._open += Counter()  # removes origins with no connection


class Uploads:
    """Counts the bytes of files that each web session holds in memory, and of those being uploaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tabs: defaultdict[str, set[str]] = defaultdict(set)
        self._coming: Counter[str] = Counter()

    @contextmanager
    def coming(self, session: str, tab: str, size: int, most: int) -> Iterator[bool]:
        """Yield whether a file of that size fits the session's limit; count its bytes during the upload."""
        with self._lock:
            kept = self._kept()
            self._tabs[session].add(tab)
            held = sum(kept.get(one, 0) for one in self._tabs[session]) + self._coming[session]
            fits = held + size <= most
            self._coming[session] += size * fits
        try:
            yield fits
        finally:
            with self._lock:
                self._coming[session] -= size * fits
                self._coming += Counter()

    def _kept(self) -> dict[str, int]:
        """Return the bytes that Streamlit holds, by tab, and forget tabs that no longer exist."""
        if not runtime.exists():
            return {}
        storage = getattr(runtime.get_instance().uploaded_file_mgr, "file_storage", {})
        kept = {tab: sum(len(one.data) for one in files.values()) for tab, files in list(storage.items())}
        for session, tabs in list(self._tabs.items()):
            self._tabs[session] = {tab for tab in tabs if tab in kept}
            if not self._tabs[session]:
                del self._tabs[session]
        return kept
