"""Drives one run from its current state until it ends or has to wait.

Every step can be repeated after a crash at any point. Must never decide what is sent (the plan does),
and never call a run succeeded that was not verified.
"""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from ccexport.constant_contact.account import Account
from ccexport.errors import (
    CcexportError,
    ChangedSincePreview,
    ConstantContactError,
    LedgerTrouble,
    NotFound,
    OutcomeUnknown,
    PlanDamaged,
    QueueFull,
    QuotaExceeded,
    ReconnectNeeded,
    RetryLater,
    StoreTrouble,
    storage_sentence,
)
from ccexport.messages import NOTHING, Message, counted, joined, message, stored, word
from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run, RunFacts
from ccexport.model.words import BatchKind, BatchState, Outcome, RunState, Trigger, Verdict, WaitReason
from ccexport.plan.freeze import load_plan
from ccexport.plan.undo import HELD_BY_OTHER
from ccexport.runs.asked import export_then, segments_then
from ccexport.runs.destination import Beat
from ccexport.runs.engine import Engine
from ccexport.runs.halving import next_halves, told
from ccexport.runs.holders import readings_since
from ccexport.runs.planning import Planner, resending
from ccexport.runs.remove import removal_batches
from ccexport.runs.requests import ExportPaused, Requests
from ccexport.runs.totals import count_end, ending, import_batches, left, plan_counts, touched
from ccexport.runs.undoing import Undoer
from ccexport.runs.verify import Verified, renew_deliveries, verify_run
from ccexport.telemetry import span

log = logging.getLogger(__name__)
SHORT_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=10)


class Driver:
    """Drives runs. `beat` is called often and raises when this process should hand over the run."""

    def __init__(self, engine: Engine, *, grace: timedelta, beat: Beat = lambda: None) -> None:
        self._engine = engine
        self._runs = engine.ledger.runs
        self._grace = grace
        self._beat = beat

    def drive(self, run_id: str) -> Run:
        """Continue the run until it ends or waits; return it."""
        run = self._runs.get(run_id)
        if run.state is RunState.WAITING:
            run = self._resumed(run)
        while not run.state.ended and run.state is not RunState.WAITING:
            self._beat()
            try:
                with span(f"run {run.state}"):
                    run = self._steps[run.state](self, run)
                self._went_well(run)
            except ExportPaused:
                run = self._paused(run)
            except ConstantContactError as error:
                run = self._held_up(run, error)
            except ChangedSincePreview as error:
                run = self._move(run, RunState.BLOCKED, error.message, note=error.message)
            except NotFound as error:
                run = self._cannot_any_more(run, error)
            except PlanDamaged as error:
                run = self._give_up(run, error)
            except LedgerTrouble:
                raise  # the run keeps its state: the next process to claim it continues from here
            except (StoreTrouble, OSError) as error:
                run = self._no_storage(run, error)
            except CcexportError as error:
                run = self._give_up(run, error)
            log.info("run %s is %s", run.id, run.state)
            if run.state.ended:
                count_end(run)
        return run

    def _resumed(self, run: Run) -> Run:
        text = message("Going on after waiting for {reason}.", reason=word(run.wait_reason or ""))
        if run.wait_reason is WaitReason.PAUSED:
            text = message("Going on after the export was paused.")
        return self._move(run, run.wait_step or RunState.PLANNING, text)

    def _move(self, run: Run, state: RunState, text: Message, **values: object) -> Run:
        return self._runs.move(run.id, state, text, actor=run.actor, **values)  # type: ignore[arg-type]

    def _account(self, run: Run) -> Account:
        return self._engine.account_for(run.connection_id)

    def _requests(self, run: Run) -> Requests:
        return Requests(self._engine, run, self._account(run), self._beat)

    # -- the steps ------------------------------------------------------------------------------

    def _start(self, run: Run) -> Run:
        return self._move(run, RunState.PLANNING, message("Reading the contact list and making the plan."))

    def _plan(self, run: Run) -> Run:
        if run.cancel_requested:
            return self._move(run, RunState.CANCELLED, message("Cancelled before anything was sent."))
        plan = self._planned(run)
        counts = plan_counts(plan)
        self._runs.remember(run.id, readings=self._readings(run, plan))
        self._runs.note(run.id, NOTHING, actor=run.actor, plan_id=plan.id, digest=plan.digest, counts=counts)
        if plan.guards:
            text = joined(guard.sentence for guard in plan.guards)
            return self._move(run, RunState.BLOCKED, text, note=text)
        if run.trigger is Trigger.UNDO and not touched(plan) and not plan.warnings.get(HELD_BY_OTHER):
            text = message(
                "There was nothing to undo: nobody is on the list, or off it, by that run any more."
            )
            return self._move(run, RunState.BLOCKED, text, note=text)
        if self._needs_approval(run, plan):
            return self._wait(
                run,
                WaitReason.APPROVAL,
                counted(
                    "Waiting for a second person to approve {n} contact.",
                    "Waiting for a second person to approve {n} contacts.",
                    n=touched(plan),
                ),
            )
        if (
            run.trigger is not Trigger.UNDO and not self._runs.facts(run.id).take_off
        ):  # a guard is released for the export, not for undoing it
            self._engine.ledger.releases.use(run.export_id, run.id)
        self._runs.add_batches(import_batches(run, plan))
        text = message(
            "Sending {contacts} in {requests}.",
            contacts=counted("{n} contact", "{n} contacts", n=plan.to_send),
            requests=counted("{n} request", "{n} requests", n=len(plan.batches)),
        )
        return self._move(run, RunState.SENDING, text)

    def _planned(self, run: Run) -> Plan:
        """Return a plan of the current state. Refuses it when a different plan was approved."""
        facts = self._runs.facts(run.id)
        undone = facts.undo_of
        if undone:
            plan = Undoer(self._engine).plan(undone, beat=self._beat)
        else:
            plan = self._planned_export(run, facts)
        if run.approved_digest and plan.digest != run.approved_digest:
            raise ChangedSincePreview(
                self._what_changed(run, plan, kind="undo" if undone else "export"), digest=plan.digest
            )
        return plan

    def _planned_export(self, run: Run, facts: RunFacts) -> Plan:
        """Return a plan of the export as it was when the run was asked for, with current data."""
        engine, planner = self._engine, Planner(self._engine)
        export = export_then(engine.ledger, run)
        if facts.take_off:
            return planner.plan_take_off(export, beat=self._beat)
        if facts.resend_all:
            export = resending(export)
        lookup = segments_then(engine.ledger, facts.segments)
        return planner.plan(export, fresh=True, beat=self._beat, lookup=lookup)

    def _readings(self, run: Run, plan: Plan) -> list[str]:
        """Return the ids of readings the plan used; readings taken later, during this run, do not count."""
        known = readings_since(self._engine, run.account_id, run.list_id)
        own = self._engine.ledger.files.readings_of(run.account_id, run.list_id)
        read_at = plan.destination_read_at
        return [
            i for i, r in own if r.read_at == read_at or ((i, r) in known and read_at and r.read_at < read_at)
        ]

    def _what_changed(self, run: Run, plan: Plan, *, kind: str) -> Message:
        rows = self._engine.ledger.files.plans_of(run.export_id, kind=kind, limit=50)
        before = next((row for row in rows if row["digest"] == run.approved_digest), None)
        changed = Planner(self._engine).differences(before["inputs"], plan.inputs) if before else []
        words = changed or [message("the contacts to send are not the same")]
        return message(
            "Nothing was sent, because the plan is not the one that was approved: {changes}. Preview it again.",
            changes=joined(words, "; "),
        )

    def _needs_approval(self, run: Run, plan: Plan) -> bool:
        limit = self._engine.ledger.connections.get(run.connection_id).approval_above
        return limit is not None and touched(plan) > limit and not self._runs.approved_by(run.id)

    def _send(self, run: Run) -> Run:
        self._requests(run).send(BatchKind.IMPORT)
        return self._move(
            run, RunState.SETTLING, message("Waiting for Constant Contact to work through what was sent.")
        )

    def _settle(self, run: Run) -> Run:
        self._requests(run).settle(BatchKind.IMPORT)
        if not self._runs.get(run.id).cancel_requested and not self._left_unsent(run):
            self._remove(run)
        return self._move(run, RunState.VERIFYING, message("Reading the list back."))

    def _left_unsent(self, run: Run) -> bool:
        return any(
            b.state is not BatchState.COMPLETED
            for b in self._runs.batches(run.id)
            if b.kind is BatchKind.IMPORT
        )

    def _remove(self, run: Run) -> None:
        """Remove leavers only after the joiners have settled: queued activities have no guaranteed order."""
        plan = self._plan_of(run)
        if not plan.verdicts.get(Verdict.REMOVE):
            return
        if not any(b.kind is BatchKind.REMOVE for b in self._runs.batches(run.id)):
            reading = self._engine.ledger.files.latest_reading(run.account_id, run.list_id)
            size = reading.on_list_count if reading else 0
            self._runs.add_batches(removal_batches(self._engine, self._account(run), run, plan, size))
        self._requests(run).send_removals()
        self._requests(run).settle(BatchKind.REMOVE)

    def _verify(self, run: Run) -> Run:
        plan = self._plan_of(run)
        to_see = any(map(left, self._runs.batches(run.id))) or self._leavers_not_found(run, plan)
        verified = self._read_back(run, plan) if to_see else None
        batches = self._runs.batches(run.id)
        sent = [b for b in batches if b.kind is BatchKind.IMPORT and left(b)]
        outcomes = verified.outcomes if verified else Counter[Outcome]()
        removed = renew_deliveries(self._engine, run, plan, verified, batches)
        counts = {str(o): outcomes[o] for o in Outcome} | {
            "sent": sum(b.contacts for b in sent),
            "removed": removed,
        }
        trouble = stored(self._runs.facts(run.id).trouble)
        stayed = verified.stayed if verified else 0
        state, text = ending(self._runs.get(run.id), plan, counts, batches, trouble, stayed)
        return self._move(
            run,
            state,
            text,
            note=text,
            counts=counts,
            outcomes_path=str(verified.outcomes_path) if verified else None,
        )

    def _leavers_not_found(self, run: Run, plan: Plan) -> bool:
        """Return whether no leaver could be found, which only reading the list itself can confirm."""
        return bool(plan.verdicts.get(Verdict.REMOVE)) and not self._runs.get(run.id).cancel_requested

    def _read_back(self, run: Run, plan: Plan) -> Verified:
        """Verify what was sent by reading the list back; if asked for, first send lost contacts in halves."""
        account, requests = self._account(run), self._requests(run)
        while True:
            requests.send(BatchKind.HALVE)
            requests.settle_everything()
            batches = self._runs.batches(run.id)
            verified = verify_run(
                self._engine,
                account,
                run,
                plan,
                batches,
                grace=self._grace,
                beat=self._beat,
                told=told(plan, batches),
            )
            if not self._halved(run, plan, verified, batches):
                return verified

    def _halved(self, run: Run, plan: Plan, verified: Verified, batches: list[Batch]) -> bool:
        """Return whether there is more to send, in smaller requests."""
        if not self._runs.facts(run.id).in_halves or self._runs.get(run.id).cancel_requested:
            return False
        made = next_halves(self._engine, run, plan, verified.outcomes_path, batches)
        if made:
            contacts = sum(b.contacts for b in made)
            self._runs.add_batches(made)
            text = message(
                "{contacts}: sent again in {requests}.",
                contacts=counted(
                    "{n} contact was lost without a reason",
                    "{n} contacts were lost without a reason",
                    n=contacts,
                ),
                requests=counted("{n} smaller request", "{n} smaller requests", n=len(made)),
            )
            self._runs.note(run.id, text, actor=run.actor)
        return bool(made)

    def _plan_of(self, run: Run) -> Plan:
        plan_id = self._runs.get(run.id).plan_id
        return load_plan(self._engine.ledger.files.plan_folder(plan_id or ""))

    # -- what can get in the way ----------------------------------------------------------------

    def _held_up(self, run: Run, error: ConstantContactError) -> Run:
        now = self._engine.clock()
        log.warning("run %s: %s", run.id, error.log)
        if isinstance(error, ReconnectNeeded):
            self._engine.ledger.connections.change(
                run.connection_id, state="reconnect", state_reason=error.message
            )
            return self._wait(run, WaitReason.RECONNECT, error.message)
        if isinstance(error, QuotaExceeded):
            midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
            return self._wait(run, WaitReason.QUOTA, error.message, until=midnight)
        if isinstance(error, QueueFull):
            return self._wait(run, WaitReason.QUEUE_FULL, error.message, until=now + SHORT_WAIT)
        if isinstance(error, RetryLater | OutcomeUnknown):
            return self._wait(
                run, WaitReason.CONSTANT_CONTACT_DOWN, error.message, until=now + self._patience(run)
            )
        return self._give_up(run, error)

    def _paused(self, run: Run) -> Run:
        batches = self._runs.batches(run.id)
        text = message(
            "The export is paused: {requests}. The run goes on when the export does.",
            requests=counted(
                "{sent} of {n} request was sent",
                "{sent} of {n} requests were sent",
                n=len(batches),
                sent=sum(map(left, batches)),
            ),
        )
        return self._wait(run, WaitReason.PAUSED, text)

    def _cannot_any_more(self, run: Run, error: NotFound) -> Run:
        """Handle something the run needs that no longer exists: its list, its connection, a segment."""
        if run.state is not RunState.PLANNING:
            return self._give_up(run, error)
        text = message(
            "{trouble} Nothing was sent to {list}, the list of {export}.",
            trouble=error.message,
            list=run.list_name,
            export=run.export_name,
        )
        return self._move(run, RunState.BLOCKED, text, note=text)

    def _went_well(self, run: Run) -> None:
        """Reset the count of problems in a row, after a whole step went well."""
        if self._runs.facts(run.id).held_up:
            self._runs.remember(run.id, held_up=0)

    def _patience(self, run: Run) -> timedelta:
        """Return how long to wait: longer after each problem in a row, up to ten minutes."""
        times = self._runs.facts(run.id).held_up
        self._runs.remember(run.id, held_up=times + 1)
        return min(SHORT_WAIT * 2**times, LONGEST_WAIT)

    def _wait(self, run: Run, reason: WaitReason, text: Message, **until: object) -> Run:
        values = {"wait_until": until["until"]} if until else {}
        return self._move(run, RunState.WAITING, text, wait_reason=reason, note=text, **values)

    def _give_up(self, run: Run, error: CcexportError) -> Run:
        """Fail the run, but keep what is known of contacts that were already sent."""
        log.error("run %s: %s", run.id, error.log)
        batches = self._runs.batches(run.id)
        if any(left(b) for b in batches) and run.state in {RunState.SENDING, RunState.SETTLING}:
            self._runs.remember(run.id, trouble=error.message.to_json())
            self._runs.note(run.id, error.message, actor=run.actor)
            if run.state is RunState.SENDING:
                return self._move(
                    run, RunState.SETTLING, message("Settling what was sent before the trouble.")
                )
            return self._move(
                run, RunState.VERIFYING, message("Reading back what was sent before the trouble.")
            )
        values: dict[str, object] = {}
        if run.state is RunState.VERIFYING and any(left(b) for b in batches):
            values["counts"] = self._kept_unverified(run, batches)
        return self._move(run, RunState.FAILED, error.message, note=error.message, **values)

    def _kept_unverified(self, run: Run, batches: list[Batch]) -> dict[str, int]:
        """Record contacts that were sent but never read back; otherwise they would never be taken off the list."""
        sent = sum(b.contacts for b in batches if b.kind is BatchKind.IMPORT and left(b))
        counts = {str(o): 0 for o in Outcome} | {"sent": sent, str(Outcome.UNKNOWN): sent, "removed": 0}
        try:
            counts["removed"] = renew_deliveries(self._engine, run, self._plan_of(run), None, batches)
        except PlanDamaged as error:
            log.error("run %s: its deliveries are lost: %s", run.id, error.log)
        return counts

    def _no_storage(self, run: Run, error: StoreTrouble | OSError) -> Run:
        """Handle a failure of our own disk.

        Before anything was sent the run fails. Afterwards it waits, because its outcome still has to be recorded.
        """
        log.error(
            "run %s: %s", run.id, error.log if isinstance(error, StoreTrouble) else type(error).__name__
        )
        trouble = error.message if isinstance(error, StoreTrouble) else storage_sentence(error)
        if run.state in {RunState.QUEUED, RunState.PLANNING}:
            text = message("{trouble} Nothing was sent.", trouble=trouble)
            return self._move(run, RunState.FAILED, text, note=text)
        text = message("{trouble} The run goes on by itself when that is put right.", trouble=trouble)
        return self._wait(run, WaitReason.STORAGE, text, until=self._engine.clock() + self._patience(run))

    _steps: ClassVar[dict[RunState, Callable[["Driver", Run], Run]]] = {
        RunState.QUEUED: _start,
        RunState.PLANNING: _plan,
        RunState.SENDING: _send,
        RunState.SETTLING: _settle,
        RunState.VERIFYING: _verify,
    }
