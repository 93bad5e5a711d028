"""What a run found and what is remembered of it: outcomes and deliveries."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ccexport.model.plans import DestinationReading, Plan
from ccexport.model.words import Mode, Outcome
from ccexport.plan.deliveries import fold
from ccexport.plan.reading import counts, person, rows
from ccexport.plan.standing import Seen, holds_path
from ccexport.plan.undo import make_undo
from ccexport.plan.verify import UNSUBSCRIBED, verify
from tests.plan.factories import AT, EXPORT, World, clock, mapped

FIVE = [f"{letter}@example.com" for letter in "abcde"]


def verified(world: World, plan: Plan, on_list: list[str], **changes: Any) -> Path:
    into = world.path("outcomes")
    given: dict[str, Any] = {"unsubscribed": None, "sent_batches": [b.number for b in plan.batches]} | changes
    verify(plan, on_list=world.addresses(on_list), into=into, **given)
    return into


def outcomes(world: World, plan: Plan, on_list: list[str], **changes: Any) -> dict[str, tuple[str, Any]]:
    """Address → outcome and note, of everything sent."""
    found = rows(plan, outcomes=verified(world, plan, on_list, **changes))
    return {r.address or "": (str(r.outcome), r.note) for r in found if r.outcome}


def folded(world: World, plan: Plan, **changes: Any) -> dict[str, dict[str, Any]]:
    """Deliveries by address after a run."""
    into = world.path("deliveries")
    given: dict[str, Any] = {
        "base": None,
        "outcomes": None,
        "import_batches": [b.number for b in plan.batches],
        "removed": False,
        "export_id": EXPORT,
        "run_id": "run-1",
        "at": AT,
        **changes,
    }
    fold(given.pop("base"), plan, into=into, **given)
    found = pq.read_table(into).to_pylist()
    state = {row["address"]: row | {"exports": []} for row in found}
    holds = pq.read_table(holds_path(into)).to_pylist()
    for hold in sorted(holds, key=lambda h: h["export_id"]):
        if hold["until"] is None and hold["since"] is not None:
            state[hold["address"]]["exports"].append(hold["export_id"])
    assert len(state) == len(found), "an address is delivered once"
    return state


# -- outcomes ---------------------------------------------------------------------------------------


def test_an_outcome_is_what_the_list_says(world: World) -> None:
    """On it is verified; else the best explanation there is; else missing."""
    world.profiles_are([{"email": a} for a in FIVE])
    plan = world.plan(most_contacts=4)
    found = outcomes(
        world,
        plan,
        [FIVE[0], "stranger@example.com"],
        unsubscribed=world.addresses([FIVE[1].upper()]),
        hints={(1, 2): "Line 4: Invalid email", (1, 0): "Line 2: odd"},
        sent_batches=[1],
        unknown_batches=[2],
    )
    assert found == {
        "a@example.com": ("verified", "Line 2: odd"),
        "b@example.com": ("rejected", UNSUBSCRIBED),
        "c@example.com": ("rejected", "Line 4: Invalid email"),
        "d@example.com": ("missing", None),
        "e@example.com": ("unknown", None),
    }


def test_what_was_never_sent_has_no_outcome(world: World) -> None:
    """A cancelled run leaves batches behind; and an unknown batch may have arrived after all."""
    world.profiles_are([{"email": a} for a in FIVE])
    plan = world.plan(most_contacts=2)
    found = outcomes(world, plan, FIVE, sent_batches=[1], unknown_batches=[3])
    assert {a: o for a, (o, _) in found.items()} == dict.fromkeys([FIVE[0], FIVE[1], FIVE[4]], "verified")


@pytest.mark.parametrize(("refused", "expected"), [(2, "rejected"), (3, "rejected"), (1, "missing")])
def test_counters_explain_absences_only_when_they_explain_all(
    world: World, refused: int, expected: str
) -> None:
    """Constant Contact counts what it refused, but does not name it."""
    world.profiles_are([{"email": a} for a in FIVE])
    found = outcomes(world, world.plan(), FIVE[:3], refused={1: refused})
    assert {o for a, (o, _) in found.items() if a in FIVE[3:]} == {expected}


def test_outcomes_add_up_to_what_was_sent(world: World) -> None:
    """And each of them can be asked for."""
    world.profiles_are([{"email": a} for a in FIVE])
    plan = world.plan()
    file = verified(world, plan, FIVE[:3])
    found = counts(plan, file)
    assert sum(found[o] for o in Outcome) == plan.to_send == 5
    assert [r.address for r in rows(plan, what="missing", outcomes=file)] == FIVE[3:]
    assert person(plan, " A@Example.com", outcomes=file)[0].outcome is Outcome.VERIFIED


# -- deliveries -------------------------------------------------------------------------------------


def test_a_first_run_leaves_one_state_per_contact_sent(world: World) -> None:
    """Content only where it arrived, so that everything else is tried again."""
    world.profiles_are([*({"email": a} for a in FIVE), {"email": "bad"}])
    plan = world.plan(most_contacts=4)
    file = verified(world, plan, FIVE[:1], hints={(1, 1): "no"}, sent_batches=[1], unknown_batches=[2])
    state = folded(world, plan, outcomes=file)
    assert {a: r["state"] for a, r in state.items()} == dict(
        zip(FIVE, ["on_list", "rejected", "missing", "missing", "unknown"], strict=True)
    )
    assert [a for a, r in state.items() if r["content"]] == FIVE[:1]
    assert [a for a, r in state.items() if r["exports"]] == FIVE[:1]
    again = world.plan(deliveries=_written(world, state), destination=world.reading(FIVE[:1]))
    assert [str(r.verdict) for r in rows(again)][:5] == ["unchanged", "add", "add", "add", "add"]


def seen(reading: DestinationReading) -> Seen:
    return Seen(reading.on_list, reading.unsubscribed)


def _written(world: World, state: dict[str, dict[str, Any]]) -> Path:
    return world.deliveries(list(state.values()))


def test_without_outcomes_what_was_sent_is_unknown(world: World) -> None:
    """A run that died before it could look; batches that never left change nothing."""
    world.profiles_are([{"email": a} for a in FIVE])
    state = folded(world, world.plan(most_contacts=2), import_batches=[1, 3])
    assert {a: r["state"] for a, r in state.items()} == dict.fromkeys([FIVE[0], FIVE[1], FIVE[4]], "unknown")


def test_who_was_there_before_we_sent_and_is_gone_has_left(world: World) -> None:
    """An import takes nobody off the list, so they did; they are never put back."""
    world.profiles_are([{"email": FIVE[0], "name": "new"}])
    base = world.deliveries([{"address": FIVE[0], "content": 1, "contact": "{}"}])
    fields = mapped("first_name=name")
    plan = world.plan(fields=fields, deliveries=base, destination=world.reading(FIVE[:1]))
    state = folded(world, plan, base=base, outcomes=verified(world, plan, []))
    assert (state[FIVE[0]]["state"], state[FIVE[0]]["contact"]) == ("left", "{}")
    again = world.plan(fields=fields, deliveries=_written(world, state))
    assert [str(r.reason) for r in rows(again)] == ["left_list"]


def test_an_update_of_unknown_fate_is_still_on_the_list_and_sent_again(world: World) -> None:
    """Forgetting that it was there would put back somebody who then leaves."""
    world.profiles_are([{"email": FIVE[0], "name": "new"}])
    base = world.deliveries([{"address": FIVE[0], "content": 1}])
    fields = mapped("first_name=name")
    plan = world.plan(fields=fields, deliveries=base, destination=world.reading(FIVE[:1]))
    state = folded(world, plan, base=base)
    assert (state[FIVE[0]]["state"], state[FIVE[0]]["content"]) == ("on_list", None)
    deliveries = _written(world, state)
    still = world.plan(fields=fields, deliveries=deliveries, destination=world.reading(FIVE[:1]))
    gone = world.plan(fields=fields, deliveries=deliveries, destination=world.reading())
    assert [str(r.verdict or r.reason) for p in (still, gone) for r in rows(p)] == ["update", "left_list"]


def test_who_left_or_unsubscribed_is_remembered(world: World) -> None:
    """Once, although two profiles have the address; candidates and others alike."""
    world.profiles_are([{"email": a} for a in (FIVE[0], FIVE[0], FIVE[1])])
    base = world.deliveries([{"address": a} for a in FIVE[:3]])
    reading = world.reading([FIVE[1], FIVE[3]], unsubscribed=[FIVE[1]])
    plan = world.plan(deliveries=base, destination=reading)
    state = folded(world, plan, base=base, readings=[seen(reading)])
    assert {a: r["state"] for a, r in state.items()} == dict.fromkeys(FIVE[:3], "left") | {FIVE[3]: "own"}


def test_who_unsubscribed_while_the_list_was_read_is_remembered_and_not_removed(world: World) -> None:
    """The reading of the list has them still, that of the unsubscribed has them already."""
    world.profiles_are([{"email": FIVE[0]}, {"email": FIVE[1]}])
    base = world.deliveries([{"address": a} for a in FIVE[:3]])
    reading = world.reading(FIVE[:3], unsubscribed=FIVE[:1])
    plan = world.plan(deliveries=base, destination=reading, mode=Mode.MIRROR)

    assert [(r.address, str(r.verdict or r.reason)) for r in rows(plan)] == [
        (FIVE[0], "unsubscribed"),
        (FIVE[1], "update"),
        (FIVE[2], "remove"),
    ]
    state = folded(
        world, plan, base=base, removed=True, readings=[seen(reading)], on_list=world.addresses(FIVE[1:2])
    )
    assert [state[a]["state"] for a in (FIVE[0], FIVE[2])] == ["left", "removed"]


def test_a_hint_about_a_verified_update_sends_it_again(world: World) -> None:
    """They are on the list, but the row itself may have been refused."""
    world.profiles_are([{"email": FIVE[0]}])
    plan = world.plan(destination=world.reading(FIVE[:1]))
    state = folded(world, plan, outcomes=verified(world, plan, FIVE[:1], hints={(1, 0): "Invalid birthday"}))
    assert (state[FIVE[0]]["state"], state[FIVE[0]]["content"]) == ("own", None)


def test_a_removal_ends_our_hold_unless_they_are_still_there(world: World) -> None:
    """Only what was carried out counts, and only when the list was read back."""
    world.profiles_are([{"email": FIVE[0]}])
    base = world.deliveries([{"address": a} for a in FIVE[:3]])
    plan = world.plan(deliveries=base, destination=world.reading(FIVE[:3]), mode=Mode.MIRROR)
    for changes, gone in (
        ({"removed": False}, set()),
        ({"removed": True}, set()),
        ({"removed": True, "on_list": world.addresses([FIVE[0], FIVE[1]])}, {FIVE[2]}),
        ({"removed": True, "on_list": world.addresses([FIVE[0]])}, set(FIVE[1:3])),
        ({"removed": world.addresses([FIVE[1]]), "on_list": world.addresses([FIVE[0], FIVE[2]])}, {FIVE[1]}),
    ):
        state = folded(world, plan, base=base, **changes)
        assert {a for a, r in state.items() if r["state"] == "removed"} == gone
        assert {a for a, r in state.items() if not r["exports"]} == gone


def test_what_another_export_holds_loses_only_our_hold(world: World) -> None:
    """It stays on the list."""
    world.profiles_are([{"email": FIVE[0]}])
    base = world.deliveries([{"address": FIVE[1], "exports": ["exp-2", EXPORT]}])
    plan = world.plan(deliveries=base, destination=world.reading(FIVE[1:2]), mode=Mode.MIRROR)
    state = folded(world, plan, base=base)[FIVE[1]]
    assert (state["state"], state["exports"]) == ("on_list", ["exp-2"])


@pytest.mark.parametrize(
    ("held", "expected"), [(None, []), ([], []), (["exp-2"], [EXPORT, "exp-2"]), ([EXPORT], [EXPORT])]
)
def test_we_hold_only_whom_we_put_there(world: World, held: list[str] | None, expected: list[str]) -> None:
    """Somebody who was on the list by themselves is never removed in mirror mode."""
    world.profiles_are([{"email": FIVE[0]}])
    base = world.deliveries([{"address": FIVE[0], "exports": held}]) if held is not None else None
    plan = world.plan(deliveries=base, destination=world.reading(FIVE[:1]))
    state = folded(world, plan, base=base, outcomes=verified(world, plan, FIVE[:1]))
    assert state[FIVE[0]]["exports"] == expected


def test_an_unchanged_contact_is_held_by_this_export_too(world: World) -> None:
    """It was not sent, but it is one of ours now."""
    world.profiles_are([{"email": FIVE[0]}])
    first = world.plan()
    state = folded(world, first, outcomes=verified(world, first, FIVE[:1]), export_id="exp-2")
    base = _written(world, state)
    plan = world.plan(deliveries=base, destination=world.reading(FIVE[:1]))
    assert plan.to_send == 0
    after = folded(world, plan, base=base)[FIVE[0]]
    assert (after["exports"], after["run_id"], after["content"]) == (
        [EXPORT, "exp-2"],
        "run-1",
        state[FIVE[0]]["content"],
    )


# -- undo -------------------------------------------------------------------------------------------


def test_an_undo_takes_off_whom_the_run_put_there_and_nobody_else(world: World) -> None:
    """Not who was there before, did not arrive, left meanwhile or is held by another export."""
    world.profiles_are([{"email": a} for a in FIVE])
    plan = world.plan(destination=world.reading(FIVE[:1]))
    file = verified(world, plan, FIVE[:4])
    state = folded(world, plan, outcomes=file)
    state[FIVE[3]]["exports"] = [EXPORT, "exp-2"]
    made = make_undo(
        plan,
        world.path("undo", ""),
        outcomes=file,
        deliveries=_written(world, state),
        destination=world.reading([FIVE[0], FIVE[1], FIVE[3], FIVE[4]]),
        plan_id="undo-1",
        clock=clock,
    )
    *others, row = rows(made)
    assert (row.address, str(row.verdict), row.before) == (FIVE[1], "remove", state[FIVE[1]]["contact"])
    assert [(r.address, r.reason or r.warnings) for r in others] == [
        (FIVE[0], ("undo:not_known",)),
        (FIVE[2], "left_list"),
        (FIVE[4], ("undo:not_verified",)),
    ]
    assert (made.candidates, made.to_send, made.warnings["held_by_other"]) == (3, 0, 1)
    now = world.reading([FIVE[0], FIVE[1], FIVE[3], FIVE[4]])
    after = folded(
        world,
        made,
        base=_written(world, state),
        removed=True,
        readings=[seen(now)],
        on_list=world.addresses([FIVE[0], FIVE[3], FIVE[4]]),
    )
    assert after[FIVE[2]]["state"] == "left"
    assert {a: (r["state"], r["exports"]) for a, r in after.items() if r["state"] == "removed"} == {
        FIVE[1]: ("removed", [])
    }
    assert after[FIVE[3]]["exports"] == ["exp-2"]
