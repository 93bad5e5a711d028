"""What `--json` prints of exports, plans and runs. The keys are a contract with scripts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ccexport.model.exports import Export
from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import Reason, Verdict

if TYPE_CHECKING:
    from ccexport.services.previews import PlanRow

MAIN_COUNTS = ("candidates", "sent", "verified", "rejected", "missing", "unknown")


def export_document(services: Any, actor: Any, export: Export) -> dict[str, Any]:
    """Return a saved export as JSON, with names instead of ids."""
    config = export.config
    names = {c.id: c.name for c in services.connections.list(actor)}
    names |= {s.id: s.name for s in services.segments.list(actor)}
    names |= services.exports.names(actor)
    draft = services.exports.draft(actor, export, names)
    last = services.runs.list(actor, export=export.id, limit=1)
    return {
        **draft.model_dump(mode="json"),
        "list_id": config.list_id,
        "map": {"email": config.email}
        | {f.target: f.source or f.constant or f.template for f in config.fields},
        "version": export.version,
        "paused": export.paused,
        "updated_by": export.updated_by,
        "updated_at": export.updated_at,
        "last_run": run_document(last[0]) if last else None,
    }


def preview_document(name: str, plan: Plan, shown: list["PlanRow"]) -> dict[str, Any]:
    """Return the preview as JSON."""
    return {
        "export": name,
        "digest": plan.digest,
        "candidates": plan.candidates,
        "verdicts": {str(v): plan.verdicts.get(v, 0) for v in Verdict},
        "reasons": {str(r): plan.reasons.get(r, 0) for r in Reason},
        "warnings": dict(plan.warnings),
        "to_send": plan.to_send,
        "requests": plan.requests,
        "guards": [{"name": g.name, "sentence": str(g.sentence)} for g in plan.guards],
        "segments": dict(plan.segments),
        "list_id": plan.list_id,
        "snapshot": plan.snapshot_id,
        "destination_read_at": plan.destination_read_at,
        "contacts": [contact_document(row) for row in shown],
    }


def contact_document(row: "PlanRow") -> dict[str, Any]:
    """Return one row of a plan as JSON; `contact` is the object as it is sent, null when it is not sent."""
    return {
        "profile_id": row.profile_id,
        "email": row.address,
        "verdict": row.verdict,
        "reason": row.reason,
        "winner": row.winner,
        "warnings": list(row.warnings),
        "segments": list(row.segments),
        "contact": row.fields or None,
        "outcome": row.outcome,
        "note": row.note,
    }


def run_document(run: Run, batches: Sequence[Batch] | None = None) -> dict[str, Any]:
    """Return a run as JSON."""
    document: dict[str, Any] = {
        "run_id": run.id,
        "export": run.export_name,
        "state": run.state,
        "counts": dict.fromkeys(MAIN_COUNTS, 0) | dict(run.counts),
        "list": run.list_name,
        "trigger": run.trigger,
        "actor": run.actor,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "digest": run.digest,
        "waiting_for": run.wait_reason,
        "waiting_until": run.wait_until,
        "note": str(run.note),
    }
    if batches is not None:
        document["batches"] = [_batch(b) for b in batches]
    return document


def _batch(batch: Batch) -> dict[str, Any]:
    return {
        "number": batch.number,
        "kind": batch.kind,
        "state": batch.state,
        "contacts": batch.contacts,
        "bytes": batch.bytes,
        "activity_id": batch.activity_id,
        "ambiguous": batch.ambiguous,
        "submitted_at": batch.submitted_at,
        "settled_at": batch.settled_at,
        "counters": dict(batch.counters),
        "errors": list(batch.errors),
        "note": str(batch.note),
    }


def run_lines(run: Run) -> list[str]:
    """Return a run in a few lines of text."""
    counts = run_document(run)["counts"]
    numbers = ", ".join(f"{counts[c]} {c}" for c in (*MAIN_COUNTS, "removed") if counts.get(c))
    waiting = f" for {run.wait_reason}" if run.wait_reason else ""
    lines = [f"Run {run.id} of {run.export_name} to {run.list_name}: {run.state}{waiting}."]
    return lines + [f"  {line}" for line in (f"{numbers}." if numbers else "", str(run.note)) if line]
