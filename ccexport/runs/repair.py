"""Corrects people who are said to have left a list although the history of its runs says otherwise.

Earlier versions wrote `left` for whom we had taken off ourselves, and for whom never arrived; such people were never
put back. Repairing twice changes nothing the second time. Must never touch who unsubscribed, or of whom the history
does not tell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccexport.files import published
from ccexport.model.runs import Run
from ccexport.plan.standing import holds_path
from ccexport.profiles.database import DuckDB, quote_path, quote_text, session
from ccexport.runs.engine import Engine

RUNS = 100_000


@dataclass(frozen=True)
class Wrongly:
    """How many people of one list are wrongly said to have left: taken off by us, and never arrived."""

    list_name: str
    removed: int = 0
    missing: int = 0

    def __bool__(self) -> bool:
        return bool(self.removed or self.missing)


def wrongly_left(engine: Engine) -> list[Wrongly]:
    """Return the lists on which people are wrongly said to have left, without changing anything."""
    return [found for found in _each(engine, write=False) if found]


def repair(engine: Engine) -> list[Wrongly]:
    """Correct them, and return what was corrected. A list with a live run is left for the next time."""
    return [found for found in _each(engine, write=True) if found]


def _each(engine: Engine, *, write: bool) -> Iterator[Wrongly]:
    files = engine.ledger.files
    for account_id, list_id, path in files.all_deliveries():
        runs = [r for r in engine.ledger.runs.all(list_id=list_id, limit=RUNS) if r.account_id == account_id]
        if not path.exists() or not runs or (write and any(not r.state.ended for r in runs)):
            continue
        into = path.with_name(f"{engine.new_id('repair')}.parquet") if write else None
        found = _of_list(engine, path, runs, into)
        if found and into is not None:
            files.mend_deliveries(account_id, list_id, into)
        yield found


def _of_list(engine: Engine, path: Path, runs: Sequence[Run], into: Path | None) -> Wrongly:
    with session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db:
        _evidence(db, engine, path, sorted(runs, key=lambda run: run.created_at))
        _judge(db, path)
        counted = dict(db.rows("SELECT now, count(*) FROM judged GROUP BY 1"))
        found = Wrongly(runs[0].list_name, counted.get("removed", 0), counted.get("missing", 0))
        if found and into is not None:
            _write(db, path, into)
    return found


def _evidence(db: DuckDB, engine: Engine, path: Path, runs: Sequence[Run]) -> None:
    """Make `evidence`: for each address that left, what each run did with it, in the order of the runs."""
    db.run(f"CREATE TABLE gone AS SELECT address FROM read_parquet({quote_path(path)}) WHERE state = 'left'")
    db.run(
        "CREATE TABLE evidence (address VARCHAR, n INTEGER, export_id VARCHAR, version INTEGER, what VARCHAR)"
    )
    for n, run in enumerate(runs):
        rows, outcomes = _files(engine, run)
        if rows is None:
            continue
        outcome = f"LEFT JOIN read_parquet({quote_path(outcomes)}) o ON o.seq = r.seq" if outcomes else ""
        taken_off = "true" if run.counts.get("removed") else "false"
        sent = "o.outcome" if outcomes else "NULL"
        db.run(
            f"INSERT INTO evidence SELECT r.address, {n}, {quote_text(run.export_id)}, {run.export_version}, "
            f"CASE WHEN r.verdict = 'remove' THEN CASE WHEN {taken_off} THEN 'removed' END "
            f"WHEN {sent} = 'verified' OR r.verdict IN ('update', 'unchanged') THEN 'there' "
            f"WHEN r.reason = 'already_on_list' THEN 'there' ELSE {sent} END AS what "
            f"FROM read_parquet({quote_path(rows)}) r {outcome} "
            "WHERE r.address IN (FROM gone) AND what IS NOT NULL"
        )
    complete = all(_files(engine, run)[0] is not None for run in runs if run.plan_id)
    db.run(f"CREATE TABLE history AS SELECT {'true' if complete else 'false'} AS complete")
    db.run("CREATE TABLE seen (address VARCHAR); CREATE TABLE unsubscribed (address VARCHAR)")
    for _, reading in engine.ledger.files.readings_of(runs[0].account_id, runs[0].list_id):
        for table, file in (("seen", reading.on_list), ("unsubscribed", reading.unsubscribed)):
            if file.exists():
                db.run(f"INSERT INTO {table} SELECT address FROM read_parquet({quote_path(file)})")


def _files(engine: Engine, run: Run) -> tuple[Path | None, Path | None]:
    """Return the rows of the run's plan and its outcomes, each None when it is not kept."""
    rows = engine.ledger.files.plan_folder(run.plan_id) / "plan.parquet" if run.plan_id else None
    outcomes = run.outcomes_path if run.outcomes_path and run.outcomes_path.exists() else None
    return (rows if rows and rows.exists() else None), outcomes


def _judge(db: DuckDB, path: Path) -> None:
    """Make `judged`: the addresses that did not leave, and what is true of them instead.

    `removed`: the last thing that happened to them is that we took them off. `missing`: they were sent, no run and no
    reading ever saw them on the list, and the history is complete.
    """
    db.run(
        """
        CREATE TABLE judged AS
        WITH last AS (
            SELECT address, arg_max(what, n) AS what, max(n) AS n, arg_max(export_id, n) AS export_id,
                arg_max(version, n) AS version, bool_or(what = 'there') AS was_there,
                bool_and(what IN ('missing', 'unknown')) AS never
            FROM evidence GROUP BY address)
        SELECT l.address, l.export_id, l.version, CASE WHEN l.what = 'removed' THEN 'removed'
            WHEN l.never AND NOT l.was_there AND (SELECT complete FROM history)
                AND l.address NOT IN (FROM seen) THEN 'missing' END AS now
        FROM last l WHERE l.address NOT IN (FROM unsubscribed);
        DELETE FROM judged WHERE now IS NULL
        """
    )


def _write(db: DuckDB, path: Path, into: Path) -> None:
    """Write the corrected deliveries and holds, in the form they had."""
    rows = f"read_parquet({quote_path(path)})"
    names = [name for name, *_ in db.rows(f"DESCRIBE FROM {rows}")]
    exports = (
        ", CASE WHEN j.now = 'missing' THEN [j.export_id] ELSE v.exports END AS exports"
        if "exports" in names
        else ""
    )
    changed = f"v.* REPLACE (coalesce(j.now, v.state) AS state{exports})"
    with published(into) as part:
        db.run(
            f"COPY (SELECT {changed} FROM {rows} v LEFT JOIN judged j ON j.address = v.address) "
            f"TO {quote_path(part)} (FORMAT parquet)"
        )
    if holds_path(path).exists():
        asked = (
            f"SELECT j.address, j.export_id, j.version, (SELECT max(x.at) FROM {rows} x) AS asked, "
            "NULL::TIMESTAMP AS since, NULL::TIMESTAMP AS until, NULL::VARCHAR AS ended "
            "FROM judged j WHERE j.now = 'missing'"
        )
        with published(holds_path(into)) as part:
            db.run(
                f"COPY (SELECT h.* FROM read_parquet({quote_path(holds_path(path))}) h WHERE NOT EXISTS (FROM judged j "
                "WHERE j.now = 'missing' AND j.address = h.address AND j.export_id = h.export_id) "
                f"UNION ALL BY NAME {asked}) TO {quote_path(part)} (FORMAT parquet)"
            )
