"""Which runs one profile was part of, and its outcome in each.

Must never ask Constant Contact. It finds only runs whose plans are still kept.
"""

from dataclasses import dataclass
from pathlib import Path

from ccexport.model.runs import Run
from ccexport.model.words import Outcome, Reason, Verdict
from ccexport.profiles.database import DuckDB, session
from ccexport.runs.engine import Engine

RUNS = 200  # the newest runs with a plan; older ones are rarely asked about, and each costs a scan


@dataclass(frozen=True)
class Part:
    """One profile in one run; `outcome` is set once it was sent and settled."""

    run: Run
    verdict: Verdict | None
    reason: Reason | None
    outcome: Outcome | None


def parts_of(engine: Engine, profile_id: str) -> list[Part]:
    """Return the runs this profile was part of, newest first."""
    runs = {str(plan): run for run in engine.ledger.runs.all(limit=RUNS) if (plan := _plan(engine, run))}
    if not runs:
        return []
    with session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db:
        rows = db.rows(
            """SELECT filename, seq, verdict, reason FROM read_parquet($plans, filename = true)
               WHERE profile_id = $id""",
            {"plans": list(runs), "id": profile_id},
        )
        found = [
            Part(
                runs[plan],
                Verdict(verdict) if verdict else None,
                Reason(reason) if reason else None,
                _outcome(db, runs[plan], seq),
            )
            for plan, seq, verdict, reason in rows
        ]
    return sorted(found, key=lambda part: (part.run.created_at, part.run.id), reverse=True)


def _plan(engine: Engine, run: Run) -> Path | None:
    path = engine.ledger.files.plan_folder(run.plan_id) / "plan.parquet" if run.plan_id else None
    return path if path is not None and path.exists() else None


def _outcome(db: DuckDB, run: Run, seq: int) -> Outcome | None:
    if run.outcomes_path is None or not run.outcomes_path.exists():
        return None
    found = db.rows(
        "SELECT outcome FROM read_parquet($path) WHERE seq = $seq",
        {"path": str(run.outcomes_path), "seq": seq},
    )
    return Outcome(found[0][0]) if found and found[0][0] else None
