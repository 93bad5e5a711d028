"""The numbers of a run, and what they make of its end.

Must never read a file, ask anybody, or call a run succeeded that was not verified.
"""

from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState, Outcome, RunState, Verdict
from ccexport.telemetry import count


def left(batch: Batch) -> bool:
    """Whether the request left this machine, as far as is known."""
    return batch.activity_id is not None or batch.state in {BatchState.SUBMITTING, BatchState.UNKNOWN}


def touched(plan: Plan) -> int:
    """How many contacts a second person would answer for: who is sent, and who is taken off."""
    return plan.to_send + plan.verdicts.get(Verdict.REMOVE, 0)


def import_batches(run: Run, plan: Plan) -> list[Batch]:
    """The requests of a plan, none of them sent yet."""
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
    """The numbers of a plan as a run keeps them."""
    counts = {"candidates": plan.candidates, "to_send": plan.to_send}
    counts |= {str(v): plan.verdicts.get(v, 0) for v in Verdict}
    counts |= {f"reason_{reason}": n for reason, n in plan.reasons.items()}
    return counts | {"left_out": sum(plan.reasons.values())}


def ending(
    run: Run, plan: Plan, counts: dict[str, int], batches: list[Batch], trouble: str, stayed: int = 0
) -> tuple[RunState, str]:
    """How the run ended, and the sentence that says it. `succeeded` only if everything was verified.

    `stayed`: how many were to leave the list, and were still seen on it.
    """
    sent, verified = counts["sent"], counts["verified"]
    said = f"{verified:,} of {sent:,} contacts sent were read back on the list"
    if counts["removed"]:
        said += f", {counts['removed']:,} were taken off it"
    unsent = plan.to_send - sent
    if run.cancel_requested:
        return RunState.CANCELLED, f"Cancelled: {said}; {unsent:,} were not sent."
    ill = {BatchState.FAILED, BatchState.PENDING}
    failed_batches = [b for b in batches if b.state in ill and b.kind is not BatchKind.HALVE]
    trouble = trouble or next((b.note for b in failed_batches if b.note), "")
    if stayed:
        trouble = f"{stayed:,} contacts that were to leave the list are still on it. {trouble}".strip()
    if unsent or (sent and not verified and not counts["rejected"]):
        return RunState.FAILED, f"{said}; {unsent:,} were not sent. {trouble}".strip()
    if verified == sent and not failed_batches and not stayed:
        return RunState.SUCCEEDED, f"{said}." if sent or counts["removed"] else "There was nothing to send."
    rest = ", ".join(f"{counts[o]} {o}" for o in ("rejected", "missing", "unknown") if counts[o])
    rest = rest or ("a request failed" if failed_batches else "")
    said = f"{said}; {rest}" if rest else said
    return RunState.SUCCEEDED_WITH_REJECTS, f"{said}. {trouble}".strip()


def count_end(run: Run) -> None:
    """Tell the metrics, when there are any, how the run ended and what became of its contacts."""
    count("ccexport.runs", 1, {"state": str(run.state), "trigger": str(run.trigger)})
    for outcome in Outcome:
        if run.counts.get(outcome):
            count("ccexport.contacts", run.counts[outcome], {"outcome": str(outcome)})
