"""Builds one snapshot file from sources. Must never touch what is already stored: it writes only into
the folder it is given, and the caller moves the result into place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.profiles import PROFILE_ID, ROW, ProfileField, SourcePart
from ccexport.model.reading import FieldReading, FileReading
from ccexport.model.sources import Given, Tell
from ccexport.model.words import FieldType
from ccexport.profiles.addresses import (
    code_column,
    first_pass,
    hash_column,
    make_forms,
    put_right,
    shared_column,
)
from ccexport.profiles.clean_text import CLEAN, all_clean_sql
from ccexport.profiles.columns import Column
from ccexport.profiles.database import quote_identifier, writing
from ccexport.profiles.identify import (
    find_address_fields,
    find_id_field,
    find_updated_field,
    refuse_wrong_id,
)
from ccexport.profiles.loading import QUERY_ROWS, Loading
from ccexport.profiles.native_columns import native_columns
from ccexport.profiles.progress import run_told
from ccexport.profiles.rejects import reject_unusable_ids, write_rejects
from ccexport.profiles.sources import make_room, pack, stage
from ccexport.profiles.staged import STAGED
from ccexport.profiles.unify import columns_of, readings_of, refuse_questions, unify

_SOURCE = "_source"
_MANY = 300  # columns; finding common parts of their expressions takes time with the square of their number


@dataclass(frozen=True)
class Built:
    """A finished snapshot file, not yet in place."""

    path: Path
    fields: tuple[ProfileField, ...]
    id_field: str
    address_fields: tuple[str, ...]
    updated_field: str | None
    profiles: int
    rows_read: int
    rejects_path: Path | None
    reasons: Mapping[str, int]
    parts: tuple[SourcePart, ...] = ()
    conflicts: Mapping[str, int] = field(default_factory=dict)
    readings: tuple[FieldReading, ...] = ()
    files: tuple[FileReading, ...] = ()
    type_conflicts: tuple[tuple[str, tuple[str, ...]], ...] = ()


def build(
    sources: Sequence[Given],
    folder: Path,
    *,
    memory_limit: str,
    tell: Tell,
    query_rows: int = QUERY_ROWS,
) -> Built:
    """Read the sources and write `folder/new.duckdb` (and `folder/rejects.parquet` when there are any)."""
    path = folder / "new.duckdb"
    with writing(path, memory_limit=memory_limit, temp_dir=folder) as db:
        make_room(db, sources, folder)
        loading = Loading(db, tell, query_rows=query_rows)
        read = _one(loading, sources[0], folder) if len(sources) == 1 else _several(loading, sources, folder)
        rejects = write_rejects(db, folder / "rejects.parquet") if read.reasons else None
        addresses = find_address_fields(db, STAGED, read.columns)
        _check_names(read.columns, addresses)
        pack(db)
        profiles = _write(loading, read, addresses)
    fields = tuple(ProfileField(c.name, c.type) for c in read.columns)
    return Built(
        path=path,
        fields=fields,
        id_field=read.id_name,
        address_fields=addresses,
        updated_field=find_updated_field(read.columns),
        profiles=profiles,
        rows_read=read.rows + sum(read.reasons.values()),
        rejects_path=rejects,
        reasons=read.reasons,
        parts=read.parts,
        conflicts=read.conflicts,
        readings=read.readings,
        files=read.files,
        type_conflicts=read.type_conflicts,
    )


@dataclass(frozen=True)
class _Read:
    """What is in the staged table: `dense` when its row ids are 0, 1, 2 … without a gap."""

    columns: Sequence[Column]
    id_name: str
    reasons: Mapping[str, int]
    rows: int
    dense: bool
    parts: tuple[SourcePart, ...] = ()
    conflicts: Mapping[str, int] = field(default_factory=dict)
    readings: tuple[FieldReading, ...] = ()
    files: tuple[FileReading, ...] = ()
    type_conflicts: tuple[tuple[str, tuple[str, ...]], ...] = ()


def _one(loading: Loading, source: Given, folder: Path) -> _Read:
    db = loading.db
    staged = stage(loading, source, folder)
    loading.say("checking", what=source.name)
    id_name = find_id_field(db, STAGED, staged.fields, source.key)
    reasons = reject_unusable_ids(db, staged, id_name)
    refuse_wrong_id(staged.rows, id_name, reasons)
    columns = columns_of(db, staged, id_name, source)
    refuse_questions(columns)
    rows = int(db.row(f"SELECT count(*) FROM {STAGED}")[0])
    fields = tuple(ProfileField(c.name, c.type) for c in columns)
    parts = (SourcePart(source.name, rows, fields),) if source.name else ()
    return _Read(
        columns,
        id_name,
        reasons,
        rows,
        dense=not reasons,
        parts=parts,
        readings=readings_of(columns),
        files=staged.files,
    )


def _several(loading: Loading, sources: Sequence[Given], folder: Path) -> _Read:
    found = unify(loading, sources, folder)
    columns = native_columns(loading.db, STAGED, found.staged.types, id_field=found.id_name)
    rows = sum(part.rows for part in found.parts)
    return _Read(
        columns,
        found.id_name,
        found.reasons,
        rows,
        dense=True,
        parts=found.parts,
        conflicts=found.conflicts,
        readings=found.readings,
        files=found.files,
        type_conflicts=found.type_conflicts,
    )


def _check_names(columns: Sequence[Column], addresses: Sequence[str]) -> None:
    taken = {c.name.casefold() for c in columns}
    taken_by_us = [CLEAN]
    for name in addresses:
        taken_by_us += [code_column(name), hash_column(name), shared_column(name)]
    for own in taken_by_us:
        if own.casefold() in taken:
            raise BadInput("Rename the field '{field}', which is a name this store uses itself.", field=own)


def _write(loading: Loading, read: _Read, addresses: Sequence[str]) -> int:
    # Without rejects the row ids are 0, 1, 2 … already, and all cores read the table. The one big
    # pass has no join, because a join would lose the order of the rows.
    db = loading.db
    if len(read.columns) > _MANY:
        db.run("SET disabled_optimizers = 'common_subexpressions'")
    row = "rowid" if read.dense else "row_number() OVER () - 1"
    db.run(f"CREATE TEMP VIEW {_SOURCE} AS SELECT CAST({row} AS INTEGER) AS {ROW}, * FROM {STAGED}")
    source, own = first_pass(_SOURCE, addresses)
    fields = [f"{c.sql} AS {quote_identifier(c.name)}" for c in read.columns]
    profile_id = f"trim(CAST({quote_identifier(read.id_name)} AS VARCHAR)) AS {PROFILE_ID}"
    (rows,) = db.row(f"SELECT count(*) FROM {STAGED}")
    texts = [quote_identifier(c.name) for c in read.columns if c.type is FieldType.TEXT]
    run_told(
        db,
        f"CREATE TABLE profiles AS SELECT *, {all_clean_sql(texts)} AS {quote_identifier(CLEAN)} "
        f"FROM (SELECT {', '.join([ROW, profile_id, *fields, *own])} FROM {source})",
        lambda share: loading.say("writing", int((share or 0) * rows), rows),
    )
    loading.say("addresses")
    make_forms(db)
    for name in addresses:
        put_right(db, _SOURCE, name, "profiles")
    db.run("CHECKPOINT")
    (profiles,) = db.row("SELECT count(*) FROM profiles")
    return int(profiles)
