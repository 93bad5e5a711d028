"""Queries about many runs at once; each costs as much in a long history as in a short one.

Must never change a run: that is `ccexport.ledger.runs`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Select, case, func, literal, select

from ccexport.ledger.configuration import batched
from ccexport.ledger.database import Database
from ccexport.ledger.runs import NEWEST_FIRST, RUN_COLUMNS, run_of
from ccexport.ledger.tables import exports, run_events, runs
from ccexport.model.runs import Run, RunsEver
from ccexport.model.words import RunState, WaitReason

_KEPT = 64  # results are cached until the next event of any run
_KEPT_SECONDS = 10.0
APPROVAL_NEEDED = (
    "Waiting for a second person"  # so begins the event with which a run starts waiting for approval
)
_NEWEST_EVENT = select(func.max(run_events.c.id))


def _last_runs() -> Select[Any]:
    """Select each export with its newest run, found by an index without reading its other runs."""
    newest = runs.alias()
    order = (newest.c.created_at.desc(), newest.c.id.desc())
    last = select(newest.c.id).where(newest.c.export_id == exports.c.id).order_by(*order).limit(1)
    return select(*RUN_COLUMNS).join_from(exports, runs, runs.c.id == last.scalar_subquery())


_LAST_RUNS = _last_runs()  # built once: building it costs more than running it


class History:
    """Queries over all runs."""

    def __init__(self, database: Database, clock: Callable[[], datetime], root: Path) -> None:
        self._db = database
        self._clock = clock
        self._root = root
        self._known: dict[Any, tuple[int, datetime, Any]] = {}

    def ever(self) -> RunsEver:
        """Return what the history can be filtered by, including names removed or changed since."""
        return self._remembered("ever", self._ever)

    def _ever(self) -> RunsEver:
        with self._db.read() as connection:
            exports, lists, people = (
                dict(map(tuple, connection.execute(_each(key, name))))
                for key, name in (
                    (runs.c.export_id, runs.c.export_name),
                    (runs.c.list_id, runs.c.list_name),
                    (runs.c.actor, runs.c.actor),
                )
            )
        return RunsEver(_by_name(exports), _by_name(lists), tuple(_by_name(people)))

    def last_of(self, export_ids: Sequence[str]) -> dict[str, Run]:
        """Return the newest run of each of these exports that ever ran, by export id."""
        found: dict[str, Run] = {}
        with self._db.read() as connection:
            for some in batched(list(export_ids)):
                query = _LAST_RUNS.where(exports.c.id.in_(some))
                found |= {run.export_id: run for run in self._runs(connection.execute(query))}
        return found

    def last_times(self) -> dict[str, datetime]:
        """Return when each export last ran, by export id."""
        at = select(func.max(runs.c.created_at)).where(runs.c.export_id == exports.c.id).scalar_subquery()
        with self._db.read() as connection:
            found = connection.execute(select(exports.c.id, at).where(~exports.c.removed))
            return {export_id: moment for export_id, moment in found if moment is not None}

    def last_in(self, *states: RunState, limit: int) -> list[Run]:
        """Return exports' newest runs that ended in one of these states, newest first. Cached like `totals`."""
        found = self._remembered(("last", limit, *states), lambda: self._last_in(states, limit))
        return self._still_there(found) if found else []

    def _still_there(self, found: Sequence[Run]) -> list[Run]:
        ids = {run.export_id for run in found}
        with self._db.read() as connection:
            there = select(exports.c.id).where(~exports.c.removed, exports.c.id.in_(ids))
            kept = set(connection.execute(there).scalars())
        return [run for run in found if run.export_id in kept]

    def _last_in(self, states: Sequence[RunState], limit: int) -> list[Run]:
        query = _LAST_RUNS.where(~exports.c.removed, runs.c.state.in_(states))
        with self._db.read() as connection:
            return list(self._runs(connection.execute(query.order_by(*NEWEST_FIRST).limit(limit))))

    def totals(self, since: datetime, counts: Sequence[str]) -> tuple[int, dict[str, int]]:
        """Return how many runs were begun since then, and the sums of these counts over them.

        Cached until the next event of any run, for a few seconds at most.
        """
        key = ("totals", since.replace(second=0, microsecond=0), *counts)
        return self._remembered(key, lambda: self._totals(since, counts))

    def _totals(self, since: datetime, counts: Sequence[str]) -> tuple[int, dict[str, int]]:
        query = select(func.count(), *map(_summed, counts)).where(runs.c.created_at >= since)
        with self._db.read() as connection:
            number, *sums = connection.execute(query).one()
        return number, dict(zip(counts, map(int, sums), strict=True))

    def by_period(self, edges: Sequence[datetime], counts: Sequence[str]) -> list[dict[str, int]]:
        """Return the sums of these counts over the runs that ended between each edge and the next.

        Cached like `totals`.
        """
        key = ("periods", *edges, *counts)
        return self._remembered(key, lambda: self._by_period(edges, counts))

    def _by_period(self, edges: Sequence[datetime], counts: Sequence[str]) -> list[dict[str, int]]:
        at = runs.c.ended_at
        last = len(edges) - 2
        period = case(*((at < edge, n) for n, edge in enumerate(edges[1:-1])), else_=last).label("period")
        query = select(period, *map(_summed, counts)).where(at >= edges[0], at < edges[-1])
        found = [dict.fromkeys(counts, 0) for _ in edges[1:]]
        with self._db.read() as connection:
            for n, *sums in connection.execute(query.group_by(period)):
                found[n] = dict(zip(counts, map(int, sums), strict=True))
        return found

    def awaiting_approval(self, run_ids: Sequence[str]) -> dict[str, timedelta]:
        """Return how long those of the runs that needed approval waited for it, up to now."""
        asked = runs.c.approved_by.is_not(None) | (runs.c.wait_reason == WaitReason.APPROVAL)
        found: dict[str, timedelta] = {}
        with self._db.read() as connection:
            for some in batched(list(run_ids)):
                needed = select(runs.c.id).where(runs.c.id.in_(some), asked)
                events = select(run_events).where(run_events.c.run_id.in_(needed)).order_by(run_events.c.id)
                for run_id, its in groupby(connection.execute(events).mappings(), lambda e: str(e["run_id"])):
                    found[run_id] = found.get(run_id, timedelta()) + _waited(list(its), self._clock())
        return found

    def _remembered(self, key: Any, found: Callable[[], Any]) -> Any:
        """Return the cached result, unless any run had an event since or it is some seconds old."""
        with self._db.read() as connection:
            event = int(connection.execute(_NEWEST_EVENT).scalar() or 0)
        now = self._clock()
        at_event, since, kept = self._known.get(key, (-1, now, None))
        if at_event == event and 0 <= (now - since).total_seconds() < _KEPT_SECONDS:
            return kept
        if len(self._known) >= _KEPT:
            self._known = {}
        kept = found()
        self._known[key] = (event, now, kept)
        return kept

    def _runs(self, rows: Any) -> Iterator[Run]:
        return (run_of(row, self._root) for row in rows)


def _each(key: Column[Any], name: Column[Any]) -> Select[Any]:
    """Select every value of an indexed column once, with its newest name.

    It jumps through the index from value to value, where GROUP BY would read all of it.
    """
    each = select(func.min(key).label("key")).cte("each", recursive=True)
    following = select(func.min(key)).where(key > each.c.key).scalar_subquery()
    each = each.union_all(select(following).where(each.c.key.is_not(None)))
    last = select(name).where(key == each.c.key).order_by(*NEWEST_FIRST).limit(1).scalar_subquery()
    return select(each.c.key, last).where(each.c.key.is_not(None))


def _waited(events: Sequence[Mapping[Any, Any]], now: datetime) -> timedelta:
    """Return how long the run of these events waited for approval; that wait begins with a sentence of its own."""
    waited, since = timedelta(), None
    for event in events:
        if event["state"] != RunState.WAITING:
            waited += event["at"] - since if since else timedelta()
            since = None
        elif since is None and event["text"].template.startswith(APPROVAL_NEEDED):
            since = event["at"]
    return waited + (now - since if since else timedelta())


def _summed(count: str) -> Any:
    return func.coalesce(func.sum(runs.c.counts[count].as_integer()), literal(0))


def _by_name(found: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(found.items(), key=lambda pair: pair[1].casefold()))
