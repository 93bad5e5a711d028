"""Use cases that steer a run: drive, cancel, resume, approve, release a guard.

Must never change what a run sends: its plan decides that.
"""

from datetime import timedelta

from ccexport.errors import BadInput, Conflict, NotPermitted
from ccexport.messages import Message, message, word
from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.tokens import SERVICE
from ccexport.model.words import BatchState, Role, RunState, WaitReason
from ccexport.plan.guards import PUT_BACK
from ccexport.runs.asked import is_paused
from ccexport.services.access import require, usable_run
from ccexport.services.history import RunHistory
from ccexport.services.run_contacts import RunContacts
from ccexport.services.second_person import not_second
from ccexport.services.start_runs import StartRuns
from ccexport.services.wiring import UseCases
from ccexport.services.workers import new_worker
from ccexport.worker.holders import holder_is_dead

QUEUE_PATIENCE = timedelta(minutes=2)


class SteerRuns(UseCases):
    """What a person may do with a run after its start."""

    def drive_here(self, run_id: str) -> Run:
        """Drive the run in this process until it ends or waits; if a worker drives it already, watch it."""
        worker = new_worker(self._wiring)
        patience = self._ledger.clock() + QUEUE_PATIENCE
        while True:
            worker.drive(run_id)
            run = self._ledger.runs.get(run_id)
            queueing = run.wait_reason is WaitReason.QUEUE_FULL and self._ledger.clock() < patience
            if run.state.ended or (run.state is RunState.WAITING and not queueing):
                return run
            self._wiring.engine.sleep(5.0 if queueing else 0.5)

    def cancel(self, actor: Actor, run_id: str) -> Run:
        """Stop sending. What was already sent is settled and read back, and the run reports it."""
        run = usable_run(self._ledger, actor, run_id, "cancel this run")
        self._ledger.audit.add(actor.name, "run cancelled", run.export_name, {"run": run.id})
        run = self._ledger.runs.request_cancel(run_id, actor=actor.name)
        untouched = not any(b.state is not BatchState.PENDING for b in self._ledger.runs.batches(run_id))
        holder = self._ledger.leases.holder(f"run:{run_id}")
        if untouched and (holder is None or holder_is_dead(holder)):
            text = message("Cancelled before anything was sent.")
            return self._ledger.runs.move(run_id, RunState.CANCELLED, text, actor=actor.name, note=text)
        return run

    def resume(self, actor: Actor, run_id: str) -> Run:
        """Let a waiting run try again now instead of later."""
        run = usable_run(self._ledger, actor, run_id, "resume this run")
        if run.state.ended:
            raise Conflict(
                "Run {run} has already ended: {state}. Start a new one.", run=run_id, state=word(run.state)
            )
        if run.wait_reason is WaitReason.PAUSED and is_paused(self._ledger, run):
            raise Conflict("{export} is paused; let it go on first.", export=run.export_name)
        if run.state is RunState.WAITING and run.wait_reason is not WaitReason.APPROVAL:
            self._ledger.runs.note(
                run_id,
                message("{person} asked to go on now.", person=actor.name),
                actor=actor.name,
                wait_until=self._ledger.clock(),
            )
        return self._ledger.runs.get(run_id)

    def approve(self, actor: Actor, run_id: str) -> Run:
        """Approve the plan of a run. Raises `Conflict` if the actor asked for it or changed what it depends on."""
        run = usable_run(self._ledger, actor, run_id, "approve this run")
        if run.state is not RunState.WAITING or run.wait_reason is not WaitReason.APPROVAL:
            raise Conflict("Run {run} does not wait for approval.", run=run_id)
        if actor.name.startswith(SERVICE):
            raise NotPermitted(
                "A service account may not approve a run. Ask a person who changed nothing of it."
            )
        if actor.name in not_second(self._ledger, run):
            raise Conflict(
                "Somebody else has to approve: you asked for this run, or changed its export, segments, "
                "profiles, suppression list or guards since it last ran."
            )
        self._ledger.runs.approve(run_id, by=actor.name, digest=run.digest)
        self._ledger.audit.add(
            actor.name, "run approved", run.export_name, {"run": run.id, "digest": run.digest}
        )
        return self._ledger.runs.get(run_id)

    def may_approve(self, actor: Actor, run_id: str) -> bool:
        """Whether the run waits for approval and this actor may approve it."""
        run = usable_run(self._ledger, actor, run_id, "approve this run")
        waits = run.state is RunState.WAITING and run.wait_reason is WaitReason.APPROVAL
        return (
            waits and not actor.name.startswith(SERVICE) and actor.name not in not_second(self._ledger, run)
        )

    def put_back(self, actor: Actor, export_name: str, *, reason: str) -> None:
        """Let the next run of the export, once, put back everybody who left its list since the last run.

        People who unsubscribed stay off the list. Releasing the guard `gone_percent` instead leaves all of them
        off the list.
        """
        self.release(actor, export_name, PUT_BACK, reason=reason)

    def release(self, actor: Actor, export_name: str, guard: str, *, reason: str) -> None:
        """Let the next run of the export pass one tripped guard, once."""
        require(actor, Role.ADMINISTRATOR, "release guards")
        if not reason.strip():
            raise BadInput("Releasing a guard needs a reason.")
        export = self._ledger.exports.named(export_name)
        self._ledger.releases.add(export.id, guard, by=actor.name, reason=reason.strip())
        self._ledger.audit.add(actor.name, "guard released", export.name, {"guard": guard, "reason": reason})


class RunUseCases(StartRuns, SteerRuns, RunHistory, RunContacts):
    """All use cases of runs, for the faces; the parts do not know each other."""


def sentence(run: Run) -> Message:
    """Return one plain sentence about the state of a run."""
    if run.note:
        return run.note
    if run.state is RunState.WAITING:
        return message("Waiting for {reason}.", reason=word(run.wait_reason or ""))
    if run.state is RunState.QUEUED:
        return message("Waiting for a worker.")
    return message("It is {state}.", state=word(run.state))
