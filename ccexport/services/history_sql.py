"""Use cases of the history as tables: questions in SQL over runs, batches, outcomes and sizes of segments.

Must never let a question read anything but these tables, nor show people to who may not see them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.profiles.database import DuckDB, quote_path, quote_text
from ccexport.profiles.locked_query import ask_locked
from ccexport.segments.compare import sizes
from ccexport.services.access import require
from ccexport.services.segment_insight import SegmentInsight
from ccexport.services.wiring import UseCases

MOST = 100_000
COUNTS = ("candidates", "sent", "verified", "rejected", "missing", "unknown", "removed")
_AT = pa.timestamp("us", tz="UTC")
RUNS = {
    "run_id": pa.string(),
    "export": pa.string(),
    "list": pa.string(),
    "state": pa.string(),
    "trigger": pa.string(),
    "actor": pa.string(),
    "created_at": _AT,
    "started_at": _AT,
    "ended_at": _AT,
    **dict.fromkeys(COUNTS, pa.int64()),
}
BATCHES = {
    "run_id": pa.string(),
    "number": pa.int64(),
    "kind": pa.string(),
    "state": pa.string(),
    "contacts": pa.int64(),
    "bytes": pa.int64(),
    "submitted_at": _AT,
    "settled_at": _AT,
}
SIZES = {
    "segment": pa.string(),
    "snapshot": pa.string(),
    "at": _AT,
    "members": pa.int64(),
    "profiles": pa.int64(),
}
OUTCOMES = ("run_id", "profile_id", "address", "verdict", "reason", "outcome", "note")


@dataclass(frozen=True)
class Found:
    """The answer to a question."""

    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]


class HistorySql(UseCases):
    """The history, asked in SQL."""

    def ask(self, actor: Actor, sql: str, *, limit: int = 1000) -> Found:
        """Return what the SELECT finds, `limit` rows at most; `outcomes` is about people: contributors only."""
        require(actor, Role.VIEWER, "see runs")
        named = {name for name in self._tables() if re.search(rf"\b{name}\b", sql, re.IGNORECASE)}
        if "outcomes" in named:
            require(actor, Role.CONTRIBUTOR, "see people in the history")

        def fill(db: DuckDB) -> None:
            for name in sorted(named):
                self._tables()[name](db)

        columns, rows = ask_locked(
            sql,
            fill,
            memory_limit=self._wiring.settings.memory_limit,
            temp_dir=self._wiring.engine.data_dir / "temp",
            limit=min(limit, MOST),
        )
        if "outcomes" in named:
            self._ledger.audit.add(actor.name, "history asked about people", "history")
        return Found(columns, rows)

    def _tables(self) -> Mapping[str, Callable[[DuckDB], None]]:
        return {
            "runs": self._runs,
            "batches": self._batches,
            "outcomes": self._outcomes,
            "segment_sizes": self._sizes,
        }

    def _runs(self, db: DuckDB) -> None:
        rows = [
            {
                "run_id": run.id,
                "export": run.export_name,
                "list": run.list_name,
                **{k: _plain(getattr(run, k)) for k in RUNS if hasattr(run, k)},
                **{count: run.counts.get(count, 0) for count in COUNTS},
            }
            for run in self._ledger.runs.all(limit=1_000_000)
        ]
        _make(db, "runs", RUNS, rows)

    def _batches(self, db: DuckDB) -> None:
        rows = [
            {k: _plain(getattr(batch, k)) for k in BATCHES}
            for run in self._ledger.runs.all(limit=1_000_000)
            for batch in self._ledger.runs.batches(run.id)
        ]
        _make(db, "batches", BATCHES, rows)

    def _sizes(self, db: DuckDB) -> None:
        insight, snapshots = SegmentInsight(self._wiring), self._wiring.profile_store.snapshots()[-30:]
        rows = [
            {
                "segment": segment.name,
                "snapshot": size.snapshot_id,
                "at": size.created_at,
                "members": size.members,
                "profiles": size.profiles,
            }
            for segment in self._ledger.segments.all()
            for size in sizes(snapshots, segment, insight.members_in)
        ]
        _make(db, "segment_sizes", SIZES, rows)

    def _outcomes(self, db: DuckDB) -> None:
        """Fill in whom the kept runs were about; the rows of others were removed, or erased."""
        columns = ", ".join(f"{name} VARCHAR" for name in OUTCOMES)
        db.run(f"CREATE TABLE outcomes ({columns})")
        for run in self._ledger.runs.all(limit=1_000_000):
            folder = self._ledger.files.plan_folder(run.plan_id) if run.plan_id else None
            if folder is None or run.outcomes_path is None or not (folder / "plan.parquet").exists():
                continue
            if not run.outcomes_path.exists() or self._ledger.runs.facts(run.id).rows_removed:
                continue
            db.run(
                f"INSERT INTO outcomes SELECT {quote_text(run.id)}, r.profile_id, r.address, r.verdict, r.reason, "
                f"o.outcome, o.note FROM read_parquet({quote_path(folder / 'plan.parquet')}) r "
                f"LEFT JOIN read_parquet({quote_path(run.outcomes_path)}) o ON o.seq = r.seq"
            )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | datetime) else str(value)


def _make(
    db: DuckDB, name: str, columns: Mapping[str, pa.DataType], rows: Sequence[Mapping[str, Any]]
) -> None:
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(list(columns.items())))
    with db.given(f"given_{name}", table):
        db.run(f"CREATE TABLE {name} AS SELECT * FROM given_{name}")
