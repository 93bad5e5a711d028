"""How often a token, or an origin without one, may ask: so many at once, refilled every second."""

import threading
import time
from collections.abc import Callable

AT_ONCE, A_SECOND = 120, 20
MOST_KEPT = 10_000


class Limits:
    """A bucket for each asker."""

    def __init__(
        self,
        at_once: float = AT_ONCE,
        a_second: float = A_SECOND,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._rate, self._clock = at_once, a_second, clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, asker: str) -> float:
        """Count one request, and return 0; or return after how many seconds the asker may ask again."""
        now = self._clock()
        with self._lock:
            if len(self._left) > MOST_KEPT:
                self._left = {
                    k: v for k, v in self._left.items() if v[0] + (now - v[1]) * self._rate < self._most
                }
            left, seen = self._left.get(asker, (self._most, now))
            left = min(self._most, left + (now - seen) * self._rate)
            if left < 1:
                self._left[asker] = left, now
                return (1 - left) / self._rate
            self._left[asker] = left - 1, now
        return 0.0
