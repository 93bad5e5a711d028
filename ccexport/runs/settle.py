"""Settles activities: one request polls them all, and their counters are kept for ever.

Constant Contact forgets an activity after ten days
(https://developer.constantcontact.com/api_guide/activity_status.html). Must never call a run a
success: `completed` does not yet mean "on the list".
"""

import re
from collections.abc import Iterable
from datetime import timedelta

from ccexport.constant_contact.account import Account, Activity
from ccexport.messages import NOTHING, Message, counted, message
from ccexport.model.runs import Batch
from ccexport.model.words import BatchKind, BatchState
from ccexport.runs.engine import Engine

PATIENCE = timedelta(hours=6)
PATIENCE_CANCELLED = timedelta(minutes=15)
"""How long a cancelled run waits for an activity before it lets go of the list."""
_LINE = re.compile(r"^\s*line\s+(\d+)\s*:?\s*(.*)$", re.IGNORECASE)


def settle_once(
    engine: Engine, account: Account, batches: Iterable[Batch], *, patience: timedelta = PATIENCE
) -> int:
    """Poll once and mark the batches whose activity ended; return how many are still in progress.

    An activity that has not ended `patience` after it was submitted counts as unknown.
    """
    waiting = {b.activity_id: b for b in batches if b.state is BatchState.SUBMITTED}
    if not waiting:
        return 0
    seen = {activity.id: activity for activity in account.activities()}
    left = 0
    for activity_id, batch in waiting.items():
        if not _settled(engine, batch, seen.get(activity_id or ""), patience):
            left += 1
    return left


def _settled(engine: Engine, batch: Batch, activity: Activity | None, patience: timedelta) -> bool:
    now = engine.clock()
    change = engine.ledger.runs.change_batch
    if activity is not None and activity.finished and not activity.failed:
        counters = dict(activity.counters)
        note = _shortfall(batch, counters)
        change(
            batch,
            state=BatchState.COMPLETED,
            settled_at=now,
            counters=counters,
            errors=list(activity.errors),
            note=note or batch.note,
        )
        return True
    if activity is not None and activity.failed:
        change(
            batch,
            state=BatchState.FAILED,
            settled_at=now,
            counters=dict(activity.counters),
            errors=list(activity.errors),
            note=message("Constant Contact ended the activity as {state}.", state=activity.state),
        )
        return True
    overdue = batch.submitted_at is not None and now - batch.submitted_at > patience
    if overdue:
        change(
            batch,
            state=BatchState.UNKNOWN,
            settled_at=now,
            note=message("Not finished, or not to be found, after {time}.", time=patience),
        )
    return overdue


def _shortfall(batch: Batch, counters: dict[str, int]) -> Message:
    people = counters.get("person_count")
    if batch.kind is not BatchKind.REMOVE and people is not None and people < batch.contacts:
        return counted(
            "Constant Contact counted {people} of {n} contact.",
            "Constant Contact counted {people} of {n} contacts.",
            n=batch.contacts,
            people=people,
        )
    return NOTHING


def line_hints(batches: Iterable[Batch]) -> dict[tuple[int, int], str]:
    """Return what the activities said of single lines: (batch, 0-based line) → message.

    Line 1 is the header, also for JSON, so the first contact is line 2. This is only a hint: Constant
    Contact lists just some of the lines it refused.
    """
    hints: dict[tuple[int, int], str] = {}
    for batch in batches:
        for error in batch.errors if batch.kind is not BatchKind.REMOVE else ():
            match = _LINE.match(error)
            if match and int(match[1]) >= 2:
                hints[batch.number, int(match[1]) - 2] = match[2] or "refused by Constant Contact"
    return hints
