"""Never more than four requests in any second, never more than the day has."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccexport.constant_contact.pacing import (
    DayUsedUp,
    Granted,
    Pace,
    PaceRules,
    PaceState,
    answered,
    decide,
    enter,
    fresh_state,
    penalise,
    slot_or_raise,
    use_up,
    used_at,
)
from ccexport.errors import QuotaExceeded

from .fake_api import NOW

SMALL = PaceRules(per_day=12, reserve=3)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def play(asks, rules, start):
    """Slots granted for these asks (seconds since the one before, purpose), and the refusals."""
    state, now, slots, refused = fresh_state(start), start, [], []
    for pause, purpose in asks:
        now += timedelta(seconds=pause)
        decision = decide(state, now, purpose, rules)
        if isinstance(decision, Granted):
            state = decision.state
            slots.append((now + timedelta(seconds=decision.wait), purpose))
        else:
            refused.append((now, purpose, decision.until))
    return slots, refused


ASKS = st.lists(
    st.tuples(
        st.floats(0, 2) | st.sampled_from([0.0, 0.1, 3_600.0, 40_000.0]), st.sampled_from(["poll", "work"])
    ),
    max_size=80,
)
STARTS = st.floats(0, 366 * 86_400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


@given(ASKS, STARTS)
def test_never_more_than_four_in_any_second(asks, start):
    """A sliding second, not only the clock's own."""
    slots = [at for at, _ in play(asks, PaceRules(), start)[0]]

    for first, fifth in zip(slots, slots[4:], strict=False):
        assert fifth - first > timedelta(seconds=1)


@given(ASKS, STARTS)
def test_never_over_the_days_quota_and_the_reserve_is_for_polling(asks, start):
    """Counted on the day a slot falls on, in UTC."""
    days = {}
    for at, purpose in play(asks, SMALL, start)[0]:
        days.setdefault(at.date(), []).append(purpose)

    for purposes in days.values():
        assert len(purposes) <= SMALL.per_day
        assert purposes[SMALL.per_day - SMALL.reserve :].count("work") == 0


@given(ASKS, STARTS)
def test_a_refusal_ends_at_the_next_midnight_utc(asks, start):
    """And the wait is worth it: nobody is refused while something is left."""
    slots, refused = play(asks, SMALL, start)

    for now, purpose, until in refused:
        assert (until.hour, until.minute, until.second) == (0, 0, 0)
        assert timedelta(0) < until - now <= timedelta(days=1, seconds=60)
        same_day = [at for at, _ in slots if at.date() == (until - timedelta(1)).date()]
        assert len(same_day) >= SMALL.allowance(purpose)


def test_the_first_request_leaves_at_once_and_the_next_is_spaced():
    """0.265 s, so the fifth leaves after 1.06 s."""
    slots, _ = play([(0, "work")] * 5, PaceRules(), NOW)

    assert [round((at - NOW).total_seconds(), 3) for at, _ in slots] == [0, 0.265, 0.53, 0.795, 1.06]


def test_a_slot_after_midnight_counts_for_the_new_day():
    """The last request of the old day does not use up the new one."""
    state = PaceState(MIDNIGHT, (MIDNIGHT - timedelta(1)).date(), 12)

    decision = decide(state, MIDNIGHT - timedelta(seconds=0.1), "work", SMALL)

    assert isinstance(decision, Granted)
    assert (decision.state.day, decision.state.used) == (MIDNIGHT.date(), 1)


def test_after_a_throttled_answer_nobody_sends_for_a_while():
    """Whichever process asks next."""
    state = penalise(fresh_state(NOW), NOW, 2)

    assert decide(state, NOW, "poll").wait == 2
    assert penalise(state, NOW, 1) == state
    assert decide(penalise(state, NOW, 86_400), NOW, "poll").wait == 300


def test_after_a_quota_answer_nobody_sends_today():
    """Somebody else uses the key too, so our own count was too low."""
    state = use_up(fresh_state(NOW), NOW)

    assert decide(state, NOW, "poll") == DayUsedUp(MIDNIGHT)
    assert isinstance(decide(state, MIDNIGHT, "work"), Granted)


def test_a_clock_that_was_ahead_does_not_stop_us_for_long():
    """A slot hours away is no queue."""
    ahead = PaceState(NOW + timedelta(days=40), (NOW + timedelta(days=40)).date(), 5)

    decision = decide(ahead, NOW, "work")

    assert decision.wait == 0
    assert decision.state.day == NOW.date()


@pytest.mark.parametrize("wrong", [{"spacing": 0}, {"reserve": 11_000}, {"reserve": -1}])
def test_rules_that_make_no_sense_are_refused(wrong):
    """They come from code, so early and loudly."""
    with pytest.raises(ValueError, match="spacing"):
        PaceRules(**wrong)


def test_pace_sleeps_what_it_is_told_and_passes_on_a_used_up_day():
    """`until` is in the evidence, for the run that waits."""
    slept, waits = [], iter([0.0, 0.4])
    pace = Pace(lambda purpose: next(waits), sleep=slept.append)

    with pace("work"):
        assert slept == []
    with pace("poll"):
        assert slept == [0.4]

    assert slept == [0.4]
    with pytest.raises(QuotaExceeded) as caught:
        slot_or_raise(DayUsedUp(MIDNIGHT))
    assert caught.value.evidence["until"] == MIDNIGHT


@given(st.lists(st.floats(0, 3), min_size=5, max_size=40))
def test_sleeps_that_overrun_bring_no_five_into_a_second(overruns):
    """Each request leaves late by so much; the next slot counts from then."""
    state, now, left = fresh_state(NOW), NOW, []
    for late in overruns:
        granted = slot_or_raise(decide(state, now, "work"))
        now += timedelta(seconds=granted.wait + late)
        state = used_at(granted.state, now)
        left.append(now)

    for first, fifth in zip(left, left[4:], strict=False):
        assert fifth - first > timedelta(seconds=1)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 12), st.floats(0, 1)), min_size=5, max_size=40))
def test_no_five_arrive_in_a_second_however_long_each_is_on_its_way(requests):
    """Each may leave as soon as it is let, takes so long to be answered, and arrives somewhere in between."""
    state, now, arrived, open_ = fresh_state(NOW), NOW, [], {}
    for number, (pause, takes, part) in enumerate(requests):
        now += timedelta(seconds=pause)
        while True:
            for ticket, at in sorted(open_.items(), key=lambda item: item[1]):
                if at <= now:
                    state = answered(state, open_.pop(ticket), ticket)
            entered = enter(state, now, str(number))
            if not entered.wait:
                break
            now += timedelta(seconds=entered.wait)
        state = entered.state
        open_[str(number)] = now + timedelta(seconds=takes)
        arrived.append(now + timedelta(seconds=takes * part))

    arrived.sort()
    for first, fifth in zip(arrived, arrived[4:], strict=False):
        assert fifth - first > timedelta(seconds=1)


def test_a_request_that_was_never_answered_stops_counting():
    """Its process was killed."""
    state = fresh_state(NOW)
    for ticket in "abcd":
        state = enter(state, NOW, ticket).state

    assert enter(state, NOW + timedelta(seconds=19), "e").wait > 0
    assert enter(state, NOW + timedelta(seconds=21), "e").wait == 0
    assert enter(state, NOW - timedelta(days=1), "e").wait == 0  # the clock was set back
