"""Use cases of runs: start, watch, cancel, resume, approve, release, and the history.

Must never change what a run sends: that is its plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ccexport.errors import BadInput, Conflict, NotFound
from ccexport.ledger.history import RunsEver
from ccexport.model.exports import Actor, Export
from ccexport.model.runs import Batch, Run, RunEvent
from ccexport.model.words import BatchKind, BatchState, Outcome, Role, RunState, Trigger, WaitReason
from ccexport.services.access import require
from ccexport.services.history import RunHistory
from ccexport.worker.loop import holder_is_dead

if TYPE_CHECKING:
    pass


QUEUE_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True)
class Progress:
    """How far a run is, for a live view. `eta_seconds` only when a rate is known."""

    run: Run
    batches_done: int
    batches_total: int
    contacts_sent: int
    contacts_total: int
    eta_seconds: float | None


class RunUseCases(RunHistory):
    """Executions of exports."""

    # -- driving --------------------------------------------------------------------------------

    def drive_here(self, run_id: str) -> Run:
        """Drive the run in this process until it ends or waits, unless a worker already does: then watch it."""
        worker = self._services.worker()
        patience = self._ledger.clock() + QUEUE_PATIENCE
        while True:
            worker.drive(run_id)
            run = self._ledger.runs.get(run_id)
            queueing = run.wait_reason is WaitReason.QUEUE_FULL and self._ledger.clock() < patience
            if run.state.ended or (run.state is RunState.WAITING and not queueing):
                return run
            self._services.engine.sleep(5.0 if queueing else 0.5)

    # -- watching -------------------------------------------------------------------------------

    def list(
        self,
        actor: Actor,
        *,
        export: str | None = None,
        contact_list: str | None = None,
        state: RunState | None = None,
        live: bool | None = None,
        person: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> Sequence[Run]:
        """Newest first. Export and contact list by name or id, also of what was removed since."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.all(
            export_id=self._export_id(export) if export else None,
            list_id=_meant(contact_list, self._ledger.history.ever().lists) if contact_list else None,
            state=state,
            live=live,
            actor=person,
            since=since,
            until=until,
            limit=limit,
            offset=offset,
        )

    def ever(self, actor: Actor) -> RunsEver:
        """Which exports, contact lists and people there are to filter the history by."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.ever()

    def last_of(self, actor: Actor, exports: Sequence[Export]) -> Mapping[str, Run]:
        """The newest run of each of these exports that ever ran, by export id."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.last_of([export.id for export in exports])

    def last_times(self, actor: Actor) -> Mapping[str, datetime]:
        """When each export last ran, by export id."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.last_times()

    def went_wrong(self, actor: Actor, *, limit: int) -> Sequence[Run]:
        """The newest run of each export where that one failed or was blocked, newest first."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.last_in(RunState.FAILED, RunState.BLOCKED, limit=limit)

    def totals(self, actor: Actor, since: datetime) -> tuple[int, Mapping[str, int]]:
        """How many runs were begun since then, and how many contacts they sent and verified."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.totals(since, ("sent", "verified"))

    def outcomes(self, actor: Actor, edges: Sequence[datetime]) -> Sequence[Mapping[str, int]]:
        """Contacts by outcome, of the runs that ended between each edge and the next."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.by_period(edges, tuple(Outcome))

    def _export_id(self, name: str) -> str:
        try:
            return self._ledger.exports.named(name).id
        except NotFound:
            ran = self._ledger.history.ever().exports
            if _meant(name, ran) not in ran:
                raise
            return _meant(name, ran)

    def story(self, actor: Actor, run_id: str) -> Sequence[RunEvent]:
        """What happened, oldest first."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.events(run_id)

    def batches(self, actor: Actor, run_id: str) -> Sequence[Batch]:
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.batches(run_id)

    def progress(self, actor: Actor, run_id: str) -> Progress:
        """Counted, never guessed: what was settled of what was planned."""
        run = self.get(actor, run_id)
        batches = [b for b in self._ledger.runs.batches(run_id) if b.kind is not BatchKind.HALVE]
        gone = [b for b in batches if b.activity_id]
        done = [
            b for b in batches if b.state in {BatchState.COMPLETED, BatchState.FAILED, BatchState.UNKNOWN}
        ]
        return Progress(
            run=run,
            batches_done=len(done),
            batches_total=len(batches),
            contacts_sent=sum(b.contacts for b in gone),
            contacts_total=sum(b.contacts for b in batches),
            eta_seconds=self._eta(run, done, batches),
        )

    def _eta(self, run: Run, done: Sequence[Batch], batches: Sequence[Batch]) -> float | None:
        settled = [b.settled_at for b in done if b.settled_at]
        if run.started_at is None or run.state.ended or not settled:
            return None
        per_batch = (max(settled) - run.started_at).total_seconds() / len(settled)
        return per_batch * (len(batches) - len(done))

    # -- changing -------------------------------------------------------------------------------

    def cancel(self, actor: Actor, run_id: str) -> Run:
        """Stop sending. What already left is settled and read back, and the run says what it was."""
        run = self._mine(actor, run_id, "cancel this run")
        self._ledger.audit.add(actor.name, "run cancelled", run.export_name, {"run": run.id})
        run = self._ledger.runs.request_cancel(run_id, actor=actor.name)
        untouched = not any(b.state is not BatchState.PENDING for b in self._ledger.runs.batches(run_id))
        holder = self._ledger.leases.holder(f"run:{run_id}")
        if untouched and (holder is None or holder_is_dead(holder)):
            text = "Cancelled before anything was sent."
            return self._ledger.runs.move(run_id, RunState.CANCELLED, text, actor=actor.name, note=text)
        return run

    def resume(self, actor: Actor, run_id: str) -> Run:
        """Let a waiting run look again now instead of later."""
        run = self._mine(actor, run_id, "resume this run")
        if run.state.ended:
            raise Conflict(f"Run {run_id} has already ended: {run.state}. Start a new one.")
        if run.state is RunState.WAITING and run.wait_reason is not WaitReason.APPROVAL:
            self._ledger.runs.note(
                run_id, f"{actor.name} asked to go on now.", actor=actor.name, wait_until=self._ledger.clock()
            )
        return self._ledger.runs.get(run_id)

    def approve(self, actor: Actor, run_id: str) -> Run:
        """A second person approves the plan; not who asked for the run or changed the export since it last ran."""
        run = self._mine(actor, run_id, "approve this run")
        if run.state is not RunState.WAITING or run.wait_reason is not WaitReason.APPROVAL:
            raise Conflict(f"Run {run_id} does not wait for approval.")
        if actor.name in {run.actor, *self._changed_by(run)}:
            raise Conflict("Somebody else has to approve: you asked for this run or changed its export.")
        self._ledger.runs.approve(run_id, by=actor.name, digest=run.digest)
        self._ledger.audit.add(
            actor.name, "run approved", run.export_name, {"run": run.id, "digest": run.digest}
        )
        return self._ledger.runs.get(run_id)

    def _changed_by(self, run: Run) -> set[str]:
        """Who made the export what it is now: the last to change it, and all since it last ended well."""
        versions = self._ledger.exports.versions(run.export_id)
        earlier = self._ledger.runs.all(export_id=run.export_id, live=False, limit=1_000)
        well = {RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_REJECTS}
        ended = (r.export_version for r in earlier if r.state in well and r.trigger is not Trigger.UNDO)
        ran = max(ended, default=0)
        newest = max(v["version"] for v in versions)
        return {v["updated_by"] for v in versions if v["version"] > ran or v["version"] == newest}

    def release(self, actor: Actor, export_name: str, guard: str, *, reason: str) -> None:
        """Let the next run of the export past one tripped guard, once."""
        require(actor, Role.ADMINISTRATOR, "release guards")
        if not reason.strip():
            raise BadInput("Releasing a guard needs a reason.")
        export = self._ledger.exports.named(export_name)
        self._ledger.releases.add(export.id, guard, by=actor.name, reason=reason.strip())
        self._ledger.audit.add(actor.name, "guard released", export.name, {"guard": guard, "reason": reason})


def _meant(name: str, there: Mapping[str, str]) -> str:
    """The id of that name; the name itself when there is none such, so that nothing is found."""
    return name if name in there else next((i for i, n in there.items() if n == name), name)


def csv_line(values: Sequence[Any]) -> str:
    """One line of quoted cells."""
    return ",".join(_cell("" if value is None else str(value)) for value in values) + "\r\n"


def _cell(text: str) -> str:
    """One quoted cell. A leading = + - @ TAB or CR would make it a formula."""
    safe = f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} else text
    return '"' + safe.replace('"', '""') + '"'


def sentence(run: Run) -> str:
    """One plain sentence about where a run is."""
    if run.note:
        return run.note
    if run.state is RunState.WAITING:
        return f"Waiting for {run.wait_reason}."
    return {"queued": "Waiting for a worker."}.get(run.state, f"{run.state.capitalize()}.")


def run_facts(run: Run) -> dict[str, Any]:
    """A run as the command line and the downloads show it."""
    if not run.id:
        raise NotFound("There is no such run.")
    return {
        "run_id": run.id,
        "export": run.export_name,
        "state": run.state,
        "counts": dict(run.counts),
        "list": run.list_name,
        "trigger": run.trigger,
        "actor": run.actor,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "digest": run.digest,
        "waiting_for": run.wait_reason,
        "waiting_until": run.wait_until,
        "note": run.note,
    }
