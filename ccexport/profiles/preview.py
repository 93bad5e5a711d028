"""The first rows of a source before it is taken in. Must never keep anything."""

from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.profiles import PROFILE_ID
from ccexport.model.sources import Given, SourcePreview
from ccexport.profiles.database import quote_identifier, session
from ccexport.profiles.identify import find_id_field
from ccexport.profiles.load_excel import sheets_of
from ccexport.profiles.loading import Loading
from ccexport.profiles.sources import is_workbook, make_room, stage
from ccexport.profiles.staged import STAGED
from ccexport.profiles.unify import columns_of, readings_of

PREVIEWED = 1_000
_SHOWN = 20


def preview(source: Given, folder: Path, *, memory_limit: str, limit: int) -> SourcePreview:
    """Fields, types and rows as the first `limit` rows have them; the first of several sheets unless one
    is named.
    """
    sheets, sheet = _sheets(source)
    given = Given(**(vars(source) | {"files": source.files[:1], "sheet": sheet}))
    with session(memory_limit=memory_limit, temp_dir=folder) as db:
        make_room(db, [given], folder)
        staged = stage(Loading(db, lambda progress: None, limit), given, folder)
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
        remarks=tuple(r for c in columns for r in c.remarks),
    )


def _sheets(source: Given) -> tuple[tuple[str, ...], str | None]:
    if not source.files or not is_workbook(source.files[0]):
        return (), source.sheet
    sheets = sheets_of(source.files[0], source.files[0].name)
    return sheets, source.sheet or (sheets[0] if sheets else None)
