"""One rerun at a time has the interpreter.

Python runs one thread at a time whatever there is to do. Reruns of many people side by side only take it from each
other, and from the loop that sends their answers: all of them are late, instead of one after the other being done.
Must never let anybody wait for another's long work: who has had a turn for long loses it and goes on beside the others.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST = 0.2  # seconds; several times what a page takes, and what a long preview costs whoever comes next


class Turns:
    """First come, first served."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._lock = threading.Lock()
        self._line: deque[threading.Event] = deque()  # the first has the turn
        self._since = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn, and give it on at the end, however that comes."""
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
