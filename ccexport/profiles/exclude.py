"""Makes a new snapshot without some profiles of an old one. Must never change the old snapshot."""

from collections.abc import Callable
from pathlib import Path

from ccexport.model.profiles import PROFILE_ID, ROW, Snapshot
from ccexport.profiles.addresses import FORMS, OTHER_FORM, USABLE, address_sql, code_column
from ccexport.profiles.database import DuckDB, attach, quote_identifier, quote_path, session, writing
from ccexport.profiles.ingest import Built

# SQL of an address in its normal form → SQL of whether its profile is left out.
Matches = Callable[[str], str]


def profiles_with(snapshot: Snapshot, matches: Matches, *, memory_limit: str, temp_dir: Path) -> list[str]:
    """Return the ids of the profiles that hold a matching address in any address field."""
    with session(memory_limit=memory_limit, temp_dir=temp_dir, read={"s": snapshot.path}) as db:
        where = _condition(snapshot, matches)
        return [i for (i,) in db.rows(f"SELECT {PROFILE_ID} FROM s.profiles p WHERE {where} ORDER BY {ROW}")]


def build_without(
    snapshot: Snapshot, matches: Matches, folder: Path, *, rejects: Path | None, memory_limit: str
) -> Built:
    """Write `folder/new.duckdb` (and `folder/rejects.parquet`): the same rows in the same order, without those
    that match.
    """
    path = folder / "new.duckdb"
    with writing(path, memory_limit=memory_limit, temp_dir=folder) as db:
        attach(db, "s", snapshot.path)
        where = _condition(snapshot, matches)
        number = f"CAST(row_number() OVER (ORDER BY {ROW}) - 1 AS INTEGER)"
        db.run(
            f"CREATE TABLE profiles AS SELECT {number} AS {ROW}, * EXCLUDE ({ROW}) FROM s.profiles p "
            f"WHERE NOT ({where}) ORDER BY {ROW}"
        )
        db.run(f"CREATE TABLE {FORMS} AS SELECT * FROM s.{FORMS} WHERE NOT ({matches('address')})")
        kept = _rejects(db, rejects, folder / "rejects.parquet", matches)
        db.run("DETACH s")
        db.run("CHECKPOINT")
        count = int(db.row("SELECT count(*) FROM profiles")[0])
    fields, updated = snapshot.fields, snapshot.updated_field
    reasons = {"kept": kept} if kept else {}
    made = folder / "rejects.parquet" if kept else None
    return Built(
        path=path,
        fields=fields,
        id_field=snapshot.id_field,
        address_fields=snapshot.address_fields,
        updated_field=updated,
        profiles=count,
        rows_read=count,
        rejects_path=made,
        reasons=reasons,
        parts=snapshot.parts,
        conflicts=dict(snapshot.conflicts),
        readings=snapshot.readings,
        files=snapshot.files,
        type_conflicts=snapshot.type_conflicts,
    )


def _condition(snapshot: Snapshot, matches: Matches) -> str:
    each = []
    for field in snapshot.address_fields:
        column, code = f"p.{quote_identifier(field)}", f"p.{quote_identifier(code_column(field))}"
        each.append(f"({code} = {USABLE} AND {matches(address_sql(column))})")
        each.append(
            f"({code} = {OTHER_FORM} AND {column} IN "
            f"(SELECT raw FROM s.{FORMS} WHERE field = '{_quoted(field)}' AND {matches('address')}))"
        )
    return " OR ".join(each) or "false"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _rejects(db: DuckDB, rejects: Path | None, into: Path, matches: Matches) -> int:
    """Write the rejected rows without a word that matches; return how many."""
    if rejects is None or not rejects.exists():
        return 0
    word = "lower(trim(w, '\"''{}[]<>:,; '))"
    hit = (
        f"EXISTS (SELECT 1 FROM (SELECT unnest(regexp_split_to_array(raw::VARCHAR, '[\\s\",;]+')) AS w) "
        f"WHERE contains(w, '@') AND {matches(word)})"
    )
    source = f"read_parquet({quote_path(rejects)})"
    db.run(f"COPY (SELECT * FROM {source} WHERE NOT {hit}) TO {quote_path(into)} (FORMAT parquet)")
    return int(db.row(f"SELECT count(*) FROM read_parquet({quote_path(into)})")[0])
