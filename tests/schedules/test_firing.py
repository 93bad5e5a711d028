"""Exports that run by themselves: once each, through the same plan and guards, never an error."""

import threading
from collections.abc import Callable
from datetime import date

import pytest

from ccexport.errors import BadInput, NotPermitted
from ccexport.messages import NOTHING
from ccexport.model.exports import Guards
from ccexport.model.firings import FiringState
from ccexport.model.runs import Run
from ccexport.model.schedules import Follows, Schedule
from ccexport.model.words import Mode, Role, RunState, Trigger
from ccexport.worker.schedules import Timetable
from tests.schedules.conftest import Timed
from tests.world import ADA, CARL, VERA, person

Make = Callable[..., Schedule]


def test_a_daily_export_runs_at_its_time_as_the_schedule(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"], zone="Europe/Oslo"))

    world.until(world.at(5, 25))
    assert world.runs() == []
    world.until(world.at(5, 30))

    (run,) = world.runs()
    assert (run.state, run.trigger, run.actor) == (RunState.SUCCEEDED, Trigger.SCHEDULE, "schedule")
    assert world.on_list() == {"person1@example.com"}
    state = world.services.schedules.get(VERA, "News")
    assert [t.hour for t in state.next] == [5, 5, 5]
    assert state.last is not None
    assert (state.last.state, state.last.run_id, state.why) == (FiringState.STARTED, run.id, NOTHING)


def test_two_processes_fire_once(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))
    world.clock.now = world.at(6, 31)
    tables = [Timetable(world.services.engine) for _ in range(4)]
    threads = [threading.Thread(target=table.tick) for table in tables]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(world.runs()) == 1
    assert [f.state for f in world.services.schedules.history(CARL)] == [FiringState.STARTED]


def test_a_crash_between_the_firing_and_its_run_neither_loses_nor_doubles_it(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))
    world.clock.now = world.at(6, 31)
    timetable = Timetable(world.services.engine)
    export = world.services.ledger.exports.named("News")
    saved = world.services.ledger.schedules.get(export.id)
    timetable._fire_export(export, saved)  # … and here the process dies
    assert world.runs() == []
    timetable.tick()
    (run,) = world.runs()
    (firing,) = world.services.ledger.schedules.firings()
    world.services.ledger.schedules.settle(firing.id, FiringState.DUE, "")  # it died after the run was queued

    timetable.tick()

    assert [r.id for r in world.runs()] == [run.id]
    assert world.services.ledger.schedules.firings()[0].state is FiringState.STARTED


def test_missed_times_are_caught_up_once(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="hour", minute=0))
    world.clock.now = world.at(9, 40)

    world.services.worker().run_once()

    assert len(world.runs()) == 1
    (firing,) = world.services.schedules.history(CARL, "News")
    assert str(firing.note) == "9 times were missed while nothing could run."


def test_missed_times_are_dropped_when_that_was_chosen(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="hour", minute=0, missed="drop"))
    world.clock.now = world.at(9, 40)

    world.services.worker().run_once()
    assert world.runs() == []
    assert "missed" in str(world.services.schedules.get(CARL, "News").why)
    world.until(world.at(10))

    assert len(world.runs()) == 1


def _live_run(world: Timed) -> Run:
    """A run that waits, and so keeps the export and its list busy."""
    world.fault("status", path="/v3/activities/contacts_json_import", status=503, times=0)
    run = world.run()
    assert run.state is RunState.WAITING
    return run


def test_a_time_while_a_run_is_live_waits_for_its_end(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))
    live = _live_run(world)
    world.clock.now = world.at(6, 30)
    Timetable(world.services.engine).tick()

    (firing,) = world.services.schedules.history(CARL)
    assert firing.state is FiringState.LATER
    assert live.id in str(world.services.schedules.get(CARL, "News").why)
    world.sandbox.admin("DELETE", "faults")
    world.until(world.at(7))

    assert [r.state for r in world.runs()] == [RunState.SUCCEEDED] * 2
    assert world.runs()[1].trigger is Trigger.SCHEDULE


def test_a_time_while_a_run_is_live_is_dropped_when_that_was_chosen(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"], missed="drop"))
    live = _live_run(world)
    world.clock.now = world.at(6, 30)
    Timetable(world.services.engine).tick()

    (firing,) = world.services.schedules.history(CARL)
    assert (firing.state, str(firing.note)) == (FiringState.DROPPED, f"Dropped: {live.id} had not ended.")


def test_exports_to_one_list_take_turns(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.export("Other")
    world.services.schedules.set(CARL, ["News", "Other"], on(every="day", at=["06:30"]))

    world.until(world.at(6, 30))

    assert [r.state for r in world.runs() + world.runs("Other")] == [RunState.SUCCEEDED] * 2


def test_a_tripped_guard_blocks_a_scheduled_run_as_any_other(world: Timed, on: Make) -> None:
    people = [person(n) for n in range(20)]
    world.ready(people, mode=Mode.MIRROR, guards=Guards(removals_floor=0, shrunk_percent=None))
    assert world.run().state is RunState.SUCCEEDED
    world.ingest(people[:11], accept_changes=True)
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))

    world.until(world.at(6, 30))

    assert world.runs()[-1].state is RunState.BLOCKED
    assert len(world.on_list()) == 20


def test_an_export_after_another_runs_when_that_ended_well(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.connections.create_list(ADA, "Main", "Second")
    world.export("Child", contact_list="Second")
    follow = Schedule(follows=Follows.EXPORT, after="News")
    world.run()
    world.services.schedules.set(CARL, ["Child"], follow)
    world.services.worker().run_once()
    assert world.runs("Child") == []  # what ended before the schedule was set does not count
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))

    world.until(world.at(8))

    assert [r.state for r in world.runs("Child")] == [RunState.SUCCEEDED]
    assert world.services.schedules.get(CARL, "Child").words == "after News"


def test_a_circle_of_exports_is_refused(world: Timed) -> None:
    world.ready([person(1)])
    world.export("Other")
    world.services.schedules.set(CARL, ["Other"], Schedule(follows=Follows.EXPORT, after="News"))

    with pytest.raises(BadInput, match="would run after itself"):
        world.services.schedules.set(CARL, ["News"], Schedule(follows=Follows.EXPORT, after="Other"))
    with pytest.raises(BadInput, match="would run after itself"):
        world.services.schedules.set(CARL, ["News"], Schedule(follows=Follows.EXPORT, after="News"))


def test_a_paused_schedule_and_a_paused_export_run_nothing_and_say_so(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))
    world.services.schedules.pause(CARL, "News", until=date(2027, 3, 3))
    world.until(world.at(7, day=2), step=3600)
    assert world.runs() == []
    assert world.services.schedules.get(CARL, "News").next[0] == world.at(6, 30, day=3)
    world.services.exports.pause(CARL, "News")
    world.until(world.at(7, day=3), step=3600)

    assert world.runs() == []
    assert str(world.services.schedules.get(CARL, "News").why) == "The export is paused."
    assert str(world.services.schedules.history(CARL)[0].note) == "The export is paused."


def test_a_contributors_schedule_runs_nothing_on_a_connection_kept_for_administrators(
    world: Timed, on: Make
) -> None:
    world.ready([person(1)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))
    world.services.connections.change(ADA, "Main", share=Role.ADMINISTRATOR)
    world.until(world.at(6, 30))
    assert world.runs() == []
    assert "kept for administrators" in str(world.services.schedules.get(ADA, "News").why)
    with pytest.raises(NotPermitted):
        world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))

    world.services.schedules.set(ADA, ["News"], on(every="day", at=["08:00"]))
    world.until(world.at(8))

    assert [r.state for r in world.runs()] == [RunState.SUCCEEDED]


def test_run_all_shows_the_order_and_leaves_out_what_runs_by_hand(world: Timed) -> None:
    world.ready([person(1)])
    world.export("Also")
    world.export("By hand")
    world.services.schedules.set(CARL, ["By hand"], Schedule(follows=Follows.NOTHING))
    with pytest.raises(NotPermitted):
        world.services.schedules.run_all(VERA)

    queued = world.services.schedules.run_all(CARL)
    assert [q.state for q in queued] == [RunState.QUEUED, FiringState.LATER]
    world.services.worker().run_once()

    assert [r.actor for r in world.runs("Also") + world.runs()] == ["carl", "carl"]
    assert world.runs("By hand") == []
    assert [r.export_name for r in reversed(world.services.runs.list(CARL))] == ["Also", "News"]


def test_setting_several_keeps_or_overrides_their_own(world: Timed, on: Make) -> None:
    world.ready([person(1)])
    world.export("Other")
    own = Schedule(follows=Follows.NOTHING)
    world.services.schedules.set(CARL, ["News"], own)
    daily = on(every="day", at=["06:30"])

    assert [
        s.export for s in world.services.schedules.set(CARL, ["News", "Other"], daily, keep_own=True)
    ] == ["Other"]
    assert world.services.schedules.get(CARL, "News").schedule == own
    world.services.schedules.set(CARL, ["News", "Other"], daily)
    assert world.services.schedules.get(CARL, "News").schedule == daily
