"""Runs, their events and batches. Impossible transitions are refused here, whoever asks for them.

Must never decide that a transition should happen: that is `ccexport.runs`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import Connection, Row, RowMapping, and_, delete, func, insert, select, update

from ccexport.errors import Conflict, NotFound
from ccexport.ledger.database import Database, relative
from ccexport.ledger.tables import batches, own_activities, run_events, runs
from ccexport.messages import Message, message, word
from ccexport.model.runs import Batch, Run, RunEvent, RunFacts, allowed
from ccexport.model.words import ENDED, BatchKind, BatchState, RunState, Trigger, WaitReason

RUN_COLUMNS = tuple(runs.c[field.name] for field in fields(Run))  # in the form `run_of` takes
_NO_FACTS = RunFacts()
_FACTS = tuple(field.name for field in fields(RunFacts))
_RUN_FIELDS = tuple(field.name for field in fields(Run))
NEWEST_FIRST = (runs.c.created_at.desc(), runs.c.id.desc())
_RUNS_NEWEST_FIRST = select(*RUN_COLUMNS).order_by(*NEWEST_FIRST)


class Runs:
    """Runs, events and batches in the ledger."""

    def __init__(self, database: Database, clock: Callable[[], datetime], root: Path) -> None:
        self._db = database
        self._clock = clock
        self._root = root  # stored paths are relative to it, so that the data directory can move

    def create(self, run: Run, *, facts: RunFacts = _NO_FACTS) -> Run:
        """Queue a run. Raises `Conflict` when the export or the list already has a live one."""
        row = {k: v for k, v in vars(run).items() if k not in {"outcomes_path"}}
        row.update(facts=_facts_kept(facts), live=True, counts=dict(run.counts))
        with self._db.write() as connection:
            busy = connection.execute(select(runs.c.id).where(_same_target(run))).scalar()
            if busy:
                raise Conflict(
                    "{export} cannot start: run {busy} on the same export or list has not ended.",
                    export=run.export_name,
                    busy=busy,
                    run_id=busy,
                )
            connection.execute(insert(runs).values(**row))
            self._tell(
                connection, run.id, run.actor, run.state, message("Queued by {person}.", person=run.actor)
            )
        return run

    def get(self, run_id: str) -> Run:
        """Return a run. Raises `NotFound`."""
        with self._db.read() as connection:
            return self._run(connection, run_id)

    def _run(self, connection: Connection, run_id: str) -> Run:
        row = connection.execute(select(*RUN_COLUMNS).where(runs.c.id == run_id)).first()
        return run_of(row or self._missing(run_id), self._root)

    def _row(self, connection: Connection, run_id: str) -> RowMapping:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
        return row or self._missing(run_id)

    def _missing(self, run_id: str) -> NoReturn:
        raise NotFound("There is no run {run}. Choose one from the list of runs.", run=run_id)

    def all(
        self,
        *,
        export_id: str | None = None,
        state: RunState | None = None,
        live: bool | None = None,
        list_id: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> list[Run]:
        """Return runs, newest first."""
        query = _RUNS_NEWEST_FIRST.limit(limit).offset(offset)
        for column, value in (
            (runs.c.export_id, export_id),
            (runs.c.state, state),
            (runs.c.live, live),
            (runs.c.list_id, list_id),
            (runs.c.actor, actor),
        ):
            query = query.where(column == value) if value is not None else query
        query = query.where(runs.c.created_at >= since) if since else query
        query = query.where(runs.c.created_at < until) if until else query
        with self._db.read() as connection:
            return [run_of(row, self._root) for row in connection.execute(query)]

    def by_state(self) -> dict[RunState, int]:
        """Return how many runs are in each state."""
        query = select(runs.c.state, func.count()).group_by(runs.c.state)
        with self._db.read() as connection:
            return {RunState(state): number for state, number in connection.execute(query)}

    def move(
        self,
        run_id: str,
        state: RunState,
        text: Message,
        *,
        actor: str,
        wait_reason: WaitReason | None = None,
        wait_until: datetime | None = None,
        counts: Mapping[str, int] | None = None,
        **values: Any,
    ) -> Run:
        """Make one transition and its event row. Raises `Conflict` when the table of transitions forbids it."""
        with self._db.write() as connection:
            old = self._row(connection, run_id)
            before = RunState(old["state"])
            if not allowed(before, state):
                raise Conflict(
                    "Run {run} is {before} and cannot become {state}.",
                    run=run_id,
                    before=word(before),
                    state=word(state),
                )
            now = self._clock()
            values |= {"state": state, "live": state not in ENDED, "wait_until": wait_until}
            values |= {"wait_reason": wait_reason, "wait_step": None}
            if state is RunState.WAITING:
                values["wait_step"] = old["wait_step"] if before is RunState.WAITING else before
            if values.get("outcomes_path"):
                values["outcomes_path"] = relative(Path(values["outcomes_path"]), self._root)
            if counts is not None:
                values["counts"] = {**old["counts"], **counts}
            if old["started_at"] is None and state is not RunState.CANCELLED:
                values["started_at"] = now
            if state in ENDED:
                values["ended_at"] = now
            connection.execute(update(runs).where(runs.c.id == run_id).values(**values))
            if before is not state or text != old["note"]:
                self._tell(connection, run_id, actor, state, text)
            return self._run(connection, run_id)

    def note(self, run_id: str, text: Message, *, actor: str, **values: Any) -> None:
        """Add a remark to the events of a run, without a transition; `values` change columns with it."""
        with self._db.write() as connection:
            row = self._row(connection, run_id)
            if "counts" in values:
                values["counts"] = {**row["counts"], **values["counts"]}
            if values:
                connection.execute(update(runs).where(runs.c.id == run_id).values(**values))
            if text:
                self._tell(connection, run_id, actor, RunState(row["state"]), text)

    def facts(self, run_id: str) -> RunFacts:
        """Return how the run was asked for, and what its driver recorded between steps."""
        with self._db.read() as connection:
            return _facts_of(self._row(connection, run_id)["facts"])

    def remember(self, run_id: str, **facts: Any) -> None:
        """Change some of the facts before or after a step, so that a restart knows them."""
        with self._db.write() as connection:
            changed = replace(_facts_of(self._row(connection, run_id)["facts"]), **facts)
            connection.execute(update(runs).where(runs.c.id == run_id).values(facts=_facts_kept(changed)))

    def approve(self, run_id: str, *, by: str, digest: str | None = None) -> None:
        """Record a second person's approval of the run's plan; from then on no other plan may be sent."""
        pinned = {"approved_digest": digest} if digest else {}
        self.note(
            run_id, message("{person} approved the plan.", person=by), actor=by, approved_by=by, **pinned
        )

    def approved_by(self, run_id: str) -> str | None:
        with self._db.read() as connection:
            approver: str | None = self._row(connection, run_id)["approved_by"]
        return approver

    def request_cancel(self, run_id: str, *, actor: str) -> Run:
        """Ask a live run to stop; a queued run ends at once."""
        run = self.get(run_id)
        if run.state.ended:
            raise Conflict("Run {run} has already ended: {state}.", run=run_id, state=word(run.state))
        self.note(
            run_id, message("{person} asked to cancel.", person=actor), actor=actor, cancel_requested=True
        )
        return self.get(run_id)

    def events(self, run_id: str) -> list[RunEvent]:
        """Return the events of a run, oldest first."""
        query = select(run_events).where(run_events.c.run_id == run_id).order_by(run_events.c.id)
        with self._db.read() as connection:
            return [
                RunEvent(run_id, row["at"], row["actor"], RunState(row["state"]), row["text"])
                for row in connection.execute(query).mappings()
            ]

    def durations(self, connection_id: str, *, limit: int = 20) -> list[tuple[int, float]]:
        """Return (requests, seconds from first request to end) of its last runs that ended well without waiting."""
        waited = select(run_events.c.id).where(
            run_events.c.run_id == runs.c.id, run_events.c.state == RunState.WAITING
        )
        sent = select(batches.c.number).where(
            batches.c.run_id == runs.c.id, batches.c.submitting_at.is_not(None)
        )
        newest = (
            select(runs.c.id, runs.c.ended_at)
            .where(
                runs.c.connection_id == connection_id,
                runs.c.state.in_([RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_REJECTS]),
            )
            .where(~waited.exists(), sent.exists())
            .order_by(runs.c.ended_at.desc())
            .limit(limit)
            .subquery()
        )
        query = (
            select(func.count(), func.min(batches.c.submitting_at), newest.c.ended_at)
            .join_from(newest, batches, batches.c.run_id == newest.c.id)
            .where(batches.c.submitting_at.is_not(None))
            .group_by(newest.c.id, newest.c.ended_at)
            .order_by(newest.c.ended_at.desc())
        )
        with self._db.read() as connection:
            return [(n, (ended - first).total_seconds()) for n, first, ended in connection.execute(query)]

    def _tell(self, connection: Connection, run_id: str, actor: str, state: RunState, text: Message) -> None:
        connection.execute(
            insert(run_events).values(run_id=run_id, at=self._clock(), actor=actor, state=state, text=text)
        )

    def add_batches(self, made: Sequence[Batch]) -> None:
        """Register batches; existing ones are not changed."""
        with self._db.write() as connection:
            for batch in made:
                if connection.execute(select(batches.c.number).where(_same(batch))).first() is None:
                    connection.execute(insert(batches).values(**_batch_row(batch, self._root)))

    def batches(self, run_id: str) -> list[Batch]:
        """Return the batches: imports first, then removals, each by number."""
        query = select(batches).where(batches.c.run_id == run_id).order_by(batches.c.kind, batches.c.number)
        with self._db.read() as connection:
            return [_batch(row, self._root) for row in connection.execute(query).mappings()]

    def change_batch(self, batch: Batch, **values: Any) -> Batch:
        """Change columns of one batch and return the changed batch."""
        with self._db.write() as connection:
            connection.execute(update(batches).where(_same(batch)).values(**values))
            return _batch(
                connection.execute(select(batches).where(_same(batch))).mappings().one(), self._root
            )

    def others_on_their_way(self, batch: Batch, *, since: datetime) -> bool:
        """Return whether a batch of another run was submitted since then and has no known activity yet."""
        query = select(batches.c.number).where(
            batches.c.state == BatchState.SUBMITTING,
            batches.c.submitting_at >= since,
            batches.c.run_id != batch.run_id,
        )
        with self._db.read() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def activity_ids(self) -> frozenset[str]:
        """Return every activity this ledger started: batches, and reading lists back."""
        sent = select(batches.c.activity_id).where(batches.c.activity_id.is_not(None))
        with self._db.read() as connection:
            known = set(connection.execute(sent).scalars())
            return frozenset(known.union(connection.execute(select(own_activities.c.activity_id)).scalars()))

    def note_activity(self, activity_id: str) -> None:
        """Record an activity of ours without a batch, so that it is never taken for a lost one.

        Records older than eleven days are deleted: Constant Contact forgets activities after ten days.
        """
        now = self._clock()
        with self._db.write() as connection:
            connection.execute(delete(own_activities).where(own_activities.c.at < now - timedelta(days=11)))
            connection.execute(insert(own_activities).values(activity_id=activity_id, at=now))


def _same_target(run: Run) -> Any:
    on_list = and_(runs.c.account_id == run.account_id, runs.c.list_id == run.list_id)
    return and_(runs.c.live, (runs.c.export_id == run.export_id) | on_list)


def _same(batch: Batch) -> Any:
    return and_(
        batches.c.run_id == batch.run_id, batches.c.kind == batch.kind, batches.c.number == batch.number
    )


def run_of(row: Row[Any], root: Path) -> Run:
    """Convert a row of `RUN_COLUMNS`. Pages read hundreds at every rerun, so columns are read by position."""
    values = dict(zip(_RUN_FIELDS, row, strict=True))
    values["state"] = RunState(values["state"])
    values["trigger"] = Trigger(values["trigger"])
    values["wait_reason"] = WaitReason(values["wait_reason"]) if values["wait_reason"] else None
    values["wait_step"] = RunState(values["wait_step"]) if values["wait_step"] else None
    values["outcomes_path"] = root / values["outcomes_path"] if values["outcomes_path"] else None
    return Run(**values)


def _batch_row(batch: Batch, root: Path) -> dict[str, Any]:
    row = dict(vars(batch))
    return row | {
        "file": relative(batch.file, root),
        "errors": list(batch.errors),
        "counters": dict(batch.counters),
    }


def _batch(row: RowMapping, root: Path) -> Batch:
    values = dict(row) | {
        "kind": BatchKind(row["kind"]),
        "state": BatchState(row["state"]),
        "file": root / row["file"],
        "errors": tuple(row["errors"]),
    }
    return Batch(**values)


def _facts_of(kept: Mapping[str, Any]) -> RunFacts:
    return RunFacts(**{name: kept[name] for name in _FACTS if name in kept})


def _facts_kept(facts: RunFacts) -> dict[str, Any]:
    """Return only the facts that differ from their defaults."""
    return {name: value for name, value in asdict(facts).items() if value != getattr(_NO_FACTS, name)}
