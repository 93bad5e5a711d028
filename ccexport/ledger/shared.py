"""What several processes share: leases, the pace of each API key, and the audit.

Must never sleep: waiting is the caller's.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select, update

from ccexport.ledger.database import Database
from ccexport.ledger.tables import audit, leases, pace

T = TypeVar("T")


class Leases:
    """Named locks that end by themselves when their holder dies."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def take(self, name: str, holder: str, *, seconds: float) -> bool:
        """Take or renew; False while somebody else holds it."""
        now = self._clock()
        until = now + timedelta(seconds=seconds)
        with self._db.write() as connection:
            row = connection.execute(select(leases).where(leases.c.name == name).with_for_update()).first()
            if row is None:
                connection.execute(insert(leases).values(name=name, holder=holder, until=until))
                return True
            # A lease further away than any we give was made by a clock that has since been set back.
            stale = row.until <= now or row.until > now + timedelta(days=1)
            if row.holder != holder and not stale:
                return False
            connection.execute(update(leases).where(leases.c.name == name).values(holder=holder, until=until))
            return True

    def drop(self, name: str, holder: str) -> None:
        with self._db.write() as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))

    def holder(self, name: str) -> str | None:
        """Who holds it now."""
        query = select(leases.c.holder).where(leases.c.name == name, leases.c.until > self._clock())
        with self._db.read() as connection:
            return connection.execute(query).scalar()

    def held(self, prefix: str) -> dict[str, str]:
        """Every lease now held whose name starts so: name → holder."""
        query = select(leases).where(leases.c.name.startswith(prefix), leases.c.until > self._clock())
        with self._db.read() as connection:
            return {row["name"]: row["holder"] for row in connection.execute(query).mappings()}


class Pace:
    """The state of the pace-maker of each API key, changed by one at a time."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def change(self, api_key: str, step: Callable[[dict[str, Any] | None], tuple[dict[str, Any], T]]) -> T:
        """Apply a pure step to the stored state in one transaction and give its answer."""
        with self._db.write() as connection:
            query = select(pace.c.state).where(pace.c.api_key == api_key).with_for_update()
            found = connection.execute(query).scalar()
            state, answer = step(found)
            if found is None:
                connection.execute(insert(pace).values(api_key=api_key, state=state))
            else:
                connection.execute(update(pace).where(pace.c.api_key == api_key).values(state=state))
        return answer

    def read(self, api_key: str) -> dict[str, Any] | None:
        with self._db.read() as connection:
            return connection.execute(select(pace.c.state).where(pace.c.api_key == api_key)).scalar()


class Audit:
    """Who did what, for ever; only ever added to."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def add(self, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None) -> None:
        """`subject` names the thing (never an address)."""
        row = {"at": self._clock(), "actor": actor, "action": action, "subject": subject}
        with self._db.write() as connection:
            connection.execute(insert(audit).values(**row, detail=dict(detail or {})))

    def all(self, *, search: str = "", limit: int = 500) -> list[dict[str, Any]]:
        """Newest first."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if search:
            like = f"%{search}%"
            query = query.where(
                audit.c.actor.like(like) | audit.c.action.like(like) | audit.c.subject.like(like)
            )
        with self._db.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
