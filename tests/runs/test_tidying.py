"""What is kept for how long: rows about people go, counts and stories stay."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccexport.errors import NotFound, NotPermitted
from ccexport.model.ids import made_at, make_id
from ccexport.model.words import Mode, RunState
from ccexport.plan.standing import holds_path
from ccexport.worker.tidying import Tidying, months_before
from tests.world import ADA, CARL, Calendar, World, person


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def world(tmp_path: Path, calendar: Calendar) -> Iterator[World]:
    made = World(tmp_path, clock=calendar)
    yield made
    made.close()


def folders(world: World, name: str) -> int:
    return len(list((world.settings.data_dir / name).glob("*")))


def test_after_the_retention_rows_are_gone_and_counts_stay(world: World, calendar: Calendar) -> None:
    world.ready([person(n) for n in range(5)], mode=Mode.MIRROR)
    old = world.run()
    calendar.ahead += timedelta(days=30 * 14)
    world.connect("Main", reconnect=True)
    recent = world.run()

    found = world.services.maintenance.tidy(ADA)

    assert found.runs == 1
    with pytest.raises(NotFound, match="13 months after it ended"):
        world.services.runs.contacts(CARL, old.id)
    with pytest.raises(NotFound, match="counts, requests and story"):
        world.services.runs.contacts_csv(CARL, old.id)
    kept = world.services.runs.get(CARL, old.id)
    assert (kept.state, dict(kept.counts)) == (RunState.SUCCEEDED, dict(old.counts))
    assert len(world.services.runs.batches(CARL, old.id)) == 1
    assert world.services.runs.story(CARL, old.id)
    assert len(world.services.runs.contacts(CARL, recent.id)) == 5
    text = "".join(
        p.read_bytes().decode("latin-1") for p in (world.settings.data_dir / "plans").rglob("*.json")
    )
    assert old.plan_id not in text


def test_a_run_after_tidying_knows_what_was_delivered(world: World, calendar: Calendar) -> None:
    world.ready([person(n) for n in range(5)], mode=Mode.MIRROR)
    world.run()
    calendar.ahead += timedelta(days=30 * 14)
    world.connect("Main", reconnect=True)
    world.services.maintenance.tidy(ADA)
    world.ingest([person(n) for n in range(4)])

    run = world.run()

    assert (run.state, run.counts["unchanged"], run.counts["removed"]) == (RunState.SUCCEEDED, 4, 1), run.note


def test_previews_and_readings_go_after_a_week_but_the_newest_reading(
    world: World, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading also stays until a run has used it: it may show who left. So do the newest previews."""
    monkeypatch.setattr("ccexport.worker.tidying.PREVIEWS", 2)
    world.ready([person(n) for n in range(5)])
    run = world.run()
    for n in range(3):
        world.ingest([person(n, first_name=f"X{n}") for n in range(5)])
        world.services.previews.preview(CARL, "News", fresh=True)
    assert folders(world, "plans") == 4
    calendar.ahead += timedelta(days=8)

    found = world.services.maintenance.tidy(ADA)
    again = world.services.maintenance.tidy(ADA)

    assert (found.runs, found.plans, found.readings) == (0, 1, 1)
    assert not again.anything
    kept = [plan.run_id for plan in world.services.previews.plans(CARL, "News")]
    assert kept == ["", "", run.id]
    assert folders(world, "destination") == 3
    assert len(world.services.runs.contacts(CARL, run.id)) == 5
    assert world.services.previews.preview(CARL, "News", fresh=False).candidates == 5

    world.connect("Main", reconnect=True)
    world.run()
    calendar.ahead += timedelta(days=8)

    assert world.services.maintenance.tidy(ADA).readings == 3
    assert folders(world, "destination") == 1


def test_what_was_replaced_or_left_by_a_crash_goes_and_the_current_deliveries_stay(
    world: World, calendar: Calendar
) -> None:
    world.ready([person(n) for n in range(3)])
    world.run()
    world.ingest([person(n) for n in range(4)])
    world.run()
    calendar.ahead += timedelta(days=8)
    root = world.settings.data_dir
    (_, _, current) = world.services.ledger.files.all_deliveries()[0]
    half = root / "plans" / f".{make_id('plan', datetime.now(UTC), b'12345')}.part"
    half.mkdir()

    world.services.maintenance.tidy(ADA)

    assert set(root.glob("deliveries/*/*/*.parquet")) == {current, holds_path(current)}
    assert not half.exists()


def test_a_live_run_keeps_its_plan_however_long_it_waits(world: World, calendar: Calendar) -> None:
    world.ready([person(n) for n in range(5)])
    world.services.connections.change(ADA, "Main", approval_above=3)
    waiting = world.run()
    calendar.ahead += timedelta(days=30 * 14)

    world.services.maintenance.tidy(ADA)

    assert len(world.services.runs.contacts(CARL, waiting.id)) == 5


def test_many_workers_tidy_once_a_day(world: World, calendar: Calendar) -> None:
    engine = world.services.engine
    first, second = Tidying(engine, months=13), Tidying(engine, months=13)

    done = [first.tick(), second.tick(), first.tick()]
    calendar.ahead += timedelta(hours=23)
    done.append(first.tick())
    calendar.ahead += timedelta(hours=2)
    done += [second.tick(), first.tick()]

    assert [found is not None for found in done] == [True, False, False, False, True, False]


def test_tidying_is_for_administrators_and_audited(world: World, calendar: Calendar) -> None:
    world.ready([person(1)])
    world.services.previews.preview(CARL, "News")
    calendar.ahead += timedelta(days=500)
    with pytest.raises(NotPermitted):
        world.services.maintenance.tidy(CARL)

    world.services.maintenance.tidy(ADA)

    assert [e["actor"] for e in world.services.system.audit(ADA) if e["action"] == "tidied"] == ["ada"]


@pytest.mark.parametrize(
    ("now", "months", "expected"),
    [
        ((2026, 3, 31), 1, (2026, 2, 28)),
        ((2026, 1, 15), 13, (2024, 12, 15)),
        ((2024, 12, 31), 10, (2024, 2, 29)),
    ],
)
def test_months_end_where_they_end(now: tuple[int, ...], months: int, expected: tuple[int, ...]) -> None:
    assert months_before(datetime(*now, tzinfo=UTC), months) == datetime(*expected, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_an_id_tells_when_it_was_made() -> None:
    at = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    assert made_at(make_id("run", at, b"12345")) == at
    assert made_at("remove-0001") is None
