"""Several workers on one data directory: none drives what another drives, and none is missed."""

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ccexport.errors import HandOver
from ccexport.model.words import BatchKind, BatchState, Mode, RunState, WaitReason
from ccexport.runs.driver import Driver
from ccexport.runs.send import find_again
from ccexport.worker.claims import Claim
from ccexport.worker.holders import holder_is_dead, holder_name
from ccexport.worker.loop import Worker
from tests.conftest import ROOT
from tests.world import ADA, CARL, World, brief, person


def test_this_process_is_alive_and_a_reused_pid_is_not() -> None:
    host, pid, started, thread, place = holder_name().split(":")

    assert not holder_is_dead(holder_name())
    assert holder_is_dead(f"{host}:{pid}:{int(started) - 1}:{thread}:{place}")
    assert not holder_is_dead(f"elsewhere:{pid}:1:{thread}:{place}")
    assert not holder_is_dead(f"{host}:{pid}:1:{thread}:another-namespace")
    assert not holder_is_dead(f"{host}:{2**22}:1:{thread}")  # as an earlier version named itself


def test_a_run_is_claimed_by_one(world: World) -> None:
    world.ready([person(1)])
    run = world.services.runs.start(CARL, "News")
    first = Claim(world.services.engine, run.id, threading.Event())
    assert first.take()

    taken: list[bool] = []
    other = threading.Thread(
        target=lambda: taken.append(Claim(world.services.engine, run.id, threading.Event()).take())
    )
    other.start()
    other.join()
    first.drop()

    assert taken == [False]
    assert world.services.runs.drive_here(run.id).state is RunState.SUCCEEDED


def test_workers_side_by_side_finish_every_run_once(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    for number in range(4):
        world.services.connections.create_list(ADA, "Main", f"List-{number}")
        world.export(f"Export {number}", contact_list=f"List-{number}")
        world.services.runs.start(CARL, f"Export {number}")
    workers = [Worker(world.services.engine, grace=timedelta(0)) for _ in range(2)]
    threads = [threading.Thread(target=worker.run_once) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    runs = world.services.runs.list(CARL)
    jobs = world.sandbox.admin("GET", "inspect/activities")["activities"]
    assert [run.state for run in runs] == [RunState.SUCCEEDED] * 4
    assert sum(job["kind"] == "contacts_json_import" for job in jobs) == 4


def test_a_worker_told_to_stop_hands_the_run_over_and_another_finishes_it(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.sandbox.admin("PATCH", "config", {"activity_overhead_seconds": 600})
    run = world.services.runs.start(CARL, "News")
    settings = json.loads(world.settings.model_dump_json()) | {"cc_client_secret": "a-client-secret"}
    environment = {f"CCEXPORT_{k.upper()}": str(v) for k, v in settings.items() if v and k != "secret_key"}
    started = subprocess.Popen(
        [sys.executable, "-m", "ccexport", "worker"],
        cwd=ROOT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    while world.services.ledger.leases.holder(f"run:{run.id}") is None:
        assert started.poll() is None
        threading.Event().wait(0.05)
    started.send_signal(signal.SIGTERM)
    assert started.wait(15) == 0
    assert world.services.ledger.leases.holder(f"run:{run.id}") is None
    world.sandbox.admin("PATCH", "config", {"activity_overhead_seconds": 0})
    world.sandbox.admin("POST", "clock", {"advance": 601})

    assert world.services.runs.drive_here(run.id).state is RunState.SUCCEEDED


def test_the_quota_of_the_day_makes_a_run_wait_until_midnight(world: World) -> None:
    world.ready([person(1)])
    used_up = '{"error_key": "quota_exceeded", "error_message": "Limit Exceeded"}'
    path = "/v3/activities/contacts_json_import"
    world.fault("status", path=path, status=429, body=used_up, content_type="application/json")

    run = world.run()

    assert (run.state, run.wait_reason) == (RunState.WAITING, WaitReason.QUOTA)
    assert run.wait_until is not None
    assert (run.wait_until.hour, run.wait_until.minute) == (0, 0)


@pytest.mark.parametrize("answer_lost", [False, True])
def test_a_removal_that_was_under_way_when_the_run_died_and_was_cancelled_is_waited_for(
    tmp_path: Path, answer_lost: bool
) -> None:
    """Whom we took off only after the list was read back would seem to have left, and never be put back."""

    def passes(seconds: float) -> None:
        brief(seconds)
        if seconds >= 1:
            world.sandbox.admin("POST", "clock", {"advance": 100})

    def dies_while_it_lasts() -> None:
        removals = [b for b in world.services.runs.batches(CARL, run.id) if b.kind is BatchKind.REMOVE]
        if any(b.activity_id for b in removals):
            raise HandOver
        world.sandbox.admin("PATCH", "config", {"activity_overhead_seconds": 600 if removals else 0})

    world = World(tmp_path, sleep=passes)
    try:
        world.ready([person(n) for n in range(10)], mode=Mode.MIRROR)
        world.run()
        world.ingest([person(n) for n in range(9)])
        run = world.services.runs.start(CARL, "News")
        with pytest.raises(HandOver):
            Driver(world.services.engine, grace=timedelta(0), beat=dies_while_it_lasts).drive(run.id)
        world.sandbox.admin("PATCH", "config", {"activity_overhead_seconds": 0})
        if answer_lost:
            (removal,) = (b for b in world.services.runs.batches(CARL, run.id) if b.kind is BatchKind.REMOVE)
            world.services.ledger.runs.change_batch(removal, state=BatchState.SUBMITTING, activity_id=None)
        world.services.runs.cancel(CARL, run.id)
        cancelled = world.services.runs.drive_here(run.id)
        world.sandbox.admin("POST", "clock", {"advance": 700})
        world.ingest([person(n) for n in range(10)])
        again = world.run()

        assert (cancelled.state, cancelled.counts["removed"]) == (RunState.CANCELLED, 1)
        assert (again.state, again.counts["add"]) == (RunState.SUCCEEDED, 1), again.counts
        assert len(world.on_list()) == 10
    finally:
        world.close()


def test_an_activity_that_may_be_another_runs_is_not_taken_for_a_lost_one(world: World) -> None:
    """Two runs of one account died: the one after its request was taken, the other before."""
    world.ready([person(n) for n in range(5)])
    world.services.connections.create_list(ADA, "Main", "Events")
    world.export("Party", contact_list="Events")
    ledger = world.services.ledger.runs

    def died(export: str, state: BatchState) -> str:
        def dies() -> None:
            if any(b.state is state for b in ledger.batches(run.id)):
                raise HandOver

        run = world.services.runs.start(CARL, export)
        with pytest.raises(HandOver):
            Driver(world.services.engine, grace=timedelta(0), beat=dies).drive(run.id)
        (batch,) = ledger.batches(run.id)
        at = world.services.ledger.clock()
        ledger.change_batch(batch, state=BatchState.SUBMITTING, activity_id=None, submitting_at=at)
        return run.id

    taken, never_left = died("News", BatchState.SUBMITTED), died("Party", BatchState.PENDING)
    runs = [world.services.runs.drive_here(run_id) for run_id in (never_left, taken)]

    assert [run.state for run in runs] == [RunState.SUCCEEDED, RunState.SUCCEEDED]
    (party,), (news,) = (ledger.batches(run.id) for run in runs)
    assert party.activity_id != news.activity_id
    assert "sent again" in str(party.note)
    assert "found again" in str(news.note)


def test_a_lost_answer_is_not_taken_to_be_that_of_another_request_on_its_way(world: World) -> None:
    """Two runs of one connection: nothing in an activity says whose it is."""
    world.ready([person(n) for n in range(5)])
    run = world.run()
    engine = world.services.engine
    runs, account = engine.ledger.runs, engine.account_for(run.connection_id)
    (sent,) = world.services.runs.batches(CARL, run.id)
    on_its_way = runs.change_batch(sent, state=BatchState.SUBMITTING, activity_id=None)
    lost = replace(on_its_way, number=2)
    runs.add_batches([lost])

    assert find_again(engine, account, lost).state is BatchState.SUBMITTING
    runs.change_batch(on_its_way, state=BatchState.SUBMITTED, activity_id=sent.activity_id)
    assert find_again(engine, account, lost).state is BatchState.SUBMITTING
    runs.change_batch(lost, state=BatchState.PENDING)
    runs.change_batch(on_its_way, state=BatchState.SUBMITTING, activity_id=None)
    assert find_again(engine, account, on_its_way).activity_id == sent.activity_id


def test_trouble_after_a_step_that_went_well_is_the_first_in_its_row(world: World) -> None:
    world.ready([person(1)])
    world.fault("status", path="/v3/activities/contact_exports", status=503, times=0)
    first = world.run()
    world.sandbox.admin("DELETE", "faults")
    world.fault("status", path="/v3/activities/contacts_json_import", status=503, times=0)
    world.services.runs.resume(CARL, first.id)

    second = world.services.runs.drive_here(first.id)

    for run in (first, second):
        assert run.state is RunState.WAITING
        assert run.wait_until is not None
        assert run.wait_until - world.services.ledger.clock() <= timedelta(seconds=30)


def test_cancelling_while_sending_says_what_was_sent(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.fault("status", path="/v3/activities/contacts_json_import", status=503, times=0)
    waiting = world.run()
    assert waiting.state is RunState.WAITING
    world.sandbox.admin("DELETE", "faults")
    world.services.runs.cancel(CARL, waiting.id)

    run = world.services.runs.drive_here(waiting.id)

    assert run.state is RunState.CANCELLED
    # No answer came, so nobody knew whether it had left; the list does.
    assert str(run.note) == "Cancelled: 0 of 5 contacts sent were read back on the list."
