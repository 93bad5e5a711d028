"""Runs in the ledger: one live run, transitions as data, batches, the story."""

import contextlib
import threading
from dataclasses import replace

import pytest

from ccexport.errors import Conflict, NotFound
from ccexport.ledger import Ledger
from ccexport.messages import NOTHING, verbatim
from ccexport.model.runs import TRANSITIONS, allowed
from ccexport.model.words import BatchState, RunState, WaitReason
from tests.conftest import Clock
from tests.ledger.conftest import make_batch, make_run


def test_a_second_run_of_the_same_export_is_refused_and_names_the_first(
    with_export: Ledger, clock: Clock
) -> None:
    with_export.runs.create(make_run(clock))

    with pytest.raises(Conflict, match="run-1"):
        with_export.runs.create(make_run(clock, id="run-2"))


def test_a_run_of_another_export_to_the_same_list_is_refused(with_export: Ledger, clock: Clock) -> None:
    with_export.runs.create(make_run(clock))

    with pytest.raises(Conflict, match="has not ended"):
        with_export.runs.create(make_run(clock, id="run-2", export_id="export-two"))


def test_four_clicks_at_once_make_one_run(with_export: Ledger, clock: Clock) -> None:
    made: list[str] = []

    def click(number: int) -> None:
        with contextlib.suppress(Conflict):
            made.append(with_export.runs.create(make_run(clock, id=f"run-{number}")).id)

    threads = [threading.Thread(target=click, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 1
    assert [run.id for run in with_export.runs.all()] == made


def test_a_new_run_may_start_when_the_last_has_ended(with_export: Ledger, clock: Clock) -> None:
    with_export.runs.create(make_run(clock))
    with_export.runs.move("run-1", RunState.CANCELLED, verbatim("enough"), actor="ada")

    assert with_export.runs.create(make_run(clock, id="run-2")).state is RunState.QUEUED


@pytest.mark.parametrize("state", list(RunState))
def test_every_transition_the_table_forbids_is_refused(
    with_export: Ledger, clock: Clock, state: RunState
) -> None:
    with_export.runs.create(make_run(clock))
    _bring_to(with_export, state)

    for target in RunState:
        if not allowed(state, target):
            with pytest.raises(Conflict):
                with_export.runs.move("run-1", target, verbatim("no"), actor="ada")
    assert with_export.runs.get("run-1").state is state


def _bring_to(ledger: Ledger, goal: RunState) -> None:
    """Walk a shortest way through the table of transitions."""
    ways: dict[RunState, list[RunState]] = {RunState.QUEUED: []}
    for _ in RunState:
        for at, way in list(ways.items()):
            for following in TRANSITIONS[at]:
                ways.setdefault(following, [*way, following])
    for step in ways[goal]:
        ledger.runs.move("run-1", step, verbatim(f"to {step}"), actor="ada", wait_reason=WaitReason.QUOTA)


def test_waiting_remembers_the_step_it_goes_on_with(with_export: Ledger, clock: Clock) -> None:
    runs = with_export.runs
    runs.create(make_run(clock))
    runs.move("run-1", RunState.PLANNING, verbatim("planning"), actor="ada")
    runs.move("run-1", RunState.SENDING, verbatim("sending"), actor="ada")
    runs.move("run-1", RunState.WAITING, verbatim("quota"), actor="ada", wait_reason=WaitReason.QUOTA)
    again = runs.move(
        "run-1", RunState.WAITING, verbatim("down"), actor="ada", wait_reason=WaitReason.CONSTANT_CONTACT_DOWN
    )

    assert again.wait_step is RunState.SENDING
    assert again.wait_reason is WaitReason.CONSTANT_CONTACT_DOWN
    assert runs.move("run-1", RunState.SENDING, verbatim("on"), actor="ada").wait_reason is None


def test_every_transition_leaves_an_event_with_time_actor_and_text(with_export: Ledger, clock: Clock) -> None:
    with_export.runs.create(make_run(clock))
    clock.sleep(5)
    with_export.runs.move("run-1", RunState.PLANNING, verbatim("Reading the list."), actor="ada")

    story = with_export.runs.events("run-1")

    assert [(e.state, str(e.text)) for e in story] == [
        ("queued", "Queued by ada."),
        ("planning", "Reading the list."),
    ]
    assert story[1].at == clock()


def test_counts_are_merged_and_kept(with_export: Ledger, clock: Clock) -> None:
    runs = with_export.runs
    runs.create(make_run(clock))
    runs.note("run-1", NOTHING, actor="ada", counts={"candidates": 5})
    runs.move("run-1", RunState.PLANNING, verbatim("x"), actor="ada", counts={"sent": 4})

    assert dict(runs.get("run-1").counts) == {"candidates": 5, "sent": 4}


def test_batches_are_registered_once_and_keep_what_was_learnt(with_export: Ledger, clock: Clock) -> None:
    runs = with_export.runs
    runs.create(make_run(clock))
    batch = make_batch()
    runs.add_batches([batch, replace(batch, number=2)])
    changed = runs.change_batch(batch, state=BatchState.SUBMITTED, activity_id="act", submitted_at=clock())
    runs.add_batches([batch])

    assert changed.submitted_at == clock()
    assert [(b.number, b.state, b.activity_id) for b in runs.batches("run-1")] == [
        (1, BatchState.SUBMITTED, "act"),
        (2, BatchState.PENDING, None),
    ]
    assert runs.activity_ids() == {"act"}


def test_how_long_runs_took_is_known_of_those_that_ended_well_and_never_waited(
    with_export: Ledger, clock: Clock
) -> None:
    runs = with_export.runs
    for number, states in enumerate(
        [
            (RunState.PLANNING, RunState.SENDING, RunState.SETTLING, RunState.VERIFYING, RunState.SUCCEEDED),
            (RunState.PLANNING, RunState.FAILED),
            (RunState.PLANNING, RunState.WAITING),
        ]
    ):
        run = f"run-{number}"
        runs.create(make_run(clock, id=run, list_id=f"list-{number}"))
        batches = [replace(make_batch(), run_id=run, number=n, submitting_at=clock()) for n in (1, 2)]
        runs.add_batches(batches)
        for state in states:
            clock.sleep(10)
            runs.move(run, state, verbatim("x"), actor="ada", wait_reason=WaitReason.QUOTA)

    connection = runs.get("run-0").connection_id
    assert runs.durations(connection) == [(2, 50.0)]
    assert runs.durations("another") == []


def test_an_unknown_run_is_named(with_export: Ledger) -> None:
    with pytest.raises(NotFound, match="run-9"):
        with_export.runs.get("run-9")
