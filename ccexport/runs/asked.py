"""What a run was asked for: its export and segments, in the versions of that moment.

Must never use the current version of the export or its segments in their place.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ccexport.errors import ChangedSincePreview
from ccexport.ledger import Ledger
from ccexport.model.exports import Export
from ccexport.model.profiles import Segment
from ccexport.model.runs import Run
from ccexport.model.words import SegmentKind, Trigger
from ccexport.segments.rules import parse_rule, segments_in

_KEPT = ("id", "name", "version", "rule", "description")


def segments_now(ledger: Ledger, export: Export) -> list[dict[str, Any]]:
    """Return the segments of an export, and the segments their rules name, for storing with a run."""
    found: dict[str, Segment] = {}
    todo = [*export.config.segment_ids, *export.config.exclude_ids]
    while todo:
        segment = ledger.segments.find(todo.pop())
        if segment is None or segment.id in found:
            continue
        found[segment.id] = segment
        todo += segments_in(parse_rule(segment.rule)) if segment.rule is not None else []
    return [{key: getattr(s, key) for key in _KEPT} | {"kind": str(s.kind)} for s in found.values()]


def segments_then(ledger: Ledger, kept: Sequence[Mapping[str, Any]]) -> Callable[[str], Segment]:
    """Return a lookup by id or name. It prefers the stored segments and falls back to the current ones."""
    segments = [Segment(**{key: row[key] for key in _KEPT}, kind=SegmentKind(row["kind"])) for row in kept]
    names = {s.name: s for s in segments} | {s.id: s for s in segments}
    return lambda name: names.get(name) or ledger.segments.named(name)


def is_follow_up(ledger: Ledger, run: Run) -> bool:
    """Return whether the run undoes another one, or takes off whom its export held.

    Such a run was asked for by itself, so it goes on while its export is paused.
    """
    return run.trigger is Trigger.UNDO or ledger.runs.facts(run.id).take_off


def is_paused(ledger: Ledger, run: Run) -> bool:
    """Return whether the run may send nothing for now, because its export is paused."""
    return ledger.exports.get(run.export_id).paused and not is_follow_up(ledger, run)


def export_then(ledger: Ledger, run: Run) -> Export:
    """Return the export in the version the run was asked for. Raises when that version can no longer be executed."""
    export = ledger.exports.at(run.export_id, run.export_version)
    connection = ledger.connections.get(run.connection_id)
    if connection.account_id != run.account_id:
        raise ChangedSincePreview(
            "Nothing was sent, because the connection {connection} leads to another account than when this run was "
            "asked for.",
            connection=connection.name,
        )
    return export
