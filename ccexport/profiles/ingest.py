"""Building one snapshot file from sources. Must never touch what is already stored: it writes only into
the folder it is given, and whoever called it moves the result into place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.profiles import PROFILE_ID, ROW, ProfileField
from ccexport.profiles.addresses import (
    FORMS,
    code_column,
    first_pass,
    hash_column,
    put_right,
    shared_column,
)
from ccexport.profiles.columns import Column, native_columns, text_columns
from ccexport.profiles.database import DuckDB, quote_identifier, writing
from ccexport.profiles.identify import find_address_fields, find_id_field, find_updated_field
from ccexport.profiles.rejects import reject_unusable_ids, write_rejects
from ccexport.profiles.sources import STAGED, Staged, stage

Progress = Callable[[float], None]
_SOURCE = "_source"


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


def build(
    files: Sequence[Path], folder: Path, *, memory_limit: str, id_field: str | None, progress: Progress
) -> Built:
    """Read the sources and write `folder/new.duckdb` (and `folder/rejects.parquet` when there are any)."""
    path = folder / "new.duckdb"
    with writing(path, memory_limit=memory_limit, temp_dir=folder) as db:
        staged = stage(db, files, folder, lambda share: progress(0.4 * share))
        id_name = find_id_field(db, STAGED, staged.fields, id_field)
        reasons = reject_unusable_ids(db, staged, id_name)
        _refuse_wrong_id(staged, id_name, reasons)
        rejects = write_rejects(db, folder / "rejects.parquet") if reasons else None
        columns = _columns(db, staged, id_name)
        progress(0.5)
        addresses = find_address_fields(db, STAGED, columns)
        _check_names(columns, addresses)
        profiles = _write(db, columns, id_name, addresses, dense=not reasons, progress=progress)
    fields = tuple(ProfileField(c.name, c.type) for c in columns)
    read = profiles + sum(reasons.values())
    updated = find_updated_field(columns)
    return Built(path, fields, id_name, addresses, updated, profiles, read, rejects, reasons)


def _refuse_wrong_id(staged: Staged, id_name: str, reasons: Mapping[str, int]) -> None:
    wrong = reasons.get("empty_id", 0) + reasons.get("repeated_id", 0)
    if wrong * 2 > staged.rows:
        raise BadInput(
            f"The field '{id_name}' cannot be the profile id: it is empty or repeated on {wrong:,} of "
            f"{staged.rows:,} rows. Name another field with --id-field.",
            field=id_name,
        )


def _columns(db: DuckDB, staged: Staged, id_name: str) -> list[Column]:
    if not staged.text:
        return native_columns(staged.types, id_field=id_name)
    return text_columns(db, STAGED, staged.fields, id_field=id_name, decimal_comma=staged.decimal_comma)


def _check_names(columns: Sequence[Column], addresses: Sequence[str]) -> None:
    taken = {c.name.casefold() for c in columns}
    for field in addresses:
        for own in (code_column(field), hash_column(field), shared_column(field)):
            if own.casefold() in taken:
                raise BadInput(f"Rename the field '{own}', which is a name this store uses itself.")


def _write(
    db: DuckDB,
    columns: Sequence[Column],
    id_name: str,
    addresses: Sequence[str],
    *,
    dense: bool,
    progress: Progress,
) -> int:
    # Without rejects the row ids are 0, 1, 2 … already, and the table is read by all cores. Nothing is
    # joined in the one big pass: a join would lose the order of the rows.
    row = "rowid" if dense else "row_number() OVER () - 1"
    db.run(f"CREATE TEMP VIEW {_SOURCE} AS SELECT CAST({row} AS INTEGER) AS {ROW}, * FROM {STAGED}")
    source, own = first_pass(_SOURCE, addresses)
    fields = [f"{c.sql} AS {quote_identifier(c.name)}" for c in columns]
    profile_id = f"trim(CAST({quote_identifier(id_name)} AS VARCHAR)) AS {PROFILE_ID}"
    db.run(f"CREATE TABLE profiles AS SELECT {', '.join([ROW, profile_id, *fields, *own])} FROM {source}")
    progress(0.8)
    db.run(f"CREATE TABLE {FORMS} (field VARCHAR, raw VARCHAR, address VARCHAR)")
    for field in addresses:
        put_right(db, _SOURCE, field, "profiles")
    db.run("CHECKPOINT")
    progress(0.95)
    (profiles,) = db.row("SELECT count(*) FROM profiles")
    return int(profiles)
