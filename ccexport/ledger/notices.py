"""Subscribers, what they were last notified of, and the outbox of notices.

A notice and the record that it was made change in one transaction, so a crash neither loses a
notice nor puts one twice into the outbox. Must never send anything.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update

from ccexport.errors import NotFound
from ccexport.ledger.database import Database
from ccexport.ledger.schedule_tables import notice_states, notices, subscribers
from ccexport.ledger.sealing import Seal
from ccexport.ledger.tables import run_events, runs
from ccexport.messages import NOTHING
from ccexport.model.notices import Channel, Destination, Notice, NoticeEvent, NoticeState, Subscriber
from ccexport.model.words import RunState

FINE = "fine"

_NEWEST_FIRST = select(notices).order_by(notices.c.created_at.desc(), notices.c.id.desc())


class Notices:
    """Subscribers and notices in the ledger."""

    def __init__(self, database: Database, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._seal = seal
        self._clock = clock

    # -- subscribers ----------------------------------------------------------------------------

    def subscribe(self, made: Subscriber, to: Destination) -> Subscriber:
        row = asdict(made) | {"events": [str(e) for e in made.events]}
        sealed = self._seal.seal(json.dumps({"address": to.address, "secret": to.secret}).encode())
        with self._db.write() as connection:
            connection.execute(insert(subscribers).values(**row, sealed=sealed))
        return made

    def subscribers(self) -> list[Subscriber]:
        """Return all subscribers, oldest first."""
        with self._db.read() as connection:
            rows = connection.execute(select(subscribers).order_by(subscribers.c.id)).mappings().all()
        return [_subscriber(row) for row in rows]

    def subscriber(self, subscriber_id: str) -> Subscriber:
        """Return a subscriber. Raises `NotFound`."""
        found = next((s for s in self.subscribers() if s.id == subscriber_id), None)
        if found is None:
            raise NotFound(
                "There is no subscriber {subscriber}. Choose one from the list of notices.",
                subscriber=subscriber_id,
            )
        return found

    def destination(self, subscriber_id: str) -> Destination:
        """Return where a subscriber is reached, decrypted. Raises `NotFound`."""
        query = select(subscribers.c.sealed).where(subscribers.c.id == subscriber_id)
        with self._db.read() as connection:
            sealed = connection.execute(query).scalar()
        if sealed is None:
            raise NotFound("There is no subscriber {subscriber}.", subscriber=subscriber_id)
        return Destination(**json.loads(self._seal.open(sealed)))

    def unsubscribe(self, subscriber_id: str) -> None:
        with self._db.write() as connection:
            connection.execute(delete(subscribers).where(subscribers.c.id == subscriber_id))

    def reseal(self) -> int:
        """Seal every destination with the newest key; return how many were sealed."""
        with self._db.write() as connection:
            rows = connection.execute(select(subscribers.c.id, subscribers.c.sealed)).all()
            for row in rows:
                sealed = self._seal.reseal(row.sealed)
                connection.execute(
                    update(subscribers).where(subscribers.c.id == row.id).values(sealed=sealed)
                )
        return len(rows)

    # -- states already notified ----------------------------------------------------------------

    def told(self) -> dict[str, tuple[str, int]]:
        """Return subject → (the state last notified, the last event that was looked at)."""
        with self._db.read() as connection:
            rows = connection.execute(select(notice_states)).mappings().all()
        return {row["subject"]: (row["state"], row["seen"]) for row in rows}

    def tell(self, subject: str, state: str, seen: int, made: Sequence[Notice], *, before: int) -> bool:
        """Record the state and add the notices to the outbox, at once; False when another process was quicker."""
        row = {"state": state, "seen": seen, "at": self._clock()}
        with self._db.write() as connection:
            query = select(notice_states.c.seen).where(notice_states.c.subject == subject).with_for_update()
            found = connection.execute(query).scalar()
            if (found or 0) != before:
                return False
            if found is None:
                connection.execute(insert(notice_states).values(subject=subject, **row))
            else:
                connection.execute(
                    update(notice_states).where(notice_states.c.subject == subject).values(**row)
                )
            self._put(connection, made)
        return True

    def put(self, made: Sequence[Notice]) -> None:
        """Add notices to the outbox without recording a state (for a test notice)."""
        with self._db.write() as connection:
            self._put(connection, made)

    def _put(self, connection: Any, made: Sequence[Notice]) -> None:
        for notice in made:
            connection.execute(insert(notices).values(**vars(notice)))

    def newest_event(self) -> int:
        """Return the number of the newest event of any run; while it is unchanged there is nothing to look at."""
        with self._db.read() as connection:
            return int(connection.execute(select(func.max(run_events.c.id))).scalar() or 0)

    def newest_events(self) -> dict[str, int]:
        """Return export id → the number of the newest event of its runs."""
        query = (
            select(runs.c.export_id, func.max(run_events.c.id).label("newest"))
            .join(run_events, run_events.c.run_id == runs.c.id)
            .group_by(runs.c.export_id)
        )
        with self._db.read() as connection:
            return {row["export_id"]: row["newest"] for row in connection.execute(query).mappings()}

    def events_after(self, export_id: str, seen: int) -> list[tuple[int, str, RunState, str]]:
        """Return (number, run id, state, text) of an export's runs after that event, in order."""
        query = (
            select(run_events)
            .join(runs, run_events.c.run_id == runs.c.id)
            .where(runs.c.export_id == export_id, run_events.c.id > seen)
            .order_by(run_events.c.id)
        )
        with self._db.read() as connection:
            return [
                (row["id"], row["run_id"], RunState(row["state"]), str(row["text"]))
                for row in connection.execute(query).mappings()
            ]

    # -- the outbox -----------------------------------------------------------------------------

    def due(self, *, limit: int = 50) -> list[Notice]:
        """Return pending notices whose time has come, oldest first."""
        query = (
            select(notices)
            .where(notices.c.state == NoticeState.PENDING, notices.c.next_at <= self._clock())
            .order_by(notices.c.created_at, notices.c.id)
            .limit(limit)
        )
        return self._notices(query)

    def all(self, *, limit: int = 100) -> list[Notice]:
        """Return notices, newest first."""
        return self._notices(_NEWEST_FIRST.limit(limit))

    def failing(self, since: datetime, *, limit: int = 500) -> list[Notice]:
        """Return undelivered notices made since then that had an error, newest first, without test notices."""
        tried = (notices.c.error != NOTHING) & (notices.c.event != NoticeEvent.TEST)
        return self._notices(_NEWEST_FIRST.where(notices.c.created_at > since, tried).limit(limit))

    def get(self, notice_id: str) -> Notice:
        found = self._notices(select(notices).where(notices.c.id == notice_id))
        if not found:
            raise NotFound("There is no notice {notice}.", notice=notice_id)
        return found[0]

    def change(self, notice_id: str, **values: Any) -> None:
        with self._db.write() as connection:
            connection.execute(update(notices).where(notices.c.id == notice_id).values(**values))

    def _notices(self, query: Any) -> list[Notice]:
        with self._db.read() as connection:
            return [_notice(row) for row in connection.execute(query).mappings()]


def _subscriber(row: RowMapping) -> Subscriber:
    values = {k: v for k, v in row.items() if k != "sealed"}
    values |= {"channel": Channel(row["channel"]), "events": tuple(NoticeEvent(e) for e in row["events"])}
    return Subscriber(**values)


def _notice(row: RowMapping) -> Notice:
    return Notice(**(dict(row) | {"event": NoticeEvent(row["event"]), "state": NoticeState(row["state"])}))
