"""Every fault at once, drawn at random by seed: whatever happens, the invariants hold at the end.

`HOSTILE_SEEDS=200 pytest tests/runs/test_hostile.py` runs the long version.
"""

import os
import random
from pathlib import Path

import pytest

from ccexport.model.runs import Run
from ccexport.model.words import BatchState, Mode, RunState
from tests.world import ADA, CARL, World, person

SEEDS = range(int(os.environ.get("HOSTILE_SEEDS", "6")))
PATHS = (
    "/v3/activities/contacts_json_import",
    "/v3/activities/contact_exports",
    "/v3/activities/remove_list_memberships",
    "/v3/activities",
    "/v3/contact_exports/*",
    "/v3/contact_lists/*",
    "/v3/contacts",
    "*",
)
WIRE = ("drop_before", "drop_after", "status", "status", "status")
STATUSES = (429, 500, 502, 503, 504)
JOBS = ("failed", "timed_out", "cancelled", "partial_failed", "short", "unknown_state")


def harm(world: World, dice: random.Random) -> None:
    """A handful of faults of every kind on whatever comes next."""
    for _ in range(dice.randint(3, 8)):
        spec = {"path": dice.choice(PATHS), "skip": dice.randint(0, 4), "times": dice.randint(1, 2)}
        kind = dice.choice(WIRE)
        world.fault(kind, **spec, **({"status": dice.choice(STATUSES)} if kind == "status" else {}))
    for _ in range(dice.randint(0, 2)):
        kinds = ("contacts_json_import", "remove_list_memberships", "contact_exports")
        world.fault(dice.choice(JOBS), path=dice.choice(kinds), skip=dice.randint(0, 1))


def finished(world: World, run: Run) -> Run:
    """Let it wait and go on, as the worker would, to its end."""
    for _ in range(40):
        if run.state.ended:
            return run
        world.services.runs.resume(CARL, run.id)
        run = world.services.runs.drive_here(run.id)
    raise AssertionError(f"still {run.state}: {run.note}")


def counts_add_up(run: Run) -> None:
    counts = run.counts
    decided = counts["add"] + counts["update"] + counts["unchanged"] + counts["left_out"]
    found = counts["verified"] + counts["rejected"] + counts["missing"] + counts["unknown"]
    assert counts["candidates"] == decided
    assert counts["sent"] == found
    assert run.state is not RunState.SUCCEEDED or counts["verified"] == counts["sent"]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_invariants_hold_whatever_goes_wrong(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    world = World(tmp_path, config={"unknown_list_status": dice.choice((400, 404))})
    try:
        people = [person(n) for n in range(25)]
        world.ready(people, mode=Mode.MIRROR)
        world.sandbox.admin(
            "POST", "contacts", {"contacts": [{"email": "guest@example.org", "lists": ["Newsletter"]}]}
        )
        for round_ in range(3):
            harm(world, dice)
            run = finished(world, world.run())
            if "candidates" in run.counts and "sent" in run.counts:
                counts_add_up(run)
            _nobody_twice(world, run)
            world.sandbox.admin("DELETE", "faults")
            gone = f"person{round_}@example.com"
            if gone in world.on_list():
                world.sandbox.admin("POST", "contacts/leave_list", {"email": gone, "list": "Newsletter"})
            people = [person(n, first_name=f"Name{n}-{round_}") for n in range(24 - round_)]
            world.ingest(people)
        last = finished(world, world.run())
        left = {f"person{n}@example.com" for n in range(3)}
        assert last.state in {RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_REJECTS}, last.note
        assert world.on_list() - left == {f"person{n}@example.com" for n in range(3, 22)} | {
            "guest@example.org"
        }
        assert world.sandbox.admin("GET", "inspect/consent_violations")["consent_violations"] == []
        counts_add_up(last)
    finally:
        world.close()


def _nobody_twice(world: World, run: Run) -> None:
    """No activity was submitted twice, but ambiguous ones, which say so."""
    batches = world.services.runs.batches(ADA, run.id)
    known = [b.activity_id for b in batches if b.activity_id]
    assert len(known) == len(set(known))
    assert all(b.state is not BatchState.SUBMITTING for b in batches)
