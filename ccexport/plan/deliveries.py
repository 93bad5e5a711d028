"""Writes what we have put on a list, its outcome, and who holds it, as of the end of a run.

Owns how the actions of a run are read from its plan and outcomes; the table of `beliefs` says what follows.
Must never forget a contact, nor that somebody left by their own choice.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ccexport.files import published
from ccexport.model.plans import Plan
from ccexport.model.words import Mode
from ccexport.plan.beliefs import Belief, key_sql
from ccexport.plan.freeze import DROPPED
from ccexport.plan.standing import OURS, Seen, address_table, holds_path, make_standing, source_of
from ccexport.profiles.database import DuckDB, quote_path, quote_text, session


def content_sql(contact: str) -> str:
    """SQL: a 64-bit hash of a contact's text, for comparing two texts of one address.

    DuckDB's own hash takes a fiftieth of the time of md5. It may change with DuckDB versions;
    `delivered_content` handles that.
    """
    return f"hash({contact})"


def delivered_content(db: DuckDB, deliveries: Path) -> str:
    """SQL on the columns of that file: the hash of what was delivered, null when that is not known.

    The stored hash is used if this DuckDB computes the same one; otherwise it is computed from the stored text.
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
    unsubscribed: Path | None = None,
    readings: Sequence[Seen] = (),
    holders: Mapping[str, int] | None = None,
    memory_limit: str = "512MB",
    temp_dir: Path | None = None,
) -> int:
    """Write the deliveries after a run to `into`, with the holds in a second file; return how many were removed.

    Contacts in `import_batches` without an outcome count as unknown. `removed`: whether the removals
    of the plan were carried out, or a Parquet file of the addresses for which they were. `readings` are those
    taken since `base` up to the plan's own; `on_list` and `unsubscribed` are what was read back. `holders`:
    the exports that may hold somebody on the list, each with the first of its versions that counts.
    """
    moment = quote_text(at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")) + "::TIMESTAMP"
    with (
        published(into) as part,
        published(holds_path(into)) as holds_part,
        session(memory_limit=memory_limit, temp_dir=temp_dir or into.parent / ".temp") as db,
    ):
        # The order of rows means nothing, and keeping it would hold a million contacts in memory.
        db.run("SET preserve_insertion_order = false")
        source = make_standing(
            db, base, ours=export_id, holders=holders, earlier=readings, key="{}", content="v.content"
        )
        address_table(db, "there", on_list, "{}")
        address_table(db, "gone", unsubscribed, "{}")
        given = {
            "before": source.deliveries,
            "old_holds": source.holds,
            "outcomes": f"read_parquet({quote_path(outcomes)})" if outcomes else _NO_OUTCOMES,
            "plan": quote_path(plan.path),
            "batches": ", ".join(str(int(b)) for b in import_batches) or "NULL",
            "dropped": quote_path(plan.path.with_name(DROPPED)),
            "carried_out": _carried_out(removed),
            "refuse": "true" if plan.inputs.get("mode") == Mode.ADD_AND_UPDATE else "false",
            "read": "true" if on_list is not None else "false",
            "key": key_sql("e.state", "e.deed", "e.certainty", "e.shown"),
            "ours": 0 if plan.inputs.get("mode") in _HOLD_NOBODY else OURS,
            "run": quote_text(run_id),
            "at": moment,
            "version": max(plan.export_version, (holders or {}).get(export_id, 0)),
        }
        db.run(
            f"CREATE TABLE refusals AS SELECT v.address, v.contact, {source.refused} AS refused "
            f"FROM {source.deliveries} v WHERE v.state = '{Belief.REJECTED}'"
        )
        db.run(_DEEDS.format(**given))
        db.run(_STATES.format(**given))
        # As it is written: the narrow table is looked up while the contacts stream through.
        db.run("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        _write(db, _DELIVERIES.format(**given), part)
        db.run("RESET disabled_optimizers")
        _write(db, _HOLDS.format(**given), holds_part)
        taken_off = "SELECT count(*) FROM states WHERE state = 'removed' AND deed = 'remove'"
        count: int = db.row(taken_off)[0]
    return count


REFUSED_AT_MOST = 3
"""A contact refused so often in a row, always the same, is not sent again until it changes."""


def refused_contacts(db: DuckDB, deliveries: Path | None) -> dict[str, str]:
    """Return address → the contact that Constant Contact refused that often."""
    source = source_of(db, deliveries)
    return dict(
        db.rows(
            f"SELECT v.address, v.contact FROM {source.deliveries} v WHERE v.state = '{Belief.REJECTED}' "
            f"AND v.contact IS NOT NULL AND {source.refused} >= {REFUSED_AT_MOST}"
        )
    )


def _write(db: DuckDB, query: str, into: Path) -> None:
    form = "FORMAT parquet, COMPRESSION lz4_raw, ROW_GROUP_SIZE 20480"  # small: they are built in memory
    db.run(f"COPY ({query}) TO {quote_path(into)} ({form})")


_HOLD_NOBODY = (Mode.UPDATE_ONLY, Mode.REMOVE)  # they put nobody on the list
_NO_OUTCOMES = "(SELECT 0 AS seq, '' AS outcome, '' AS note WHERE false)"


def _carried_out(removed: bool | Path) -> str:
    """SQL: whether the removal of address `r.address` was carried out."""
    if isinstance(removed, Path):
        return f"r.address IN (SELECT lower(trim(a)) FROM read_parquet({quote_path(removed)}) AS t(a))"
    return "true" if removed else "false"


# What this run did with each address, one deed per address: sent, kept or removed takes precedence over
# merely left out.
_DEEDS = """
CREATE TABLE deeds AS
WITH told AS (
    SELECT r.address AS h, r.seq, r.profile_id, o.outcome, o.note IS NOT NULL AS doubtful,
        CASE WHEN r.verdict = 'remove' THEN CASE WHEN {carried_out} THEN 'remove' END
            WHEN o.outcome IS NOT NULL OR r.batch IN ({batches})
                THEN CASE WHEN r.verdict = 'add' THEN 'add' ELSE 'update' END
            WHEN r.verdict = 'unchanged' AND r.contact IS NOT NULL THEN 'keep'
            WHEN r.reason IN ('suppressed', 'no_consent') AND {refuse} THEN 'refuse' END AS deed
    FROM read_parquet({plan}) r LEFT JOIN {outcomes} o ON o.seq = r.seq
    WHERE r.address IS NOT NULL
    UNION ALL SELECT address, NULL, NULL, NULL, false, 'hand_over' FROM read_parquet({dropped}))
SELECT h, deed::deed AS deed, seq, profile_id, outcome, doubtful,
    CASE outcome WHEN 'rejected' THEN 'refused' WHEN 'missing' THEN 'partial' WHEN 'verified' THEN 'applied'
        WHEN 'left' THEN 'applied' ELSE 'unknown' END::certainty AS certainty
FROM told WHERE deed IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY h ORDER BY deed IN ('refuse', 'hand_over'), seq) = 1
"""

# Every address known, sent or seen, with its cell of the table of beliefs.
_STATES = """
CREATE TABLE everybody AS
SELECT coalesce(k.h, t.h) AS h, coalesce(k.state, 'never'::belief) AS state, coalesce(k.held, 0) AS held,
    coalesce(k.asked, 0) AS asked, k.content IS NOT NULL AS known,
    coalesce(t.deed, 'nothing'::deed) AS deed, coalesce(t.certainty, 'applied'::certainty) AS certainty,
    t.seq, t.profile_id, t.outcome, coalesce(t.doubtful, false) AS doubtful
FROM standing k FULL JOIN deeds t ON t.h = k.h;
INSERT INTO everybody BY NAME SELECT DISTINCT h, 'never'::belief AS state, 0 AS held, 0 AS asked, false AS known,
    'nothing'::deed AS deed, 'applied'::certainty AS certainty, false AS doubtful
FROM there o WHERE NOT EXISTS (FROM everybody e WHERE e.h = o.h);
CREATE TABLE states AS
WITH e AS (
    SELECT *, CASE WHEN EXISTS (FROM gone g WHERE g.h = everybody.h) THEN 'unsubscribed'::shown
        WHEN {read} THEN CASE WHEN EXISTS (FROM there o WHERE o.h = everybody.h) THEN 'there'::shown
            ELSE 'absent'::shown END
        WHEN outcome = 'verified' THEN 'there'::shown
        WHEN outcome IS NOT NULL THEN 'absent'::shown ELSE 'unread'::shown END AS shown
    FROM everybody)
SELECT e.h AS address, c.now AS state, e.deed, e.deed IN ('add', 'update') AS sent, e.profile_id,
    CASE WHEN e.deed IN ('add', 'update') AND (e.deed = 'add' OR e.outcome = 'verified') THEN e.seq END AS seq,
    -- Not known to have arrived as it was sent: no content, so that it is sent again.
    CASE WHEN e.deed IN ('add', 'update') THEN coalesce(e.outcome = 'verified', false) AND NOT e.doubtful
        ELSE e.known END AS known,
    CASE WHEN c.holds = 'end' THEN 0 WHEN c.holds = 'end_ours' THEN e.held & ~{ours}
        WHEN c.holds = 'begin' THEN e.held | {ours}
        WHEN c.holds = 'confirm' THEN e.held | e.asked ELSE e.held END AS held,
    CASE WHEN c.holds IN ('end', 'confirm', 'begin') THEN 0 WHEN c.holds = 'end_ours' THEN e.asked & ~{ours}
        WHEN c.holds = 'ask' THEN e.asked | {ours} ELSE e.asked END AS asked
FROM e JOIN cells c ON c.key = {key} WHERE c.now <> 'never'
"""

_CONTENT = f"CASE WHEN s.known AND c.contact IS NOT NULL THEN {content_sql('c.contact')} END AS content"
# Earlier versions had one word for both, so a change between the two means nothing.
_CHANGED = (
    "s.sent OR (s.state::VARCHAR IS DISTINCT FROM c.state AND NOT (c.state = 'on_list' AND s.state = 'own'))"
)

# The contacts, from the plan or the earlier file, stream through and are looked up in the narrow table.
_DELIVERIES = f"""
SELECT s.address, s.profile_id, c.contact, {_CONTENT}, s.state::VARCHAR AS state, NULL::VARCHAR AS contact_id,
    {{run}} AS run_id, {{at}} AS at,
    CASE WHEN s.state <> 'rejected' THEN 0 WHEN z.contact = c.contact THEN z.refused + 1 ELSE 1 END::INTEGER AS refused
FROM read_parquet({{plan}}) c JOIN (FROM states WHERE seq IS NOT NULL) s ON s.seq = c.seq
LEFT JOIN refusals z ON z.address = s.address
UNION ALL
SELECT s.address, CASE WHEN s.deed IN ('add', 'update', 'keep') THEN s.profile_id ELSE c.profile_id END,
    c.contact, {_CONTENT}, s.state::VARCHAR, c.contact_id,
    CASE WHEN {_CHANGED} THEN {{run}} ELSE c.run_id END, CASE WHEN {_CHANGED} THEN {{at}} ELSE c.at END,
    CASE WHEN s.state = 'rejected' THEN coalesce(z.refused, 0) ELSE 0 END::INTEGER
FROM {{before}} c JOIN (FROM states WHERE seq IS NULL) s ON s.address = c.address
LEFT JOIN refusals z ON z.address = s.address
UNION ALL
SELECT s.address, s.profile_id, NULL, NULL, s.state::VARCHAR, NULL, {{run}}, {{at}}, 0
FROM states s WHERE s.seq IS NULL AND NOT EXISTS (FROM {{before}} c WHERE c.address = s.address)
"""

# One row per address and export: since when it holds the address, until when, and how that ended.
_HOLDS = """
WITH wanted AS (
    SELECT s.address, o.export_id, s.held & o.bit <> 0 AS holds, o.first
    FROM states s JOIN holders o ON (s.held | s.asked) & o.bit <> 0),
old AS (SELECT x.*, coalesce(x.version, o.first) >= o.first AND x.until IS NULL AS alive
    FROM {old_holds} x LEFT JOIN holders o ON o.export_id = x.export_id),
every AS (
    SELECT coalesce(w.address, x.address) AS address, coalesce(w.export_id, x.export_id) AS export_id,
        w.holds, w.first, x.version, x.asked, x.since, x.until, x.ended, coalesce(x.alive, false) AS alive
    FROM wanted w FULL JOIN old x ON x.address = w.address AND x.export_id = w.export_id)
SELECT y.address, y.export_id,
    CASE WHEN y.holds IS NULL OR y.alive THEN coalesce(y.version, y.first) ELSE {version} END::INTEGER AS version,
    CASE WHEN y.holds IS NULL OR y.alive THEN y.asked ELSE {at} END AS asked,
    CASE WHEN y.holds IS NULL THEN y.since WHEN NOT y.holds THEN NULL
        WHEN y.alive THEN coalesce(y.since, {at}) ELSE {at} END AS since,
    CASE WHEN y.holds IS NULL THEN coalesce(y.until, {at}) END AS until,
    CASE WHEN y.holds IS NOT NULL THEN NULL WHEN y.until IS NOT NULL THEN y.ended
        WHEN NOT y.alive THEN 'export_ended' WHEN s.state IN ('left', 'removed') THEN s.state::VARCHAR
        WHEN s.deed = 'hand_over' THEN 'handed_over' WHEN s.deed = 'refuse' THEN 'refused'
        ELSE 'ended' END AS ended
FROM every y LEFT JOIN holders o ON o.export_id = y.export_id LEFT JOIN states s ON s.address = y.address
WHERE y.holds IS NOT NULL OR y.since IS NOT NULL
"""
