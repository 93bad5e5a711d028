"""What each mode does to a list, seen from the other side; and who is left to other exports."""

from pathlib import Path

import pytest

from ccexport.errors import BadInput, Conflict
from ccexport.model.words import Mode, Reason, RunState, Verdict
from tests.world import ADA, CARL, World, person


@pytest.fixture
def mixed(tmp_path: Path) -> World:
    """Persons 0 and 1 are on the list by themselves; persons 0 to 3 are in the segment."""
    world = World(tmp_path)
    world.ready([person(n) for n in range(4)])
    there = [
        {"email": f"person{n}@example.com", "fields": {"first_name": "Old"}, "lists": [world.list_name]}
        for n in (0, 1)
    ]
    world.sandbox.admin("POST", "contacts", {"contacts": there})
    return world


@pytest.mark.parametrize(
    ("mode", "on_list", "changed", "verdict"),
    [
        (Mode.ADD_ONLY, {0, 1, 2, 3}, False, {Verdict.ADD: 2}),
        (Mode.UPDATE_ONLY, {0, 1}, True, {Verdict.UPDATE: 2}),
        (Mode.ADD_AND_UPDATE, {0, 1, 2, 3}, True, {Verdict.ADD: 2, Verdict.UPDATE: 2}),
        (Mode.MIRROR, {0, 1, 2, 3}, True, {Verdict.ADD: 2, Verdict.UPDATE: 2}),
        (Mode.REMOVE, set(), False, {Verdict.REMOVE: 2}),
    ],
)
def test_a_mode_does_what_its_name_says(
    mixed: World, mode: Mode, on_list: set[int], changed: bool, verdict: dict[Verdict, int]
) -> None:
    mixed.services.exports.change(CARL, "News", mode=mode)
    run = mixed.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert mixed.on_list() == {f"person{n}@example.com" for n in on_list}
    first_names = [mixed.there(f"person{n}@example.com")["fields"]["first_name"] for n in (0, 1)]
    assert first_names == (["Name0", "Name1"] if changed else ["Old", "Old"])
    assert {v: n for v in Verdict if (n := run.counts[v])} == verdict
    left_out = sum(n for name, n in run.counts.items() if name.startswith("reason_"))
    assert run.counts["candidates"] == sum(verdict.values()) + left_out
    mixed.close()


def test_nobody_goes_who_is_excluded_or_goes_with_an_export_that_comes_first(tmp_path: Path) -> None:
    """Three exports in an order: everybody goes with the first that takes them, and the excluded with none."""
    world = World(tmp_path)
    world.ready(
        [person(n, country=c) for n, c in enumerate(["Norway", "Norway", "Sweden", "Finland", "Denmark"])]
    )
    for name in ("Norway", "Sweden", "Finland"):
        world.services.segments.create(ADA, name, rule={"field": "country", "op": "is", "value": name})
    for name in ("One", "Two", "Three"):
        world.services.connections.create_list(ADA, "Main", name)
    world.export("One", contact_list="One", segments=["Norway"])
    world.export("Two", contact_list="Two", segments=["Norway", "Sweden"], yields_to=["One"])
    world.export("Three", contact_list="Three", yields_to=["Two"], exclude=["Finland"])

    for name in ("One", "Two", "Three"):
        assert world.run(name).state is RunState.SUCCEEDED

    addresses = [{f"person{n}@example.com" for n in some} for some in ((0, 1), (2,), (4,))]
    assert [world.on_list(name) for name in ("One", "Two", "Three")] == addresses
    plan = world.services.previews.preview(ADA, "Three")
    assert {r: n for r, n in plan.reasons.items() if n} == {Reason.TAKEN_BY: 3, Reason.EXCLUDED: 1}
    with pytest.raises(BadInput, match="One would come before itself"):
        world.services.exports.change(CARL, "One", yields_to=["Three"])
    with pytest.raises(Conflict, match="used by the export Three"):
        world.services.segments.remove(ADA, "Finland")
    world.close()
