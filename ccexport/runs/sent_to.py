"""Whom an export sent: the profiles behind its runs, for rules such as "was sent by the export".

Must never ask Constant Contact: our own plans have what was sent.
"""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

from ccexport.files import published
from ccexport.model.runs import Run
from ccexport.profiles.database import quote_path, session
from ccexport.runs.engine import Engine

RUNS = 10_000


def sent_by(engine: Engine) -> Callable[[str, date | None], Path]:
    """Return a function for the rules: (export by name or id, since that day or ever) → Parquet file.

    The file has one column, `profile_id`.
    """

    def file_of(export: str, since: date | None) -> Path:
        found = engine.ledger.exports.named(export)
        runs = [run for run in engine.ledger.runs.all(export_id=found.id, limit=RUNS) if _counts(run, since)]
        pairs = [pair for run in runs if (pair := _files(engine, run)) is not None]
        key = hashlib.sha256("\n".join([found.id, *(str(plan) for plan, _ in pairs)]).encode()).hexdigest()[
            :20
        ]
        into = engine.data_dir / "sent" / f"{key}.parquet"
        if not into.exists():
            _write(engine, pairs, into)
        return into

    return file_of


def _counts(run: Run, since: date | None) -> bool:
    return bool(run.counts.get("sent")) and (since is None or run.created_at.date() >= since)


def _files(engine: Engine, run: Run) -> tuple[Path, Path] | None:
    """Return the plan rows of the run and its outcomes, which name the rows sent; None when they are deleted."""
    plan = engine.ledger.files.plan_folder(run.plan_id) / "plan.parquet" if run.plan_id else None
    outcomes = run.outcomes_path
    if plan is None or outcomes is None or not (plan.exists() and outcomes.exists()):
        return None
    return plan, outcomes


def _write(engine: Engine, pairs: list[tuple[Path, Path]], into: Path) -> None:
    each = [
        f"SELECT p.profile_id FROM read_parquet({quote_path(plan)}) AS p WHERE p.profile_id IS NOT NULL "
        f"AND p.seq IN (SELECT seq FROM read_parquet({quote_path(outcomes)}))"
        for plan, outcomes in pairs
    ] or ["SELECT NULL::VARCHAR AS profile_id WHERE false"]
    with (
        published(into) as part,
        session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db,
    ):
        db.run(f"COPY ({' UNION '.join(each)}) TO {quote_path(part)} (FORMAT parquet)")
