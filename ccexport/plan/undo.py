"""A plan that takes off the list again whom one run put there, and nobody else.

Owns who may be taken off by an undo. Must never give back old values: an import cannot be unread.
"""

from collections.abc import Callable
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
from ccexport.plan.transforms import quote_text
from ccexport.profiles.database import quote_path, session


def make_undo(
    plan: Plan,
    folder: Path,
    *,
    outcomes: Path,
    deliveries: Path,
    destination: DestinationReading,
    plan_id: str,
    clock: Callable[[], datetime],
    memory_limit: str = "512MB",
    temp_dir: Path | None = None,
) -> Plan:
    """The removals that undo the run of `plan`: added and verified by it, still there, held by us alone.

    Contacts that another export holds by now only lose our hold; updates are not undone.
    """
    with (
        new_folder(folder) as part,
        session(memory_limit=memory_limit, temp_dir=temp_dir or folder.parent / ".temp") as db,
    ):
        mine = quote_text(plan.export_id)
        db.run(
            f"""
            CREATE TABLE added AS
            SELECT r.seq, r.profile_id, r.address, r.segments, v.contact, v.content, len(v.exports) > 1 AS shared
            FROM read_parquet({quote_path(plan.path)}) r
            JOIN read_parquet({quote_path(outcomes)}) o ON o.seq = r.seq
            JOIN read_parquet({quote_path(deliveries)}) v ON v.address = r.address
            WHERE r.verdict = 'add' AND o.outcome = 'verified' AND v.state = 'on_list'
                AND list_contains(v.exports, {mine})
                AND r.address IN (
                    SELECT lower(trim(a)) FROM read_parquet({quote_path(destination.on_list)}) AS t(a))
            """
        )
        place = "row_number() OVER (ORDER BY seq) - 1 AS place"
        db.run(f"CREATE TABLE gone AS SELECT *, {place} FROM added WHERE NOT shared")
        before = (
            "SELECT place::INTEGER AS seq, contact AS before FROM gone WHERE contact IS NOT NULL ORDER BY 1"
        )
        db.run(f"COPY ({before}) TO {quote_path(part / BEFORE)} (FORMAT parquet)")
        dropped = "SELECT address FROM added WHERE shared ORDER BY address"
        db.run(f"COPY ({dropped}) TO {quote_path(part / DROPPED)} (FORMAT parquet)")
        let_go = [address for (address,) in db.rows(dropped)]
        rows, digest = RowsFile(part / ROWS), Digest()
        try:
            for batch in db.arrow(_ROWS):
                table = pa.Table.from_batches([batch])
                rows.add(table)
                digest.add(table)
        finally:
            rows.close()
        about = {"account": plan.account_id, "list": plan.list_id, "undo": plan.digest}
        if let_go:
            rows.counts["warnings"]["held_by_other"] = len(let_go)
        write_description(
            part,
            _facts(plan, plan_id, destination, clock()),
            digest.hexdigest(about, (), "\n".join(let_go)),
            rows.counts,
            (),
            (),
        )
    return load_plan(folder)


_ROWS = """
SELECT place::INTEGER AS seq, profile_id, address, 'remove' AS verdict, NULL::VARCHAR AS reason,
    NULL::VARCHAR AS winner, 'removal:undo' AS warnings, segments, NULL::VARCHAR AS contact,
    NULL::VARCHAR AS content, NULL::INTEGER AS batch, NULL::INTEGER AS line, content AS delivered
FROM gone ORDER BY place
"""


def _facts(plan: Plan, plan_id: str, destination: DestinationReading, now: datetime) -> Facts:
    return Facts(
        id=plan_id,
        export_id=plan.export_id,
        export_version=plan.export_version,
        snapshot_id=plan.snapshot_id,
        account_id=plan.account_id,
        list_id=plan.list_id,
        made_at=now,
        destination_read_at=destination.read_at,
        candidates=0,
        segments={},
        inputs={"undo": plan.id},
    )
