"""Removes expired data: rows about people in old runs, and files that nothing refers to.

Owns how long each kind of data is kept. Must never touch counts, requests, events, the current deliveries of a
list, its newest reading, or anything a live run may still need.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ccexport.files import wipe_parts
from ccexport.messages import counted
from ccexport.model.ids import made_at
from ccexport.model.runs import Run
from ccexport.plan.standing import holds_path
from ccexport.runs.engine import Engine
from ccexport.runs.holders import readings_since

KEPT = timedelta(days=7)
PREVIEWS = 10
"""So many of the newest plans of each export are kept as long as runs, also those that were not run."""
ONCE = timedelta(days=1)
LOOK_EVERY = timedelta(minutes=10)
_PAGE = 500


@dataclass(frozen=True)
class Tidied:
    """How much was removed: the number of runs without rows now, of plans, readings, other files and bytes."""

    runs: int
    plans: int
    readings: int
    files: int
    bytes: int

    @property
    def anything(self) -> bool:
        return any(vars(self).values())


class Tidying:
    """Tidies one data directory."""

    def __init__(self, engine: Engine, *, months: int) -> None:
        self._engine = engine
        self._files = engine.ledger.files
        self._months = months
        self._looked: datetime | None = None
        self._bytes = 0

    def tick(self) -> Tidied | None:
        """Tidy if no worker has today. Any number of workers may call this at any time."""
        now, leases = self._engine.clock(), self._engine.ledger.leases
        if self._looked is not None and timedelta(0) <= now - self._looked < LOOK_EVERY:
            return None
        self._looked = now
        if leases.holder("tidy") is not None:
            return None
        # The lease is never given back: it expires after a day, and until then nobody tidies again.
        if not leases.take("tidy", self._engine.new_id("tidy"), seconds=ONCE.total_seconds()):
            return None
        return self.tidy(by="worker")

    def tidy(self, *, by: str) -> Tidied:
        """Remove what has expired by now. Returns how much was removed."""
        now = self._engine.clock()
        self._bytes = 0
        runs, plans = self._plans(now)
        found = Tidied(runs, plans, self._readings(now), self._loose_files(now), self._bytes)
        if found.anything:
            self._engine.ledger.audit.add(by, "tidied", "data directory", vars(found))
        return found

    # -- plans and outcomes ---------------------------------------------------------------------

    def _plans(self, now: datetime) -> tuple[int, int]:
        """Remove rows of runs that ended long ago, and plans that were not run but the newest. Returns both counts."""
        oldest = months_before(now, self._months)
        old, kept = [], set()
        for run in self._runs():
            if run.state.ended and (run.ended_at or run.created_at) < oldest:
                old.append(run)
            else:
                kept.add(run.plan_id)
        folders = {plan_id: (folder, made) for plan_id, folder, made in self._files.all_plans()}
        stripped = sum(self._strip(run, kept, folders, now) for run in old)
        history = self._files.newest_plans(PREVIEWS)
        previews = [
            (plan_id, folder)
            for plan_id, folder, made in self._files.plans_not_run()
            if now - made > ONCE and (plan_id not in history or made < oldest)
        ]
        for plan_id, folder in previews:
            self._remove(folder)
            self._files.forget_plan(plan_id)
        return stripped, len(previews)

    def _runs(self) -> Iterator[Run]:
        offset = 0
        while page := self._engine.ledger.runs.all(limit=_PAGE, offset=offset):
            yield from page
            offset += len(page)

    def _strip(
        self,
        run: Run,
        kept: set[str | None],
        folders: dict[str, tuple[Path, datetime]],
        now: datetime,
    ) -> bool:
        """Remove the rows about people of one run. Record that first, so that nobody reads half of them."""
        plan = folders.get(run.plan_id or "")
        # A newer run may have used the same plan: then its rows stay, and only the old run's outcomes go.
        paths = [plan[0]] if plan and run.plan_id not in kept else []
        paths += [run.outcomes_path] if run.outcomes_path else []
        if not any(path.exists() for path in paths):
            return False
        text = counted(
            "The contacts of this run were removed on {day}, {n} month after it ended.",
            "The contacts of this run were removed on {day}, {n} months after it ended.",
            n=self._months,
            day=now.date(),
        )
        self._engine.ledger.runs.remember(run.id, rows_removed=text.to_json())
        for path in paths:
            self._remove(path)
        return True

    # -- readings and what is left over ---------------------------------------------------------

    def _readings(self, now: datetime) -> int:
        """Remove readings older than a week, except the newest of a list and those that no run has used yet."""
        known = self._files.all_readings()
        newest = {(r.account_id, r.list_id): reading_id for reading_id, r in known}
        lists = {(r.account_id, r.list_id) for _, r in known}
        unused = {i for key in lists for i, _ in readings_since(self._engine, *key)}
        kept = unused.union(newest.values())
        old = [(i, r) for i, r in known if i not in kept and now - r.read_at > KEPT]
        for reading_id, reading in old:
            self._remove(reading.on_list.parent)
            self._files.forget_reading(reading_id)
        return len(old)

    def _loose_files(self, now: datetime) -> int:
        """Remove files that nothing refers to: lists read back, replaced deliveries, and leftovers of a crash."""
        root = self._engine.data_dir
        wipe_parts(root)
        used = {path for _, _, path in self._files.all_deliveries()}
        used |= {holds_path(path) for path in used}
        used |= {folder for _, folder, _ in self._files.all_plans()}
        used |= {reading.on_list.parent for _, reading in self._files.all_readings()}
        used |= {run.outcomes_path for run in self._runs() if run.outcomes_path}
        found = [
            *root.glob("destination/*"),
            *root.glob("deliveries/*/*/*.parquet"),
            *root.glob("outcomes/run-*.parquet"),
            *root.glob("plans/plan-*"),
            *root.glob("plans/.plan-*.part"),
        ]
        gone = [path for path in found if path not in used and self._is_old(path, now)]
        week_ago = (now - KEPT).timestamp()
        remade = [*root.glob("suppression/*.parquet"), *root.glob("sent/*.parquet")]
        gone += [path for path in remade if path.stat().st_mtime < week_ago]
        for path in gone:
            self._remove(path)
        return len(gone)

    def _is_old(self, path: Path, now: datetime) -> bool:
        named = made_at(path.name.removeprefix(".").split(".")[0])
        return named is not None and now - named > KEPT

    def _remove(self, path: Path) -> None:
        if path.is_dir():
            self._bytes += sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
            shutil.rmtree(path, ignore_errors=True)
        elif path.exists():
            self._bytes += path.stat().st_size
            path.unlink(missing_ok=True)


def months_before(now: datetime, months: int) -> datetime:
    """Return the same day `months` earlier, or the last day of that month."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    for day in range(now.day, 27, -1):
        try:
            return now.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue  # February has no 30th
    return now.replace(year=year, month=month + 1)
