"""Gives every contact sent its outcome, from the list as it was read back.

Owns what verified, rejected, missing and unknown mean. Must never call a contact verified that is
not on the list.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

import pyarrow as pa

from ccexport.files import published
from ccexport.messages import mark
from ccexport.model.plans import Plan
from ccexport.model.words import Outcome, Verdict
from ccexport.profiles.database import DuckDB, quote_path, session

UNSUBSCRIBED = mark("The person is unsubscribed at Constant Contact.")
UNSURE = mark(
    "On the list already, but the request with the change did not end well; it is sent again next time."
)
REFUSED = mark(
    "Constant Contact refused contacts of this batch without naming them; this one is not on the list."
)


def verify(
    plan: Plan,
    *,
    on_list: Path,
    unsubscribed: Path | None,
    sent_batches: Collection[int],
    unknown_batches: Collection[int] = (),
    doubtful_batches: Collection[int] = (),
    applied_batches: Collection[int] = (),
    hints: Mapping[tuple[int, int], str] | None = None,
    refused: Mapping[int, int] | None = None,
    singled: Mapping[int, str] | None = None,
    arrived: Collection[int] = (),
    into: Path,
    memory_limit: str = "512MB",
    temp_dir: Path | None = None,
) -> Counter[Outcome]:
    """Write `seq`, `outcome`, `note` of every contact in those batches; return how many of each outcome.

    On the list → verified. Not on it: now unsubscribed, named by a hint, or in a batch of which Constant Contact
    refused at least as many as are missing from the list → rejected; otherwise, in a batch whose fate is
    unknown → unknown; in one of `applied_batches`, which Constant Contact counts as applied in full → left;
    else missing. `hints` are by batch and 0-based line.
    A contact that was on the list before proves nothing by being there: in a batch that did not end well, or of
    which more were refused than are absent or named, a verified update keeps a note, and is sent again.
    Two results of smaller requests, by `seq`: `singled` gives the reason a contact counts as refused if it is
    not on the list; `arrived` are contacts whose change certainly arrived.
    """
    with (
        published(into) as part,
        session(memory_limit=memory_limit, temp_dir=temp_dir or into.parent / ".temp") as db,
    ):
        _addresses(db, "on_list", on_list)
        _addresses(db, "unsubscribed", unsubscribed)
        _given(
            db,
            hints or {},
            refused or {},
            singled or {},
            arrived,
            sent_batches,
            unknown_batches,
            doubtful_batches,
            applied_batches,
        )
        words = {"unsubscribed": UNSUBSCRIBED, "refused": REFUSED, "unsure": UNSURE}
        db.run(_OUTCOMES.format(plan=quote_path(plan.path), **words))
        found_rows = "SELECT seq, outcome, note FROM outcomes ORDER BY seq"
        db.run(f"COPY ({found_rows}) TO {quote_path(part)} (FORMAT parquet)")
        found = db.rows("SELECT outcome, count(*) FROM outcomes GROUP BY outcome")
    return Counter({Outcome(word): count for word, count in found})


def stayed(plan: Plan, on_list: Path, *, memory_limit: str = "512MB", temp_dir: Path | None = None) -> int:
    """Return how many of those whom the plan removes are still seen on the list."""
    if not plan.verdicts.get(Verdict.REMOVE):
        return 0
    with session(memory_limit=memory_limit, temp_dir=temp_dir or on_list.parent / ".temp") as db:
        _addresses(db, "on_list", on_list)
        sql = f"SELECT count(*) FROM read_parquet({quote_path(plan.path)}) SEMI JOIN on_list USING (address) "
        count: int = db.row(sql + "WHERE verdict = ?", [Verdict.REMOVE.value])[0]
    return count


def _addresses(db: DuckDB, table: str, path: Path | None) -> None:
    rows = f"read_parquet({quote_path(path)})" if path else "(SELECT NULL::VARCHAR WHERE false)"
    db.run(f"CREATE TABLE {table} AS SELECT lower(trim(a)) AS address FROM {rows} AS t(a)")


def _given(
    db: DuckDB,
    hints: Mapping[tuple[int, int], str],
    refused: Mapping[int, int],
    singled: Mapping[int, str],
    arrived: Collection[int],
    sent: Collection[int],
    unknown: Collection[int],
    doubtful: Collection[int],
    applied: Collection[int],
) -> None:
    whole, text = pa.int32(), pa.string()
    places = list(hints)
    batches = [*sent, *(u for u in unknown if u not in set(sent))]
    tables = {
        "hints": {
            "batch": pa.array([b for b, _ in places], whole),
            "line": pa.array([n for _, n in places], whole),
            "text": pa.array([hints[p] for p in places], text),
        },
        "batches": {
            "batch": pa.array(batches, whole),
            "known": pa.array([b in set(sent) for b in batches], pa.bool_()),
            "doubtful": pa.array([b in set(doubtful) for b in batches], pa.bool_()),
            "applied": pa.array([b in set(applied) for b in batches], pa.bool_()),
        },
        "refused": {
            "batch": pa.array(list(refused), whole),
            "count": pa.array(list(refused.values()), pa.int64()),
        },
        "singled": {
            "seq": pa.array(list(singled), whole),
            "text": pa.array(list(singled.values()), text),
        },
        "arrived": {"seq": pa.array(list(arrived), whole)},
    }
    for name, columns in tables.items():
        with db.given(f"_{name}", pa.table(columns)):
            db.run(f"CREATE TABLE {name} AS SELECT * FROM _{name}")


_OUTCOMES = """
CREATE TABLE outcomes AS
WITH sent AS (
    SELECT r.seq, r.batch, r.line, r.address, r.verdict <> 'add' AS was_there, b.known, b.doubtful, b.applied,
        EXISTS (FROM on_list x WHERE x.address = r.address) AS there,
        EXISTS (FROM unsubscribed x WHERE x.address = r.address) AS gone,
        EXISTS (FROM arrived x WHERE x.seq = r.seq) AS arrived
    FROM read_parquet({plan}) r JOIN batches b ON b.batch = r.batch),
absent AS (SELECT batch, count(*) AS absent FROM sent WHERE NOT there GROUP BY batch),
explained AS (SELECT s.batch, count(*) AS explained FROM sent s LEFT JOIN hints h USING (batch, line)
    WHERE NOT s.there OR h.text IS NOT NULL GROUP BY s.batch)
SELECT s.seq,
    CASE WHEN s.there THEN 'verified' WHEN s.gone OR h.text IS NOT NULL OR g.text IS NOT NULL
            OR f.count >= a.absent THEN 'rejected'
        WHEN NOT s.known THEN 'unknown' WHEN s.applied THEN 'left' ELSE 'missing' END AS outcome,
    CASE WHEN s.there THEN coalesce(h.text, CASE WHEN s.was_there AND NOT s.arrived
            AND (s.doubtful OR f.count > coalesce(e.explained, 0)) THEN '{unsure}' END)
        WHEN s.gone THEN '{unsubscribed}' WHEN h.text IS NOT NULL THEN h.text WHEN g.text IS NOT NULL THEN g.text
        WHEN f.count >= a.absent THEN '{refused}' END AS note
FROM sent s LEFT JOIN hints h ON h.batch = s.batch AND h.line = s.line
LEFT JOIN refused f ON f.batch = s.batch LEFT JOIN absent a ON a.batch = s.batch
LEFT JOIN explained e ON e.batch = s.batch LEFT JOIN singled g ON g.seq = s.seq
"""
