"""Makes answers of values. Must never ask a use case for more than the answer holds."""

from typing import TYPE_CHECKING, Any

from ccexport.api.models import (
    BatchAnswer,
    ConnectionAnswer,
    ContactAnswer,
    ExportAnswer,
    FieldAnswer,
    GuardAnswer,
    KeptAnswer,
    PreviewAnswer,
    ProfilesAnswer,
    RunAnswer,
    SegmentAnswer,
)
from ccexport.errors import WrongUse
from ccexport.model.words import Reason, Verdict

if TYPE_CHECKING:
    from ccexport.api.calls import Call
    from ccexport.model.exports import Connection, Export
    from ccexport.model.plans import Plan
    from ccexport.model.profiles import Segment, Snapshot
    from ccexport.model.runs import Batch, Run
    from ccexport.services.plan_history import KeptPlan
    from ccexport.services.previews import PlanRow

MAIN_COUNTS = ("candidates", "sent", "verified", "rejected", "missing", "unknown")


def profiles_answer(snapshot: "Snapshot") -> ProfilesAnswer:
    return ProfilesAnswer(
        snapshot=snapshot.id,
        profiles=snapshot.profiles,
        rejects=snapshot.rejects,
        id_field=snapshot.id_field,
        created_at=snapshot.created_at,
        fields=[FieldAnswer(name=f.name, type=f.type) for f in snapshot.fields],
    )


def segment_answer(call: "Call", segment: "Segment") -> SegmentAnswer:
    """Return a segment with its size; a rule that fits the profiles no more is no error of the request."""
    use, actor = call.services.segments, call.actor
    count, trouble = None, None
    if call.services.profiles.find_current(actor) is not None:
        try:
            count = use.members(actor, segment.id).count
        except WrongUse as error:
            trouble = str(error)
    return SegmentAnswer(
        name=segment.name,
        segment_id=segment.id,
        kind=segment.kind,
        version=segment.version,
        rule=use.written(actor, segment.id),
        in_words=use.in_words(actor, segment.id),
        members=count,
        trouble=trouble,
        description=segment.description,
        tags=list(segment.tags),
        used_by=[e.name for e in use.used_by(actor, segment.id)],
    )


def run_answer(run: "Run") -> RunAnswer:
    return RunAnswer(**run_values(run))


def run_values(run: "Run") -> dict[str, Any]:
    """Return what every answer about a run has."""
    return {
        "run_id": run.id,
        "export": run.export_name,
        "list": run.list_name,
        "state": run.state,
        "ended": run.state.ended,
        "trigger": run.trigger,
        "actor": run.actor,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "digest": run.digest,
        "waiting_for": run.wait_reason,
        "waiting_until": run.wait_until,
        "note": str(run.note),
        "counts": dict.fromkeys(MAIN_COUNTS, 0) | dict(run.counts),
    }


def batch_answer(batch: "Batch") -> BatchAnswer:
    own = {
        k: v for k, v in vars(batch).items() if k in BatchAnswer.model_fields and k not in {"note", "errors"}
    }
    return BatchAnswer(**own, note=str(batch.note), errors=list(batch.errors))


def export_answer(call: "Call", export: "Export") -> ExportAnswer:
    """Return a saved export, with names instead of ids."""
    services, actor, config = call.services, call.actor, export.config
    names = {c.id: c.name for c in services.connections.list(actor)}
    names |= services.segments.names(actor)
    names |= services.exports.names(actor)
    draft = services.exports.draft(actor, export, names)
    last = services.runs.list(actor, export=export.id, limit=1)
    return ExportAnswer(
        **draft.model_dump(),
        export_id=export.id,
        list_id=config.list_id,
        map={"email": config.email} | {f.target: f.source or f.constant or f.template for f in config.fields},
        version=export.version,
        paused=export.paused,
        updated_by=export.updated_by,
        updated_at=export.updated_at,
        last_run=run_answer(last[0]) if last else None,
    )


def preview_answer(call: "Call", plan: "Plan") -> PreviewAnswer:
    return PreviewAnswer(**preview_values(call, plan))


def preview_values(call: "Call", plan: "Plan") -> dict[str, Any]:
    """Return what every answer about a plan has."""
    export = call.services.exports.names(call.actor).get(plan.export_id, plan.export_id)
    there = export != plan.export_id
    remarks = call.services.previews.remarks(call.actor, plan.export_id, plan) if there else []
    return {
        "plan_id": plan.id,
        "export": export,
        "digest": plan.digest,
        "made_at": plan.made_at,
        "candidates": plan.candidates,
        "verdicts": {v: plan.verdicts.get(v, 0) for v in Verdict},
        "reasons": {r: plan.reasons.get(r, 0) for r in Reason},
        "warnings": dict(plan.warnings),
        "to_send": plan.to_send,
        "requests": plan.requests,
        "guards": [GuardAnswer(name=g.name, sentence=str(g.sentence)) for g in plan.guards],
        "segments": dict(plan.segments),
        "list_id": plan.list_id,
        "snapshot": plan.snapshot_id,
        "destination_read_at": plan.destination_read_at,
        "remarks": [str(remark) for remark in remarks],
    }


def kept_answer(plan: "KeptPlan") -> KeptAnswer:
    return KeptAnswer(
        plan_id=plan.id,
        made_at=plan.made_at,
        digest=plan.digest,
        candidates=plan.candidates,
        verdicts={v: plan.verdicts.get(v, 0) for v in Verdict},
        left_out=plan.left_out,
        run_id=plan.run_id or None,
    )


def contact_answer(row: "PlanRow") -> ContactAnswer:
    return ContactAnswer(
        profile_id=row.profile_id,
        email=row.address,
        verdict=row.verdict,
        reason=row.reason,
        winner=row.winner,
        warnings=list(row.warnings),
        segments=list(row.segments),
        contact=row.fields or None,
        outcome=row.outcome,
        note=row.note,
    )


def connection_answer(connection: "Connection") -> ConnectionAnswer:
    return ConnectionAnswer(
        connection_id=connection.id,
        name=connection.name,
        organisation=connection.organisation,
        state=connection.state,
        share=connection.share,
        account_id=connection.account_id or None,
        contract_limit=connection.contract_limit,
        approval_above=connection.approval_above,
    )
