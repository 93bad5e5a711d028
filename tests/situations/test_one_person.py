"""One person over time: their address changes, they unsubscribe with the old one, and two people change places."""

import pytest

from ccexport.model.words import Mode, Moved, RunState
from tests.situations.test_on_the_list import at, leave, people
from tests.world import ADA, CARL, World, person

NEW = "new-address@example.com"


def moved_world(world: World, **export: object) -> None:
    """Eight people are on the list; then the address of the first changes."""
    world.ready(people(range(8)), **export)
    world.run()
    moves(world)


def moves(world: World) -> None:
    world.ingest([person(0, email=NEW), *people(range(1, 8))])


@pytest.mark.parametrize(
    ("settings", "stays"),
    [
        ({"mode": Mode.MIRROR}, False),
        ({"mode": Mode.MIRROR, "moved": Moved.LEAVE}, True),
        ({"mode": Mode.ADD_AND_UPDATE}, True),
        ({"mode": Mode.ADD_AND_UPDATE, "moved": Moved.TAKE_OFF}, False),
    ],
)
def test_the_old_address_is_taken_off_or_left_as_the_export_says(
    world: World, settings: dict[str, object], stays: bool
) -> None:
    """The old addresses that stay are counted: those people get everything twice."""
    moved_world(world, **settings)
    plan = world.services.previews.preview(CARL, "News")

    run = world.run()
    again = world.run()

    assert (run.state, run.counts["removed"]) == (RunState.SUCCEEDED, 0 if stays else 1), run.note
    assert plan.warnings.get("moved" if stays else "removal:moved") == 1
    assert world.on_list() == at(*range(1, 8)) | {NEW} | (at(0) if stays else set())
    assert (again.counts["sent"], again.counts["removed"]) == (0, 0)


@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.ADD_AND_UPDATE])
@pytest.mark.parametrize("unsubscribes", [True, False])
def test_who_unsubscribed_with_the_old_address_is_not_sent_with_the_new_one(
    world: World, mode: Mode, unsubscribes: bool
) -> None:
    """They said no to us, whatever their address is today; an administrator may know better."""
    world.ready(people(range(8)), mode=mode)
    world.run()
    if unsubscribes:
        world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person0@example.com"})
    else:
        leave(world, 0)
    moves(world)

    refused = world.run()
    there = world.on_list()
    world.services.runs.release(ADA, "News", "unsubscribed_before", reason="she asked for it")
    released = world.run()
    later = world.run()

    assert (refused.counts["reason_unsubscribed_before"], refused.counts["sent"]) == (1, 0), refused.note
    assert there == at(*range(1, 8))
    assert (released.counts["verified"], later.counts["sent"], later.counts["removed"]) == (1, 0, 0)
    assert world.on_list() == at(*range(1, 8)) | {NEW}


def test_an_address_that_somebody_else_has_now_is_nobodys_old_one(world: World) -> None:
    """Two people change places: both stay, although each has the other's old address."""
    world.ready(people(range(8)), mode=Mode.MIRROR)
    world.run()
    swapped = [person(0, email="person1@example.com"), person(1, email="person0@example.com")]
    world.ingest([*swapped, *people(range(2, 8))])

    run = world.run()

    assert (run.state, run.counts["removed"]) == (RunState.SUCCEEDED, 0), run.note
    assert world.on_list() == at(*range(8))


def test_another_export_keeps_the_old_address(world: World) -> None:
    """It holds them too, so its own next run decides."""
    world.ready(people(range(8)), mode=Mode.MIRROR)
    world.export("Other", mode=Mode.ADD_AND_UPDATE)
    world.run()
    world.run("Other")
    moves(world)

    run = world.run()

    assert (run.counts["removed"], world.on_list()) == (0, at(*range(8)) | {NEW})


def test_who_was_refused_three_times_no_longer_makes_every_run_red(world: World) -> None:
    """Until something changes: then it is worth another try."""
    world.ready(people(range(3)))
    world.sandbox.admin("PATCH", "config", {"email_max_chars": 25})
    long = person(9, email="a-very-long-address@example.com")
    world.ingest([*people(range(3)), long])

    red = [world.run() for _ in range(3)]
    plan = world.services.previews.preview(CARL, "News")
    fine = world.run()
    world.ingest([*people(range(3)), long | {"first_name": "Another"}])
    changed = world.run()
    world.sandbox.admin("PATCH", "config", {"email_max_chars": 50})
    world.ingest([*people(range(3)), long])
    world.services.runs.release(ADA, "News", "refused_before", reason="corrected there")
    released = world.run()

    assert [run.state for run in red] == [RunState.SUCCEEDED_WITH_REJECTS] * 3, [str(r.note) for r in red]
    assert (plan.reasons["refused_before"], plan.to_send) == (1, 0)
    assert (fine.state, fine.counts["sent"]) == (RunState.SUCCEEDED, 0)
    assert (changed.state, changed.counts["rejected"]) == (RunState.SUCCEEDED_WITH_REJECTS, 1)
    assert (released.state, released.counts["verified"]) == (RunState.SUCCEEDED, 1), released.note
