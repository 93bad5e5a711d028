"""The numbers of a run, and how it ended according to them.

Must never read a file or make a request, nor call a run succeeded that was not verified.
"""

from ccexport.messages import NOTHING, Message, counted, joined, message
from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState, Mode, Outcome, RunState, Verdict
from ccexport.telemetry import count


def left(batch: Batch) -> bool:
    """Return whether the request left this machine, as far as is known."""
    return batch.activity_id is not None or batch.state in {BatchState.SUBMITTING, BatchState.UNKNOWN}


def touched(plan: Plan) -> int:
    """Return how many contacts an approver answers for: those sent and those taken off."""
    return plan.to_send + plan.verdicts.get(Verdict.REMOVE, 0)


def import_batches(run: Run, plan: Plan) -> list[Batch]:
    """Return the requests of a plan, as batches that are not sent yet."""
    return [
        Batch(
            run_id=run.id,
            number=b.number,
            kind=BatchKind.IMPORT,
            state=BatchState.PENDING,
            contacts=b.contacts,
            bytes=b.bytes,
            file=plan.path,
            sha256=b.sha256,
        )
        for b in plan.batches
    ]


def plan_counts(plan: Plan) -> dict[str, int]:
    """Return the numbers of a plan as a run keeps them."""
    counts = {"candidates": plan.candidates, "to_send": plan.to_send}
    counts |= {str(v): plan.verdicts.get(v, 0) for v in Verdict}
    counts |= {f"reason_{reason}": n for reason, n in plan.reasons.items()}
    return counts | {"left_out": sum(plan.reasons.values())}


def ending(
    run: Run, plan: Plan, counts: dict[str, int], batches: list[Batch], trouble: Message, stayed: int = 0
) -> tuple[RunState, Message]:
    """Return how the run ended and the sentence that says so. `succeeded` only if everything was verified.

    `stayed`: how many contacts were to leave the list but were still seen on it.
    """
    sent, verified = counts["sent"], counts["verified"]
    unsent = plan.to_send - sent
    if run.cancel_requested:
        return RunState.CANCELLED, _cancelled(counts, unsent)
    ill = {BatchState.FAILED, BatchState.PENDING}
    failed_batches = [b for b in batches if b.state in ill and b.kind is not BatchKind.HALVE]
    trouble = trouble or next((b.note for b in failed_batches if b.note), NOTHING)
    more = [_still_there(stayed)] * bool(stayed) + [trouble] * bool(trouble)
    nothing_arrived = sent and not verified and not counts["rejected"]
    nobody_left = stayed and not counts["removed"] and not sent
    if unsent or nothing_arrived or nobody_left:
        return RunState.FAILED, joined([message("{done}.", done=_rest(_done(counts), unsent)), *more])
    if verified == sent and not failed_batches and not stayed:
        return RunState.SUCCEEDED, _succeeded(counts, plan)
    rest = _not_verified(counts) or ([message("a request failed")] if failed_batches else [])
    done = _done(counts) or message("nothing was done")
    if rest:
        done = message("{done}; {rest}", done=done, rest=rest)
    return RunState.SUCCEEDED_WITH_REJECTS, joined([message("{done}.", done=done), *more])


def _cancelled(counts: dict[str, int], unsent: int) -> Message:
    if not _done(counts):
        return message("Cancelled before anything was sent.")
    return message("Cancelled: {done}.", done=_rest(_done(counts), unsent))


def _succeeded(counts: dict[str, int], plan: Plan) -> Message:
    done = _done(counts)
    if done:
        return message("{done}.", done=done)
    if plan.inputs.get("mode") == Mode.REMOVE:
        return message("There was nobody to take off the list.")
    return message("There was nothing to send.")


def _rest(done: Message, unsent: int) -> Message:
    """Return what was done and how many were not sent, without what is none."""
    not_sent = counted("{n} contact was not sent", "{n} contacts were not sent", n=unsent)
    if not done:
        return not_sent if unsent else message("nothing was done")
    return message("{done}; {not_sent}", done=done, not_sent=not_sent) if unsent else done


def _done(counts: dict[str, int]) -> Message:
    """Return what was sent and who was taken off; nothing when there was neither."""
    removed = counted(
        "{n} contact was taken off the list", "{n} contacts were taken off the list", n=counts["removed"]
    )
    if not counts["sent"]:
        return removed if counts["removed"] else NOTHING
    done = counted(
        "{verified} of {n} contact sent was read back on the list",
        "{verified} of {n} contacts sent were read back on the list",
        n=counts["sent"],
        verified=counts["verified"],
    )
    if not counts["removed"]:
        return done
    off = counted("{n} was taken off it", "{n} were taken off it", n=counts["removed"])
    return message("{done}, {removed}", done=done, removed=off)


def _not_verified(counts: dict[str, int]) -> list[Message]:
    said = [
        message("{n} rejected", n=counts["rejected"]),
        message("{n} missing", n=counts["missing"]),
        message("{n} unknown", n=counts["unknown"]),
        message("{n} applied, but not seen there", n=counts.get("left", 0)),
    ]
    return [one for one in said if one.values["n"]]


def _still_there(stayed: int) -> Message:
    return counted(
        "{n} contact that was to leave the list is still on it.",
        "{n} contacts that were to leave the list are still on it.",
        n=stayed,
    )


def count_end(run: Run) -> None:
    """Report the run's end and the outcomes of its contacts to the metrics, when metrics are on."""
    count("ccexport.runs", 1, {"state": str(run.state), "trigger": str(run.trigger)})
    for outcome in Outcome:
        if run.counts.get(outcome):
            count("ccexport.contacts", run.counts[outcome], {"outcome": str(outcome)})
