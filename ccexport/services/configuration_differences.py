"""What applying a document would do, and whether it can be applied. Must never change anything."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput, WrongUse
from ccexport.model.profiles import Snapshot
from ccexport.model.schedules import RefreshSettings
from ccexport.model.sources import Source
from ccexport.model.words import Mode
from ccexport.segments.compile import compile_rule
from ccexport.segments.rules import parse_rule
from ccexport.services.configuration_document import Document, ExportPart, SegmentPart, plain
from ccexport.services.system import suppressed

ORDER = "their order"


@dataclass(frozen=True)
class Difference:
    """One change that applying would make: `create` or `change`, of what, and the details."""

    action: str
    kind: str
    name: str
    details: tuple[str, ...] = ()


def check(document: Document, names: Mapping[str, Collection[str]], source: str) -> None:
    """Refuse what cannot be applied, before anything is changed. `names` are the existing names, by kind.

    Raises `BadInput` naming the file and the place in it.
    """
    segments = {*names["segment"], *(part.name for part in document.segments)}
    exports = {*names["export"], *(part.name for part in document.exports)}
    for kind, parts in (("segments", document.segments), ("exports", document.exports)):
        twice = [name for name, times in Counter(part.name for part in parts).items() if times > 1]
        if twice:
            raise BadInput(
                "{source}: {kind}: {name} is there twice.", source=source, kind=kind, name=twice[0]
            )
    for number, part in enumerate(document.segments):
        _check_rule(part, f"{source}: segments.{number}.rule")
    for number, export in enumerate(document.exports):
        place = f"{source}: exports.{number}"
        if not export.connection and export.name not in names["export"]:
            raise BadInput("{place}.connection: a new export needs one.", place=place)
        if export.connection and export.connection not in names["connection"]:
            raise BadInput(
                "{place}.connection: there is no connection named {connection}.",
                place=place,
                connection=export.connection,
            )
        for key in ("segments", "exclude"):
            unknown = [name for name in getattr(export, key) if name not in segments]
            if unknown:
                raise BadInput(
                    "{place}.{key}: there is no segment named {unknown}.",
                    place=place,
                    key=key,
                    unknown=unknown[0],
                )
        unknown = [name for name in export.yields_to if name not in exports]
        if unknown:
            raise BadInput(
                "{place}.yields_to: there is no export named {unknown}.", place=place, unknown=unknown[0]
            )
        if export.schedule.after is not None and export.schedule.after not in exports:
            raise BadInput(
                "{place}.schedule.after: there is no export named {name}.",
                place=place,
                name=export.schedule.after,
            )


def _check_rule(part: SegmentPart, place: str) -> None:
    if part.rule is None:
        return
    try:
        parse_rule(part.rule)
    except BadInput as error:
        raise BadInput("{place}: {problem}", place=place, problem=error.message) from error


def check_segments(document: Document, todo: Collection[Difference], snapshot: Snapshot, today: date) -> None:
    """Refuse changed segments that do not fit the profiles, before any is saved.

    Raises `BadInput` naming the segment.
    """
    saved = {d.name for d in todo if d.kind == "segment"}
    for part in document.segments:
        if part.rule is not None and part.name in saved:
            with fitting("segment", part.name):
                compile_rule(
                    parse_rule(part.rule), snapshot, today=today, members_of=_nowhere, sent_by=_nowhere
                )


def _nowhere(*_: object) -> Path:
    """Stand in for a file: checking a rule reads none, only its fields, operators and values."""
    return Path()


@contextmanager
def fitting(kind: str, name: str) -> Iterator[None]:
    """Raise `WrongUse` from the block as `BadInput` that names the segment or export."""
    try:
        yield
    except WrongUse as error:
        raise BadInput(
            "The {kind} {name} does not fit the profiles, so nothing was applied: {problem}",
            kind=kind,
            name=name,
            problem=error,
        ) from error


def differences(now: Mapping[str, Any], document: Document) -> list[Difference]:
    """Return the differences from `now` to the document, in the order of applying; empty when there are none."""
    found = _source_differences(now.get("sources", []), [_absolute(source) for source in document.sources])
    there = {part["name"]: part for part in now["segments"]}
    found += [_difference("segment", there, plain(part)) for part in document.segments]
    there = {part["name"]: part for part in now["exports"]}
    found += [_export_difference(there, part) for part in document.exports]
    found += [_schedule_difference(there, part) for part in document.exports]
    if document.refresh is not None:
        there = {"refresh": now.get("refresh", {}) | {"name": "refresh"}}
        wanted = plain(_absolute_refresh(document.refresh)) | {"name": "refresh"}
        found.append(_difference("refresh", there, wanted))
    new = {suppressed(value) for value in document.suppression} - set(now["suppression"])
    if new:
        found.append(Difference("change", "suppression", "suppression list", (f"{len(new)} new entries",)))
    return [difference for difference in found if difference is not None]


def _absolute(source: Source) -> Source:
    """Return the source as it is stored: with absolute paths of files on this machine."""
    return source.model_copy(update={"files": tuple(_path(file) for file in source.files)})


def _absolute_refresh(settings: RefreshSettings) -> RefreshSettings:
    return settings.model_copy(update={"sources": tuple(_path(file) for file in settings.sources)})


def _path(file: str) -> str:
    return str(Path(file).expanduser().absolute())


def _source_differences(now: Sequence[Mapping[str, Any]], parts: Sequence[Source]) -> list[Difference | None]:
    there = {part["name"]: dict(part) for part in now}
    found = [_difference("source", there, plain(part)) for part in parts]
    after = [*there, *(part.name for part in parts if part.name not in there)]
    now_ordered = ordered(after, parts)
    if now_ordered != after:
        found.append(
            Difference("change", "source", ORDER, (f"{', '.join(after)} → {', '.join(now_ordered)}",))
        )
    return found


def ordered(there: Sequence[str], parts: Sequence[Source]) -> list[str]:
    """Order names of sources: those of the document first, in its order, then the others."""
    named = [part.name for part in parts]
    return [*named, *(name for name in there if name not in named)]


def _difference(kind: str, there: Mapping[str, dict[str, Any]], part: dict[str, Any]) -> Difference | None:
    old = there.get(part["name"])
    if old is None:
        return Difference("create", kind, part["name"])
    keys = (old.keys() | part.keys()) - {"schedule"}
    changed = sorted(key for key in keys if old.get(key) != part.get(key))
    details = tuple(f"{key}: {_written(old.get(key))} → {_written(part.get(key))}" for key in changed)
    return Difference("change", kind, part["name"], details) if details else None


def _export_difference(there: Mapping[str, dict[str, Any]], part: ExportPart) -> Difference | None:
    found = _difference("export", there, plain(part))
    if found is not None and _ends_holds(there.get(part.name), part):
        found = replace(found, details=(*found.details, LEFT))
    if found is None or part.connection:
        return found
    kept = there.get(part.name, {}) | {"connection": "", "paused": True}
    if _difference("export", {part.name: kept}, {"connection": ""} | plain(part) | {"paused": True}):
        raise BadInput(
            "The export {part} has no connection in the document, so nothing else of it can change.",
            part=part.name,
        )
    return found


LEFT = "the people it put on its list stay there"


def _ends_holds(old: Mapping[str, Any] | None, part: ExportPart) -> bool:
    """Return whether the export stops holding, or may stop holding, the people it put on its list."""
    if old is None:
        return False
    moved = any(old.get(key) != getattr(part, key) for key in ("connection", "list"))
    return moved or (old.get("mode") == Mode.MIRROR and part.mode is not Mode.MIRROR)


def _schedule_difference(there: Mapping[str, dict[str, Any]], part: ExportPart) -> Difference | None:
    """Compare schedules. A schedule does not change what an export sends, so the export gets no new version."""
    old = there.get(part.name, {}).get("schedule", {})
    new = plain(part.schedule)
    if old == new:
        return None
    return Difference("change", "schedule", part.name, (f"{_written(old)} → {_written(new)}",))


def _written(value: Any) -> str:
    """Write a value as JSON, which is also YAML, as in the document."""
    return json.dumps(value, ensure_ascii=False, default=str)
