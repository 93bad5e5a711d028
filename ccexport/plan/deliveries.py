"""What we have put on a list and what became of it: the new state after a run.

Owns the transitions of a delivery; docs/plan.md has them as a table. Must never forget a contact,
nor that somebody left by their own hand.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from ccexport.model.plans import Plan
from ccexport.plan.freeze import DROPPED
from ccexport.plan.transforms import quote_text
from ccexport.profiles.database import quote_path, session


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
        "''::VARCHAR AS content, ''::VARCHAR AS state, []::VARCHAR[] AS exports, ''::VARCHAR AS contact_id, "
        "''::VARCHAR AS run_id, NULL::TIMESTAMP AS at WHERE false)"
    )
    result = (
        f"read_parquet({quote_path(outcomes)})"
        if outcomes
        else "(SELECT 0 AS seq, '' AS outcome, '' AS note WHERE false)"
    )
    moment = at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
    sql = _FOLD.format(
        before=before,
        outcomes=result,
        plan=quote_path(plan.path),
        batches=", ".join(str(int(b)) for b in import_batches) or "NULL",
        dropped=quote_path(plan.path.with_name(DROPPED)),
        removed=_removed(removed, on_list),
        mine=quote_text(export_id),
        run=quote_text(run_id),
        at=quote_text(moment),
    )
    with session(memory_limit=memory_limit, temp_dir=temp_dir or into.parent / ".temp") as db:
        part = into.with_suffix(".part")
        db.run(f"COPY ({sql}) TO {quote_path(part)} (FORMAT parquet, COMPRESSION zstd)")
        gone = f"SELECT count(*) FROM read_parquet({quote_path(part)}) WHERE state = 'removed' AND run_id = ?"
        count: int = db.row(gone, [run_id])[0]
    part.replace(into)
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


# `event` is what happened to one address in this run; null where nothing did.
_FOLD = """
WITH before AS (SELECT * FROM {before}),
planned AS (
    SELECT r.address, r.profile_id, r.contact, r.content, r.verdict,
        CASE WHEN r.reason IN ('left_list', 'unsubscribed') THEN 'left'
            WHEN r.verdict = 'remove' THEN 'remove'
            WHEN o.outcome IS NOT NULL THEN o.outcome
            WHEN r.batch IN ({batches}) THEN 'unknown'
            WHEN r.verdict = 'unchanged' THEN 'kept' END AS event,
        o.note IS NOT NULL AS doubtful
    FROM read_parquet({plan}) r LEFT JOIN {outcomes} o ON o.seq = r.seq
    WHERE r.address IS NOT NULL),
happened AS (
    SELECT * FROM planned WHERE event IS NOT NULL AND event <> 'left'
    UNION ALL
    SELECT address, any_value(profile_id), NULL, NULL, NULL, 'left', false
    FROM planned WHERE event = 'left' GROUP BY address),
dropped AS (SELECT DISTINCT address FROM read_parquet({dropped})),
done AS (SELECT n.*, n.event = 'remove' AND {removed} AS gone FROM happened n),
joined AS (
    SELECT coalesce(b.address, n.address) AS address, b.address IS NOT NULL AS known, n.event,
        coalesce(n.event IN ('verified', 'missing', 'rejected', 'unknown'), false) AS sent,
        coalesce(n.gone, false) AS gone, n.verdict, n.doubtful, d.address IS NOT NULL AS dropped,
        b.profile_id AS b_id, b.contact AS b_contact, b.content AS b_content, b.state AS b_state,
        b.exports AS b_exports, b.contact_id, b.run_id AS b_run, b.at AS b_at,
        n.profile_id AS n_id, n.contact AS n_contact, n.content AS n_content,
        -- On the list before we sent: an import takes nobody off, so who is missing now has left.
        coalesce(n.verdict IN ('update', 'unchanged'), false) AS was_there
    FROM before b FULL JOIN done n ON n.address = b.address LEFT JOIN dropped d ON d.address = b.address
    WHERE b.address IS NOT NULL OR n.event NOT IN ('left', 'remove', 'kept'))
SELECT address,
    CASE WHEN sent OR event = 'kept' THEN n_id ELSE b_id END AS profile_id,
    CASE WHEN sent AND NOT (was_there AND event <> 'verified') THEN n_contact ELSE b_contact END AS contact,
    CASE WHEN event = 'verified' AND NOT doubtful THEN n_content
        -- Not known to have arrived as it was sent: another content, so that it is sent again.
        WHEN sent THEN NULL ELSE b_content END AS content,
    CASE WHEN gone THEN 'removed' WHEN event = 'left' THEN 'left'
        WHEN event = 'verified' THEN 'on_list'
        WHEN event = 'missing' AND was_there THEN 'left'
        WHEN event = 'unknown' AND was_there THEN 'on_list'
        WHEN sent THEN event ELSE b_state END AS state,
    CASE WHEN gone OR dropped THEN list_filter(b_exports, lambda e: e <> {mine})
        -- Held are contacts that we put there: added now, or held by an export of ours already.
        WHEN (sent OR event = 'kept') AND (verdict = 'add' OR len(b_exports) > 0)
            THEN list_sort(list_distinct(list_append(coalesce(b_exports, []), {mine})))
        ELSE coalesce(b_exports, []) END AS exports,
    contact_id,
    CASE WHEN sent OR gone OR (event = 'left' AND b_state <> 'left') THEN {run} ELSE b_run END AS run_id,
    CASE WHEN sent OR gone OR (event = 'left' AND b_state <> 'left') THEN {at}::TIMESTAMP ELSE b_at END AS at
FROM joined ORDER BY address
"""
