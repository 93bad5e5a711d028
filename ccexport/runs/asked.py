"""What a run was asked for: the version of its export and of its segments, as they were at that moment.

Must never look at what the export or its segments have become since.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ccexport.errors import ChangedSincePreview
from ccexport.ledger import Ledger
from ccexport.model.exports import Export
from ccexport.model.profiles import Segment
from ccexport.model.runs import Run
from ccexport.model.words import SegmentKind
from ccexport.segments.rules import parse_rule, segments_in

_KEPT = ("id", "name", "version", "rule", "description")


def segments_now(ledger: Ledger, export: Export) -> list[dict[str, Any]]:
    """The segments of an export, and those that their rules name, to be kept with a run."""
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
    """Looks a segment up as it was kept, by id or name; one that was not, as it is now."""
    segments = [Segment(**{key: row[key] for key in _KEPT}, kind=SegmentKind(row["kind"])) for row in kept]
    names = {s.name: s for s in segments} | {s.id: s for s in segments}
    return lambda name: names.get(name) or ledger.segments.named(name)


def export_then(ledger: Ledger, run: Run) -> Export:
    """The export in the version the run was asked for. Raises when it cannot be executed any more."""
    export = ledger.exports.at(run.export_id, run.export_version)
    connection = ledger.connections.get(run.connection_id)
    if connection.account_id != run.account_id:
        raise ChangedSincePreview(
            "Nothing was sent, because the connection {connection} leads to another account than when this run was "
            "asked for.",
            connection=connection.name,
        )
    return export
