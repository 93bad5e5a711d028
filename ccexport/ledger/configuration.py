"""Segment definitions and exports, with every earlier version of an export.

Must never validate a configuration: the use cases do that before they save it.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, insert, select, update

from ccexport.errors import BadInput, Conflict, NotFound
from ccexport.ledger.database import Database, relative
from ccexport.ledger.tables import export_versions, exports, segments
from ccexport.model.exports import Export, ExportConfig
from ccexport.model.profiles import Segment
from ccexport.model.words import SegmentKind

MOST_KEPT = 5_000
_EXPORT = (
    "id",
    "version",
    "created_by",
    "updated_by",
    "updated_at",
    "paused",
    "removed",
)  # in the form `Export` takes
_EXPORT_ROWS = select(*(exports.c[key] for key in _EXPORT))
_SEGMENT = ("id", "name", "version", "rule", "description")


class Segments:
    """Named segment definitions."""

    def __init__(self, database: Database, clock: Callable[[], datetime], root: Path) -> None:
        self._db = database
        self._clock = clock
        self._root = root

    def save(self, segment: Segment, *, by: str) -> Segment:
        """Insert or replace. Raises `BadInput` when another segment has that name."""
        other = self.find(segment.name)
        if other is not None and other.id != segment.id:
            raise BadInput(
                "A segment named {segment} is already there; choose another name.", segment=segment.name
            )
        row = {key: getattr(segment, key) for key in _SEGMENT} | {
            "kind": segment.kind,
            "rule": dict(segment.rule) if segment.rule is not None else None,
            "members_path": (relative(segment.members_path, self._root) if segment.members_path else None),
            "tags": list(segment.tags),
            "updated_by": by,
            "updated_at": self._clock(),
            "removed": False,
        }
        with self._db.write() as connection:
            known = connection.execute(select(segments.c.id).where(segments.c.id == segment.id)).first()
            statement = update(segments).where(segments.c.id == segment.id) if known else insert(segments)
            connection.execute(statement.values(**row))
        return segment

    def all(self) -> list[Segment]:
        query = select(segments).where(~segments.c.removed).order_by(segments.c.name)
        with self._db.read() as connection:
            return [_segment(row, self._root) for row in connection.execute(query).mappings()]

    def names(self) -> dict[str, str]:
        """Return id → name, ordered by name."""
        query = select(segments.c.id, segments.c.name).where(~segments.c.removed).order_by(segments.c.name)
        with self._db.read() as connection:
            return dict(map(tuple, connection.execute(query)))

    def find(self, name: str) -> Segment | None:
        """Return a segment by name or id, or None."""
        called = (segments.c.name == name) | (segments.c.id == name)
        query = select(segments).where(~segments.c.removed, called).order_by(segments.c.name)
        with self._db.read() as connection:
            row = connection.execute(query).mappings().first()
        return _segment(row, self._root) if row else None

    def named(self, name: str) -> Segment:
        """Return a segment by name or id. Raises `NotFound`, which lists the existing names."""
        found = self.find(name)
        if found is None:
            names = ", ".join(self.names().values()) or "none yet"
            raise NotFound("There is no segment named {name}. Segments: {names}.", name=name, names=names)
        return found

    def remove(self, segment_id: str) -> None:
        with self._db.write() as connection:
            connection.execute(update(segments).where(segments.c.id == segment_id).values(removed=True))


class Exports:
    """Saved exports; every change makes a new version."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock
        self._known: dict[tuple[Any, ...], Export] = {}

    def add(self, export_id: str, config: ExportConfig, *, by: str) -> Export:
        """Save a new export. Raises `BadInput` when the name is taken."""
        self._free(config.name, export_id)
        row = {
            "version": 1,
            "config": config.model_dump(mode="json"),
            "updated_by": by,
            "updated_at": self._clock(),
        }
        with self._db.write() as connection:
            connection.execute(
                insert(exports).values(
                    id=export_id, name=config.name, created_by=by, paused=False, removed=False, **row
                )
            )
            connection.execute(insert(export_versions).values(export_id=export_id, **row))
        return self.get(export_id)

    def change(self, export_id: str, config: ExportConfig, *, by: str, after: int) -> Export:
        """Save a new version of the configuration. Raises `Conflict` when there is a version after `after`."""
        self._free(config.name, export_id)
        row = {
            "version": after + 1,
            "config": config.model_dump(mode="json"),
            "updated_by": by,
            "updated_at": self._clock(),
        }
        with self._db.write() as connection:
            its = update(exports).where(exports.c.id == export_id, exports.c.version == after)
            if not connection.execute(its.values(name=config.name, **row)).rowcount:
                raise Conflict("This export was changed meanwhile: look at it again, then save.")
            connection.execute(insert(export_versions).values(export_id=export_id, **row))
        return self.get(export_id)

    def mark(self, export_id: str, **values: bool) -> Export:
        """Pause, resume or remove an export; its version stays the same."""
        with self._db.write() as connection:
            connection.execute(update(exports).where(exports.c.id == export_id).values(**values))
        return self.get(export_id)

    def get(self, export_id: str) -> Export:
        """Return an export. Raises `NotFound`; a removed export can still be read here, for history."""
        found = self._exports(exports.c.id == export_id)
        if not found:
            raise NotFound("There is no export {export}.", export=export_id)
        return found[0]

    def at(self, export_id: str, version: int) -> Export:
        """Return the export as it was in that version. Raises `NotFound`."""
        export = self.get(export_id)
        if export.version == version:
            return export
        query = select(export_versions).where(
            export_versions.c.export_id == export_id, export_versions.c.version == version
        )
        with self._db.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NotFound("There is no version {version} of {export}.", version=version, export=export.name)
        config = ExportConfig.model_validate(row["config"])
        by, at = row["updated_by"], row["updated_at"]
        return replace(export, config=config, version=version, updated_by=by, updated_at=at)

    def all(self) -> list[Export]:
        return self._exports(~exports.c.removed)

    def names(self) -> dict[str, str]:
        """Return id → name, ordered by name."""
        query = select(exports.c.id, exports.c.name).where(~exports.c.removed).order_by(exports.c.name)
        with self._db.read() as connection:
            return dict(map(tuple, connection.execute(query)))

    def count(self) -> int:
        """Return how many exports there are."""
        query = select(func.count()).select_from(exports).where(~exports.c.removed)
        with self._db.read() as connection:
            return int(connection.execute(query).scalar_one())

    def some(self, export_ids: Collection[str]) -> list[Export]:
        """Return those of these exports that are not removed, by name."""
        found = (
            self._exports(~exports.c.removed, exports.c.id.in_(some)) for some in batched(list(export_ids))
        )
        return sorted(chain.from_iterable(found), key=lambda export: export.name)

    def named(self, name: str) -> Export:
        """Return an export by name or id. Raises `NotFound`, which lists the existing names."""
        found = self._exports(~exports.c.removed, exports.c.id == name)
        found = found or self._exports(~exports.c.removed, exports.c.name == name)
        if not found:
            names = ", ".join(e.name for e in self.all()) or "none yet"
            raise NotFound("There is no export named {name}. Exports: {names}.", name=name, names=names)
        return found[0]

    def _exports(self, *conditions: ColumnElement[bool]) -> list[Export]:
        """Return exports by name. Converted rows are cached: pages with many exports are often redrawn."""
        query = _EXPORT_ROWS.where(*conditions).order_by(exports.c.name)
        with self._db.read() as connection:
            rows = list(map(tuple, connection.execute(query).all()))  # looking up a Row is ten times slower
            found = list(map(self._known.get, rows))
            unknown = [row[0] for row, export in zip(rows, found, strict=True) if export is None]
            fresh: dict[str, Export] = {}
            for some in batched(unknown):
                more = _EXPORT_ROWS.add_columns(exports.c.config).where(exports.c.id.in_(some))
                for *row, raw in connection.execute(more):
                    fresh[row[0]] = self._kept(tuple(row), raw)
        return [export or fresh[row[0]] for row, export in zip(rows, found, strict=True)]

    def _kept(self, row: tuple[Any, ...], raw: Any) -> Export:
        if len(self._known) >= MOST_KEPT:
            self._known = {}
        export_id, *rest = row
        made = self._known[row] = Export(export_id, ExportConfig.model_validate(raw), *rest)
        return made

    def versions(self, export_id: str) -> list[dict[str, Any]]:
        """Return who changed what and when, newest first."""
        query = (
            select(export_versions)
            .where(export_versions.c.export_id == export_id)
            .order_by(export_versions.c.version.desc())
        )
        with self._db.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def _free(self, name: str, export_id: str) -> None:
        query = select(exports.c.id).where(
            ~exports.c.removed, exports.c.name == name, exports.c.id != export_id
        )
        with self._db.read() as connection:
            taken = connection.execute(query).first()
        if taken:
            raise BadInput("An export named {name} is already there; choose another name.", name=name)


def _segment(row: RowMapping, root: Path) -> Segment:
    values = {key: row[key] for key in _SEGMENT}
    path = row["members_path"]
    return Segment(
        **values,
        kind=SegmentKind(row["kind"]),
        members_path=root / path if path else None,
        tags=tuple(row["tags"]),
    )


def batched(ids: list[str], size: int = 500) -> Iterator[list[str]]:
    """Yield the ids in lists small enough for the parameters of one query."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
