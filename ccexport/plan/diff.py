"""Compares the contacts with the destination and with what was delivered before.

Owns the SQL that gives the rows of a plan, slice by slice. Must never decide a reason: `decide` does.
"""

import hashlib
from pathlib import Path

from ccexport.plan.contact import ContactSql
from ccexport.plan.inputs import PlanInputs
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path


def contacts_query(sql: ContactSql, email: str, low: int, high: int, cut: int | None) -> str:
    """SQL: the candidates with `low` <= `_row` < `high`, which come in order when one thread does it."""
    over = f"WHEN d._row >= {cut} THEN 'over_limit'" if cut is not None else ""
    texts, values, checked = (
        "".join(f", {each}" for each in level) for level in (sql.texts, sql.values, sql.checked)
    )
    return f"""
        WITH texts AS (
            SELECT d._row, p._id AS id, d.mask, d.on_list, d.state, d.delivered, d.note, l.winner,
                coalesce(d.address, nullif(p.{quote_identifier(email)}::VARCHAR, '')) AS address,
                CASE WHEN d.reason IS NOT NULL THEN d.reason
                    WHEN l.winner IS NOT NULL THEN 'duplicate' {over} END AS reason
                {texts}
            FROM s.profiles p JOIN decided d ON d._row = p._row LEFT JOIN losers l ON l._row = d._row
            WHERE p._row >= {low} AND p._row < {high} AND d._row >= {low} AND d._row < {high}),
        vals AS (SELECT * {values} FROM texts),
        checked AS (SELECT * {checked} FROM vals),
        drafted AS (SELECT *, {sql.draft} AS draft, {sql.raw} AS raw FROM checked),
        judged AS (SELECT *, {sql.plain} AS plain FROM drafted),
        treated AS (SELECT *, {sql.careful} AS careful FROM judged),
        contacts AS (
            SELECT _row, id, mask, on_list, state, delivered, address, reason, winner,
                CASE WHEN reason IS NULL THEN {sql.contact} END AS contact,
                CASE WHEN reason IS NULL OR note LIKE 'consent:%'
                    THEN nullif(concat_ws(';', note, CASE WHEN reason IS NULL THEN {sql.warnings} END), '')
                    END AS warnings
            FROM treated),
        hashed AS (SELECT *, md5(contact) AS content FROM contacts)
        SELECT _row, id AS profile_id, address,
            CASE WHEN reason IS NOT NULL THEN NULL WHEN NOT on_list THEN 'add'
                WHEN state IS DISTINCT FROM 'on_list' OR delivered IS DISTINCT FROM content THEN 'update'
                ELSE 'unchanged' END AS verdict,
            reason, winner, warnings, n.names AS segments, contact, content, delivered
        FROM hashed JOIN segment_names n ON n.mask = hashed.mask
        """


def removals_query(inputs: PlanInputs) -> str:
    """SQL: one row for each contact that is taken off the list, by address."""
    assert inputs.deliveries is not None  # noqa: S101  (there are no removals without them)
    return f"""
        SELECT 0::BIGINT AS _row, v.profile_id, v.address, 'remove' AS verdict, NULL::VARCHAR AS reason,
            NULL::VARCHAR AS winner, 'removal:' || r.reason AS warnings, ''::VARCHAR AS segments,
            NULL::VARCHAR AS contact, NULL::VARCHAR AS content, v.content AS delivered
        FROM removals r JOIN read_parquet({quote_path(inputs.deliveries)}) v ON v.address = r.address
        ORDER BY v.address
        """


def write_before(db: DuckDB, inputs: PlanInputs, rows: Path, into: Path) -> None:
    """What we delivered last, for every row that changes or removes it."""
    delivered = (
        f"read_parquet({quote_path(inputs.deliveries)})"
        if inputs.deliveries
        else "(SELECT ''::VARCHAR AS address, ''::VARCHAR AS contact WHERE false)"
    )
    # As it is written: rows are looked up, the wide contacts pass by.
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
    """The contacts only another export still holds; returns a hash of them."""
    db.run(f"COPY (SELECT address FROM dropped ORDER BY address) TO {quote_path(into)} (FORMAT parquet)")
    text = db.row("SELECT string_agg(address, chr(10) ORDER BY address) FROM dropped")[0] or ""
    return hashlib.sha256(text.encode()).hexdigest()
