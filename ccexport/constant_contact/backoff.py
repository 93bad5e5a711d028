"""Whether and when to try again, as values. Deciding is here, sleeping is the caller's.

Attempts and total time are both limited: the first keeps a quick failure from hammering, the
second keeps a slow one from holding a run for hours. The wait before attempt n+1 is
`first * 2**(n-1)`, at most `most`, of which a random half is left out, so that several
processes do not return in step. A longer `Retry-After` is honoured. A decision must never read a clock.
"""

import random as _random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ccexport.clock import utc_now


@dataclass(frozen=True)
class Again:
    """Try again after `wait` seconds."""

    wait: float


@dataclass(frozen=True)
class GiveUp:
    """Do not try again, and why."""

    why: str


@dataclass(frozen=True)
class Patience:
    """How long to try, and the clock, sleep and chance to do it with.

    `at_once()` is the switch for tests: the same decisions, without any waiting.
    """

    attempts: int = 6
    total: float = 120.0
    first: float = 1.0
    most: float = 30.0
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = _random.random

    def at_once(self) -> "Patience":
        """This patience for tests: decides alike, never sleeps."""
        return replace(self, sleep=lambda seconds: None)

    def decide(self, attempt: int, elapsed: float, retry_after: float | None = None) -> Again | GiveUp:
        """What to do after failed attempt number `attempt` (from 1), `elapsed` seconds into it all."""
        if attempt >= self.attempts:
            return GiveUp(f"{attempt} attempts")
        step = min(self.most, self.first * 2 ** (attempt - 1))
        wait = max(step * (0.5 + self.random() / 2), retry_after or 0.0)
        if elapsed + wait > self.total:
            return GiveUp(f"{self.total:.0f} seconds")
        return Again(wait)
