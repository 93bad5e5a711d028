"""Writes and reads the description stored with a snapshot's file. Must never touch the snapshot file itself."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ccexport.model.profiles import ProfileField, Snapshot, SourcePart
from ccexport.model.reading import FieldReading, FileReading, Sure
from ccexport.model.words import FieldType


def written(snapshot: Snapshot) -> str:
    """Return the description of a snapshot, as JSON."""
    told = vars(snapshot) | {
        "path": snapshot.path.name,
        "created_at": snapshot.created_at.isoformat(),
        "fields": _plain_fields(snapshot.fields),
        "parts": [vars(p) | {"fields": _plain_fields(p.fields)} for p in snapshot.parts],
        "readings": [vars(r) for r in snapshot.readings],
        "files": [vars(f) for f in snapshot.files],
    }
    return json.dumps(told, ensure_ascii=False, indent=1)


def read(text: str, folder: Path) -> Snapshot:
    """Return the snapshot whose file is in `folder`. Raises ValueError, KeyError or TypeError when it is damaged."""
    told: dict[str, Any] = json.loads(text)
    read = {
        "path": folder / told["path"],
        "created_at": datetime.fromisoformat(told["created_at"]),
        "fields": _fields(told["fields"]),
        "parts": tuple(SourcePart(**(p | {"fields": _fields(p["fields"])})) for p in told.get("parts", ())),
        "conflicts": tuple((name, count) for name, count in told.get("conflicts", ())),
        "readings": tuple(_reading(r) for r in told.get("readings", ())),
        "files": tuple(_file(f) for f in told.get("files", ())),
        "type_conflicts": tuple((n, tuple(types)) for n, types in told.get("type_conflicts", ())),
        "sources": tuple(told["sources"]),
        "address_fields": tuple(told["address_fields"]),
    }
    return Snapshot(**(told | read))


def _plain_fields(fields: Sequence[ProfileField]) -> list[dict[str, str]]:
    return [{"name": f.name, "type": f.type.value} for f in fields]


def _fields(told: Sequence[Mapping[str, str]]) -> tuple[ProfileField, ...]:
    return tuple(ProfileField(f["name"], FieldType(f["type"])) for f in told)


def _reading(told: Mapping[str, Any]) -> FieldReading:
    nearly = FieldType(told["nearly"]) if told.get("nearly") else None
    typed = {"type": FieldType(told["type"]), "sure": Sure(told["sure"]), "nearly": nearly}
    return FieldReading(**(dict(told) | typed))


def _file(told: Mapping[str, Any]) -> FileReading:
    return FileReading(**(dict(told) | {"sure": Sure(told["sure"]), "others": tuple(told.get("others", ()))}))
