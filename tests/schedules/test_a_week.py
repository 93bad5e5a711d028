"""A week, Monday to Sunday, on a clock set by hand, compared with a timeline written by hand.

What is set: the profiles are refreshed every night at 02:00 in Oslo (01:00 UTC; from Sunday's change of
the clocks on, 00:00 UTC). *News* follows the refresh, *Digest* comes after News, *Offers* runs on Tuesday
and Friday at 12:00 UTC, *Hourly* at 09:00, 10:00 and 11:00 and drops what it misses. A worker looks every
half hour, and nothing else moves the clock but waiting.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccexport.model.notices import Channel
from ccexport.model.runs import Run
from ccexport.model.schedules import Schedule
from ccexport.model.words import Mode
from tests.conftest import Clock
from tests.schedules.conftest import Timed
from tests.schedules.receivers import Hook, http_receiver
from tests.world import ADA, CARL, person, write_csv

MONDAY = datetime(2027, 3, 22, tzinfo=UTC)  # the clocks change on Sunday the 28th
EXPORTS = ("News", "Digest", "Offers", "Hourly")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with http_receiver() as receiver:
        yield receiver


def at(day: str, time: str = "00:00") -> datetime:
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index(day)
    hours, minutes = map(int, time.split(":"))
    return MONDAY + timedelta(days=days, hours=hours, minutes=minutes)


def told(moment: datetime) -> str:
    """To the half hour: how long a run waits for answers is not what this is about."""
    moment = moment.replace(minute=moment.minute // 30 * 30)
    return moment.strftime("%a %H:%M").lower()


def furnish(world: Timed, hook: Hook) -> Path:
    world.ready([person(n) for n in range(20)], mode=Mode.MIRROR)
    for name in EXPORTS[1:]:
        world.services.connections.create_list(ADA, "Main", name)
        world.export(name, contact_list=name)
    source = write_csv(world.root / "crm.csv", [person(n) for n in range(20)])
    world.services.refreshes.change(
        ADA,
        sources=[source],
        id_field="customer_id",
        zone="Europe/Oslo",
        recurrence={"every": "day", "at": ["02:00"]},
        on=True,
    )
    schedules = {
        "Digest": {"follows": "export", "after": "News"},
        "Offers": {
            "follows": "times",
            "recurrence": {"every": "week", "days": ["tuesday", "friday"], "at": ["12:00"]},
        },
        "Hourly": {
            "follows": "times",
            "missed": "drop",
            "recurrence": {"every": "day", "at": ["09:00", "10:00", "11:00"]},
        },
    }
    for name, schedule in schedules.items():
        world.services.schedules.set(CARL, [name], Schedule.model_validate(schedule))
    world.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url)
    return source


@pytest.mark.slow
def test_a_week(world: Timed, clock: Clock, hook: Hook) -> None:
    clock.now = MONDAY
    world.set_clock(clock)
    source = furnish(world, hook)
    good = source.read_text()

    world.until(at("tue"))
    # Tuesday: the file is empty in the night and whole again in the day.
    source.write_text("")
    world.until(at("tue", "06:00"))
    source.write_text(good)
    world.until(at("wed"))
    # Wednesday: Constant Contact is down from 00:30 until a little after three; the run waits and goes on by itself.
    world.until(at("wed", "00:30"))
    world.fault("status", path="/v3/activities/contacts_json_import", status=503, times=0)
    write_csv(source, [person(n, first_name="Wed") for n in range(20)])
    world.until(at("wed", "03:00"))
    world.sandbox.admin("DELETE", "faults")
    world.until(at("thu"))
    # Thursday: half of the people are gone; the guard of the mirrored list blocks the run.
    write_csv(source, [person(n, first_name="Wed") for n in range(11)])
    world.until(at("fri"))
    # Friday: they are back. No worker runs from 08:30 to 13:15.
    write_csv(source, [person(n, first_name="Wed") for n in range(20)])
    world.until(at("fri", "08:30"))
    clock.now = at("fri", "13:15")
    world.until(at("sat"))
    # Saturday: a person pauses Hourly until Sunday.
    world.services.schedules.pause(CARL, "Hourly", until=at("sun").date())
    world.until(at("sun", "23:30"))

    assert timeline(world) == TIMELINE
    assert [(d["title"], d["event"]) for d in hook.documents] == NOTICES
    assert refreshes(world) == REFRESHES
    assert len(world.on_list("Newsletter")) == 20


def timeline(world: Timed) -> list[str]:
    runs: list[Run] = sorted(
        (run for name in EXPORTS for run in world.runs(name)), key=lambda run: (run.created_at, run.id)
    )
    return [f"{told(r.created_at)} {r.export_name} {r.trigger} {r.state}" for r in runs]


def refreshes(world: Timed) -> list[str]:
    return [f"{told(r.due_at)} {r.state}" for r in reversed(world.services.refreshes.history(ADA, limit=100))]


REFRESHES = [
    "mon 01:00 done",
    "tue 01:00 stopped",
    "wed 01:00 done",
    "thu 01:00 done",
    "fri 01:00 done",
    "sat 01:00 done",
    # 02:00 does not exist in Oslo on Sunday: it is taken when the clocks have been put forward, 01:00 UTC.
    "sun 01:00 done",
]

TIMELINE = [
    "mon 01:00 News refresh succeeded",
    "mon 01:00 Digest schedule succeeded",
    "mon 09:00 Hourly schedule succeeded",
    "mon 10:00 Hourly schedule succeeded",
    "mon 11:00 Hourly schedule succeeded",
    # Nothing follows the refresh that was stopped.
    "tue 09:00 Hourly schedule succeeded",
    "tue 10:00 Hourly schedule succeeded",
    "tue 11:00 Hourly schedule succeeded",
    "tue 12:00 Offers schedule succeeded",
    "wed 01:00 News refresh succeeded",  # queued then; it waits until the look at 03:30
    "wed 03:30 Digest schedule succeeded",
    "wed 09:00 Hourly schedule succeeded",
    "wed 10:00 Hourly schedule succeeded",
    "wed 11:00 Hourly schedule succeeded",
    "thu 01:00 News refresh blocked",  # and Digest does not come after it
    "thu 09:00 Hourly schedule succeeded",
    "thu 10:00 Hourly schedule succeeded",
    "thu 11:00 Hourly schedule succeeded",
    "fri 01:00 News refresh succeeded",
    "fri 01:00 Digest schedule succeeded",
    "fri 13:30 Offers schedule succeeded",  # an hour and a half late, caught up; Hourly dropped its three
    "sat 01:00 News refresh succeeded",
    "sat 01:00 Digest schedule succeeded",
    # Hourly is paused.
    "sun 01:00 News refresh succeeded",
    "sun 01:00 Digest schedule succeeded",
    "sun 09:00 Hourly schedule succeeded",
    "sun 10:00 Hourly schedule succeeded",
    "sun 11:00 Hourly schedule succeeded",
]

NOTICES = [
    ("The refresh of the profiles is blocked", "blocked"),
    ("The refresh of the profiles recovered", "recovered"),
    ("News is blocked", "blocked"),
    ("News recovered", "recovered"),
]
