"""What we have put on a list and what became of it: the new state after a run.

Owns the transitions of a delivery; docs/plan.md has them as a table. Must never forget a contact,
nor that somebody left by their own hand.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from ccexport.files import published
from ccexport.model.plans import Plan
from ccexport.plan.freeze import DROPPED
from ccexport.profiles.database import DuckDB, quote_path, quote_text, session


def content_sql(contact: str) -> str:
    """SQL: a number that tells one contact's text from another; 64 bits, for comparing two of one address.

    DuckDB's own hash takes a fiftieth of the time of md5. It may change with DuckDB: `delivered_content`
    sees to that.
    """
    return f"hash({contact})"


def delivered_content(db: DuckDB, deliveries: Path) -> str:
    """SQL on the columns of that file: the number of what was delivered, null when that is not known.

    The stored number is used if it is what this DuckDB would make of the stored text; else the text is.
    """
    made = content_sql("contact")
    known = f"FROM read_parquet({quote_path(deliveries)}) WHERE content IS NOT NULL AND contact IS NOT NULL"
    same = db.rows(f"SELECT content::VARCHAR = {made}::VARCHAR {known} LIMIT 1")
    return (
        "content::UBIGINT"
        if all(yes for (yes,) in same)
        else f"CASE WHEN content IS NOT NULL THEN {made} END"
    )


def fold(
    base: Path | None,
    plan: Plan,
    *,
    outcomes: Path | None,
    import_batches: Collection[int],
    removed: bool | Path,
    export_id: str,
    run_id: str,
    at: datetime,
    into: Path,
    on_list: Path | None = None,
    memory_limit: str = "512MB",
    temp_dir: Path | None = None,
) -> int:
    """Write the deliveries after a run to `into`; returns how many contacts were removed.

    Contacts in `import_batches` without an outcome count as unknown. `removed`: whether the removals
    of the plan were carried out, or a Parquet file of the addresses for which they were. With
    `on_list`, the list read back, nobody is called removed who is still there.
    """
    before = (
        f"read_parquet({quote_path(base)})"
        if base
        else "(SELECT ''::VARCHAR AS address, ''::VARCHAR AS profile_id, ''::VARCHAR AS contact, "
        "NULL::UBIGINT AS content, ''::VARCHAR AS state, []::VARCHAR[] AS exports, ''::VARCHAR AS contact_id, "
        "''::VARCHAR AS run_id, NULL::TIMESTAMP AS at WHERE false)"
    )
    result = (
        f"read_parquet({quote_path(outcomes)})"
        if outcomes
        else "(SELECT 0 AS seq, '' AS outcome, '' AS note WHERE false)"
    )
    moment = at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    given = {
        "before": before,
        "outcomes": result,
        "plan": quote_path(plan.path),
        "batches": ", ".join(str(int(b)) for b in import_batches) or "NULL",
        "dropped": quote_path(plan.path.with_name(DROPPED)),
        "removed": _removed(removed, on_list),
        "mine": quote_text(export_id),
        "run": quote_text(run_id),
        "at": quote_text(moment),
    }
    with (
        published(into) as part,
        session(memory_limit=memory_limit, temp_dir=temp_dir or into.parent / ".temp") as db,
    ):
        # The order of rows means nothing, and keeping it would keep a million contacts in memory.
        db.run("SET preserve_insertion_order = false")
        db.run(_STATES.format(**given))
        # As it is written: the narrow table is looked up, the contacts pass by.
        db.run("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        form = "FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 20480"  # small: they are built in memory
        db.run(f"COPY ({_DELIVERIES.format(**given)}) TO {quote_path(part)} ({form})")
        gone = "SELECT count(*) FROM states WHERE state = 'removed' AND run_id = ?"
        count: int = db.row(gone, [run_id])[0]
    return count


def _removed(removed: bool | Path, on_list: Path | None) -> str:
    """SQL: whether the removal of address `n.address` was carried out."""
    if removed is False:
        return "false"
    conditions = []
    if isinstance(removed, Path):
        conditions.append(
            f"n.address IN (SELECT lower(trim(a)) FROM read_parquet({quote_path(removed)}) AS t(a))"
        )
    if on_list is not None:
        conditions.append(
            f"n.address NOT IN (SELECT lower(trim(a)) FROM read_parquet({quote_path(on_list)}) AS t(a) "
            "WHERE a IS NOT NULL)"
        )
    return " AND ".join(conditions) or "true"


# What happened to each address in this run, and the state that follows; contacts are not looked at.
# `event` is null where nothing happened; `seq` is set where the contact is now the one of the plan.
_STATES = """
CREATE TABLE states AS
WITH planned AS (
    SELECT r.seq, r.address, r.profile_id, r.verdict,
        CASE WHEN r.reason IN ('left_list', 'unsubscribed') THEN 'left'
            WHEN r.verdict = 'remove' THEN 'remove'
            WHEN o.outcome IS NOT NULL THEN o.outcome
            WHEN r.batch IN ({batches}) THEN 'unknown'
            WHEN r.verdict = 'unchanged' THEN 'kept' END AS event,
        o.note IS NOT NULL AS doubtful
    FROM read_parquet({plan}) r LEFT JOIN {outcomes} o ON o.seq = r.seq
    WHERE r.address IS NOT NULL),
happened AS (
    -- One event for each address, or it would be delivered twice from now on: who left is not removed as well.
    SELECT * FROM planned p WHERE event IS NOT NULL AND event <> 'left'
        AND NOT (event = 'remove' AND EXISTS (FROM planned o WHERE o.address = p.address AND o.event = 'left'))
    UNION ALL
    SELECT NULL, address, any_value(profile_id), NULL, 'left', false
    FROM planned WHERE event = 'left' GROUP BY address),
dropped AS (SELECT DISTINCT address FROM read_parquet({dropped})),
done AS (SELECT n.*, n.event = 'remove' AND {removed} AS gone FROM happened n),
joined AS (
    SELECT coalesce(b.address, n.address) AS address, n.seq, n.event,
        coalesce(n.event IN ('verified', 'missing', 'rejected', 'unknown'), false) AS sent,
        coalesce(n.gone, false) AS gone, n.verdict, n.doubtful, d.address IS NOT NULL AS dropped,
        b.profile_id AS b_id, b.content IS NOT NULL AS b_known, b.state AS b_state, b.exports AS b_exports,
        b.contact_id, b.run_id AS b_run, b.at AS b_at, n.profile_id AS n_id,
        -- On the list before we sent: an import takes nobody off, so who is missing now has left.
        coalesce(n.verdict IN ('update', 'unchanged'), false) AS was_there
    FROM (SELECT * EXCLUDE (contact) FROM {before}) b FULL JOIN done n ON n.address = b.address
    LEFT JOIN dropped d ON d.address = b.address
    WHERE b.address IS NOT NULL OR n.event NOT IN ('left', 'remove', 'kept'))
SELECT address,
    CASE WHEN sent AND NOT (was_there AND event <> 'verified') THEN seq END AS seq,
    CASE WHEN sent OR event = 'kept' THEN n_id ELSE b_id END AS profile_id,
    -- Not known to have arrived as it was sent: no content, so that it is sent again.
    CASE WHEN sent THEN event = 'verified' AND NOT doubtful ELSE b_known END AS known,
    CASE WHEN gone THEN 'removed' WHEN event = 'left' THEN 'left'
        WHEN event = 'verified' THEN 'on_list'
        WHEN event = 'missing' AND was_there THEN 'left'
        WHEN event = 'unknown' AND was_there THEN 'on_list'
        WHEN sent THEN event ELSE b_state END AS state,
    CASE WHEN gone OR dropped THEN list_filter(b_exports, lambda e: e <> {mine})
        -- Held are contacts that we put there: added now, or held by an export of ours already.
        WHEN (sent OR event = 'kept') AND (verdict = 'add' OR len(b_exports) > 0)
            THEN CASE WHEN list_contains(b_exports, {mine}) THEN b_exports
                ELSE list_sort(list_append(coalesce(b_exports, []), {mine})) END
        ELSE coalesce(b_exports, []) END AS exports,
    contact_id,
    CASE WHEN sent OR gone OR (event = 'left' AND b_state <> 'left') THEN {run} ELSE b_run END AS run_id,
    CASE WHEN sent OR gone OR (event = 'left' AND b_state <> 'left') THEN {at}::TIMESTAMP ELSE b_at END AS at
FROM joined
"""

_CONTENT = f"CASE WHEN s.known AND c.contact IS NOT NULL THEN {content_sql('c.contact')} END AS content"

# The contacts only pass by, from the plan or from what was there, looked up in the narrow table.
_DELIVERIES = f"""
SELECT s.address, s.profile_id, c.contact, {_CONTENT}, s.state, s.exports, s.contact_id, s.run_id, s.at
FROM read_parquet({{plan}}) c JOIN (FROM states WHERE seq IS NOT NULL) s ON s.seq = c.seq
UNION ALL
SELECT s.address, s.profile_id, c.contact, {_CONTENT}, s.state, s.exports, s.contact_id, s.run_id, s.at
FROM {{before}} c JOIN (FROM states WHERE seq IS NULL) s ON s.address = c.address
"""
