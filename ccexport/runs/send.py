"""Sends the batches of a run, one request each; writes `submitting` before the request leaves.

A batch left `submitting` by a crash or a lost answer is ambiguous: Constant Contact's activities are
checked before anything is sent again. A body is sent only with the hash that was planned.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa

from ccexport.constant_contact.account import Account, Activity
from ccexport.errors import OutcomeUnknown, PlanDamaged, StoreTrouble
from ccexport.messages import message
from ccexport.model.runs import Batch
from ccexport.model.words import BatchKind, BatchState
from ccexport.plan.freeze import ROWS
from ccexport.plan.pack import planned_body
from ccexport.runs.engine import Engine

IN_FLIGHT = 20
CLOCK_SKEW = timedelta(minutes=2)
# A request that left longer ago than this is no longer in flight.
RIVAL = timedelta(hours=1)
Post = Callable[[Batch, bytes], Activity]


def send_batch(engine: Engine, account: Account, batch: Batch, post: Post) -> Batch:
    """Send one pending or ambiguous batch and return it as submitted.

    Raises what the account raises. The batch then returns to its earlier state if the request certainly did not
    count, and stays `submitting` when that is not known.
    """
    runs = engine.ledger.runs
    before = batch
    if batch.state is BatchState.SUBMITTING:
        batch = find_again(engine, account, batch)
        if batch.state is BatchState.SUBMITTED:
            return batch
        batch = runs.change_batch(
            batch, ambiguous=True, note=message("The answer was lost and no activity was found; sent again.")
        )
    try:
        body = _checked_body(engine, batch)
    except PlanDamaged as error:
        runs.change_batch(batch, state=BatchState.PENDING, note=error.message)
        raise
    batch = runs.change_batch(batch, state=BatchState.SUBMITTING, submitting_at=engine.clock())
    try:
        activity = post(batch, body)
    except OutcomeUnknown:
        raise
    except Exception:  # this request certainly did not count; whether an earlier one did is as open as before
        runs.change_batch(batch, state=before.state, submitting_at=before.submitting_at)
        raise
    return runs.change_batch(
        batch, state=BatchState.SUBMITTED, activity_id=activity.id, submitted_at=engine.clock()
    )


def find_again(engine: Engine, account: Account, batch: Batch) -> Batch:
    """Return a batch whose answer was lost, with its activity when that can be told; sends nothing."""
    found = _look_for(engine, account, batch)
    if found is None:
        return batch
    return engine.ledger.runs.change_batch(
        batch,
        state=BatchState.SUBMITTED,
        activity_id=found.id,
        submitted_at=engine.clock(),
        ambiguous=True,
        note=message("The answer was lost; the activity was found again."),
    )


def _checked_body(engine: Engine, batch: Batch) -> bytes:
    """Return the exact bytes that were planned. Raises `PlanDamaged` when they have changed."""
    try:
        body = _body(engine, batch)
    except FileNotFoundError as error:
        raise PlanDamaged(
            "The body of batch {number} is missing on disk; nothing of it was sent.", number=str(batch.number)
        ) from error
    except OSError as error:
        raise StoreTrouble(
            "The body of batch {number} cannot be read ({problem}); nothing of it was sent.",
            number=str(batch.number),
            problem=error.strerror,
        ) from error
    if hashlib.sha256(body).hexdigest() != batch.sha256:
        raise PlanDamaged(
            "The body of batch {number} was changed on disk; nothing of it was sent.",
            number=str(batch.number),
        )
    return body


def _body(engine: Engine, batch: Batch) -> bytes:
    if batch.file.name != ROWS:  # removals, halves, and imports of plans made by earlier versions
        return batch.file.read_bytes()
    try:
        return planned_body(batch.file, batch.number, engine.ledger.runs.get(batch.run_id).list_id)
    except (pa.ArrowException, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError) or getattr(error, "errno", None) is not None:  # the disk
            raise
        raise PlanDamaged(
            "The body of batch {number} was changed on disk; nothing of it was sent.",
            number=str(batch.number),
        ) from error


def _look_for(engine: Engine, account: Account, batch: Batch) -> Activity | None:
    """Return the activity this batch became, if exactly one unknown activity fits it and no other batch.

    The known activities are read after Constant Contact was asked. With a request of another run in flight, the
    activity may belong to that run. With several lost answers in this run, it may belong to any batch it fits. Then
    nobody can tell, and sending again is harmless.
    """
    if batch.submitting_at is None:
        return None
    since = batch.submitting_at - CLOCK_SKEW
    there = list(account.activities())
    if engine.ledger.runs.others_on_their_way(batch, since=batch.submitting_at - RIVAL):
        return None
    lost_too = [
        b
        for b in engine.ledger.runs.batches(batch.run_id)
        if b.state is BatchState.SUBMITTING and (b.kind, b.number) != (batch.kind, batch.number)
    ]
    known = engine.ledger.runs.activity_ids()
    fitting = [
        activity
        for activity in there
        if activity.id not in known
        and (activity.created_at is None or activity.created_at >= since)
        and _fits(activity, batch)
    ]
    if len(fitting) != 1 or any(_fits(fitting[0], other) for other in lost_too):
        return None
    return fitting[0]


def _fits(activity: Activity, batch: Batch) -> bool:
    """Return whether the activity may be this batch's.

    An activity names neither its kind nor its list; its counters tell imports apart once they are set.
    Counters may be missing while it is initialized. `items_total_count` counts a header row even for JSON
    (https://developer.constantcontact.com/api_guide/activity_status.html).
    """
    counters = activity.counters
    of_lists = "items_completed_count" in counters or "list_count" in counters
    if batch.kind is not BatchKind.REMOVE:
        return not of_lists and counters.get("person_count", 0) in {0, batch.contacts}
    return not counters.get("person_count") and counters.get("items_total_count", 0) in {0, batch.contacts}


def in_flight(batches: list[Batch]) -> list[Batch]:
    """Return the batches that are at Constant Contact now."""
    return [b for b in batches if b.state is BatchState.SUBMITTED]


def to_send(batches: list[Batch]) -> list[Batch]:
    """Return the batches still to be sent, an ambiguous one first."""
    open_ = [b for b in batches if b.state in {BatchState.SUBMITTING, BatchState.PENDING}]
    return sorted(open_, key=lambda b: (b.state is BatchState.PENDING, b.number))
