"""Each guard just inside and just beyond its limit."""

from typing import Any

import pytest

from ccexport.model.exports import Guards
from ccexport.model.words import Mode, Reason, Verdict
from ccexport.plan.guards import GUARDS, Figures, tripped
from tests.plan.factories import World

NOBODY: frozenset[str] = frozenset()


def figures(**changes: Any) -> Figures:
    given = {"candidates": 100, "verdicts": {}, "reasons": {}, "held": 0, "mode": Mode.MIRROR, **changes}
    return Figures(**given)


def names(limits: Guards, found: Figures, released: frozenset[str] = NOBODY) -> list[str]:
    return [g.name for g in tripped(limits, found, released)]


REMOVE, ADD, OVER = Verdict.REMOVE, Verdict.ADD, Reason.OVER_LIMIT


@pytest.mark.parametrize(
    ("limits", "changes", "expected"),
    [
        ({}, {"verdicts": {REMOVE: 30}, "held": 100}, []),
        ({}, {"verdicts": {REMOVE: 31}, "held": 100}, ["removals_percent"]),
        ({}, {"verdicts": {REMOVE: 5}, "held": 5}, []),
        ({}, {"verdicts": {REMOVE: 6}, "held": 6}, ["removals_percent"]),
        ({"removals_percent": None}, {"verdicts": {REMOVE: 6}, "held": 6}, []),
        ({"removals_count": 2}, {"verdicts": {REMOVE: 3}, "held": 100}, ["removals_count"]),
        ({"removals_count": 3}, {"verdicts": {REMOVE: 3}, "held": 100}, []),
        ({}, {"candidates": 0}, ["empty"]),
        ({}, {"candidates": 0, "mode": Mode.ADD_AND_UPDATE}, []),
        ({}, {"candidates": 0, "mode": Mode.ADD_AND_UPDATE, "last_sent": 1}, ["empty"]),
        ({}, {"candidates": 0, "mode": Mode.ADD_AND_UPDATE, "last_candidates": 9}, ["empty"]),
        ({}, {"candidates": 50, "last_candidates": 100}, []),
        ({}, {"candidates": 49, "last_candidates": 100}, ["shrunk_percent"]),
        ({"shrunk_percent": None}, {"candidates": 1, "last_candidates": 100}, []),
        ({}, {"reasons": {Reason.NO_EMAIL: 100}}, []),
        ({"rejected_percent": 10}, {"reasons": {Reason.NO_EMAIL: 10}}, []),
        (
            {"rejected_percent": 10},
            {"reasons": {Reason.NO_EMAIL: 6, Reason.DUPLICATE: 5}},
            ["rejected_percent"],
        ),
        ({"contacts_maximum": 90}, {"reasons": {OVER: 10}}, ["contacts_maximum"]),
        ({}, {"verdicts": {ADD: 10}, "head_room": 10}, []),
        ({}, {"verdicts": {ADD: 11}, "head_room": 10}, ["head_room"]),
        ({}, {"verdicts": {ADD: 1}, "head_room": -5}, ["head_room"]),
    ],
)
def test_a_guard_trips_beyond_its_limit_only(
    limits: dict[str, Any], changes: dict[str, Any], expected: list[str]
) -> None:
    """Exactly at the limit is allowed."""
    assert names(Guards(**limits), figures(**changes)) == expected


def test_a_released_guard_does_not_trip_and_the_others_still_do() -> None:
    """A person releases by name."""
    found = figures(verdicts={REMOVE: 60, ADD: 9}, held=100, head_room=1)
    assert names(Guards(), found) == ["removals_percent", "head_room"]
    assert names(Guards(), found, frozenset({"removals_percent"})) == ["head_room"]
    assert set(names(Guards(), found)) <= set(GUARDS)


def test_the_sentence_has_the_numbers_and_the_limit(world: World) -> None:
    """An analyst must be able to decide from it."""
    held = [f"p{n}@example.com" for n in range(10)]
    world.profiles_are([{"email": "p0@example.com"}])
    given = {
        "mode": Mode.MIRROR,
        "deliveries": world.deliveries([{"address": a} for a in held]),
        "destination": world.reading(held),
    }
    (guard,) = world.plan(**given).guards
    assert str(guard.sentence) == (
        "9 of the 10 contacts this export holds on the list (90 %) would be removed; the limit is 30 %."
    )
    assert world.plan(**given, released=frozenset({"removals_percent"})).guards == ()


def test_an_empty_segment_in_mirror_mode_is_blocked_before_it_empties_the_list(world: World) -> None:
    """The classic accident."""
    world.profiles_are([{"email": "p0@example.com"}])
    plan = world.plan(
        mode=Mode.MIRROR,
        members=(world.segment("Nobody", []),),
        deliveries=world.deliveries([{"address": f"p{n}@example.com"} for n in range(10)]),
        destination=world.reading([f"p{n}@example.com" for n in range(10)]),
    )
    assert [g.name for g in plan.guards] == ["empty", "removals_percent"]
