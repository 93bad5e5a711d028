"""Configuration as code: segments, exports, schedules, the refresh and the suppression list as one document.

The document uses names, not ids, in a stable order, and holds no secrets. Must never run anything, nor
remove what a document does not mention.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ccexport.errors import BadInput, WrongUse
from ccexport.model.exports import Actor, Export
from ccexport.model.profiles import Segment
from ccexport.model.schedules import Schedule
from ccexport.model.sources import Source
from ccexport.model.words import Role, SegmentKind
from ccexport.services.access import require
from ccexport.services.configuration_differences import (
    ORDER,
    Difference,
    check,
    check_segments,
    differences,
    fitting,
    ordered,
)
from ccexport.services.configuration_document import (
    VERSION,
    Document,
    ExportPart,
    SegmentPart,
    plain,
    read,
    schema,
)
from ccexport.services.connections import ConnectionUseCases
from ccexport.services.export_drafts import Lookup, draft_of
from ccexport.services.exports import ExportUseCases
from ccexport.services.refreshes import RefreshUseCases
from ccexport.services.schedules import ScheduleUseCases
from ccexport.services.segments import SegmentUseCases
from ccexport.services.sources import SourceUseCases
from ccexport.services.system import SystemUseCases
from ccexport.services.wiring import UseCases, Wiring

Part = TypeVar("Part", SegmentPart, ExportPart)
__all__ = ["ConfigurationUseCases", "Difference", "schema"]


@dataclass(frozen=True)
class Configured:
    """The use cases that a document can configure."""

    connections: ConnectionUseCases
    segments: SegmentUseCases
    exports: ExportUseCases
    schedules: ScheduleUseCases
    sources: SourceUseCases
    refreshes: RefreshUseCases
    system: SystemUseCases


class ConfigurationUseCases(UseCases):
    """Dump and apply the configuration."""

    def __init__(self, wiring: Wiring, of: Configured) -> None:
        super().__init__(wiring)
        self._of = of
        self._names: dict[
            str, Mapping[str, str]
        ] = {}  # names of custom fields, by connection, cached for one dump

    def dump(self, actor: Actor) -> dict[str, Any]:
        """Return the current configuration as a document, in a stable order.

        Asks Constant Contact for the names of custom fields if one is mapped.
        """
        require(actor, Role.CONTRIBUTOR, "dump the configuration")
        self._names.clear()
        services = self._of
        segments = [
            _segment_part(s, services.segments.written(actor, s.id))
            for s in services.segments.list(actor)
            if s.kind is not SegmentKind.STATIC
        ]
        names = self._ids(actor)
        exports = [self._export_part(actor, e, names) for e in services.exports.list(actor)]
        suppressed = [entry["value"] for entry in services.system.suppressed(actor)]
        refresh = plain(services.refreshes.settings(actor))
        sources = [plain(source) for source in services.sources.list(actor)]
        return {
            "version": VERSION,
            **({"sources": sources} if sources else {}),
            "segments": segments,
            "exports": exports,
            **({"refresh": refresh} if refresh else {}),
            "suppression": sorted(suppressed),
        }

    def _export_part(self, actor: Actor, export: Export, names: Mapping[str, str]) -> dict[str, Any]:
        config = export.config
        if config.connection_id and any(field.target.startswith("cf:") for field in config.fields):
            names = {**names, **self._custom_fields(actor, config.connection_id)}
        draft = draft_of(config, {**names, config.list_id: config.list_name})
        return plain(ExportPart(**dict(draft), paused=export.paused, schedule=self._schedule(actor, export)))

    def _ids(self, actor: Actor) -> dict[str, str]:
        """Return id → name of everything that exports refer to."""
        connections = {c.id: c.name for c in self._of.connections.list(actor)}
        segments = {s.id: s.name for s in self._of.segments.list(actor)}
        return connections | segments | dict(self._of.exports.names(actor))

    def _schedule(self, actor: Actor, export: Export) -> Schedule:
        """Return the schedule with the name, not the id, of the export it comes after."""
        schedule = self._of.schedules.get(actor, export.name).schedule
        if schedule.after is None:
            return schedule
        return schedule.model_copy(update={"after": self._ledger.exports.get(schedule.after).name})

    def _custom_fields(self, actor: Actor, connection_id: str) -> Mapping[str, str]:
        if connection_id not in self._names:
            found = self._of.connections.custom_fields(actor, connection_id)
            self._names[connection_id] = {field.id: field.name for field in found}
        return self._names[connection_id]

    def read(self, actor: Actor, raw: Any, source: str) -> Document:
        """Read a document and check its names. Raises `BadInput` naming the file and the place in it."""
        require(actor, Role.CONTRIBUTOR, "read a configuration")
        document = read(raw, source)
        services = self._of
        names = {
            "segment": [s.name for s in services.segments.list(actor)],
            "export": [e.name for e in services.exports.list(actor)],
            "connection": [c.name for c in services.connections.list(actor)],
        }
        check(document, names, source)
        return document

    def differences(self, actor: Actor, document: Document) -> list[Difference]:
        """Return what applying the document would do, in that order; empty when nothing would change.

        Raises `BadInput` when a segment or export does not fit the current profiles.
        """
        todo = differences(self.dump(actor), document)
        snapshot = self._wiring.profile_store.current()
        if snapshot is not None:
            check_segments(document, todo, snapshot, self._wiring.engine.clock().date())
            self._check_exports(actor, document, todo)
        return todo

    def _check_exports(self, actor: Actor, document: Document, todo: Sequence[Difference]) -> None:
        """Refuse what saving would refuse, before anything is saved."""
        new = {part.name for part in document.segments}

        exports = {part.name for part in document.exports}
        lookup = Lookup(
            segment=lambda name: name if name in new else self._ledger.segments.named(name).id,
            export=lambda name: name if name in exports else self._ledger.exports.named(name).id,
        )
        saved = {d.name for d in todo if d.kind == "export"}
        for part in document.exports:
            if part.connection and part.name in saved:
                with fitting("export", part.name):
                    self._of.exports.check(actor, part.draft(), lookup)

    def apply(self, actor: Actor, document: Document) -> list[Difference]:
        """Apply the differences and return them. Segments come before the exports that use them."""
        require(actor, Role.CONTRIBUTOR, "apply a configuration")
        todo = self.differences(actor, document)
        wanted = {(d.kind, d.name): d.action for d in todo}
        self._apply_sources(actor, document.sources, wanted)
        _in_any_order(
            document.segments,
            lambda part: self._apply_segment(actor, part, wanted.get(("segment", part.name))),
        )
        _in_any_order(
            document.exports, lambda part: self._apply_export(actor, part, wanted.get(("export", part.name)))
        )
        for export in document.exports:  # after all exports exist: one may come after another
            if ("schedule", export.name) in wanted:
                self._of.schedules.set(actor, [export.name], export.schedule)
        if document.refresh is not None and ("refresh", "refresh") in wanted:
            self._of.refreshes.change(actor, **document.refresh.model_dump())
        if ("suppression", "suppression list") in wanted:
            self._of.system.suppress(actor, document.suppression)
        return todo

    def _apply_sources(
        self, actor: Actor, parts: Sequence[Source], wanted: Mapping[tuple[str, str], str]
    ) -> None:
        """Save the sources and their order; those that the document does not name come last.

        Passwords are not part of the configuration: `sources set NAME` asks for one.
        """
        for source in parts:
            if ("source", source.name) in wanted:
                self._of.sources.save(actor, source.name, **source.model_dump(exclude={"name"}))
        if ("source", ORDER) in wanted:
            there = [source.name for source in self._of.sources.list(actor)]
            self._of.sources.order(actor, ordered(there, parts))

    def _apply_segment(self, actor: Actor, part: SegmentPart, action: str | None) -> None:
        segments = self._of.segments
        texts: dict[str, Any] = {"description": part.description, "tags": part.tags}
        if action == "create":
            segments.create(actor, part.name, rule=part.rule, everybody=part.all, **texts)
        elif action == "change":
            self._refuse_another_kind(part)
            segments.change(actor, part.name, rule=part.rule, **texts)

    def _refuse_another_kind(self, part: SegmentPart) -> None:
        there = self._ledger.segments.named(part.name)
        if part.all and there.kind is not SegmentKind.ALL:
            raise BadInput(
                "The segment {part} has a rule: give the one of all profiles another name.", part=part.name
            )

    def _apply_export(self, actor: Actor, part: ExportPart, action: str | None) -> None:
        if action is None:
            return
        exports = self._of.exports
        if not part.connection:
            exports.detach(actor, part.name)
            return
        settings = dict(part.draft())
        if action == "create":
            exports.create(actor, **settings)
        else:
            exports.change(actor, part.name, **settings)
        exports.pause(actor, part.name, paused=part.paused)


def _in_any_order(parts: Sequence[Part], apply: Callable[[Part], None]) -> None:
    """Apply all parts, and retry those that failed: a part may refer to one that comes later."""
    waiting = list(parts)
    while waiting:
        left: list[Part] = []
        trouble: WrongUse | None = None
        for part in waiting:
            try:
                apply(part)
            except WrongUse as error:
                left.append(part)
                trouble = trouble or error
        if trouble is not None and len(left) == len(waiting):
            raise trouble
        waiting = left


def _segment_part(segment: Segment, rule: Mapping[str, Any] | None) -> dict[str, Any]:
    part = SegmentPart(
        name=segment.name,
        all=segment.kind is SegmentKind.ALL,
        rule=dict(rule) if rule is not None else None,
        description=segment.description,
        tags=list(segment.tags),
    )
    return plain(part)
