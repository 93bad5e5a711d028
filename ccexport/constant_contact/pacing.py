"""When the next request may leave, as pure arithmetic; and `Pace`, which waits for it.

The limits count per API key, that is over every account and every process of the application:
https://developer.constantcontact.com/api_guide/rate_limits.html (4 in a second, 10,000 in a
UTC day). So the state is one row shared by all, kept by whoever owns the ledger: `Pace` is given
callables. Must never read a clock or store anything.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from ccexport.constant_contact.answers import next_day, quota_exceeded
from ccexport.constant_contact.wire import Purpose

# A slot this far ahead is not a queue but a clock that was wrong.
_NO_QUEUE_IS_THIS_LONG = timedelta(minutes=10)
_LONGEST_PENALTY = 300.0


@dataclass(frozen=True)
class PaceRules:
    """The limits. A spacing of 0.265 s puts four requests into 0.795 s and the fifth after 1.06 s.

    `reserve` requests of the day are for polling only, so that jobs already sent can be followed.
    """

    spacing: float = 0.265
    per_day: int = 10_000
    reserve: int = 500

    def __post_init__(self) -> None:
        if self.spacing <= 0 or not 0 <= self.reserve <= self.per_day:
            raise ValueError("spacing must be positive and the reserve part of the day's requests")

    def allowance(self, purpose: Purpose) -> int:
        """How many of the day's requests this purpose may reach."""
        return self.per_day if purpose == "poll" else self.per_day - self.reserve


@dataclass(frozen=True)
class PaceState:
    """One row: when the next slot is free, and how many slots fell on `day` (in UTC)."""

    free_at: datetime
    day: date
    used: int


@dataclass(frozen=True)
class Granted:
    """A slot: store `state`, wait so many seconds, then send."""

    state: PaceState
    wait: float


@dataclass(frozen=True)
class DayUsedUp:
    """No slot for this purpose before `until`."""

    until: datetime


def fresh_state(now: datetime) -> PaceState:
    """The state before the first request ever."""
    return PaceState(now, now.astimezone(UTC).date(), 0)


def decide(
    state: PaceState, now: datetime, purpose: Purpose, rules: PaceRules = PaceRules()
) -> Granted | DayUsedUp:
    """The next slot for `purpose`, or until when there is none. The slot counts for the day it falls on."""
    if state.free_at - now > _NO_QUEUE_IS_THIS_LONG:
        state = PaceState(now, min(state.day, now.astimezone(UTC).date()), state.used)
    slot = max(now, state.free_at)
    today = slot.astimezone(UTC).date()
    used = state.used if state.day >= today else 0
    if used >= rules.allowance(purpose):
        return DayUsedUp(next_day(slot))
    after = PaceState(slot + timedelta(seconds=rules.spacing), max(state.day, today), used + 1)
    return Granted(after, (slot - now).total_seconds())


def used_at(state: PaceState, now: datetime, rules: PaceRules = PaceRules()) -> PaceState:
    """The state when a granted slot is used: the next one is a whole spacing after it, however late it was."""
    return replace(state, free_at=max(state.free_at, now + timedelta(seconds=rules.spacing)))


def penalise(state: PaceState, now: datetime, seconds: float = 1.0) -> PaceState:
    """The state after a `throttled` answer: nobody sends for `seconds`, five minutes at most."""
    until = now + timedelta(seconds=min(seconds, _LONGEST_PENALTY))
    return replace(state, free_at=max(state.free_at, until))


def use_up(state: PaceState, now: datetime, rules: PaceRules = PaceRules()) -> PaceState:
    """The state after a `quota_exceeded` answer: somebody else used the key, so nobody sends today."""
    return replace(state, day=now.astimezone(UTC).date(), used=rules.per_day)


class Pace:
    """Blocks until a request may leave.

    `take(purpose)` gives the seconds to wait and raises `QuotaExceeded` (with `until` in evidence)
    on a used-up day; `slot_or_raise` makes that of `decide`. `slow_down(seconds)` and `day_is_over()`
    tell the shared state what the API answered.
    """

    def __init__(
        self,
        take: Callable[[Purpose], float],
        *,
        sleep: Callable[[float], None],
        slow_down: Callable[[float], None] = lambda seconds: None,
        day_is_over: Callable[[], None] = lambda: None,
    ) -> None:
        self._take = take
        self._sleep = sleep
        self.slow_down = slow_down
        self.day_is_over = day_is_over

    def __call__(self, purpose: Purpose) -> None:
        wait = self._take(purpose)
        if wait > 0:
            self._sleep(wait)


def slot_or_raise(decision: Granted | DayUsedUp) -> Granted:
    """The slot, or `QuotaExceeded` with `until` in its evidence."""
    if isinstance(decision, DayUsedUp):
        raise quota_exceeded(decision.until)
    return decision
