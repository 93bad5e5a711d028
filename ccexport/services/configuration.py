"""Configuration as code: segments, exports, schedules, the refresh and the suppression list as one document.

Names, not ids; a stable order; no secrets. Must never run anything, nor remove what a document
does not mention.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccexport.errors import BadInput, WrongUse
from ccexport.model.exports import Actor, ConsentRule, Export, Guards, MappedField
from ccexport.model.profiles import Segment
from ccexport.model.schedules import RefreshSettings, Schedule
from ccexport.model.sources import Source
from ccexport.model.words import Mode, Role, SegmentKind
from ccexport.services.access import require

if TYPE_CHECKING:
    from ccexport.services.context import Services

VERSION = 1
_ORDER = "their order"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SegmentPart(_Part):
    """A segment of all profiles, or with a rule. Member lists are data, not configuration."""

    name: str
    all: bool = False
    rule: dict[str, Any] | None = None
    description: str = ""
    tags: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_kind(self) -> "SegmentPart":
        if self.all == (self.rule is not None):
            raise ValueError("needs exactly one of all: true and rule")
        return self


class FieldPart(_Part):
    """One mapped contact field; a bare profile field name is short for `{source: …}`."""

    source: str | None = None
    constant: str | None = None
    transforms: list[str] = Field(default_factory=list)
    default: str | None = None


class ExportPart(_Part):
    """An export, by names."""

    name: str
    connection: str
    list: str
    segments: Sequence[str]
    email: str
    fields: dict[str, str | FieldPart] = Field(default_factory=dict)
    mode: Mode = Mode.ADD_AND_UPDATE
    resend_unchanged: bool = False
    consent: ConsentRule | None = None
    newest_by: str | None = None
    international_phones: bool = False
    guards: Guards = Guards()
    paused: bool = False
    schedule: Schedule = Schedule()


class Document(_Part):
    """The whole document."""

    version: int = VERSION
    sources: list[Source] = Field(default_factory=list)
    segments: list[SegmentPart] = Field(default_factory=list)
    exports: list[ExportPart] = Field(default_factory=list)
    refresh: RefreshSettings | None = None
    suppression: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Difference:
    """One thing that applying would do: `create` or `change`, what, and how."""

    action: str
    kind: str
    name: str
    details: tuple[str, ...] = ()


class ConfigurationUseCases:
    """Dump and apply."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._names: dict[str, Mapping[str, str]] = {}  # of custom fields, by connection, for one dump

    def dump(self, actor: Actor) -> dict[str, Any]:
        """The document of what is configured now, in a stable order.

        Asks Constant Contact for the names of custom fields, when one is mapped.
        """
        require(actor, Role.CONTRIBUTOR, "dump the configuration")
        self._names.clear()
        services = self._services
        segments = [
            _segment_part(s) for s in services.segments.list(actor) if s.kind is not SegmentKind.STATIC
        ]
        exports = [self._export_part(actor, e) for e in services.exports.list(actor)]
        suppressed = [entry["value"] for entry in services.system.suppressed(actor)]
        refresh = _plain(services.refreshes.settings(actor))
        sources = [_plain(source) for source in services.sources.list(actor)]
        return {
            "version": VERSION,
            **({"sources": sources} if sources else {}),
            "segments": segments,
            "exports": exports,
            **({"refresh": refresh} if refresh else {}),
            "suppression": sorted(suppressed),
        }

    def _export_part(self, actor: Actor, export: Export) -> dict[str, Any]:
        config = export.config
        connections = {c.id: c.name for c in self._services.connections.list(actor)}
        segments = {s.id: s.name for s in self._services.segments.list(actor)}
        part = ExportPart(
            name=export.name,
            connection=connections.get(config.connection_id, config.connection_id),
            list=config.list_name,
            segments=[segments.get(s, s) for s in config.segment_ids],
            email=config.email,
            fields={self._target(actor, export, f.target): _field_part(f) for f in config.fields},
            mode=config.mode,
            resend_unchanged=config.resend_unchanged,
            consent=config.consent,
            newest_by=config.newest_by,
            international_phones=config.international_phones,
            guards=config.guards,
            paused=export.paused,
            schedule=self._schedule(actor, export),
        )
        return _plain(part)

    def _schedule(self, actor: Actor, export: Export) -> Schedule:
        """With the name, not the id, of the export it comes after."""
        schedule = self._services.schedules.get(actor, export.name).schedule
        if schedule.after is None:
            return schedule
        return schedule.model_copy(update={"after": self._services.ledger.exports.get(schedule.after).name})

    def _target(self, actor: Actor, export: Export, target: str) -> str:
        """`cf:<name>` for a custom field: ids differ from account to account."""
        if not target.startswith("cf:") or not export.config.connection_id:
            return target
        names = self._custom_fields(actor, export.config.connection_id)
        return f"cf:{names.get(target.removeprefix('cf:'), target.removeprefix('cf:'))}"

    def _custom_fields(self, actor: Actor, connection_id: str) -> Mapping[str, str]:
        if connection_id not in self._names:
            found = self._services.connections.custom_fields(actor, connection_id)
            self._names[connection_id] = {field.id: field.name for field in found}
        return self._names[connection_id]

    def read(self, raw: Any, source: str) -> Document:
        """Check a document. Raises `BadInput` naming the file and the place in it."""
        if not isinstance(raw, Mapping):
            raise BadInput(f"{source} is not a mapping with version, segments, exports and suppression.")
        try:
            document = Document.model_validate(dict(raw))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the document"
            raise BadInput(f"{source}: {place}: {first['msg'].removeprefix('Value error, ')}.") from error
        if document.version != VERSION:
            raise BadInput(
                f"{source}: version {document.version} is not known; this program reads version {VERSION}."
            )
        return document

    def differences(self, actor: Actor, document: Document) -> list[Difference]:
        """What applying the document would do, in its order; empty when everything is so already."""
        now = self.dump(actor)
        found = _source_differences(now.get("sources", []), document.sources)
        there = {part["name"]: part for part in now["segments"]}
        found += [_difference("segment", there, _plain(part)) for part in document.segments]
        there = {part["name"]: part for part in now["exports"]}
        found += [_difference("export", there, _plain(part)) for part in document.exports]
        found += [_schedule_difference(there, part) for part in document.exports]
        if document.refresh is not None:
            settings = _plain(document.refresh) | {"name": "refresh"}
            found.append(
                _difference("refresh", {"refresh": now.get("refresh", {}) | {"name": "refresh"}}, settings)
            )
        new = sorted(set(document.suppression) - set(now["suppression"]))
        if new:
            found.append(
                Difference("change", "suppression", "suppression list", (f"{len(new)} new entries",))
            )
        return [difference for difference in found if difference is not None]

    def apply(self, actor: Actor, document: Document) -> list[Difference]:
        """Carry the differences out and give them back. Segments come before the exports that use them."""
        require(actor, Role.CONTRIBUTOR, "apply a configuration")
        todo = self.differences(actor, document)
        wanted = {(d.kind, d.name): d.action for d in todo}
        self._apply_sources(actor, document.sources, wanted)
        self._apply_segments(actor, document.segments, wanted)
        for export in document.exports:
            self._apply_export(actor, export, wanted.get(("export", export.name)))
        for export in document.exports:  # when all are there: one may come after another
            if ("schedule", export.name) in wanted:
                self._services.schedules.set(actor, [export.name], export.schedule)
        if document.refresh is not None and ("refresh", "refresh") in wanted:
            self._services.refreshes.change(actor, **document.refresh.model_dump())
        if ("suppression", "suppression list") in wanted:
            self._services.system.suppress(actor, document.suppression)
        return todo

    def _apply_sources(
        self, actor: Actor, parts: Sequence[Source], wanted: Mapping[tuple[str, str], str]
    ) -> None:
        """Passwords are no configuration: `sources set NAME` asks for one. Others come after those named."""
        for source in parts:
            if ("source", source.name) in wanted:
                self._services.sources.save(actor, source.name, **source.model_dump(exclude={"name"}))
        if ("source", _ORDER) in wanted:
            there = [source.name for source in self._services.sources.list(actor)]
            self._services.sources.order(actor, _ordered(there, parts))

    def _apply_segments(
        self, actor: Actor, parts: Sequence[SegmentPart], wanted: Mapping[tuple[str, str], str]
    ) -> None:
        """A rule may name a segment further down: then that one comes first."""
        waiting = list(parts)
        while waiting:
            left: list[SegmentPart] = []
            trouble: WrongUse | None = None
            for part in waiting:
                try:
                    self._apply_segment(actor, part, wanted.get(("segment", part.name)))
                except WrongUse as error:
                    left.append(part)
                    trouble = trouble or error
            if trouble is not None and len(left) == len(waiting):
                raise trouble
            waiting = left

    def _apply_segment(self, actor: Actor, part: SegmentPart, action: str | None) -> None:
        segments = self._services.segments
        texts: dict[str, Any] = {"description": part.description, "tags": part.tags}
        if action == "create":
            segments.create(actor, part.name, rule=part.rule, everybody=part.all, **texts)
        elif action == "change":
            segments.change(actor, part.name, rule=part.rule, **texts)

    def _apply_export(self, actor: Actor, part: ExportPart, action: str | None) -> None:
        if action is None:
            return
        exports = self._services.exports
        given: dict[str, Any] = {
            "connection": part.connection,
            "contact_list": part.list,
            "segments": part.segments,
            "email": part.email,
            "fields": [_mapped(target, field) for target, field in part.fields.items()],
            "mode": part.mode,
            "resend_unchanged": part.resend_unchanged,
            "consent": part.consent,
            "newest_by": part.newest_by,
            "international_phones": part.international_phones,
            "guards": part.guards,
        }
        if action == "create":
            exports.create(actor, part.name, **given)
        else:
            exports.change(actor, part.name, **given)
        exports.pause(actor, part.name, paused=part.paused)


def schema() -> dict[str, Any]:
    """The JSON schema of the document, for editors."""
    return Document.model_json_schema()


def _source_differences(now: Sequence[Mapping[str, Any]], parts: Sequence[Source]) -> list[Difference | None]:
    there = {part["name"]: dict(part) for part in now}
    found = [_difference("source", there, _plain(part)) for part in parts]
    after = [*there, *(part.name for part in parts if part.name not in there)]
    ordered = _ordered(after, parts)
    if ordered != after:
        found.append(Difference("change", "source", _ORDER, (f"{', '.join(after)} → {', '.join(ordered)}",)))
    return found


def _ordered(there: Sequence[str], parts: Sequence[Source]) -> list[str]:
    """Those of the document first, in its order."""
    named = [part.name for part in parts]
    return [*named, *(name for name in there if name not in named)]


def _segment_part(segment: Segment) -> dict[str, Any]:
    part = SegmentPart(
        name=segment.name,
        all=segment.kind is SegmentKind.ALL,
        rule=dict(segment.rule) if segment.rule is not None else None,
        description=segment.description,
        tags=list(segment.tags),
    )
    return _plain(part)


def _plain(part: BaseModel) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude_defaults=True)


def _field_part(field: MappedField) -> str | FieldPart:
    if field.source is not None and not field.transforms and field.default is None:
        return field.source
    return FieldPart(**field.model_dump(exclude={"target"}))


def _mapped(target: str, field: str | FieldPart) -> MappedField:
    if isinstance(field, str):
        return MappedField(target=target, source=field)
    values = field.model_dump()
    return MappedField(target=target, **(values | {"transforms": tuple(values["transforms"])}))


def _difference(kind: str, there: Mapping[str, dict[str, Any]], part: dict[str, Any]) -> Difference | None:
    old = there.get(part["name"])
    if old is None:
        return Difference("create", kind, part["name"])
    keys = (old.keys() | part.keys()) - {"schedule"}
    changed = sorted(key for key in keys if old.get(key) != part.get(key))
    details = tuple(f"{key}: {old.get(key)!r} → {part.get(key)!r}" for key in changed)
    return Difference("change", kind, part["name"], details) if details else None


def _schedule_difference(there: Mapping[str, dict[str, Any]], part: ExportPart) -> Difference | None:
    """A schedule is no part of what an export sends, so changing it makes no new version of the export."""
    old = there.get(part.name, {}).get("schedule", {})
    new = _plain(part.schedule)
    if old == new:
        return None
    return Difference("change", "schedule", part.name, (f"{old!r} → {new!r}",))
