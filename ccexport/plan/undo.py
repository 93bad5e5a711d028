"""Plans the inverse of one run: removes whom it added, changes back whom it changed, puts back whom it removed.

Owns who may be touched by an undo and what is said of everybody else. Must never remove a contact
that another export holds, send to anybody who must not be sent, or overwrite what a later run sent.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from ccexport.model.plans import DestinationReading, Plan
from ccexport.plan.freeze import (
    BEFORE,
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
from ccexport.plan.standing import OURS, Seen, address_table, make_standing, see
from ccexport.profiles.database import DuckDB, quote_path, quote_text, session

# Contacts that are left alone count as warnings of the plan; the first two kinds have no row.
ALREADY_OFF, NOT_HELD, HELD_BY_OTHER = "undo:already_off", "undo:not_held", "held_by_other"
NOT_VERIFIED, CHANGED_SINCE, NOT_KNOWN = "undo:not_verified", "undo:changed_since", "undo:not_known"
CANNOT_CLEAR = "cannot_be_cleared"


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
    earlier: Sequence[Seen] = (),
    holders: Mapping[str, int] | None = None,
    memory_limit: str = "512MB",
    temp_dir: Path | None = None,
) -> Plan:
    """Return the plan that undoes the run of `plan`, frozen in `folder`.

    Removed: added by the run, still on the list, held by us alone. Changed back: updated and verified by the run,
    and not sent since (`run_id` names the run; without it nobody is changed back). Put back: removed by the run,
    and off the list for that reason alone. `earlier` and `holders` are as in `PlanInputs`.
    `suppression` and `consented` are address files: addresses in the first, or not in the second, are not sent.
    """
    with (
        new_folder(folder) as part,
        session(memory_limit=memory_limit, temp_dir=temp_dir or folder.parent / ".temp") as db,
    ):
        make_standing(db, deliveries, ours=plan.export_id, holders=holders, earlier=earlier)
        _judge(db, plan, outcomes, deliveries, destination, run_id, suppression, consented)
        before = "SELECT place::INTEGER AS seq, now AS before FROM placed WHERE now IS NOT NULL AND fate IN"
        db.run(
            f"COPY ({before} ('remove', 'restore') ORDER BY 1) TO {quote_path(part / BEFORE)} (FORMAT parquet)"
        )
        dropped = "SELECT address FROM judged WHERE fate = 'held_by_other' ORDER BY address"
        db.run(f"COPY ({dropped}) TO {quote_path(part / DROPPED)} (FORMAT parquet)")
        let_go = [address for (address,) in db.rows(dropped)]
        packer = Packer([plan.list_id])
        rows, digest = RowsFile(part / ROWS), Digest()
        try:
            _write(db, packer, rows, digest)
        finally:
            rows.close()
        batches = packer.close()
        rows.counts["warnings"].update(_without_rows(db))
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
    """Make `judged`, everybody the run sent with their fate, and `placed`, those with a row, in order."""
    address_table(db, "on_list", destination.on_list)
    address_table(db, "unsubscribed", destination.unsubscribed)
    see(db, "on_list", "unsubscribed", strangers=False)
    for table, path in (("entries", suppression), ("consented", consented)):
        address_table(db, table, path, "{}")
    db.run(
        _JUDGED.format(
            plan=quote_path(plan.path),
            before=quote_path(plan.path.with_name(BEFORE)),
            outcomes=quote_path(outcomes),
            deliveries=quote_path(deliveries),
            run=quote_text(run_id or ""),
            any_run="false" if run_id else "true",
            ours=OURS,
            consent="false" if consented is None else "NOT EXISTS (FROM consented x WHERE x.h = r.address)",
        )
    )
    db.run(
        "CREATE TABLE placed AS SELECT *, row_number() OVER (ORDER BY fate = 'remove', seq) - 1 AS place "
        f"FROM judged WHERE fate NOT IN ('nothing', 'held_by_other', '{ALREADY_OFF}', '{NOT_HELD}')"
    )


def _write(db: DuckDB, packer: Packer, rows: RowsFile, digest: Digest) -> None:
    for batch in db.arrow(_ROWS):
        if batch.num_rows:
            table = numbered(pa.Table.from_batches([batch]), rows.rows, packer, pa.array(["add", "update"]))
            rows.add(table)
            digest.add(table)


def _without_rows(db: DuckDB) -> dict[str, int]:
    """Count those left alone without a row, because nothing could still happen to them."""
    return dict(
        db.rows(
            "SELECT fate, count(*) FROM judged "
            f"WHERE fate IN ('{HELD_BY_OTHER}', '{ALREADY_OFF}', '{NOT_HELD}') GROUP BY fate"
        )
    )


def _candidates(db: DuckDB) -> int:
    count: int = db.row("SELECT count(*) FROM placed WHERE fate <> 'remove'")[0]
    return count


# An add is undone whatever was sent to the contact since: it is on the list because of this run.
# An update is undone only while its values are the last we sent, a removal only while it was the last change.
_JUDGED = """
CREATE TABLE judged AS
WITH sent AS (
    SELECT r.seq, r.profile_id, r.address, r.segments, r.verdict AS did, r.contact AS sent, o.outcome,
        coalesce(k.state, 'never'::belief) AS state, v.contact AS now,
        CASE WHEN v.content IS NOT NULL THEN hash(v.contact) END AS delivered,
        v.run_id AS last_run, b.before AS earlier,
        coalesce(k.held & {ours} <> 0, false) AS held, coalesce(k.held & ~{ours} <> 0, false) AS shared,
        EXISTS (FROM on_list x WHERE x.h = hash(r.address)) AS there,
        EXISTS (FROM unsubscribed x WHERE x.h = hash(r.address)) AS gone,
        EXISTS (FROM entries x WHERE x.h = r.address
            OR ltrim(x.h, '@') = substring(r.address, strpos(r.address, '@') + 1)) AS suppressed,
        {consent} AS refused
    FROM read_parquet({plan}) r
    LEFT JOIN read_parquet({outcomes}) o ON o.seq = r.seq
    LEFT JOIN read_parquet({deliveries}) v ON v.address = r.address
    LEFT JOIN standing k ON k.h = hash(r.address)
    LEFT JOIN read_parquet({before}) b ON b.seq = r.seq
    WHERE (r.verdict = 'remove' OR (r.batch IS NOT NULL AND r.verdict IN ('add', 'update')))
        AND r.address IS NOT NULL)
SELECT *, CASE
    WHEN did = 'remove' THEN CASE
        WHEN there OR state NOT IN ('removed', 'left') THEN 'nothing'
        WHEN gone THEN 'unsubscribed'
        WHEN state = 'left' THEN 'left_list'
        WHEN NOT {any_run} AND last_run IS DISTINCT FROM {run} THEN 'nothing'
        WHEN suppressed THEN 'suppressed'
        WHEN refused THEN 'no_consent'
        ELSE 'put_back' END
    WHEN outcome IS DISTINCT FROM 'verified' AND NOT (did = 'add' AND there AND held AND state = 'on_list')
        THEN CASE WHEN there AND did = 'add' THEN 'undo:not_verified' ELSE 'nothing' END
    WHEN did = 'update' AND earlier = sent THEN 'nothing'
    WHEN NOT there AND gone THEN 'unsubscribed'
    WHEN NOT there AND state = 'removed' THEN CASE WHEN did = 'add' THEN 'undo:already_off' ELSE 'nothing' END
    WHEN NOT there THEN 'left_list'
    WHEN did = 'add' AND (NOT held OR state NOT IN ('on_list', 'removing')) THEN 'undo:not_held'
    WHEN did = 'add' AND shared THEN 'held_by_other'
    WHEN did = 'add' THEN 'remove'
    WHEN earlier IS NULL THEN 'undo:not_known'
    WHEN last_run IS DISTINCT FROM {run} OR state NOT IN ('on_list', 'own') THEN 'undo:changed_since'
    WHEN suppressed THEN 'suppressed'
    WHEN refused THEN 'no_consent'
    ELSE 'restore' END AS fate
FROM sent
"""

_ROWS = """
SELECT profile_id, address,
    CASE fate WHEN 'remove' THEN 'remove' WHEN 'restore' THEN 'update' WHEN 'put_back' THEN 'add' ELSE
        CASE WHEN fate LIKE 'undo:%' THEN 'unchanged' END END AS verdict,
    CASE WHEN fate NOT LIKE 'undo:%' AND fate NOT IN ('remove', 'restore', 'put_back') THEN fate END AS reason,
    NULL::VARCHAR AS winner,
    CASE WHEN fate = 'remove' THEN 'removal:undo' WHEN fate LIKE 'undo:%' THEN fate
        WHEN fate = 'restore' THEN nullif(array_to_string(list_transform(
            list_filter(json_keys(sent), lambda k: NOT list_contains(json_keys(earlier), k)),
            lambda k: k || ':cannot_be_cleared'), ';'), '') END AS warnings,
    segments, CASE WHEN fate = 'restore' THEN earlier
        WHEN fate = 'put_back' THEN coalesce(earlier, json_object('email', address)::VARCHAR) END AS contact,
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
