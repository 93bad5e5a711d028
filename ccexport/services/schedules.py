"""Use cases of schedules: when an export runs by itself, its next times, what delays it, and *run all*.

Must never fire anything because a schedule was saved.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ccexport.errors import BadInput
from ccexport.messages import NOTHING, Message, message, word
from ccexport.model.exports import Actor, Export
from ccexport.model.firings import Firing, FiringState, RefreshState, SavedSchedule
from ccexport.model.runs import Run
from ccexport.model.schedules import Follows, Schedule, in_words, next_times
from ccexport.model.words import Role, RunState
from ccexport.services.access import require, require_use
from ccexport.services.exports import ExportUseCases
from ccexport.services.validation import parsed
from ccexport.services.wiring import UseCases, Wiring
from ccexport.worker.schedules import Timetable

SHOWN_TIMES = 3
_WENT_WRONG = {RunState.FAILED, RunState.BLOCKED, RunState.CANCELLED}


@dataclass(frozen=True)
class ScheduleState:
    """The schedule of one export, for people. `why` is one line about what delays it, or empty."""

    export: str
    schedule: Schedule
    words: str
    own: bool
    paused: bool
    next: tuple[datetime, ...]
    last: Firing | None
    why: Message


class ScheduleUseCases(UseCases):
    """The schedules of exports."""

    def __init__(self, wiring: Wiring, exports: ExportUseCases) -> None:
        super().__init__(wiring)
        self._exports = exports

    def list(self, actor: Actor) -> Sequence[ScheduleState]:
        """Return the schedule of every export, sorted by name."""
        return self.of(actor, self._ledger.exports.all())

    def of(self, actor: Actor, exports: Sequence[Export]) -> Sequence[ScheduleState]:
        """Return the schedules of these exports, in their order."""
        require(actor, Role.VIEWER, "see schedules")
        saved, refresh = self._ledger.schedules.all(), self._refresh_line()
        last = self._ledger.schedules.last_firings([export.id for export in exports])
        return [self._state(e, saved.get(e.id), last.get(e.id), refresh) for e in exports]

    def coming(self, actor: Actor) -> Sequence[tuple[datetime, Export]]:
        """Return the next time of each export that has times of its own and is not paused, soonest first."""
        require(actor, Role.VIEWER, "see schedules")
        saved, now = self._ledger.schedules.all(), self._ledger.clock()
        exports = [e for e in self._ledger.exports.some(saved) if not e.paused]
        found = [(at, e) for e in exports for at in next_times(saved[e.id].schedule, now, 1)]
        return sorted(found, key=lambda entry: entry[0])

    def get(self, actor: Actor, name: str) -> ScheduleState:
        require(actor, Role.VIEWER, "see schedules")
        return self.of(actor, [self._ledger.exports.named(name)])[0]

    def history(self, actor: Actor, name: str | None = None, *, limit: int = 50) -> Sequence[Firing]:
        """Return the firings and their results, newest first."""
        require(actor, Role.VIEWER, "see schedules")
        export_id = self._ledger.exports.named(name).id if name else None
        return self._ledger.schedules.firings(export_id, limit=limit)

    def set(
        self, actor: Actor, names: Sequence[str], schedule: Schedule, *, keep_own: bool = False
    ) -> Sequence[ScheduleState]:
        """Give several exports one schedule, all or none; `keep_own` skips those with their own schedule.

        `schedule.after` may be the name of an export.
        """
        return self._save_all(actor, names, lambda _: schedule, keep_own=keep_own)

    def change(
        self, actor: Actor, names: Sequence[str], *, keep_own: bool = False, **changes: Any
    ) -> Sequence[ScheduleState]:
        """Change some settings of several schedules (fields of `Schedule`); settings not given stay.

        An export without a schedule of its own starts from the default one. None unsets a setting.
        """

        def changed(old: Schedule) -> Schedule:
            values = old.model_dump() | changes
            return parsed(Schedule, {k: v for k, v in values.items() if v is not None}, "The schedule")

        return self._save_all(actor, names, changed, keep_own=keep_own)

    def _save_all(
        self,
        actor: Actor,
        names: Sequence[str],
        make: Callable[[Schedule], Schedule],
        *,
        keep_own: bool,
    ) -> Sequence[ScheduleState]:
        """Save all schedules, or none when one is refused."""
        chosen = [self._mine(actor, name, "schedule this export") for name in dict.fromkeys(names)]
        if not chosen:
            raise BadInput("Name at least one export.")
        if keep_own:
            chosen = [e for e in chosen if self._ledger.schedules.get(e.id) is None]
        made = [(export, self._by_id(make(self._schedule_of(export)))) for export in chosen]
        for export, schedule in made:
            self._refuse_circle(export, schedule)
        return [self._saved(actor, export, schedule) for export, schedule in made]

    def _schedule_of(self, export: Export) -> Schedule:
        saved = self._ledger.schedules.get(export.id)
        return saved.schedule if saved else Schedule()

    def pause(self, actor: Actor, name: str, *, until: date | None) -> ScheduleState:
        """Fire nothing before that day, in the schedule's own time zone; None ends the pause."""
        export = self._mine(actor, name, "pause this schedule")
        schedule = self._schedule_of(export).model_copy(update={"paused_until": until})
        return self._saved(actor, export, schedule)

    def run_all(self, actor: Actor, names: Sequence[str] = ()) -> Sequence[Run | Firing]:
        """Run the named exports in this order, or every export that does not run by hand only.

        An export to a busy list waits for its turn; its firing is returned instead of a run.
        """
        require(actor, Role.CONTRIBUTOR, "run exports")
        if names:
            chosen = [self._mine(actor, name, "run this export") for name in dict.fromkeys(names)]
        else:
            chosen = [e for e in self._ledger.exports.all() if self._runs_by_itself(actor, e)]
        timetable = Timetable(self._wiring.engine)
        batch = self._wiring.engine.new_id("all")
        fired = [
            timetable.fire_by_hand(export, actor=actor.name, batch=batch, following=len(chosen) - place)
            for place, export in enumerate(chosen)
        ]
        timetable.tick()
        return [self._run_or_firing(firing) for firing in fired]

    # -- parts ----------------------------------------------------------------------------------

    def _run_or_firing(self, firing: Firing) -> Run | Firing:
        now = next(f for f in self._ledger.schedules.firings(firing.export_id) if f.id == firing.id)
        return self._ledger.runs.get(now.run_id) if now.state is FiringState.STARTED else now

    def _runs_by_itself(self, actor: Actor, export: Export) -> bool:
        saved = self._ledger.schedules.get(export.id)
        by_hand = saved is not None and saved.schedule.follows is Follows.NOTHING
        return not by_hand and not export.paused and self._exports.may_manage(actor, export)

    def _mine(self, actor: Actor, name: str, what: str) -> Export:
        export = self._ledger.exports.named(name)
        require_use(actor, self._ledger.connections.get(export.config.connection_id), what)
        return export

    def _by_id(self, schedule: Schedule) -> Schedule:
        if schedule.after is None:
            return schedule
        return schedule.model_copy(update={"after": self._ledger.exports.named(schedule.after).id})

    def _refuse_circle(self, export: Export, schedule: Schedule) -> None:
        seen, following = {export.id}, schedule.after
        while following is not None:
            if following in seen:
                raise BadInput(
                    "{export} would run after itself; choose another export for it to follow.",
                    export=export.name,
                )
            seen.add(following)
            saved = self._ledger.schedules.get(following)
            following = saved.schedule.after if saved else None

    def _saved(self, actor: Actor, export: Export, schedule: Schedule) -> ScheduleState:
        self._ledger.schedules.save(export.id, schedule, by=actor.name, role=actor.role)
        for firing in self._ledger.schedules.open():
            if firing.export_id == export.id:
                self._ledger.schedules.settle(
                    firing.id, FiringState.DROPPED, message("The schedule was changed.")
                )
        state = self.of(actor, [export])[0]
        self._ledger.audit.add(actor.name, "schedule changed", export.name, {"schedule": state.words})
        return state

    def _state(
        self, export: Export, saved: SavedSchedule | None, last: Firing | None, refresh: Message
    ) -> ScheduleState:
        schedule = saved.schedule if saved else Schedule()
        after = self._ledger.exports.get(schedule.after).name if schedule.after else None
        return ScheduleState(
            export=export.name,
            schedule=schedule,
            words=in_words(schedule, after),
            own=saved is not None,
            paused=export.paused,
            next=tuple(next_times(schedule, self._ledger.clock(), SHOWN_TIMES)),
            last=last,
            why=self._why(export, schedule, last, refresh),
        )

    def _why(self, export: Export, schedule: Schedule, last: Firing | None, refresh: Message) -> Message:
        if export.paused:
            return message("The export is paused.")
        upstream = refresh if schedule.follows is Follows.REFRESH else NOTHING
        upstream = upstream or self._parent_line(schedule)
        if upstream:
            return upstream
        if last is not None and last.state in {FiringState.LATER, FiringState.DROPPED}:
            return last.note
        return NOTHING

    def _refresh_line(self) -> Message:
        settings, _ = self._ledger.refreshes.settings()
        recent = [r for r in self._ledger.refreshes.all(limit=5) if r.ended_at]
        if recent and recent[0].state in {RefreshState.STOPPED, RefreshState.FAILED}:
            return message(
                "The refresh of {at} {what}, so nothing ran after it: {why}",
                at=recent[0].due_at,
                what=_did(recent[0].state),
                why=recent[0].note,
            )
        return NOTHING if settings.on else message("The refresh is off, so this runs by hand only.")

    def _parent_line(self, schedule: Schedule) -> Message:
        if schedule.after is None:
            return NOTHING
        runs = self._ledger.runs.all(export_id=schedule.after, live=False, limit=1)
        if not runs or runs[0].state not in _WENT_WRONG:
            return NOTHING
        return message(
            "The run of {export} ended as {state}, so this did not run after it.",
            export=runs[0].export_name,
            state=word(runs[0].state),
        )


def _did(state: RefreshState) -> Message:
    return message("was stopped") if state is RefreshState.STOPPED else message("failed")
