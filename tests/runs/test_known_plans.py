"""A plan that is at hand is found without doing its work again, and a preview writes no more than its rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine as Connections

from ccexport.model.words import RunState
from tests.world import CARL, World, person


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@contextmanager
def statements() -> Iterator[list[str]]:
    """Everything that any ledger is asked meanwhile."""
    asked: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(" ".join(statement.split()))

    event.listen(Connections, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Connections, "before_cursor_execute", note)


def test_a_preview_writes_its_rows_and_no_request_bodies(world: World) -> None:
    world.ready([person(n) for n in range(20)])
    plan = world.services.previews.preview(CARL, "News", fresh=True)

    there = sorted(p.name for p in plan.path.parent.rglob("*"))

    assert there == ["before.parquet", "dropped.parquet", "plan.json", "plan.parquet"]
    assert [(b.number, b.contacts) for b in plan.batches] == [(1, 20)]


def test_a_run_sends_the_plan_that_was_previewed(world: World) -> None:
    """The reading is new, but it shows the same people."""
    world.ready([person(n) for n in range(20)])
    plan = world.services.previews.preview(CARL, "News", fresh=True)

    run = world.run()

    assert (run.state, run.plan_id, run.digest) == (RunState.SUCCEEDED, plan.id, plan.digest)
    assert len(list((world.settings.data_dir / "plans").glob("plan-*"))) == 1


def test_the_suppression_list_is_read_once_for_each_state(world: World) -> None:
    """However many previews there are: with 300,000 entries each reading takes seconds."""
    world.ready([person(n) for n in range(5)])
    world.services.system.suppress(CARL, ["person1@example.com"])
    first = world.services.previews.preview(CARL, "News", fresh=True)

    with statements() as asked:
        again = world.services.previews.preview(CARL, "News", fresh=True)
        world.services.previews.preview(CARL, "News", fresh=True, resend_all=True)

    assert again.id == first.id
    assert any("FROM revisions" in s for s in asked)
    assert not [s for s in asked if "FROM suppression" in s]


def test_every_change_of_the_suppression_list_makes_a_new_plan(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    system, sent = world.services.system, []
    for change in (
        lambda: None,
        lambda: system.suppress(CARL, ["person1@example.com"]),
        lambda: system.suppress(CARL, ["person2@example.com"]),
        lambda: system.unsuppress(CARL, "person1@example.com"),
        lambda: system.unsuppress(CARL, "person2@example.com"),
    ):
        change()
        sent.append(world.services.previews.preview(CARL, "News", fresh=True).to_send)

    assert sent == [5, 4, 3, 4, 5]
    files = world.settings.data_dir.glob("suppression/*.parquet")
    assert sorted(pq.read_table(f)["value"].to_pylist() for f in files) == [
        ["person1@example.com"],
        ["person1@example.com", "person2@example.com"],
        ["person2@example.com"],
    ]


def test_a_stored_plan_opens_without_reading_its_contacts(world: World) -> None:
    """The description and the sizes of the files are enough for a page; a run checks every byte."""
    world.ready([person(n) for n in range(5)])
    plan = world.services.previews.preview(CARL, "News", fresh=True)
    rows = plan.path.read_bytes()
    plan.path.write_bytes(bytes(len(rows)))

    assert world.services.previews.preview(CARL, "News", fresh=False).id == plan.id
    run = world.run()

    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 5)
    assert run.plan_id != plan.id
