"""Decides, as values, whether and when to try again; the caller sleeps.

Attempts and total time are both limited: the first keeps a quick failure from flooding the server, the
second keeps a slow one from holding a run for hours. The wait before attempt n+1 is
`first * 2**(n-1)`, at most `most`, shortened at random by up to half, so that several
processes do not return in step. A longer `Retry-After` is respected. A decision must never read a clock.
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
    """How long to keep trying, with the clock, sleep and randomness to use.

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
        """Return this patience for tests: it decides alike but never sleeps."""
        return replace(self, sleep=lambda seconds: None)

    def decide(self, attempt: int, elapsed: float, retry_after: float | None = None) -> Again | GiveUp:
        """Decide after failed attempt number `attempt` (from 1), `elapsed` seconds after the first began."""
        if attempt >= self.attempts:
            return GiveUp(f"{attempt} attempts")
        step = min(self.most, self.first * 2 ** (attempt - 1))
        wait = max(step * (0.5 + self.random() / 2), retry_after or 0.0)
        if elapsed + wait > self.total:
            return GiveUp(f"{self.total:.0f} seconds")
        return Again(wait)
