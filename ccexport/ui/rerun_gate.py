"""Lets only one rerun execute at a time.

Python runs one thread at a time. Parallel reruns of many people only slow each other down, and the loop that sends
their answers, so that all of them end late. Must never let a rerun wait for another's long work: a rerun whose turn
lasts too long loses the turn and goes on in parallel.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 0.2  # seconds; several times a page's time, and the longest wait behind a long preview


class Turns:
    """Gives turns in the order of arrival."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._lock = threading.Lock()
        self._line: deque[threading.Event] = deque()  # the first has the turn
        self._since = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, and pass it on at the end of the block, also after an error."""
        mine = threading.Event()
        with self._lock:
            self._line.append(mine)
            if self._line[0] is mine:
                self._begin()
        try:
            while not mine.wait(self._longest):
                self._end_what_is_long()
            yield
        finally:
            self._leave(mine)

    def _begin(self) -> None:
        if self._line:
            self._since = time.monotonic()
            self._line[0].set()

    def _end_what_is_long(self) -> None:
        with self._lock:
            if self._line and time.monotonic() - self._since >= self._longest:
                self._line.popleft()
                self._begin()

    def _leave(self, mine: threading.Event) -> None:
        with self._lock:
            if self._line and self._line[0] is mine:
                self._line.popleft()
                self._begin()
            elif mine in self._line:  # it left before its turn came
                self._line.remove(mine)


TURNS = Turns()
