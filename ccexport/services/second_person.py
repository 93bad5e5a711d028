"""Who may approve a run: a second person, who changed nothing that its plan depends on."""

from datetime import datetime

from ccexport.ledger import Ledger
from ccexport.model.runs import Run
from ccexport.model.tokens import SERVICE
from ccexport.model.words import RunState, Trigger
from ccexport.segments.rules import parse_rule, segments_in

_WELL = frozenset({RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_REJECTS})
# Audit events of changes that every plan depends on.
_EVERYWHERE = frozenset(
    {
        "suppression added",
        "suppression removed",
        "source saved",
        "source removed",
        "sources ordered",
        "profiles ingested",
    }
)
_OF_SEGMENTS = frozenset({"segment saved"})


def not_second(ledger: Ledger, run: Run) -> set[str]:
    """Return the people who may not approve the run.

    They asked for it, set its schedule, or changed what it depends on since the export last succeeded.
    """
    last = _last_good(ledger, run)
    since = last.created_at if last else None
    return {
        run.actor,
        *_of_service(ledger, run),
        *_schedulers(ledger, run),
        *_of_the_export(ledger, run, last.export_version if last else 0),
        *_of_its_segments(ledger, run, since),
        *(row["actor"] for row in ledger.audit.of(_EVERYWHERE, since)),
        *ledger.releases.released_by(run.export_id, run.id, since),
    }


def _last_good(ledger: Ledger, run: Run) -> Run | None:
    earlier = ledger.runs.all(export_id=run.export_id, live=False, limit=1_000)
    return next((r for r in earlier if r.state in _WELL and r.trigger is not Trigger.UNDO), None)


def _of_service(ledger: Ledger, run: Run) -> set[str]:
    """Return who made the tokens of the service account that asked for the run: they may ask in its name."""
    return (
        {token.created_by for token in ledger.tokens.all(run.actor)}
        if run.actor.startswith(SERVICE)
        else set()
    )


def _schedulers(ledger: Ledger, run: Run) -> set[str]:
    """Return who set the schedule that started the run: the schedule asks in their name."""
    if run.trigger not in {Trigger.SCHEDULE, Trigger.REFRESH}:
        return set()
    saved = ledger.schedules.all().get(run.export_id)
    return {saved.updated_by} if saved else set()


def _of_the_export(ledger: Ledger, run: Run, ran: int) -> set[str]:
    versions = ledger.exports.versions(run.export_id)
    newest = max(v["version"] for v in versions)
    return {v["updated_by"] for v in versions if v["version"] > ran or v["version"] == newest}


def _of_its_segments(ledger: Ledger, run: Run, since: datetime | None) -> set[str]:
    """Return who changed its segments, or the segments that their rules refer to, at any depth."""
    config = ledger.exports.get(run.export_id).config
    waiting = [*config.segment_ids, *config.exclude_ids]
    ids: set[str] = set()
    names: set[str] = set()
    while waiting:
        segment = ledger.segments.named(waiting.pop())
        if segment.id in ids:
            continue
        ids.add(segment.id)
        names.add(segment.name)
        if segment.rule is not None:
            waiting += segments_in(parse_rule(segment.rule))
    rows = ledger.audit.of(_OF_SEGMENTS, since)
    return {r["actor"] for r in rows if r["detail"].get("id") in ids or r["subject"] in names}
