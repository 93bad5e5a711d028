"""Four weeks of three exports on two lists, with every trouble, beside a timeline written by hand.

`Members` mirrors who is a member and `Guests` mirrors the guests, both on First; `All` adds everybody to Second.
"""

from collections.abc import Callable

from ccexport.model.exports import Guards
from ccexport.model.words import Mode, RunState
from tests.situations.test_on_the_list import at, people
from tests.world import ADA, CARL, World

OFF = Guards(removals_percent=None, shrunk_percent=None, gone_percent=None)


def hand(world: World, path: str, number: int, **more: str) -> None:
    world.sandbox.admin("POST", f"contacts/{path}", {"email": f"person{number}@example.com"} | more)


def these(world: World, members: range | list[int], guests: range | list[int]) -> None:
    world.ingest([*people(members, country="Member"), *people(guests, country="Guest")])


def begin(world: World) -> None:
    these(world, range(6), range(6, 9))
    world.connect()
    for name in ("First", "Second"):
        world.services.connections.create_list(ADA, "Main", name)
    for name in ("Member", "Guest"):
        rule = {"all": [{"field": "country", "op": "is", "value": name}]}
        world.services.segments.create(CARL, name, rule=rule)
    mirror = {"contact_list": "First", "mode": Mode.MIRROR, "guards": OFF}
    world.export("Members", segments=["Member"], **mirror)
    world.export("Guests", segments=["Guest"], **mirror)
    world.export("All", segments=["Member", "Guest"], contact_list="Second", guards=OFF)


def monday(world: World) -> None:
    """All three run; nothing is wrong yet."""
    for name in ("Members", "Guests", "All"):
        world.run(name)


def a_guest_becomes_a_member(world: World) -> None:
    """6 moves between two mirrors of one list: kept, not taken off and put back."""
    these(world, range(7), [7, 8])
    assert world.run("Guests").counts["removed"] == 0
    world.run("Members")


def one_leaves_and_one_unsubscribes(world: World) -> None:
    """0 leaves First by own hand, 1 unsubscribes from everything; both are members all the same."""
    hand(world, "leave_list", 0, list="First")
    hand(world, "unsubscribe", 1)
    monday(world)


def members_cancel(world: World) -> None:
    """5 is no member any more; Constant Contact is down meanwhile, so the run waits and goes on."""
    these(world, [0, 1, 2, 3, 4, 6], [7, 8])
    world.fault("status", status=503, times=8)
    run = world.services.runs.start(CARL, "Members")
    for _ in range(10):
        run = world.services.runs.drive_here(run.id)
        if run.state.ended:
            break
    world.sandbox.admin("DELETE", "faults")
    assert run.state is RunState.SUCCEEDED, run.note


def an_import_fails(world: World) -> None:
    """10 and 11 join; their import is lost, and nothing else changes."""
    these(world, [0, 1, 2, 3, 4, 6, 10, 11], [7, 8])
    world.fault("failed", activity="contacts_json_import")
    assert world.run("Members").state is RunState.FAILED


def tried_again_and_seen_late(world: World) -> None:
    """The next run sends them; they show only after its grace, and are ours all the same."""
    world.sandbox.admin("PATCH", "config", {"visibility_seconds": 30})
    world.run("Members")
    world.sandbox.admin("POST", "clock", {"advance": 60})
    world.sandbox.admin("PATCH", "config", {"visibility_seconds": 0})
    world.run("All")


def one_of_them_cancels_at_once(world: World) -> None:
    """11 was seen late, and is taken off by the mirror that put them there; Second keeps everybody."""
    these(world, [0, 1, 2, 3, 4, 6, 10], [7, 8])
    world.run("Members")


def that_was_a_mistake(world: World) -> None:
    """The run is undone, and 11 is a member again."""
    last = world.services.runs.list(CARL, export="Members", limit=1)[0]
    world.services.runs.drive_here(world.services.runs.undo(CARL, last.id).id)
    these(world, [0, 1, 2, 3, 4, 6, 10, 11], [7, 8])
    world.run("Members")


def who_left_comes_back_by_own_hand(world: World) -> None:
    """0 joins First again, and stays there when the membership ends: nobody of ours holds them."""
    hand(world, "join_list", 0, list="First")
    world.run("Members")
    these(world, [1, 2, 3, 4, 6, 10, 11], [7, 8])
    world.run("Members")


def guests_go_to_the_second_list(world: World) -> None:
    """Moved without a word, whom Guests put on First stay there, held by no export."""
    world.services.exports.change(CARL, "Guests", contact_list="Second")
    these(world, [1, 2, 3, 4, 6, 10, 11], [8])
    world.run("Guests")
    world.run("Members")


def all_is_removed_and_takes_its_people_off(world: World) -> None:
    """Whom Guests holds on Second stays there, and so does who unsubscribed, off it."""
    run = world.services.runs.remove_export(CARL, "All", take_off=True)
    assert run is not None
    world.services.runs.drive_here(run.id)


TIMELINE: list[tuple[int, Callable[[World], None], set[int], set[int]]] = [
    # day, what happens, who is on First afterwards, who is on Second
    (1, monday, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8}),
    (3, a_guest_becomes_a_member, {0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8}),
    (5, one_leaves_and_one_unsubscribes, {2, 3, 4, 5, 6, 7, 8}, {0, 2, 3, 4, 5, 6, 7, 8}),
    (8, members_cancel, {2, 3, 4, 6, 7, 8}, {0, 2, 3, 4, 5, 6, 7, 8}),
    (10, an_import_fails, {2, 3, 4, 6, 7, 8}, {0, 2, 3, 4, 5, 6, 7, 8}),
    (11, tried_again_and_seen_late, {2, 3, 4, 6, 7, 8, 10, 11}, {0, 2, 3, 4, 5, 6, 7, 8, 10, 11}),
    (15, one_of_them_cancels_at_once, {2, 3, 4, 6, 7, 8, 10}, {0, 2, 3, 4, 5, 6, 7, 8, 10, 11}),
    (16, that_was_a_mistake, {2, 3, 4, 6, 7, 8, 10, 11}, {0, 2, 3, 4, 5, 6, 7, 8, 10, 11}),
    (19, who_left_comes_back_by_own_hand, {0, 2, 3, 4, 6, 7, 8, 10, 11}, {0, 2, 3, 4, 5, 6, 7, 8, 10, 11}),
    (24, guests_go_to_the_second_list, {0, 2, 3, 4, 6, 7, 8, 10, 11}, {0, 2, 3, 4, 5, 6, 7, 8, 10, 11}),
    (28, all_is_removed_and_takes_its_people_off, {0, 2, 3, 4, 6, 7, 8, 10, 11}, {8}),
]


def test_four_weeks_go_as_the_timeline_says(world: World) -> None:
    """Nobody is on a list for no living reason, or off it against one."""
    begin(world)
    for day, happens, first, second in TIMELINE:
        happens(world)

        assert world.on_list("First") == at(*first), (day, happens.__doc__)
        assert world.on_list("Second") == at(*second), (day, happens.__doc__)
