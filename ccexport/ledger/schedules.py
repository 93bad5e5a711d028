"""Schedules of exports, the outcomes of their times, and the refreshes.

A firing and a refresh have a unique cause, so that two processes cannot both make one. Must never
decide that something is due: that is `ccexport.runs`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import RowMapping, Select, func, insert, select, update

from ccexport.errors import Conflict, NotFound
from ccexport.ledger.configuration import batched
from ccexport.ledger.database import Database
from ccexport.ledger.schedule_tables import firings, refresh_settings, refreshes, schedules
from ccexport.ledger.tables import exports
from ccexport.messages import Message, message
from ccexport.model.firings import Firing, FiringState, Refresh, RefreshState, SavedSchedule
from ccexport.model.schedules import RefreshSettings, Schedule
from ccexport.model.words import Role, Trigger

OPEN = (FiringState.DUE, FiringState.LATER)
TIME = "time:"
_REFRESH = "refresh"


def _last_firings() -> Select[Any]:
    """Select each export with its newest firing, found by an index."""
    newest = firings.alias()
    order = (newest.c.due_at.desc(), newest.c.id.desc())
    last = select(newest.c.id).where(newest.c.export_id == exports.c.id).order_by(*order).limit(1)
    return select(firings).join_from(exports, firings, firings.c.id == last.scalar_subquery())


_LAST_FIRINGS = _last_firings()  # built once: building it costs more than running it


class Schedules:
    """When exports run, and their firings."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def save(self, export_id: str, schedule: Schedule, *, by: str, role: Role) -> SavedSchedule:
        """Save a schedule. It counts from now: no earlier time is fired."""
        now = self._clock()
        row = {
            "config": schedule.model_dump(mode="json"),
            "role": role,
            "since": now,
            "updated_by": by,
            "updated_at": now,
        }
        with self._db.write() as connection:
            changed = connection.execute(
                update(schedules).where(schedules.c.export_id == export_id).values(**row)
            )
            if changed.rowcount == 0:
                connection.execute(insert(schedules).values(export_id=export_id, **row))
        return SavedSchedule(export_id, schedule, role, now, by, now)

    def get(self, export_id: str) -> SavedSchedule | None:
        """Return the schedule; None when it was never set: then the export runs with every refresh."""
        return self.all().get(export_id)

    def all(self) -> dict[str, SavedSchedule]:
        """Return all schedules by export id."""
        with self._db.read() as connection:
            rows = connection.execute(select(schedules)).mappings().all()
        return {row["export_id"]: _schedule(row) for row in rows}

    def fire(self, firing: Firing) -> bool:
        """Add a firing; return whether it was new. Drops earlier open firings: one run catches up for all."""
        row = vars(firing)
        mine = (firings.c.export_id == firing.export_id) & (firings.c.cause == firing.cause)
        older = (firings.c.export_id == firing.export_id) & firings.c.state.in_(OPEN)
        try:
            with self._db.write() as connection:
                if connection.execute(select(firings.c.id).where(mine)).first():
                    return False
                if firing.state in OPEN:
                    connection.execute(
                        update(firings)
                        .where(older)
                        .values(state=FiringState.DROPPED, note=message("A later time runs instead."))
                    )
                connection.execute(insert(firings).values(**row))
        except Conflict:  # another process was quicker, between our look and our row
            return False
        return True

    def settle(self, firing_id: str, state: FiringState, note: Message) -> None:
        with self._db.write() as connection:
            connection.execute(
                update(firings).where(firings.c.id == firing_id).values(state=state, note=note)
            )

    def open(self) -> list[Firing]:
        """Return firings that have no run yet, oldest first."""
        query = select(firings).where(firings.c.state.in_(OPEN)).order_by(firings.c.due_at, firings.c.id)
        return self._firings(query)

    def firings(self, export_id: str | None = None, *, limit: int = 50) -> list[Firing]:
        """Return firings, newest first."""
        query = select(firings).order_by(firings.c.due_at.desc(), firings.c.id.desc()).limit(limit)
        return self._firings(query.where(firings.c.export_id == export_id) if export_id else query)

    def last_firings(self, export_ids: Sequence[str]) -> dict[str, Firing]:
        """Return the newest firing of each of these exports that has one, by export id."""
        found = (
            self._firings(_LAST_FIRINGS.where(exports.c.id.in_(some))) for some in batched(list(export_ids))
        )
        return {firing.export_id: firing for firing in chain.from_iterable(found)}

    def last_time(self, export_id: str) -> datetime | None:
        """Return the newest scheduled time that was fired or dropped."""
        query = select(func.max(firings.c.due_at)).where(
            firings.c.export_id == export_id, firings.c.cause.startswith(TIME)
        )
        with self._db.read() as connection:
            found: datetime | None = connection.execute(query).scalar()
        return found

    def knows(self, export_id: str, cause: str) -> bool:
        query = select(firings.c.id).where(firings.c.export_id == export_id, firings.c.cause == cause)
        with self._db.read() as connection:
            return connection.execute(query).first() is not None

    def _firings(self, query: Any) -> list[Firing]:
        with self._db.read() as connection:
            return [_firing(row) for row in connection.execute(query).mappings()]


class Refreshes:
    """The watched sources and every refresh of them."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def settings(self) -> tuple[RefreshSettings, datetime]:
        """Return the settings, and since when they apply."""
        with self._db.read() as connection:
            row = connection.execute(select(refresh_settings)).mappings().first()
        if row is None:
            return RefreshSettings(), self._clock()
        return RefreshSettings.model_validate(row["config"]), row["since"]

    def save_settings(self, settings: RefreshSettings, *, by: str) -> None:
        now = self._clock()
        row = {
            "config": settings.model_dump(mode="json"),
            "since": now,
            "updated_by": by,
            "updated_at": now,
        }
        with self._db.write() as connection:
            changed = connection.execute(update(refresh_settings).values(**row))
            if changed.rowcount == 0:
                connection.execute(insert(refresh_settings).values(name=_REFRESH, **row))

    def add(self, refresh: Refresh) -> bool:
        """Add a refresh; return whether it was new."""
        try:
            with self._db.write() as connection:
                known = select(refreshes.c.id).where(refreshes.c.cause == refresh.cause)
                if connection.execute(known).first():
                    return False
                connection.execute(insert(refreshes).values(**vars(refresh), followed=False))
        except Conflict:
            return False
        return True

    def change(self, refresh_id: str, **values: Any) -> Refresh:
        with self._db.write() as connection:
            connection.execute(update(refreshes).where(refreshes.c.id == refresh_id).values(**values))
        return self.get(refresh_id)

    def get(self, refresh_id: str) -> Refresh:
        """Return a refresh. Raises `NotFound`."""
        with self._db.read() as connection:
            row = connection.execute(select(refreshes).where(refreshes.c.id == refresh_id)).mappings().first()
        if row is None:
            raise NotFound("There is no refresh {refresh}.", refresh=refresh_id)
        return _refresh(row)

    def all(self, *, limit: int = 50) -> list[Refresh]:
        """Return refreshes, newest first."""
        return self._rows(
            select(refreshes).order_by(refreshes.c.due_at.desc(), refreshes.c.id.desc()).limit(limit)
        )

    def open(self) -> list[Refresh]:
        """Return refreshes that are due, or begun by a process that may have died; oldest first."""
        states = (RefreshState.DUE, RefreshState.RUNNING)
        return self._rows(select(refreshes).where(refreshes.c.state.in_(states)).order_by(refreshes.c.due_at))

    def unfollowed(self) -> list[Refresh]:
        """Return finished refreshes whose following exports were not fired yet."""
        query = select(refreshes).where(refreshes.c.state == RefreshState.DONE, ~refreshes.c.followed)
        return self._rows(query.order_by(refreshes.c.due_at))

    def last_time(self) -> datetime | None:
        """Return the newest scheduled time for which a refresh was made."""
        query = select(func.max(refreshes.c.due_at)).where(refreshes.c.cause.startswith(TIME))
        with self._db.read() as connection:
            found: datetime | None = connection.execute(query).scalar()
        return found

    def _rows(self, query: Any) -> list[Refresh]:
        with self._db.read() as connection:
            rows: Sequence[RowMapping] = connection.execute(query).mappings().all()
        return [_refresh(row) for row in rows]


def _schedule(row: RowMapping) -> SavedSchedule:
    values = {k: v for k, v in row.items() if k != "config"} | {"role": Role(row["role"])}
    return SavedSchedule(schedule=Schedule.model_validate(row["config"]), **values)


def _firing(row: RowMapping) -> Firing:
    values = {"trigger": Trigger(row["trigger"]), "state": FiringState(row["state"])}
    return Firing(**(dict(row) | values))


def _refresh(row: RowMapping) -> Refresh:
    values = {k: v for k, v in row.items() if k != "followed"} | {"state": RefreshState(row["state"])}
    return Refresh(**values)
