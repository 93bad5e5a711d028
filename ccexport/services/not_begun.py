"""Ends the runs of an export that have not begun to send, after the export was paused or removed.

Must never end a run that has sent something: such a run is settled and read back first.
"""

from ccexport.errors import Conflict
from ccexport.ledger import Ledger
from ccexport.messages import Message, message
from ccexport.model.exports import Actor, Export
from ccexport.model.runs import Run
from ccexport.model.words import BatchState, RunState
from ccexport.runs.asked import is_follow_up
from ccexport.worker.loop import holder_is_dead


def end_not_begun(
    ledger: Ledger, actor: Actor, export: Export, why: Message, *, follow_ups: bool
) -> list[Run]:
    """End runs that have not begun, with the reason `why`; undos and taking off only with `follow_ups`.

    Returns those that have begun.
    """
    begun = []
    for run in ledger.runs.all(export_id=export.id, live=True):
        if not follow_ups and is_follow_up(ledger, run):
            continue
        if has_begun(ledger, run):
            begun.append(run)
            continue
        ledger.runs.note(run.id, why, actor=actor.name, cancel_requested=True)
        holder = ledger.leases.holder(f"run:{run.id}")
        if holder is None or holder_is_dead(holder):
            text = message("{trouble} Nothing was sent.", trouble=why)
            ledger.runs.move(run.id, RunState.CANCELLED, text, actor=actor.name, note=text)
    return begun


def remove_export(ledger: Ledger, actor: Actor, export: Export) -> None:
    """Hide the export and end its runs that have not begun. Raises `Conflict` while one is sending."""
    for run in ledger.runs.all(export_id=export.id, live=True):
        if has_begun(ledger, run):
            raise Conflict(
                "Run {run} of {export} is sending. Let it end, or cancel it, before the export is removed.",
                run=run.id,
                export=export.name,
            )
    end_not_begun(
        ledger, actor, export, message("{person} removed the export.", person=actor.name), follow_ups=True
    )
    ledger.exports.mark(export.id, removed=True)
    ledger.audit.add(actor.name, "export removed", export.name)


def has_begun(ledger: Ledger, run: Run) -> bool:
    """Whether the run has sent a request."""
    return any(batch.state is not BatchState.PENDING for batch in ledger.runs.batches(run.id))
