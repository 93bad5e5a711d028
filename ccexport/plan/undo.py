"""The inverse of one run as a plan: whom it put on the list comes off, whom it changed is changed back.

Owns who may be touched by an undo and what is said of everybody else. Must never take off a contact
that another export holds, send to anybody who must not be sent, or overwrite what a later run sent.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ccexport.model.plans import DestinationReading, Plan
from ccexport.plan.freeze import (
    BEFORE,
    BODIES,
    DROPPED,
    ROWS,
    Digest,
    Facts,
    RowsFile,
    load_plan,
    new_folder,
    write_description,
)
from ccexport.plan.make import numbered
from ccexport.plan.pack import Packer
from ccexport.profiles.database import DuckDB, quote_path, quote_text, session

# What is left alone, and is counted as a warning of the plan; the first two have no row of their own.
ALREADY_OFF, NOT_HELD, HELD_BY_OTHER = "undo:already_off", "undo:not_held", "held_by_other"
NOT_VERIFIED, CHANGED_SINCE, NOT_KNOWN = "undo:not_verified", "undo:changed_since", "undo:not_known"
STAY_OFF, CANNOT_CLEAR = "undo:stay_off", "cannot_be_cleared"


def make_undo(
    plan: Plan,
    folder: Path,
    *,
    outcomes: Path,
    deliveries: Path,
    destination: DestinationReading,
    plan_id: str,
    clock: Callable[[], datetime],
    run_id: str | None = None,
    suppression: Path | None = None,
    consented: Path | None = None,
    memory_limit: str = "512MB",
    temp_dir: Path | None = None,
) -> Plan:
    """The plan that undoes the run of `plan`, frozen in `folder`.

    Removed: added and verified by it, still there, held by us alone. Changed back: updated and verified
    by it, and sent by nobody since (`run_id` names the run; without it nobody is changed back).
    `suppression` and `consented` are address files: those in the one, or not in the other, are not sent.
    """
    with (
        new_folder(folder) as part,
        session(memory_limit=memory_limit, temp_dir=temp_dir or folder.parent / ".temp") as db,
    ):
        _judge(db, plan, outcomes, deliveries, destination, run_id, suppression, consented)
        before = "SELECT place::INTEGER AS seq, now AS before FROM placed WHERE now IS NOT NULL AND fate IN"
        db.run(
            f"COPY ({before} ('remove', 'restore') ORDER BY 1) TO {quote_path(part / BEFORE)} (FORMAT parquet)"
        )
        dropped = "SELECT address FROM judged WHERE fate = 'held_by_other' ORDER BY address"
        db.run(f"COPY ({dropped}) TO {quote_path(part / DROPPED)} (FORMAT parquet)")
        let_go = [address for (address,) in db.rows(dropped)]
        packer = Packer(part / BODIES, [plan.list_id])
        rows, digest = RowsFile(part / ROWS), Digest()
        try:
            _write(db, packer, rows, digest)
        finally:
            rows.close()
        batches = packer.close()
        rows.counts["warnings"].update(_without_rows(db, plan))
        about = {"account": plan.account_id, "list": plan.list_id, "undo": plan.digest}
        write_description(
            part,
            _facts(plan, plan_id, destination, clock(), _candidates(db)),
            digest.hexdigest(about, batches, "\n".join(let_go)),
            rows,
            batches,
            (),
        )
    return load_plan(folder)


def _judge(
    db: DuckDB,
    plan: Plan,
    outcomes: Path,
    deliveries: Path,
    destination: DestinationReading,
    run_id: str | None,
    suppression: Path | None,
    consented: Path | None,
) -> None:
    """Make `judged`, everybody the run sent with their fate, and `placed`, those with a row in order."""
    for table, path in (
        ("on_list", destination.on_list),
        ("unsubscribed", destination.unsubscribed),
        ("entries", suppression),
        ("consented", consented),
    ):
        source = f"read_parquet({quote_path(path)})" if path else "(SELECT NULL::VARCHAR WHERE false)"
        db.run(f"CREATE TABLE {table} AS SELECT lower(trim(a)) AS address FROM {source} AS t(a)")
    db.run(
        _JUDGED.format(
            plan=quote_path(plan.path),
            before=quote_path(plan.path.with_name(BEFORE)),
            outcomes=quote_path(outcomes),
            deliveries=quote_path(deliveries),
            mine=quote_text(plan.export_id),
            run=quote_text(run_id or ""),
            consent="false"
            if consented is None
            else "NOT EXISTS (FROM consented x WHERE x.address = r.address)",
        )
    )
    db.run(
        "CREATE TABLE placed AS SELECT *, row_number() OVER (ORDER BY fate = 'remove', seq) - 1 AS place "
        f"FROM judged WHERE fate NOT IN ('nothing', 'held_by_other', '{ALREADY_OFF}', '{NOT_HELD}')"
    )


def _write(db: DuckDB, packer: Packer, rows: RowsFile, digest: Digest) -> None:
    for batch in db.arrow(_ROWS):
        if batch.num_rows:
            table = numbered(pa.Table.from_batches([batch]), rows.rows, packer, pa.array(["update"]))
            rows.add(table)
            digest.add(table)


def _without_rows(db: DuckDB, plan: Plan) -> dict[str, int]:
    """How many are left alone and have no row: it would say nothing that could still happen to them."""
    found: dict[str, int] = dict(
        db.rows(
            "SELECT fate, count(*) FROM judged "
            f"WHERE fate IN ('{HELD_BY_OTHER}', '{ALREADY_OFF}', '{NOT_HELD}') GROUP BY fate"
        )
    )
    taken_off = db.row(
        f"SELECT count(*) FROM read_parquet({quote_path(plan.path)}) WHERE verdict = 'remove'"
    )[0]
    return found | ({STAY_OFF: taken_off} if taken_off else {})


def _candidates(db: DuckDB) -> int:
    count: int = db.row("SELECT count(*) FROM placed WHERE fate <> 'remove'")[0]
    return count


# An add is undone whatever was sent to the contact since: it is on the list because of this run.
# An update is undone only while its values are the last we sent.
_JUDGED = """
CREATE TABLE judged AS
WITH sent AS (
    SELECT r.seq, r.profile_id, r.address, r.segments, r.verdict AS did, r.contact AS sent, o.outcome,
        v.state, v.contact AS now,
        CASE WHEN v.content IS NOT NULL THEN hash(v.contact) END AS delivered,
        v.run_id AS last_run, b.before AS earlier,
        coalesce(list_contains(v.exports, {mine}), false) AS held, coalesce(len(v.exports) > 1, false) AS shared,
        EXISTS (FROM on_list x WHERE x.address = r.address) AS there,
        EXISTS (FROM unsubscribed x WHERE x.address = r.address) AS gone,
        EXISTS (FROM entries x WHERE x.address = r.address
            OR ltrim(x.address, '@') = substring(r.address, strpos(r.address, '@') + 1)) AS suppressed,
        {consent} AS refused
    FROM read_parquet({plan}) r
    LEFT JOIN read_parquet({outcomes}) o ON o.seq = r.seq
    LEFT JOIN read_parquet({deliveries}) v ON v.address = r.address
    LEFT JOIN read_parquet({before}) b ON b.seq = r.seq
    WHERE r.batch IS NOT NULL AND r.verdict IN ('add', 'update') AND r.address IS NOT NULL)
SELECT *, CASE
    WHEN outcome IS DISTINCT FROM 'verified' THEN CASE WHEN there AND did = 'add' THEN 'undo:not_verified'
        ELSE 'nothing' END
    WHEN did = 'update' AND earlier = sent THEN 'nothing'
    WHEN did = 'add' AND state = 'removed' THEN 'undo:already_off'
    WHEN NOT there AND gone THEN 'unsubscribed'
    WHEN NOT there THEN 'left_list'
    WHEN did = 'add' AND (NOT held OR state IS DISTINCT FROM 'on_list') THEN 'undo:not_held'
    WHEN did = 'add' AND shared THEN 'held_by_other'
    WHEN did = 'add' THEN 'remove'
    WHEN earlier IS NULL THEN 'undo:not_known'
    WHEN last_run IS DISTINCT FROM {run} OR state IS DISTINCT FROM 'on_list' THEN 'undo:changed_since'
    WHEN suppressed THEN 'suppressed'
    WHEN refused THEN 'no_consent'
    ELSE 'restore' END AS fate
FROM sent
"""

_ROWS = """
SELECT profile_id, address,
    CASE fate WHEN 'remove' THEN 'remove' WHEN 'restore' THEN 'update' ELSE
        CASE WHEN fate LIKE 'undo:%' THEN 'unchanged' END END AS verdict,
    CASE WHEN fate NOT LIKE 'undo:%' AND fate NOT IN ('remove', 'restore') THEN fate END AS reason,
    NULL::VARCHAR AS winner,
    CASE WHEN fate = 'remove' THEN 'removal:undo' WHEN fate LIKE 'undo:%' THEN fate
        WHEN fate = 'restore' THEN nullif(array_to_string(list_transform(
            list_filter(json_keys(sent), lambda k: NOT list_contains(json_keys(earlier), k)),
            lambda k: k || ':cannot_be_cleared'), ';'), '') END AS warnings,
    segments, CASE WHEN fate = 'restore' THEN earlier END AS contact,
    delivered
FROM placed ORDER BY place
"""


def _facts(
    plan: Plan, plan_id: str, destination: DestinationReading, now: datetime, candidates: int
) -> Facts:
    return Facts(
        id=plan_id,
        export_id=plan.export_id,
        export_version=plan.export_version,
        snapshot_id=plan.snapshot_id,
        account_id=plan.account_id,
        list_id=plan.list_id,
        made_at=now,
        destination_read_at=destination.read_at,
        candidates=candidates,
        segments={},
        inputs={"undo": plan.id},
    )
