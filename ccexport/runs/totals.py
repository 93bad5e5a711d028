"""The numbers of a run, and how it ended according to them.

Must never read a file or make a request, nor call a run succeeded that was not verified.
"""

from ccexport.messages import NOTHING, Message, counted, joined, message
from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState, Outcome, RunState, Verdict
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
            file=b.file,
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
    done, not_sent = _read_back(counts), counted("{n} was not sent", "{n} were not sent", n=unsent)
    if run.cancel_requested:
        return RunState.CANCELLED, message("Cancelled: {done}; {not_sent}.", done=done, not_sent=not_sent)
    ill = {BatchState.FAILED, BatchState.PENDING}
    failed_batches = [b for b in batches if b.state in ill and b.kind is not BatchKind.HALVE]
    trouble = trouble or next((b.note for b in failed_batches if b.note), NOTHING)
    more = [_still_there(stayed)] * bool(stayed) + [trouble] * bool(trouble)
    if unsent or (sent and not verified and not counts["rejected"]):
        text = message("{done}; {not_sent}.", done=done, not_sent=not_sent)
        return RunState.FAILED, joined([text, *more])
    if verified == sent and not failed_batches and not stayed:
        nothing = message("There was nothing to send.")
        return RunState.SUCCEEDED, message("{done}.", done=done) if sent or counts["removed"] else nothing
    rest = _not_verified(counts) or ([message("a request failed")] if failed_batches else [])
    if rest:
        done = message("{done}; {rest}", done=done, rest=rest)
    return RunState.SUCCEEDED_WITH_REJECTS, joined([message("{done}.", done=done), *more])


def _read_back(counts: dict[str, int]) -> Message:
    done = counted(
        "{verified} of {n} contact sent was read back on the list",
        "{verified} of {n} contacts sent were read back on the list",
        n=counts["sent"],
        verified=counts["verified"],
    )
    if not counts["removed"]:
        return done
    removed = counted("{n} was taken off it", "{n} were taken off it", n=counts["removed"])
    return message("{done}, {removed}", done=done, removed=removed)


def _not_verified(counts: dict[str, int]) -> list[Message]:
    said = [
        message("{n} rejected", n=counts["rejected"]),
        message("{n} missing", n=counts["missing"]),
        message("{n} unknown", n=counts["unknown"]),
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
