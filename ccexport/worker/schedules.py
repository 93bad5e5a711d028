"""Fires schedules: finds each due time once and queues an ordinary run for it.

Must never send or plan anything itself, and never fail because another run is live: then the
firing waits or is dropped, with a note.
"""

import logging
from datetime import datetime, timedelta

from ccexport.errors import CcexportError, Conflict, NotFound
from ccexport.messages import NOTHING, Message, counted, message
from ccexport.model.exports import Export
from ccexport.model.firings import SCHEDULE_ACTOR, Firing, FiringState, SavedSchedule
from ccexport.model.runs import Run
from ccexport.model.schedules import Follows, Missed, Schedule, due_times
from ccexport.model.words import Role, RunState, Trigger
from ccexport.runs.engine import Engine

log = logging.getLogger(__name__)
LATE = timedelta(minutes=5)  # later than this, a time counts as missed
_ENDED_WELL = {RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_REJECTS}


class Timetable:
    """Finds due times and events, and turns them into firings and runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = engine.ledger

    def tick(self) -> int:
        """Fire what is due and queue the runs that can start. Returns how many were queued."""
        saved = self._ledger.schedules.all()
        exports = {export.id: export for export in self._ledger.exports.all()}
        for export in exports.values():
            try:
                self._fire_export(export, saved.get(export.id))
            except CcexportError as error:
                log.error("the schedule of %s cannot be looked at: %s", export.id, error.log)
        self._follow_refreshes(exports, saved)
        return self._start_open(exports, saved)

    def fire_by_hand(self, export: Export, *, actor: str, batch: str, following: int) -> Firing:
        """Fire an export for *run all* as a schedule does, so that exports to one list wait instead of failing.

        `following` is how many exports of this *run all* come after this one. It sets the order: firings are
        handled in the order of their due times.
        """
        due = self._engine.clock() - timedelta(microseconds=following)
        firing = self._made(export, f"person:{batch}", due, Trigger.PERSON, actor=actor)
        self._ledger.schedules.fire(firing)
        return firing

    # -- what is due ----------------------------------------------------------------------------

    def _fire_export(self, export: Export, saved: SavedSchedule | None) -> None:
        if saved is None:
            return
        if saved.schedule.follows is Follows.TIMES:
            self._fire_times(export, saved)
        elif saved.schedule.follows is Follows.EXPORT:
            self._fire_after(export, saved)

    def _fire_times(self, export: Export, saved: SavedSchedule) -> None:
        now = self._engine.clock()
        last = self._ledger.schedules.last_time(export.id)
        due = due_times(saved.schedule, max(saved.since, last or saved.since), now)
        if not due:
            return
        firing = self._made(export, f"time:{due[-1].isoformat()}", due[-1], Trigger.SCHEDULE)
        note, missed = _missed(due, now)
        if missed and saved.schedule.missed is Missed.DROP:
            self._dropped(firing, note)
        else:
            self._ledger.schedules.fire(_noted(firing, FiringState.DUE, note))

    def _fire_after(self, export: Export, saved: SavedSchedule) -> None:
        for run in self._ledger.runs.all(export_id=saved.schedule.after, live=False, limit=20):
            if run.state in _ENDED_WELL and run.trigger is not Trigger.UNDO:
                if run.ended_at is not None and run.ended_at > saved.since:
                    self._fire_event(export, saved.schedule, f"after:{run.id}", run.ended_at)
                return

    def _follow_refreshes(self, exports: dict[str, Export], saved: dict[str, SavedSchedule]) -> None:
        for refresh in self._ledger.refreshes.unfollowed():
            for export in exports.values():
                schedule = saved[export.id].schedule if export.id in saved else Schedule()
                if schedule.follows is Follows.REFRESH:
                    at = refresh.ended_at or self._engine.clock()
                    self._fire_event(export, schedule, f"refresh:{refresh.id}", at, Trigger.REFRESH)
            self._ledger.refreshes.change(refresh.id, followed=True)

    def _fire_event(
        self,
        export: Export,
        schedule: Schedule,
        cause: str,
        at: datetime,
        trigger: Trigger = Trigger.SCHEDULE,
    ) -> None:
        if self._ledger.schedules.knows(export.id, cause):
            return
        firing = self._made(export, cause, at, trigger)
        if schedule.paused_at(at):
            until = schedule.paused_until
            self._dropped(firing, message("The schedule is paused until {until}.", until=until))
        else:
            self._ledger.schedules.fire(firing)

    def _made(
        self, export: Export, cause: str, at: datetime, trigger: Trigger, *, actor: str = SCHEDULE_ACTOR
    ) -> Firing:
        return Firing(
            id=self._engine.new_id("firing"),
            export_id=export.id,
            cause=cause,
            due_at=at,
            trigger=trigger,
            actor=actor,
            state=FiringState.DUE,
            run_id=self._engine.new_id("run"),
            at=self._engine.clock(),
        )

    def _dropped(self, firing: Firing, note: Message) -> None:
        self._ledger.schedules.fire(_noted(firing, FiringState.DROPPED, note))

    # -- from a firing to a run -----------------------------------------------------------------

    def _start_open(self, exports: dict[str, Export], saved: dict[str, SavedSchedule]) -> int:
        started = 0
        for firing in self._ledger.schedules.open():
            try:
                started += self._take_up(firing, exports.get(firing.export_id), saved.get(firing.export_id))
            except CcexportError as error:  # the other firings need not wait for it
                log.error("the firing %s cannot be taken up: %s", firing.id, error.log)
        return started

    def _take_up(self, firing: Firing, export: Export | None, saved: SavedSchedule | None) -> int:
        refusal = self._refusal(export, firing, saved)
        if export is None or refusal:
            self._ledger.schedules.settle(firing.id, FiringState.DROPPED, refusal)
            return 0
        waits = self._waits_for_rights(export, firing, saved)
        if waits:
            if (firing.state, firing.note) != (FiringState.LATER, waits):
                self._ledger.schedules.settle(firing.id, FiringState.LATER, waits)
            return 0
        return self._start(firing, export, saved.schedule if saved else Schedule())

    def _refusal(self, export: Export | None, firing: Firing, saved: SavedSchedule | None) -> Message:
        """Return why this firing may not run at all; empty when it may."""
        if export is None:
            return message("The export was removed.")
        if export.paused:
            return message("The export is paused.")
        if not export.config.connection_id:
            return message("The export has no connection.")
        connection = self._ledger.connections.get(export.config.connection_id)
        role = saved.role if saved else Role.CONTRIBUTOR
        if firing.trigger is not Trigger.PERSON and not role.covers(connection.share):
            return message(
                "The connection {connection} is kept for administrators: an administrator has to set this "
                "schedule, or share the connection.",
                connection=connection.name,
            )
        return NOTHING

    def _waits_for_rights(self, export: Export, firing: Firing, saved: SavedSchedule | None) -> Message:
        """Return why the schedule's owner may not run the export now; empty when they may.

        The firing waits until they may again.
        """
        if saved is None or firing.trigger is Trigger.PERSON:
            return NOTHING
        owner = self._ledger.people.find(saved.updated_by)
        if owner is None:  # set on the command line
            return NOTHING
        share = self._ledger.connections.get(export.config.connection_id).share
        if owner.disabled:
            return message(
                "Waits: {owner}, who set this schedule, is disabled. Somebody else has to set it.",
                owner=owner.name,
            )
        if not (owner.role.covers(Role.CONTRIBUTOR) and owner.role.covers(share)):
            return message(
                "Waits: {owner}, who set this schedule, may not run this export any more. "
                "Somebody else has to set it.",
                owner=owner.name,
            )
        return NOTHING

    def _start(self, firing: Firing, export: Export, schedule: Schedule) -> int:
        try:
            if not self._is_there(firing.run_id):
                self._ledger.runs.create(self._run(firing, export))
        except Conflict as busy:
            if not self._is_there(firing.run_id):  # else another process has queued the same run
                self._held_up(firing, schedule, busy)
                return 0
        self._ledger.schedules.settle(firing.id, FiringState.STARTED, firing.note)
        self._ledger.audit.add(
            firing.actor, "run started", export.name, {"run": firing.run_id, "cause": firing.cause}
        )
        return 1

    def _held_up(self, firing: Firing, schedule: Schedule, busy: Conflict) -> None:
        other = busy.evidence.get("run_id") or message("another run")
        if schedule.missed is Missed.DROP and firing.trigger is not Trigger.PERSON:
            note = message("Dropped: {run} had not ended.", run=other)
            self._ledger.schedules.settle(firing.id, FiringState.DROPPED, note)
        elif firing.state is not FiringState.LATER:
            note = message("Runs when {run} on the same export or list has ended.", run=other)
            self._ledger.schedules.settle(firing.id, FiringState.LATER, note)

    def _is_there(self, run_id: str) -> bool:
        try:
            self._ledger.runs.get(run_id)
        except NotFound:
            return False
        return True

    def _run(self, firing: Firing, export: Export) -> Run:
        config = export.config
        return Run(
            id=firing.run_id,
            export_id=export.id,
            export_name=export.name,
            export_version=export.version,
            connection_id=config.connection_id,
            account_id=self._ledger.connections.get(config.connection_id).account_id,
            list_id=config.list_id,
            list_name=config.list_name,
            state=RunState.QUEUED,
            trigger=firing.trigger,
            actor=firing.actor,
            created_at=self._engine.clock(),
        )


def _missed(due: list[datetime], now: datetime) -> tuple[Message, bool]:
    """Return a sentence about missed times, and whether the newest time was missed too."""
    late = now - due[-1] > LATE
    missed = len(due) if late else len(due) - 1
    if not missed:
        return NOTHING, False
    note = counted(
        "{n} time was missed while nothing could run.",
        "{n} times were missed while nothing could run.",
        n=missed,
    )
    return note, late


def _noted(firing: Firing, state: FiringState, note: Message) -> Firing:
    return Firing(**(vars(firing) | {"state": state, "note": note}))
