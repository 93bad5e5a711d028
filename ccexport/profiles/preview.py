"""Reads the first rows of a source before it is ingested. Must never keep anything."""

import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.profiles import PROFILE_ID
from ccexport.model.reading import Remark
from ccexport.model.sources import Given, SourcePreview
from ccexport.profiles.columns import Column
from ccexport.profiles.database import quote_identifier, session
from ccexport.profiles.file_kinds import ZIP, kind_of
from ccexport.profiles.identify import find_id_field
from ccexport.profiles.load_excel import sheets_of
from ccexport.profiles.loading import Loading
from ccexport.profiles.sources import is_workbook, make_room, stage
from ccexport.profiles.staged import STAGED, Staged
from ccexport.profiles.surroundings import odd_rows
from ccexport.profiles.tolerant_reader import SURROUNDINGS
from ccexport.profiles.unify import columns_of, readings_of
from ccexport.profiles.unpack import members_of

_OF_ROWS = {"units": "units_line"}
_SHOWN = 20


def preview(source: Given, folder: Path, *, memory_limit: str, limit: int) -> SourcePreview:
    """Return fields, types and rows as found in the first `limit` rows.

    Of several sheets it reads the first, unless one is named.
    """
    sheets, sheet = _sheets(source)
    members, member = _members(source)
    given = replace(source, files=source.files[:1], sheet=sheet, member=member)
    with session(memory_limit=memory_limit, temp_dir=folder) as db:
        make_room(db, [given], folder)
        loading = Loading(db, lambda progress: None, limit)
        staged = stage(loading, given, folder)
        odd = odd_rows(db, staged)
        if odd:
            db.run(f"DELETE FROM {STAGED} WHERE rowid IN ({', '.join(str(row) for row, _ in odd)})")
        try:
            id_field = find_id_field(db, STAGED, staged.fields, source.key)
        except BadInput:
            id_field = None
        columns = columns_of(db, staged, id_field or PROFILE_ID, given)
        chosen = ", ".join(f"{c.sql} AS {quote_identifier(c.name)}" for c in columns)
        names = [c.name for c in columns]
        rows = db.rows(f"SELECT {chosen} FROM {STAGED} ORDER BY rowid LIMIT {_SHOWN}")
        raw = ", ".join(f"CAST({quote_identifier(n)} AS VARCHAR)" for n in names)
        written = db.rows(f"SELECT {raw} FROM {STAGED} ORDER BY rowid LIMIT {_SHOWN}")
    return SourcePreview(
        {c.name: c.type for c in columns},
        tuple(dict(zip(names, row, strict=True)) for row in rows),
        id_field,
        sheets,
        sheet,
        originals=tuple(dict(zip(names, row, strict=True)) for row in written),
        readings=readings_of(columns),
        files=staged.files,
        remarks=tuple(_remarks(loading, staged, columns, [reason for _, reason in odd])),
        members=members,
        member=given.member,
    )


def _remarks(
    loading: Loading, staged: Staged, columns: Sequence[Column], odd: Sequence[str]
) -> Iterator[Remark]:
    """Return remarks on the file first, then on its fields."""
    for file in staged.files:
        yield from file.remarks(loading.samples.get(file.file, ()))
        for reason, count in Counter([*odd, *(r.reason for r in staged.rejects)]).items():
            if reason in SURROUNDINGS:
                yield Remark(_OF_ROWS.get(reason, reason), count, file=file.file)
    for column in columns:
        yield from column.remarks


def _members(source: Given) -> tuple[tuple[str, ...], str | None]:
    """Return the tables of a zip, and the one that is previewed."""
    if not source.files or not source.files[0].is_file() or not zipfile.is_zipfile(source.files[0]):
        return (), source.member
    members = members_of(source.files[0]) if kind_of(source.files[0], source.files[0].name) == ZIP else ()
    return members, source.member or (members[0] if members else None)


def _sheets(source: Given) -> tuple[tuple[str, ...], str | None]:
    if not source.files or not is_workbook(source.files[0]):
        return (), source.sheet
    sheets = sheets_of(source.files[0], source.files[0].name)
    return sheets, source.sheet or (sheets[0] if sheets else None)
