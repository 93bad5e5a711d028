"""What Constant Contact loses without a word is halved until the contacts that make the loss have names."""

from pathlib import Path
from typing import Any

import pytest

from ccexport.errors import Conflict
from ccexport.model.runs import Run
from ccexport.model.words import BatchKind, BatchState, RunState, WaitReason
from ccexport.runs import halving
from ccexport.runs.halving import FOUND
from ccexport.runs.requests import AT_ONCE
from tests.world import ADA, CARL, World, person

PEOPLE = 12
BAD = {3: "bad3@example.com", 8: "bad8@example.com"}
IMPORTS = "/v3/activities/contacts_json_import"


def people(**values: Any) -> list[dict[str, object]]:
    return [person(n, email=BAD.get(n, f"person{n}@example.com"), **values) for n in range(PEOPLE)]


def good() -> set[str]:
    return {f"person{n}@example.com" for n in range(PEOPLE) if n not in BAD}


def lost(world: World, takes: str) -> Run:
    world.ready(people())
    world.sandbox.admin("PATCH", "config", {"vanishing": "bad*@example.com", "vanishing_takes": takes})
    return world.run()


def halved(world: World, run: Run) -> Run:
    return world.services.runs.drive_here(world.services.runs.retry(CARL, run.id, in_halves=True).id)


def found(world: World, run: Run) -> dict[str | None, str | None]:
    rows = world.services.runs.contacts(ADA, run.id, what="rejected")
    return {row.address: row.note for row in rows}


@pytest.mark.parametrize("takes", ["request", "row"])
def test_the_contacts_that_make_the_loss_are_found_and_the_others_delivered(world: World, takes: str) -> None:
    first = lost(world, takes)
    alone = len(BAD) if takes == "row" else PEOPLE
    assert (first.counts["missing"], first.counts["rejected"]) == (alone, 0)

    run = halved(world, first)

    assert run.state is RunState.SUCCEEDED_WITH_REJECTS, run.note
    assert (run.counts["verified"], run.counts["rejected"], run.counts["missing"]) == (
        run.counts["sent"] - 2,
        2,
        0,
    )
    assert found(world, run) == dict.fromkeys(BAD.values(), FOUND)
    assert world.on_list() == good()
    made = [b for b in world.services.runs.batches(CARL, run.id) if b.kind is BatchKind.HALVE]
    assert 2 <= len(made) <= 18
    assert all(b.state is BatchState.COMPLETED for b in made)
    assert sum(b.contacts for b in made if b.contacts == 1) >= 2
    assert world.sandbox.admin("GET", "inspect/counters")["consent_violations"] == 0


def test_changes_that_were_lost_are_halved_too(world: World) -> None:
    world.ready(people())
    assert world.run().state is RunState.SUCCEEDED
    world.ingest(people(first_name="Renamed"), accept_changes=True)
    world.sandbox.admin("PATCH", "config", {"vanishing": "bad3*", "vanishing_takes": "request"})
    world.run()

    run = halved(world, world.run())
    after = world.run()

    assert run.counts["verified"] == PEOPLE  # on the list they all are
    assert {world.there(address)["fields"]["first_name"] for address in good()} == {"Renamed"}
    assert (after.counts["unchanged"], after.counts["update"]) == (PEOPLE - 1, 1)


def test_halving_waits_and_goes_on_and_a_restart_does_not_begin_anew(world: World) -> None:
    first = lost(world, "request")
    world.fault("drop_after", path=IMPORTS, skip=4)
    world.fault("status", path=IMPORTS, status=503, skip=7, times=40)

    waiting = halved(world, first)
    assert (waiting.state, waiting.wait_reason) == (RunState.WAITING, WaitReason.CONSTANT_CONTACT_DOWN)
    before = world.services.runs.batches(CARL, waiting.id)
    world.sandbox.admin("DELETE", "faults")
    world.reopened().runs.resume(CARL, waiting.id)
    run = world.services.runs.drive_here(waiting.id)

    assert run.state is RunState.SUCCEEDED_WITH_REJECTS, run.note
    assert set(found(world, run)) == set(BAD.values())
    after = world.services.runs.batches(CARL, run.id)
    sent = {(b.kind, b.number): b.activity_id for b in before if b.activity_id}
    assert sent.items() <= {(b.kind, b.number): b.activity_id for b in after}.items()
    # The lost answer, and every 503 that may have been one: as many as were on their way together.
    assert 2 <= sum(b.ambiguous for b in after) <= 1 + AT_ONCE


def test_it_ends_by_itself_and_says_so_when_too_many_requests_would_be_needed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(halving, "MOST_REQUESTS", 5)

    run = halved(world, lost(world, "request"))

    assert run.counts["missing"] > 0
    assert any("Halving stops here" in str(event.text) for event in world.services.runs.story(CARL, run.id))


def test_a_plain_retry_halves_nothing_and_what_is_erased_is_in_no_half(world: World, tmp_path: Path) -> None:
    first = lost(world, "request")
    plain = world.services.runs.drive_here(world.services.runs.retry(CARL, first.id).id)
    assert {b.kind for b in world.services.runs.batches(CARL, plain.id)} == {BatchKind.IMPORT}
    run = halved(world, plain)

    world.services.maintenance.erase(ADA, "person1@example.com")

    kept = [f for f in (tmp_path / "store" / "plans").rglob("*.json") if b"person1@" in f.read_bytes()]
    assert kept == []
    with pytest.raises(Conflict, match="not ended"):
        world.services.runs.retry(CARL, world.services.runs.start(CARL, "News").id, in_halves=True)
    assert run.counts["verified"] == PEOPLE - 2
