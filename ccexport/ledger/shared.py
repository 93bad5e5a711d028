"""What several processes share: leases, the pace of each API key, and the audit.

Must never sleep: the caller does the waiting.
"""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, case, insert, select, update

from ccexport.ledger.audit_chain import FIRST, entry_hash, first_broken
from ccexport.ledger.database import Database, Lease
from ccexport.ledger.tables import audit, leases, pace

T = TypeVar("T")
LONGEST = timedelta(days=1)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Leases:
    """Named locks that expire when their holder dies, by the clock all hosts share.

    A lease that was given back keeps its row, because its number must never be used a second time. Each change is
    one statement, so that a process stopped between two changes blocks nobody.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def take(self, name: str, holder: str, *, seconds: float) -> int:
        """Take or renew a lease; return its number, which grows with every holder, or 0 while another holds it."""
        now, until = self._db.moment(), self._db.moment(timedelta(seconds=seconds))
        # A lease that ends later than any we give was made by a clock that has since been set back.
        over = (leases.c.until <= now) | (leases.c.until > self._db.moment(LONGEST))
        mine = (leases.c.holder == holder) & ~over
        change = self._db.insert(leases).values(name=name, holder=holder, until=until, number=1)
        change = change.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={
                "holder": holder,
                "until": until,
                "number": case((mine, leases.c.number), else_=leases.c.number + 1),
            },
            where=over | mine,
        ).returning(leases.c.number)
        with self._db.single() as connection:
            number: int | None = connection.execute(change).scalar()
        return number or 0

    def renew(self, lease: Lease, *, seconds: float) -> bool:
        """Renew the lease for so many seconds from now; return whether it still belongs to this holder."""
        until = self._db.moment(timedelta(seconds=seconds))
        with self._db.single() as connection:
            return connection.execute(update(leases).where(_is(lease)).values(until=until)).rowcount > 0

    def give_back(self, lease: Lease) -> None:
        """Release the lease at once; does nothing when another holder has it by now."""
        with self._db.single() as connection:
            connection.execute(update(leases).where(_is(lease)).values(holder="", until=NEVER))

    def drop(self, name: str, holder: str) -> None:
        """Release a lease by name; does nothing when another holder has it."""
        mine = (leases.c.name == name) & (leases.c.holder == holder)
        with self._db.single() as connection:
            connection.execute(update(leases).where(mine).values(holder="", until=NEVER))

    def holder(self, name: str) -> str | None:
        """Return the current holder, or None."""
        query = select(leases.c.holder).where(leases.c.name == name, leases.c.until > self._db.moment())
        with self._db.read() as connection:
            return connection.execute(query).scalar()

    def held(self, prefix: str) -> dict[str, str]:
        """Return name → holder of every current lease whose name has that prefix."""
        query = select(leases).where(leases.c.name.startswith(prefix), leases.c.until > self._db.moment())
        with self._db.read() as connection:
            return {row["name"]: row["holder"] for row in connection.execute(query).mappings()}


def _is(lease: Lease) -> ColumnElement[bool]:
    same = (leases.c.name == lease.name) & (leases.c.holder == lease.holder)
    return same & (leases.c.number == lease.number)


class Pace:
    """The stored pace of each API key; concurrent changes are applied one after the other."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def change(
        self, api_key: str, step: Callable[[dict[str, Any] | None, datetime], tuple[dict[str, Any], T]]
    ) -> T:
        """Apply a pure step to the stored state and the shared clock's current time; return the step's answer.

        No lock is held meanwhile: if another process changed the state first, the step is applied again.
        """
        while True:
            with self._db.single() as connection:
                query = select(pace.c.state, pace.c.version).where(pace.c.api_key == api_key)
                found = connection.execute(query).first()
                now = connection.execute(select(self._db.moment())).scalar_one()
                state, answer = step(found.state if found else None, now)
                if self._stored(connection, api_key, state, found.version if found else None):
                    return answer

    def _stored(
        self, connection: Connection, api_key: str, state: Mapping[str, Any], before: int | None
    ) -> bool:
        if before is None:
            first = self._db.insert(pace).values(api_key=api_key, state=state, version=1)
            first = first.on_conflict_do_nothing().returning(pace.c.version)
            return connection.execute(first).first() is not None
        same = (pace.c.api_key == api_key) & (pace.c.version == before)
        change = update(pace).where(same).values(state=state, version=before + 1)
        return connection.execute(change).rowcount > 0

    def read(self, api_key: str) -> dict[str, Any] | None:
        with self._db.read() as connection:
            return connection.execute(select(pace.c.state).where(pace.c.api_key == api_key)).scalar()


_CHAIN = 710_113  # the number of the lock of PostgreSQL under which the audit grows


class Audit:
    """Who did what, kept for ever; entries are only added."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def add(self, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """Add an entry. `subject` names the thing (never an address)."""
        told = json.loads(json.dumps(dict(detail or {}), default=str))
        row = {"at": self._clock(), "actor": actor, "action": action, "subject": subject, "detail": told}
        with self._db.write() as connection:
            self._db.one_after_the_other(connection, _CHAIN)  # two entries must not follow the same one
            newest = select(audit.c.hash).order_by(audit.c.id.desc()).limit(1)
            before = connection.execute(newest).scalar() or FIRST
            connection.execute(insert(audit).values(**row, hash=entry_hash(before, row)))

    def first_broken(self) -> int | None:
        """Return the id of the first entry that was changed, or before which one is missing; None when all is well."""
        with self._db.read() as connection:
            entries = connection.execution_options(yield_per=1000).execute(select(audit).order_by(audit.c.id))
            return first_broken(entries.mappings())

    def all(self, *, search: str = "", limit: int = 500) -> list[dict[str, Any]]:
        """Return entries, newest first."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if search:
            like = f"%{search}%"
            query = query.where(
                audit.c.actor.like(like) | audit.c.action.like(like) | audit.c.subject.like(like)
            )
        with self._db.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def of(self, actions: Collection[str], since: datetime | None) -> list[dict[str, Any]]:
        """Return every entry of these kinds after that moment, or all of them without one."""
        query = select(audit).where(audit.c.action.in_(actions))
        if since is not None:
            query = query.where(audit.c.at > since)
        with self._db.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
