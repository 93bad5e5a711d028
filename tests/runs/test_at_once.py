"""Requests side by side: a slow answer holds up no other, and a lost one is never taken to be another's."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ccexport.constant_contact.transport import Transport
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchState, RunState
from ccexport.runs.requests import AT_ONCE
from ccexport.runs.send import find_again
from tests.world import CARL, World, person

IMPORT = "/v3/activities/contacts_json_import"


@pytest.fixture
def four(world: World) -> None:
    """Four contacts fill a request."""
    world.fill_requests_with(4)


def batches(world: World, run: Run) -> list[Batch]:
    return list(world.services.runs.batches(CARL, run.id))


def lost(world: World, run: Run) -> Iterator[Batch]:
    """Every answer of the run forgotten, as if its process had died with all of them on their way."""
    for batch in batches(world, run):
        yield world.services.ledger.runs.change_batch(batch, state=BatchState.SUBMITTING, activity_id=None)


def test_so_many_are_on_their_way_at_once(world: World, four: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them is answered before the last of them has left."""
    all_of_them = threading.Barrier(AT_ONCE, timeout=30)
    original = Transport.send

    def send(self: Transport, request: Any) -> Any:
        if request.url.endswith(IMPORT):
            all_of_them.wait()
        return original(self, request)

    monkeypatch.setattr(Transport, "send", send)
    world.ready([person(n) for n in range(4 * AT_ONCE * 2)])

    run = world.run()

    assert run.state is RunState.SUCCEEDED
    assert len(batches(world, run)) == AT_ONCE * 2
    assert len(world.on_list()) == 4 * AT_ONCE * 2


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_answers_lost_side_by_side_lose_nobody(world: World, four: None, kind: str) -> None:
    world.ready([person(n) for n in range(19)])
    world.fault(kind, path=IMPORT, times=3)

    run = world.run()

    assert run.state is RunState.SUCCEEDED
    assert len(world.on_list()) == 19
    sent = batches(world, run)
    assert len({b.activity_id for b in sent}) == len(sent) == 5
    assert sum(b.ambiguous for b in sent) == 3
    queued = world.sandbox.admin("GET", "inspect/activities")["activities"]
    imports = sum(job["kind"] == "contacts_json_import" for job in queued)
    assert imports - len(sent) <= sum("sent again" in str(b.note) for b in sent)


def test_lost_answers_of_one_run_are_told_apart_by_their_counts(world: World, four: None) -> None:
    world.ready([person(n) for n in range(7)])
    run = world.run()
    known = {b.contacts: b.activity_id for b in batches(world, run)}
    engine, account = world.services.engine, world.services.engine.account_for(run.connection_id)

    found = [find_again(engine, account, batch) for batch in list(lost(world, run))]

    assert {b.contacts: b.activity_id for b in found} == known
    assert [b.ambiguous for b in found] == [True, True]


def test_lost_answers_that_could_be_each_others_are_nobodys(world: World, four: None) -> None:
    world.ready([person(n) for n in range(8)])
    run = world.run()
    engine, account = world.services.engine, world.services.engine.account_for(run.connection_id)

    found = [find_again(engine, account, batch) for batch in list(lost(world, run))]

    assert [b.state for b in found] == [BatchState.SUBMITTING] * 2


def test_one_refused_request_stops_the_others(world: World, four: None) -> None:
    """What was not refused is told as it is: nothing stays on its way unseen."""
    world.ready([person(n) for n in range(40)])
    world.fault("status", path=IMPORT, status=400, times=0)

    run = world.run()

    states = [b.state for b in batches(world, run)]
    assert run.state is RunState.FAILED
    assert set(states) <= {BatchState.FAILED, BatchState.PENDING}
    assert 1 <= states.count(BatchState.FAILED) <= AT_ONCE
