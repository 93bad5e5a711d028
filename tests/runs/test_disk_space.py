"""Space is looked at before a plan is made; plans that were not run go first, oldest first."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ccexport.errors import StoreTrouble
from ccexport.runs.disk_space import make_room
from ccexport.runs.engine import Engine
from tests.world import CARL, Calendar, World, person

MORE_THAN_ANY_DISK = 10**15


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def world(tmp_path: Path, calendar: Calendar) -> Iterator[World]:
    made = World(tmp_path, clock=calendar)
    yield made
    made.close()


def _engine(world: World) -> Engine:
    return world.services.wiring.engine


def _plans(world: World) -> list[str]:
    return sorted(p.name for p in (world.settings.data_dir / "plans").glob("plan-*"))


def test_too_little_space_is_said_with_both_numbers(world: World) -> None:
    world.ready([person(n) for n in range(3)])

    with pytest.raises(StoreTrouble, match=r"needs about .* and .* are free\. Make room"):
        make_room(_engine(world), MORE_THAN_ANY_DISK)


def test_plans_that_were_not_run_make_room_but_the_newest_and_the_young(
    world: World, calendar: Calendar
) -> None:
    world.ready([person(n) for n in range(3)])
    run = world.run()
    previews = []
    for n in range(4):
        calendar.ahead += timedelta(minutes=40)
        world.ingest([person(n, first_name=f"X{n}") for n in range(3 + n)])
        previews.append(world.services.previews.preview(CARL, "News", fresh=True).id)

    make_room(_engine(world), 3)  # there is space enough
    assert len(_plans(world)) == 5
    with pytest.raises(StoreTrouble):
        make_room(_engine(world), MORE_THAN_ANY_DISK)

    assert _plans(world) == sorted([run.plan_id or "", *previews[2:]])
    assert len(world.services.runs.contacts(CARL, run.id)) == 3
    kept = [plan.id for plan in world.services.previews.plans(CARL, "News")]
    assert kept == [*reversed(previews[2:]), run.plan_id]
