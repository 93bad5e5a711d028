"""When the next request may leave, as pure arithmetic; and `Pace`, which waits for it.

The limits count per API key, that is over every account and every process of the application:
https://developer.constantcontact.com/api_guide/rate_limits.html (4 in a second, 10,000 in a
UTC day). A request counts when it arrives, which is some time between leaving and the answer. With spacing
alone, a slow request and four quick ones could arrive in the same second. So a request leaves only when
fewer than four earlier ones are unanswered or were answered within the last second (`enter`). The state is
one row shared by all, stored by the owner of the ledger: `Pace` is given callables. Must never read a clock or
store anything.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from ccexport.constant_contact.answers import next_day, quota_exceeded
from ccexport.constant_contact.wire import Purpose

# A slot this far ahead does not come from a queue but from a wrong clock.
_NO_QUEUE_IS_THIS_LONG = timedelta(minutes=10)
_LONGEST_PENALTY = 300.0
PER_SECOND = 4
# An answered request counts for this long after its answer.
_COUNTS = timedelta(seconds=1.01)
# An unanswered request counts for this long: its process may have been killed.
_UNANSWERED = timedelta(seconds=20)
# How long to wait before checking again whether a request in flight was answered.
_LOOK = 0.1


@dataclass(frozen=True)
class PaceRules:
    """The limits. A spacing of 0.265 s puts four requests into 0.795 s and the fifth after 1.06 s.

    `reserve` requests of the day are only for polling, so that jobs already sent can be followed.
    """

    spacing: float = 0.265
    per_day: int = 10_000
    reserve: int = 500

    def __post_init__(self) -> None:
        if self.spacing <= 0 or not 0 <= self.reserve <= self.per_day:
            raise ValueError("spacing must be positive and the reserve part of the day's requests")

    def allowance(self, purpose: Purpose) -> int:
        """Return how many of the day's requests this purpose may use."""
        return self.per_day if purpose == "poll" else self.per_day - self.reserve


@dataclass(frozen=True)
class PaceState:
    """One row: when the next slot is free, how many slots were used on `day` (UTC), and which requests are in flight.

    `on_the_way` maps the tickets of the newest requests to the time until which each counts.
    """

    free_at: datetime
    day: date
    used: int
    on_the_way: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Granted:
    """A slot: store `state`, wait `wait` seconds, then send."""

    state: PaceState
    wait: float


@dataclass(frozen=True)
class DayUsedUp:
    """There is no slot for this purpose before `until`."""

    until: datetime


def fresh_state(now: datetime) -> PaceState:
    """Return the state before the first request."""
    return PaceState(now, now.astimezone(UTC).date(), 0)


def decide(
    state: PaceState, now: datetime, purpose: Purpose, rules: PaceRules = PaceRules()
) -> Granted | DayUsedUp:
    """Return the next slot for `purpose`, or until when there is none. A slot counts for the day it falls on."""
    if state.free_at - now > _NO_QUEUE_IS_THIS_LONG:
        state = replace(state, free_at=now, day=min(state.day, now.astimezone(UTC).date()))
    slot = max(now, state.free_at)
    today = slot.astimezone(UTC).date()
    used = state.used if state.day >= today else 0
    if used >= rules.allowance(purpose):
        return DayUsedUp(next_day(slot))
    free_at = slot + timedelta(seconds=rules.spacing)
    after = replace(state, free_at=free_at, day=max(state.day, today), used=used + 1)
    return Granted(after, (slot - now).total_seconds())


def used_at(state: PaceState, now: datetime, rules: PaceRules = PaceRules()) -> PaceState:
    """Return the state when a granted slot is used: the next slot is a whole spacing later, even after a delay."""
    return replace(state, free_at=max(state.free_at, now + timedelta(seconds=rules.spacing)))


def enter(state: PaceState, now: datetime, ticket: str) -> Granted:
    """Return `wait` 0 when the request may leave now. Otherwise nothing changes: wait that long and ask again."""
    known = {t: until for t, until in state.on_the_way.items() if now < until <= now + _UNANSWERED}
    if len(known) < PER_SECOND:
        return Granted(replace(state, on_the_way=known | {ticket: now + _UNANSWERED}), 0.0)
    first = (min(known.values()) - now).total_seconds()
    return Granted(state, min(first, _LOOK) if first > _COUNTS.total_seconds() else first)


def answered(state: PaceState, now: datetime, ticket: str) -> PaceState:
    """Return the state once the request is answered or certainly lost: by then it has arrived."""
    return replace(state, on_the_way={**state.on_the_way, ticket: now + _COUNTS})


def penalise(state: PaceState, now: datetime, seconds: float = 1.0) -> PaceState:
    """Return the state after a `throttled` answer: nobody sends for `seconds`, five minutes at most."""
    until = now + timedelta(seconds=min(seconds, _LONGEST_PENALTY))
    return replace(state, free_at=max(state.free_at, until))


def use_up(state: PaceState, now: datetime, rules: PaceRules = PaceRules()) -> PaceState:
    """Return the state after a `quota_exceeded` answer: another program used the key, so nobody sends today."""
    return replace(state, day=now.astimezone(UTC).date(), used=rules.per_day)


class Pace:
    """Blocks until a request may leave: `with pace(purpose): …`.

    `take(purpose)` returns the seconds to wait and raises `QuotaExceeded` (with `until` in evidence)
    on a used-up day; `slot_or_raise` does that for `decide`. `enter()` blocks until a second has room and returns a
    ticket, which is passed to `answered(ticket)`. `slow_down(seconds)` and `day_is_over()`
    record in the shared state what the API answered.
    """

    def __init__(
        self,
        take: Callable[[Purpose], float],
        *,
        sleep: Callable[[float], None],
        enter: Callable[[], str] = str,
        answered: Callable[[str], None] = lambda ticket: None,
        slow_down: Callable[[float], None] = lambda seconds: None,
        day_is_over: Callable[[], None] = lambda: None,
    ) -> None:
        self._take = take
        self._sleep = sleep
        self._enter = enter
        self._answered = answered
        self.slow_down = slow_down
        self.day_is_over = day_is_over

    @contextmanager
    def __call__(self, purpose: Purpose) -> Iterator[None]:
        """Send the request inside the block; at its end the request was answered or is lost."""
        wait = self._take(purpose)
        if wait > 0:
            self._sleep(wait)
        ticket = self._enter()
        try:
            yield
        finally:
            self._answered(ticket)


def slot_or_raise(decision: Granted | DayUsedUp) -> Granted:
    """Return the slot. Raises `QuotaExceeded` with `until` in its evidence when there is none."""
    if isinstance(decision, DayUsedUp):
        raise quota_exceeded(decision.until)
    return decision
