"""Use cases that start runs, also to undo or retry an earlier run or to resend everything.

Each starts an ordinary run with its own plan from current data. Must never change
the run it follows, nor the saved export.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ccexport.errors import BadInput, Conflict, NotFound
from ccexport.messages import Message, counted, message
from ccexport.model.exports import Actor, Connection, Export
from ccexport.model.plans import Plan
from ccexport.model.runs import Run, RunFacts
from ccexport.model.words import Reason, Role, RunState, Trigger, Verdict
from ccexport.plan.freeze import load_plan
from ccexport.plan.undo import (
    ALREADY_OFF,
    CANNOT_CLEAR,
    CHANGED_SINCE,
    HELD_BY_OTHER,
    NOT_HELD,
    NOT_KNOWN,
    NOT_VERIFIED,
)
from ccexport.runs.asked import segments_now
from ccexport.runs.undoing import UNDO_OF, Undoer, refuse_undo
from ccexport.services.access import require, require_use, usable_run
from ccexport.services.letting_go import connected_version, queue_take_off
from ccexport.services.not_begun import remove_export
from ccexport.services.wiring import UseCases


class StartRuns(UseCases):
    """Starting runs, also those that follow up an earlier run."""

    def start(
        self,
        actor: Actor,
        name: str,
        *,
        digest: str | None = None,
        resend_all: bool = False,
        in_halves: bool = False,
        trigger: Trigger = Trigger.PERSON,
        key: str = "",
    ) -> Run:
        """Queue a run; with `digest`, of exactly the plan that was previewed.

        With `key`, the run that the actor started with the same key is returned, and no second one is started.

        `resend_all` also sends unchanged contacts in this run; the digest must then come from a preview with
        `resend_all`. `in_halves` sends contacts that were lost without a reason again, in smaller and smaller
        requests. Raises `Conflict` when the export or its list already has a live run, so that quick clicks
        start only one.
        """
        export = self._ledger.exports.named(name)
        connection = self._ledger.connections.get(export.config.connection_id)
        require_use(actor, connection, "run this export")
        run_id = _id_of_key(actor, key) if key else self._wiring.engine.new_id("run")
        if key and (done := self._started_with(run_id, export, digest, resend_all)):
            return done
        if export.paused:
            raise Conflict("{export} is paused; let it go on first.", export=export.name)
        if digest is not None:
            self._known_digest(export, digest)
        kept = segments_now(self._ledger, export)
        facts = RunFacts(resend_all=resend_all, in_halves=in_halves, segments=kept)
        queued = self._queued(actor, export, connection, trigger=trigger, digest=digest)
        try:
            run = self._ledger.runs.create(replace(queued, id=run_id), facts=facts)
        except Conflict:
            done = self._started_with(run_id, export, digest, resend_all) if key else None
            if done is None:
                raise
            return done  # the same key, a moment earlier
        detail = {"run": run.id, "digest": digest} | {
            k: True for k in ("resend_all", "in_halves") if getattr(facts, k)
        }
        self._ledger.audit.add(actor.name, "run started", export.name, detail)
        return run

    def _started_with(self, run_id: str, export: Export, digest: str | None, resend_all: bool) -> Run | None:
        """Return the run that a key started already. Raises `Conflict` when it was asked for differently."""
        try:
            run = self._ledger.runs.get(run_id)
        except NotFound:
            return None
        same = digest in {None, run.approved_digest}  # None: an approval has set it since
        asked = (run.export_id, self._ledger.runs.facts(run_id).resend_all)
        if not same or asked != (export.id, resend_all):
            raise Conflict("This key has started another run, {run}: take a new key.", run=run_id)
        return run

    def remove_export(self, actor: Actor, name: str, *, take_off: bool) -> Run | None:
        """Remove an export; with `take_off`, queue a run that takes off the list everybody only it holds there.

        Without `take_off` they stay on the list, and no export holds them any more.
        """
        export = self._ledger.exports.named(name)
        if export.config.connection_id:
            connection = self._ledger.connections.get(export.config.connection_id)
            require_use(actor, connection, "remove this export")
        else:
            require(actor, Role.CONTRIBUTOR, "remove this export")
        connected = connected_version(self._ledger, export) if take_off else None
        remove_export(self._ledger, actor, export)
        return queue_take_off(self._wiring, actor, connected) if connected else None

    def _queued(
        self, actor: Actor, export: Export, connection: Connection, *, trigger: Trigger, digest: str | None
    ) -> Run:
        return Run(
            id=self._wiring.engine.new_id("run"),
            export_id=export.id,
            export_name=export.name,
            export_version=export.version,
            connection_id=export.config.connection_id,
            account_id=connection.account_id,
            list_id=export.config.list_id,
            list_name=export.config.list_name,
            state=RunState.QUEUED,
            trigger=trigger,
            actor=actor.name,
            created_at=self._ledger.clock(),
            approved_digest=digest,
        )

    def _known_digest(self, export: Export, digest: str, *, kind: str = "export") -> None:
        plans = self._ledger.files.plans_of(export.id, kind=kind, limit=200)
        if not any(row["digest"] == digest for row in plans):
            raise BadInput(
                "{export} has no plan with the digest {digest}…: preview it and use the digest shown.",
                export=export.name,
                digest=digest[:12],
            )

    def retry(self, actor: Actor, run_id: str, *, in_halves: bool = False) -> Run:
        """Run the export of an ended run again, to retry rejected, missing and unknown contacts.

        The new run uses fresh data: it does not send people who unsubscribed or left meanwhile, nor contacts that
        arrived. `in_halves` halves requests that are lost again without a reason, until the contacts that cause it
        are found.
        """
        old = usable_run(self._ledger, actor, run_id, "retry this run")
        if not old.state.ended:
            raise Conflict("Run {run} has not ended. Let it go on, or cancel it, first.", run=run_id)
        if old.trigger is Trigger.UNDO:
            raise Conflict("Run {run} is an undo; undo the run again, or run the export.", run=run_id)
        if self._ledger.runs.facts(run_id).take_off:
            export = self._ledger.exports.at(old.export_id, old.export_version)
            return queue_take_off(self._wiring, actor, export)
        run = self.start(
            actor, self._ledger.exports.get(old.export_id).id, in_halves=in_halves, trigger=Trigger.RETRY
        )
        text = message("Retries what run {run} could not deliver.", run=run_id)
        if in_halves:
            text = message(
                "Retries what run {run} could not deliver, in halves when it is lost again.", run=run_id
            )
        self._ledger.runs.note(run.id, text, actor=actor.name)
        return run

    def undo_preview(self, actor: Actor, run_id: str) -> Plan:
        """Plan the undo of a run now; this reads the list. `undo_sentences` describes the plan in words."""
        usable_run(self._ledger, actor, run_id, "undo this run")
        return Undoer(self._wiring.engine).plan(run_id)

    def last_undo_preview(self, actor: Actor, run_id: str) -> Plan | None:
        """Return the newest stored undo plan of that run; never make a new one. None when there is none."""
        run = usable_run(self._ledger, actor, run_id, "undo this run")
        for row in self._ledger.files.plans_of(run.export_id, kind="undo", limit=50):
            if row["inputs"].get(UNDO_OF) == run_id and row["folder"].exists():
                return load_plan(row["folder"])
        return None

    def undo(self, actor: Actor, run_id: str, *, digest: str | None = None) -> Run:
        """Queue the undo of a run; with `digest`, of exactly the undo that was previewed.

        The list is read again right before. The export itself is unchanged, so its next run would deliver
        again; pause or change the export to prevent that.
        """
        done = usable_run(self._ledger, actor, run_id, "undo this run")
        refuse_undo(done, bool(self._ledger.runs.facts(run_id).rows_removed))
        export = self._ledger.exports.get(done.export_id)
        if digest is not None:
            self._known_digest(export, digest, kind="undo")
        run = self._ledger.runs.create(
            Run(
                id=self._wiring.engine.new_id("run"),
                export_id=done.export_id,
                export_name=done.export_name,
                export_version=done.export_version,
                connection_id=done.connection_id,
                account_id=done.account_id,
                list_id=done.list_id,
                list_name=done.list_name,
                state=RunState.QUEUED,
                trigger=Trigger.UNDO,
                actor=actor.name,
                created_at=self._ledger.clock(),
                approved_digest=digest,
            ),
            facts=RunFacts(undo_of=run_id),
        )
        self._ledger.runs.note(run.id, message("Undoes run {run}.", run=run_id), actor=actor.name)
        asked = message("{person} asked to undo it: run {run}.", person=actor.name, run=run.id)
        self._ledger.runs.note(run_id, asked, actor=actor.name)
        detail = {"run": run.id, "undone": run_id, "digest": digest}
        self._ledger.audit.add(actor.name, "run undone", done.export_name, detail)
        return run

    def undone_by(self, actor: Actor, run_id: str) -> Sequence[Run]:
        """Return the runs that undid, or tried to undo, this one; newest first."""
        run = usable_run(self._ledger, actor, run_id, "undo this run")
        later = self._ledger.runs.all(export_id=run.export_id, since=run.created_at, limit=1000)
        undos = (r for r in later if r.trigger is Trigger.UNDO)
        return [r for r in undos if self._ledger.runs.facts(r.id).undo_of == run_id]


def _id_of_key(actor: Actor, key: str) -> str:
    """Return the id of the run that this actor starts with this key: the ledger takes an id only once."""
    return f"run-k{hashlib.sha256(json.dumps([actor.name, key]).encode()).hexdigest()[:31]}"


_SAID: Mapping[Any, Message] = {
    Verdict.ADD: counted(
        "{n} contact that run took off the list is put back; its export takes it off again unless it is changed.",
        "{n} contacts that run took off the list are put back; its export takes them off again unless it is "
        "changed.",
        n=0,
    ),
    Verdict.REMOVE: counted(
        "{n} contact is taken off the list again.", "{n} contacts are taken off the list again.", n=0
    ),
    Verdict.UPDATE: counted(
        "{n} contact gets back the values we sent before that run.",
        "{n} contacts get back the values we sent before that run.",
        n=0,
    ),
    Reason.UNSUBSCRIBED: counted(
        "{n} unsubscribed meanwhile and is left alone.", "{n} unsubscribed meanwhile and are left alone.", n=0
    ),
    Reason.LEFT_LIST: counted(
        "{n} is off the list by now, not by us, and is left alone.",
        "{n} are off the list by now, not by us, and are left alone.",
        n=0,
    ),
    Reason.SUPPRESSED: counted(
        "{n} is suppressed, so earlier values are not sent to it.",
        "{n} are suppressed, so earlier values are not sent to them.",
        n=0,
    ),
    Reason.NO_CONSENT: counted(
        "{n} has no consent any more, so earlier values are not sent to it.",
        "{n} have no consent any more, so earlier values are not sent to them.",
        n=0,
    ),
    HELD_BY_OTHER: counted(
        "{n} stays on the list because another export holds it too.",
        "{n} stay on the list because another export holds them too.",
        n=0,
    ),
    NOT_VERIFIED: counted(
        "{n} is on the list although that run could not verify it; whether it put it there is not known, so it "
        "stays.",
        "{n} are on the list although that run could not verify them; whether it put them there is not known, so "
        "they stay.",
        n=0,
    ),
    CHANGED_SINCE: counted(
        "{n} was sent other values since, so those stay.",
        "{n} were sent other values since, so those stay.",
        n=0,
    ),
    NOT_KNOWN: counted(
        "{n} was changed, but what stood there before was never sent by us, so it is not known.",
        "{n} were changed, but what stood there before was never sent by us, so it is not known.",
        n=0,
    ),
    NOT_HELD: counted(
        "{n} is held by nobody of ours any more and stays.",
        "{n} are held by nobody of ours any more and stay.",
        n=0,
    ),
    ALREADY_OFF: counted("{n} was taken off by us already.", "{n} were taken off by us already.", n=0),
}


def undo_sentences(plan: Plan) -> list[Message]:
    """Return what an undo does and cannot do, in sentences for people; the last one applies to every undo."""
    counts: dict[Any, int] = {**plan.verdicts, **plan.reasons, **plan.warnings}
    said = [replace(text, values={"n": counts[key]}) for key, text in _SAID.items() if counts.get(key)]
    kept = sum(n for key, n in plan.warnings.items() if key.endswith(f":{CANNOT_CLEAR}"))
    if kept:
        said.append(
            counted(
                "{n} value that run set where there was none stays: an import cannot clear a field.",
                "{n} values that run set where there were none stay: an import cannot clear a field.",
                n=kept,
            )
        )
    always = message(
        "Messages already sent and contacts already counted for billing cannot be undone, and values changed at "
        "Constant Contact by hand cannot be told from ours."
    )
    return [*(said or [message("There is nothing to undo.")]), always]
