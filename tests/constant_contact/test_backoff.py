"""Retry decisions are values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccexport.clock import utc_now
from ccexport.constant_contact.backoff import Again, GiveUp, Patience

from .fake_api import NOW


def test_waits_double_up_to_the_most():
    """Without luck; with luck up to half of it is left out."""
    unlucky = Patience(attempts=9, total=1_000, random=lambda: 1.0)
    lucky = Patience(attempts=9, total=1_000, random=lambda: 0.0)

    assert [unlucky.decide(n, 0).wait for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert [lucky.decide(n, 0).wait for n in range(1, 4)] == [0.5, 1, 2]


@given(st.integers(1, 10), st.floats(0, 300), st.none() | st.floats(0, 300), st.floats(0, 1))
def test_neither_attempts_nor_time_are_exceeded(attempt, elapsed, asked_for, chance):
    """Whatever the server asks for."""
    patience = Patience(random=lambda: chance)

    decision = patience.decide(attempt, elapsed, asked_for)

    if isinstance(decision, Again):
        assert attempt < patience.attempts
        assert elapsed + decision.wait <= patience.total
        assert decision.wait >= (asked_for or 0)


@pytest.mark.parametrize(
    ("attempt", "elapsed", "asked_for", "why"),
    [(6, 0, None, "6 attempts"), (1, 119.9, None, "120 seconds"), (1, 0, 121, "120 seconds")],
    ids=["attempts", "time", "retry-after-too-long"],
)
def test_giving_up_says_why(attempt, elapsed, asked_for, why):
    """For the log."""
    assert Patience(random=lambda: 1.0).decide(attempt, elapsed, asked_for) == GiveUp(why)


def test_the_switch_for_tests_removes_the_waiting_only():
    """Decisions stay as they are."""
    patience = Patience(random=lambda: 1.0)

    patience.at_once().sleep(10_000)

    assert patience.at_once().decide(2, 0) == Again(2)


def test_the_clock_of_a_real_client_is_utc():
    """Aware, always."""
    assert utc_now().tzinfo == NOW.tzinfo
