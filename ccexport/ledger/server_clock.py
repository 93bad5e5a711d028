"""The database server's time, which several hosts agree on because their own clocks differ.

Must never wait.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from ccexport.clock import seconds
from ccexport.errors import StoreTrouble

log = logging.getLogger(__name__)
ASK_EVERY = 60.0
ASK_AGAIN = 5.0
SURE_WITHIN = 1.0


class ServerClock:
    """The server's clock, asked once a minute; between that, this machine's seconds are added."""

    def __init__(self, ask: Callable[[], datetime], *, count: Callable[[], float] = seconds) -> None:
        self._ask = ask
        self._count = count
        self._lock = threading.Lock()
        self._at: datetime | None = None  # the server's time when our counter was `_counted`
        self._counted = 0.0
        self._ask_at = 0.0

    def __call__(self) -> datetime:
        """Return the current time. Raises `StoreTrouble` when the server was never reached."""
        with self._lock:
            if self._at is None or self._count() >= self._ask_at:
                self._at = self._asked()
            return self._at + timedelta(seconds=self._count() - self._counted)

    def _asked(self) -> datetime:
        before = self._count()
        try:
            at = self._ask()
        except StoreTrouble as error:
            if self._at is None:
                raise
            log.warning("the clock of the ledger cannot be asked: %s", error.log)
            self._ask_at = self._count() + ASK_AGAIN
            return self._at
        after = self._count()
        # A slow answer is inaccurate: ask again soon.
        self._ask_at = after + (ASK_EVERY if after - before < SURE_WITHIN else ASK_AGAIN)
        if self._at is not None and after - before >= SURE_WITHIN:
            return self._at
        self._counted = (before + after) / 2
        return at
