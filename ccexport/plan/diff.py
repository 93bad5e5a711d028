"""Compares the contacts with the destination and with what was delivered before.

Owns the SQL for the rows of a plan, slice by slice. Must never decide a reason: `decide` does.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ccexport.plan.contact import ContactSql, DraftSql
from ccexport.plan.deliveries import content_sql
from ccexport.plan.inputs import PlanInputs
from ccexport.profiles.clean_text import CLEAN
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path


@dataclass(frozen=True)
class Slice:
    """The candidates with `low` <= `_row` < `high`; from `cut` on they exceed the limit."""

    low: int
    high: int
    cut: int | None


def drafts_query(sql: DraftSql, email: str, part: Slice, *, clean: bool, removes: bool = False) -> str:
    """SQL: the rows of a slice, in order when one thread runs it.

    `clean`: whether the snapshot knows which profiles have nothing to clean. `removes`: profiles without a reason
    are removed from the list, and no contact is made of them. Where `careful` is true the
    contact is only a draft, and the row has all that `careful_query` needs.
    """
    over = f"WHEN d._row >= {part.cut} THEN 'over_limit'" if part.cut is not None else ""
    within = " AND ".join(f"{t}._row >= {part.low} AND {t}._row < {part.high}" for t in "pd")
    known = f"p.{quote_identifier(CLEAN)}" if clean else "false"
    kept = "".join(f", CASE WHEN careful THEN {name} END AS {name}" for name in (*_NEEDED, *sql.texts))
    made, verdict = ("false", "'remove'") if removes else ("reason IS NULL", _VERDICT)
    return f"""
        WITH texts AS (
            SELECT d._row, p._id AS id, d.mask, l.winner, d.on_list, d.known, d.delivered, d.note::VARCHAR AS note,
                coalesce(d.address, nullif(p.{quote_identifier(email)}::VARCHAR, '')) AS address,
                CASE WHEN d.reason IS NOT NULL THEN d.reason::VARCHAR
                    WHEN l.winner IS NOT NULL THEN 'duplicate' {over} END AS reason, {known} AS known_clean
                {"".join(f", {text} AS {name}" for name, text in sql.texts.items())}
            FROM s.profiles p JOIN decided d ON d._row = p._row AND {within}
            LEFT JOIN losers l ON l._row = d._row),
        {_levels(sql)},
        drafted AS (SELECT *, {sql.contact} AS draft FROM checked),
        judged AS (SELECT *, {made} AND NOT coalesce({sql.plain}, false) AS careful FROM drafted),
        contacts AS (
            SELECT *, CASE WHEN {made} THEN draft END AS contact,
                CASE WHEN {made} THEN {_warnings(sql)} WHEN note LIKE 'consent:%' THEN note END
                    AS warnings
            FROM judged)
        SELECT _row, id AS profile_id, address, CASE WHEN reason IS NULL THEN {verdict} END AS verdict,
            reason, winner, warnings, n.names AS segments, contact, delivered, careful {kept}
        FROM contacts JOIN segment_names n ON n.mask = contacts.mask
        """


def careful_query(sql: ContactSql, chosen: str) -> str:
    """SQL: contact, warnings and verdict of the rows of `drafts_query` that are in the table `chosen`."""
    return f"""
        WITH texts AS (SELECT * FROM {chosen}),
        {_levels(sql)},
        contacts AS (SELECT *, {sql.contact} AS contact, {_warnings(sql)} AS warnings FROM checked)
        SELECT _row, contact, warnings, {_VERDICT} AS verdict FROM contacts
        """


_NEEDED = ("on_list", "known", "note")
# Two contacts with the same text are equal; `delivered` is made by the same function.
_VERDICT = f"""CASE WHEN NOT on_list THEN 'add'
    WHEN NOT known OR delivered IS DISTINCT FROM {content_sql("contact")} THEN 'update'
    ELSE 'unchanged' END"""


def _warnings(sql: ContactSql) -> str:
    """SQL: the warnings about the mapped values and the address of a contact."""
    return f"CASE WHEN note IS NULL THEN {sql.warnings} ELSE concat_ws(';', note, {sql.warnings}) END"


def _levels(sql: ContactSql) -> str:
    """SQL: a table for each level of the mapping, on top of `texts`; the last is `checked`."""
    names = ("texts", "cleaned", "vals", "checked")
    return ", ".join(
        f"{name} AS (SELECT * {''.join(f', {each}' for each in level)} FROM {before})"
        for before, name, level in zip(names, names[1:], sql.levels, strict=False)
    )


def removals_query(inputs: PlanInputs) -> str:
    """SQL: one row for each contact that is removed from the list, by address."""
    assert inputs.deliveries is not None  # noqa: S101  (there are no removals without them)
    return f"""
        SELECT 0::BIGINT AS _row, v.profile_id, v.address, 'remove' AS verdict, NULL::VARCHAR AS reason,
            NULL::VARCHAR AS winner, 'removal:' || r.reason AS warnings, ''::VARCHAR AS segments,
            NULL::VARCHAR AS contact, r.content AS delivered, false AS careful
        FROM removals r JOIN read_parquet({quote_path(inputs.deliveries)}) v ON hash(v.address) = r.h
        ORDER BY v.address
        """


def write_before(db: DuckDB, inputs: PlanInputs, rows: Path, into: Path) -> None:
    """Write what we delivered last, for every row that changes or removes it."""
    delivered = (
        f"read_parquet({quote_path(inputs.deliveries)})"
        if inputs.deliveries
        else "(SELECT ''::VARCHAR AS address, ''::VARCHAR AS contact WHERE false)"
    )
    # As it is written: rows are looked up while the wide contacts stream through.
    db.run("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    changed = (
        f"SELECT seq, address FROM read_parquet({quote_path(rows)}) WHERE verdict IN ('update', 'remove')"
    )
    db.run(
        f"COPY (SELECT r.seq, v.contact AS before FROM {delivered} v JOIN ({changed}) r "
        "ON r.address = v.address WHERE v.contact IS NOT NULL) "
        f"TO {quote_path(into)} (FORMAT parquet, COMPRESSION lz4_raw)"
    )
    db.run("RESET disabled_optimizers")


def write_dropped(db: DuckDB, into: Path) -> str:
    """Write the contacts that only another export still holds; return a hash of them."""
    db.run(f"COPY (SELECT address FROM dropped ORDER BY address) TO {quote_path(into)} (FORMAT parquet)")
    text = db.row("SELECT string_agg(address, chr(10) ORDER BY address) FROM dropped")[0] or ""
    return hashlib.sha256(text.encode()).hexdigest()
