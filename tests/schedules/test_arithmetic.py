"""When schedules come: properties over time zones and changes of the clocks, and cases by hand."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccexport.model.schedules import (
    Every,
    Follows,
    Missed,
    Recurrence,
    RefreshSettings,
    Schedule,
    Weekday,
    due_times,
    in_words,
    next_times,
)

# Whole hours, half hours (Lord Howe), both hemispheres, none at all, and changes at midnight.
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Oslo",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Auckland",
        "Asia/Kolkata",
        "Africa/Cairo",
        "America/Santiago",
        "Atlantic/Azores",
        "Asia/Beirut",
    ]
)
MOMENTS = st.integers(0, 5 * 365 * 86400).map(
    lambda n: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=n)
)
TIMES = st.builds(lambda h, m: f"{h:02}:{m:02}", st.integers(0, 23), st.integers(0, 59))
RECURRENCES = st.one_of(
    st.builds(Recurrence, every=st.just(Every.HOUR), minute=st.integers(0, 59)),
    st.builds(Recurrence, every=st.just(Every.DAY), at=st.lists(TIMES, min_size=1, max_size=4)),
    st.builds(
        Recurrence,
        every=st.just(Every.WEEK),
        at=st.lists(TIMES, min_size=1, max_size=2),
        days=st.lists(st.sampled_from(list(Weekday)), min_size=1),
    ),
    st.builds(
        Recurrence,
        every=st.just(Every.MONTH),
        at=st.lists(TIMES, min_size=1, max_size=2),
        day=st.integers(1, 31),
    ),
)


def on(recurrence: Recurrence, zone: str = "UTC", **values: object) -> Schedule:
    return Schedule.model_validate(
        {"follows": Follows.TIMES, "recurrence": recurrence, "zone": zone} | values
    )


def daily(*at: str) -> Recurrence:
    return Recurrence(every=Every.DAY, at=at)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@given(RECURRENCES, ZONES, MOMENTS)
def test_times_lie_ahead_in_order_and_none_comes_twice(
    recurrence: Recurrence, zone: str, now: datetime
) -> None:
    found = next_times(on(recurrence, zone), now, 6)

    assert len(found) == 6
    assert found[0] > now
    assert found == sorted(set(found))


@given(RECURRENCES, ZONES, MOMENTS)
def test_asking_in_between_changes_nothing(recurrence: Recurrence, zone: str, now: datetime) -> None:
    schedule = on(recurrence, zone)
    found = next_times(schedule, now, 5)

    assert next_times(schedule, found[1], 3) == found[2:]
    assert next_times(schedule, found[2] - timedelta(seconds=1), 1) == [found[2]]
    assert due_times(schedule, now, found[2]) == [t for t in found[:3] if t > found[2] - timedelta(days=35)]


@given(TIMES, ZONES, MOMENTS)
def test_a_daily_time_comes_once_on_every_day(at: str, zone: str, now: datetime) -> None:
    local = [t.astimezone(ZoneInfo(zone)) for t in next_times(on(daily(at), zone), now, 40)]

    days = [t.date() for t in local]
    assert days == [days[0] + timedelta(days=n) for n in range(40)]


@given(TIMES, ZONES, MOMENTS)
def test_a_time_that_exists_is_kept_to_the_minute(at: str, zone: str, now: datetime) -> None:
    there = ZoneInfo(zone)
    for found in next_times(on(daily(at), zone), now, 40):
        local = found.astimezone(there)
        wanted = datetime.combine(local.date(), time.fromisoformat(at), there)
        exists = wanted.astimezone(UTC).astimezone(there).replace(tzinfo=None) == wanted.replace(tzinfo=None)
        if exists:
            assert local.strftime("%H:%M") == at
        else:
            assert wanted.replace(tzinfo=None) < local.replace(tzinfo=None)
            assert local.replace(tzinfo=None) - wanted.replace(tzinfo=None) <= timedelta(hours=1)


@given(st.integers(0, 59), ZONES, MOMENTS)
def test_an_hourly_time_is_never_far_from_the_next(minute: int, zone: str, now: datetime) -> None:
    found = next_times(on(Recurrence(every=Every.HOUR, minute=minute), zone), now, 60)
    gaps = {b - a for a, b in pairwise(found)}

    assert max(gaps) <= timedelta(minutes=90)
    if zone != "Australia/Lord_Howe":
        assert gaps == {timedelta(hours=1)}


@given(st.integers(1, 31), ZONES, MOMENTS)
def test_a_monthly_day_comes_in_every_month_and_at_its_end_when_it_is_short(
    day: int, zone: str, now: datetime
) -> None:
    recurrence = Recurrence(every=Every.MONTH, at=("12:00",), day=day)
    local = [t.astimezone(ZoneInfo(zone)).date() for t in next_times(on(recurrence, zone), now, 30)]

    months = [d.year * 12 + d.month for d in local]
    assert months == list(range(months[0], months[0] + 30))
    assert all(d.day == day or (d.day < day and (d + timedelta(days=1)).day == 1) for d in local)


def test_a_time_the_clocks_skip_comes_when_they_have_been_put_forward() -> None:
    found = next_times(on(daily("02:30"), "Europe/Oslo"), utc(2027, 3, 27, 0), 3)

    assert found == [utc(2027, 3, 27, 1, 30), utc(2027, 3, 28, 1, 0), utc(2027, 3, 29, 0, 30)]


def test_a_time_that_comes_twice_is_taken_once() -> None:
    found = next_times(on(daily("02:30"), "Europe/Oslo"), utc(2027, 10, 30, 0), 3)

    assert found == [utc(2027, 10, 30, 0, 30), utc(2027, 10, 31, 0, 30), utc(2027, 11, 1, 1, 30)]
    assert next_times(on(daily("02:30"), "Europe/Oslo"), found[1], 1) == [found[2]]


def test_a_cron_line_of_every_half_hour_goes_on_through_the_hour_that_comes_twice() -> None:
    cron = Recurrence(every=Every.CRON, cron="*/30 * * * *")

    found = next_times(on(cron, "Europe/Oslo"), utc(2027, 10, 30, 23, 45), 8)

    assert {b - a for a, b in pairwise(found)} == {timedelta(minutes=30)}


def test_a_pause_ends_at_the_start_of_its_day_in_the_zone() -> None:
    paused = on(daily("00:00", "08:00"), "America/New_York", paused_until=date(2027, 1, 10))

    assert next_times(paused, utc(2027, 1, 1), 2) == [utc(2027, 1, 10, 5), utc(2027, 1, 10, 13)]
    assert due_times(paused, utc(2027, 1, 1), utc(2027, 1, 10, 6)) == [utc(2027, 1, 10, 5)]
    assert paused.paused_at(utc(2027, 1, 10, 4, 59))
    assert not paused.paused_at(utc(2027, 1, 10, 5))


def test_what_does_not_go_by_the_clock_has_no_next_times() -> None:
    assert next_times(Schedule(), utc(2027, 1, 1), 3) == []
    assert due_times(Schedule(follows=Follows.NOTHING), utc(2026, 1, 1), utc(2027, 1, 1)) == []


def test_years_of_downtime_are_not_counted_through() -> None:
    often = on(Recurrence(every=Every.CRON, cron="0 * * * *"))

    assert len(due_times(often, utc(2020, 1, 1), utc(2027, 1, 1))) == 35 * 24


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"follows": "times"}, "a recurrence is needed"),
        ({"follows": "export"}, "after is needed"),
        ({"zone": "Oslo"}, "did you mean Europe/Oslo"),
        ({"zone": "../../etc/passwd"}, "is not a time zone"),
        ({"follows": "times", "recurrence": {"every": "day"}}, "at least one time"),
        (
            {"follows": "times", "recurrence": {"every": "day", "at": ["25:00"]}},
            "is not a time such as 06:30",
        ),
        ({"follows": "times", "recurrence": {"every": "week", "at": ["06:00"]}}, "at least one day"),
        ({"follows": "times", "recurrence": {"every": "hour", "minute": 60}}, "from 0 to 59"),
        ({"follows": "times", "recurrence": {"every": "month", "at": ["06:00"], "day": 32}}, "from 1 to 31"),
        ({"follows": "times", "recurrence": {"every": "cron", "cron": "* * *"}}, "five fields"),
        ({"follows": "times", "recurrence": {"every": "cron", "cron": "0 0 31 2 *"}}, "cannot be used"),
        ({"follows": "times", "recurrence": {"every": "cron", "cron": "61 * * * *"}}, "cannot be used"),
    ],
)
def test_a_wrong_schedule_is_refused_with_a_sentence(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Schedule.model_validate(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"recurrence": {"every": "hour"}}, "every day or every week"),
        ({"recurrence": {"every": "day", "at": [f"0{n}:00" for n in range(5)]}}, "at most four times"),
        ({"on": True, "sources": ["/a.csv"]}, "without a recurrence"),
    ],
)
def test_a_wrong_refresh_is_refused_with_a_sentence(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RefreshSettings.model_validate(wrong)


def test_schedules_are_said_in_words() -> None:
    weekly = Recurrence(every=Every.WEEK, days=(Weekday.FRIDAY, Weekday.MONDAY), at=("06:00",))

    assert in_words(on(weekly, "Europe/Oslo")) == "every week on monday, friday at 06:00 (Europe/Oslo)"
    assert in_words(Schedule()) == "with every refresh"
    assert in_words(Schedule(follows=Follows.NOTHING)) == "by hand only"
    after = Schedule(follows=Follows.EXPORT, after="export-1", missed=Missed.DROP)
    assert in_words(after, "Newsletter") == "after Newsletter"
