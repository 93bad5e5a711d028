"""Values about profiles, snapshots and segments. Must never open a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ccexport.model.reading import FieldReading, FileReading, Remark
from ccexport.model.words import FieldType, SegmentKind

# Columns of a snapshot's table `profiles` besides the fields of its sources.
ROW = "_row"
PROFILE_ID = "_id"


@dataclass(frozen=True)
class ProfileField:
    """One field of the profiles in a snapshot."""

    name: str
    type: FieldType


@dataclass(frozen=True)
class SourcePart:
    """What a snapshot took from one named source."""

    name: str
    rows: int
    fields: tuple[ProfileField, ...]


@dataclass(frozen=True)
class Snapshot:
    """One immutable version of all profiles: a DuckDB file with one table, `profiles`.

    `path` is that file. Besides `fields`, the table has `_row` (0, 1, 2 … in file
    order) and `_id` (the profile id, text). For every field in `address_fields` it has
    the three columns named by `ccexport.profiles.addresses`. It also has `#clean`
    (`ccexport.profiles.clean_text`), except in snapshots of earlier versions.
    """

    id: str
    path: Path
    created_at: datetime
    profiles: int
    rejects: int
    id_field: str
    fields: tuple[ProfileField, ...]
    sources: tuple[str, ...]
    address_fields: tuple[str, ...] = ()
    updated_field: str | None = None
    parts: tuple[SourcePart, ...] = ()  # of named sources only
    conflicts: tuple[tuple[str, int], ...] = ()  # field, profiles on which the sources disagree
    readings: tuple[FieldReading, ...] = ()  # of each source; none in snapshots of earlier versions
    files: tuple[FileReading, ...] = ()
    type_conflicts: tuple[tuple[str, tuple[str, ...]], ...] = ()  # field, its types in the sources

    def field(self, name: str) -> ProfileField | None:
        """Return the field of that name, or None."""
        return next((f for f in self.fields if f.name == name), None)

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Remarks on how it was read: on its files, its fields, and sources that disagree."""
        differ = [
            Remark("types_differ", 1, name, values={"types": ", ".join(types)})
            for name, types in self.type_conflicts
        ]
        of_files = [r for file in self.files for r in file.remarks()]
        return (*of_files, *(r for reading in self.readings for r in reading.remarks), *differ)


@dataclass(frozen=True)
class Segment:
    """A named set of profiles. Only dynamic segments have a `rule`, only static ones `members_path`."""

    id: str
    name: str
    kind: SegmentKind
    version: int = 1
    rule: Mapping[str, Any] | None = None
    members_path: Path | None = None
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Members:
    """The members of one segment in one snapshot: a Parquet file of one column, `_row`, sorted."""

    segment_id: str
    segment_name: str
    snapshot_id: str
    path: Path
    count: int
    unmatched: int = 0


@dataclass(frozen=True)
class IngestReport:
    """The result of an ingest: the new snapshot, and the rejected rows."""

    snapshot: Snapshot
    rows_read: int
    rejects_path: Path | None
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldEvidence:
    """What suggestions need to know of a field. Must never be shown or kept.

    `sample` are some filled values as text; `values` are all different values with their counts, if there are few.
    """

    filled: int = 0
    sample: tuple[str, ...] = ()
    values: tuple[tuple[str, int], ...] = ()
