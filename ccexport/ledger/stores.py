"""Records where the big files are: readings, plans and deliveries. Also the suppression list.

Must never open those files.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, func, insert, select, update

from ccexport.errors import NotFound
from ccexport.ledger.database import Database
from ccexport.ledger.tables import deliveries, plans, readings, releases, revisions, runs, suppression
from ccexport.model.plans import DestinationReading


class Files:
    """The register of immutable files. Paths are stored relative to the data directory, so that it can move."""

    def __init__(self, database: Database, root: Path, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._root = root
        self._clock = clock

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._root)) if path.is_relative_to(self._root) else str(path)

    def add_reading(self, reading_id: str, reading: DestinationReading) -> None:
        row = asdict(reading) | {
            "id": reading_id,
            "on_list": self._relative(reading.on_list),
            "unsubscribed": self._relative(reading.unsubscribed),
        }
        with self._db.write() as connection:
            connection.execute(insert(readings).values(**row))

    def latest_reading(self, account_id: str, list_id: str) -> DestinationReading | None:
        """Return the newest reading of that list, however old; None when there is none."""
        query = (
            select(readings)
            .where(readings.c.account_id == account_id, readings.c.list_id == list_id)
            .order_by(readings.c.read_at.desc())
            .limit(1)
        )
        with self._db.read() as connection:
            row = connection.execute(query).mappings().first()
        return self._reading(row) if row else None

    def readings_of(self, account_id: str, list_id: str) -> list[tuple[str, DestinationReading]]:
        """Return (id, reading) of every registered reading of that list, oldest first."""
        query = (
            select(readings)
            .where(readings.c.account_id == account_id, readings.c.list_id == list_id)
            .order_by(readings.c.read_at, readings.c.id)
        )
        with self._db.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [(row["id"], self._reading(row)) for row in rows]

    def _reading(self, row: Mapping[Any, Any]) -> DestinationReading:
        values = {k: v for k, v in row.items() if k != "id"}
        values |= {"on_list": self._root / row["on_list"], "unsubscribed": self._root / row["unsubscribed"]}
        return DestinationReading(**values)

    def add_plan(
        self, plan_id: str, *, export_id: str, digest: str, folder: Path, inputs: Mapping[str, Any], kind: str
    ) -> None:
        """Register a frozen plan. `kind` is `export` or `undo`."""
        with self._db.write() as connection:
            connection.execute(
                insert(plans).values(
                    id=plan_id,
                    export_id=export_id,
                    digest=digest,
                    folder=self._relative(folder),
                    inputs=dict(inputs),
                    made_at=self._clock(),
                    kind=kind,
                )
            )

    def plan_folder(self, plan_id: str) -> Path:
        """Return the folder of a plan. Raises `NotFound`."""
        with self._db.read() as connection:
            folder = connection.execute(select(plans.c.folder).where(plans.c.id == plan_id)).scalar()
        if folder is None:
            raise NotFound("There is no plan {plan}.", plan=plan_id)
        return self._root / folder

    def plans_of(self, export_id: str, *, kind: str = "export", limit: int = 20) -> list[dict[str, Any]]:
        """Return id, digest, folder, inputs and made_at of the plans, newest first."""
        query = (
            select(plans)
            .where(plans.c.export_id == export_id, plans.c.kind == kind)
            .order_by(plans.c.made_at.desc(), plans.c.id.desc())
            .limit(limit)
        )
        with self._db.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [dict(row) | {"folder": self._root / row["folder"]} for row in rows]

    def all_plans(self) -> list[tuple[str, Path, datetime]]:
        """Return (id, folder, made at) of every registered plan, oldest first."""
        with self._db.read() as connection:
            rows = connection.execute(select(plans).order_by(plans.c.made_at, plans.c.id)).mappings().all()
        return [(row["id"], self._root / row["folder"], row["made_at"]) for row in rows]

    def plans_not_run(self) -> list[tuple[str, Path, datetime]]:
        """Return (id, folder, made at) of every plan that no run has used, oldest first."""
        used = select(runs.c.plan_id).where(runs.c.plan_id.is_not(None))
        query = select(plans).where(plans.c.id.not_in(used)).order_by(plans.c.made_at, plans.c.id)
        with self._db.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [(row["id"], self._root / row["folder"], row["made_at"]) for row in rows]

    def newest_plans(self, most: int) -> set[str]:
        """Return the ids of the newest plans of each export, at most so many each; undos are not among them."""
        query = select(plans.c.export_id, plans.c.id).where(plans.c.kind == "export")
        query = query.order_by(plans.c.made_at.desc(), plans.c.id.desc())
        found: dict[str, list[str]] = {}
        with self._db.read() as connection:
            for export_id, plan_id in connection.execute(query):
                found.setdefault(export_id, []).append(plan_id)
        return {plan_id for each in found.values() for plan_id in each[:most]}

    def forget_plan(self, plan_id: str) -> None:
        """Remove the plan from the register; the caller removes its folder."""
        with self._db.write() as connection:
            connection.execute(delete(plans).where(plans.c.id == plan_id))

    def all_readings(self) -> list[tuple[str, DestinationReading]]:
        """Return (id, reading) of every registered reading, oldest first."""
        with self._db.read() as connection:
            rows = connection.execute(select(readings).order_by(readings.c.read_at)).mappings().all()
        return [(row["id"], self._reading(row)) for row in rows]

    def forget_reading(self, reading_id: str) -> None:
        """Remove the reading from the register; the caller removes its files."""
        with self._db.write() as connection:
            connection.execute(delete(readings).where(readings.c.id == reading_id))

    def deliveries(self, account_id: str, list_id: str) -> Path | None:
        """Return the current deliveries of that list, or None before the first run."""
        query = select(deliveries.c.path).where(
            deliveries.c.account_id == account_id, deliveries.c.list_id == list_id
        )
        with self._db.read() as connection:
            path = connection.execute(query).scalar()
        return self._root / path if path else None

    def delivered_at(self, account_id: str, list_id: str) -> datetime | None:
        """Return when the deliveries of that list last changed; an earlier reading says nothing about them."""
        query = select(deliveries.c.at).where(
            deliveries.c.account_id == account_id, deliveries.c.list_id == list_id
        )
        with self._db.read() as connection:
            return connection.execute(query).scalar()

    def replace_deliveries(self, account_id: str, list_id: str, path: Path, *, run_id: str) -> None:
        """Make `path` the deliveries of that list, dated later than every reading of it.

        This holds even if the clock was set back: an earlier reading must not show who has left since.
        """
        last = select(func.max(readings.c.read_at)).where(
            readings.c.account_id == account_id, readings.c.list_id == list_id
        )
        with self._db.read() as connection:
            read_at = connection.execute(last).scalar()
        now = self._clock()
        at = max(now, read_at + timedelta(microseconds=1)) if read_at else now
        row = {"path": self._relative(path), "run_id": run_id, "at": at}
        key = (deliveries.c.account_id == account_id) & (deliveries.c.list_id == list_id)
        with self._db.write() as connection:
            changed = connection.execute(update(deliveries).where(key).values(**row))
            if changed.rowcount == 0:
                connection.execute(insert(deliveries).values(account_id=account_id, list_id=list_id, **row))

    def mend_deliveries(self, account_id: str, list_id: str, path: Path) -> None:
        """Make `path` the corrected form of the same deliveries; they keep their run and their time."""
        key = (deliveries.c.account_id == account_id) & (deliveries.c.list_id == list_id)
        with self._db.write() as connection:
            connection.execute(update(deliveries).where(key).values(path=self._relative(path)))

    def all_deliveries(self) -> list[tuple[str, str, Path]]:
        """Return (account id, list id, path) of every list we have delivered to."""
        with self._db.read() as connection:
            rows = connection.execute(select(deliveries)).mappings().all()
        return [(row["account_id"], row["list_id"], self._root / row["path"]) for row in rows]


class Suppression:
    """Addresses and domains that are never to be sent."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def add(self, values: Iterable[tuple[str, str]], *, by: str, note: str = "") -> int:
        """Add (normal form, `address` or `domain`) pairs; return how many were new."""
        row = {"added_by": by, "added_at": self._clock(), "note": note}
        with self._db.write() as connection:
            known = set(connection.execute(select(suppression.c.value)).scalars())
            new = {value: kind for value, kind in values if value not in known}
            if new:
                connection.execute(
                    insert(suppression), [row | {"value": v, "kind": k} for v, k in new.items()]
                )
                self._changed(connection)
        return len(new)

    def remove(self, value: str) -> bool:
        """Remove a value; return whether it was on the list."""
        with self._db.write() as connection:
            gone = connection.execute(delete(suppression).where(suppression.c.value == value)).rowcount > 0
            if gone:
                self._changed(connection)
        return gone

    def revision(self) -> str:
        """Return a word that names the list as it is now; every change makes a new one. Empty before the first."""
        query = select(revisions.c.value).where(revisions.c.name == suppression.name)
        with self._db.read() as connection:
            return connection.execute(query).scalar_one_or_none() or ""

    def entries(self) -> tuple[str, list[tuple[str, str]]]:
        """Return every (value, kind), ordered by value, and the revision that is the word for just these."""
        named = select(revisions.c.value).where(revisions.c.name == suppression.name).scalar_subquery()
        query = select(named, suppression.c.value, suppression.c.kind).order_by(suppression.c.value)
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return (rows[0][0] or "" if rows else ""), [(value, kind) for _, value, kind in rows]

    def _changed(self, connection: Connection) -> None:
        """Rename the list. The word is random: a ledger that was restored must not come by it a second time."""
        new = {"value": uuid4().hex}
        change = self._db.insert(revisions).values(name=suppression.name, **new)
        connection.execute(change.on_conflict_do_update(index_elements=["name"], set_=new))

    def all(self, *, offset: int = 0, limit: int | None = None) -> list[tuple[str, str, str, datetime]]:
        """Return a page of (value, kind, added by, added at), ordered by value."""
        columns = (suppression.c.value, suppression.c.kind, suppression.c.added_by, suppression.c.added_at)
        query = select(*columns).order_by(suppression.c.value).offset(offset).limit(limit)
        with self._db.read() as connection:
            return list(map(tuple, connection.execute(query).all()))

    def count(self) -> int:
        """Return how many entries there are."""
        with self._db.read() as connection:
            return int(connection.execute(select(func.count()).select_from(suppression)).scalar_one())


class Releases:
    """Guards that a person released, each for one run."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def add(self, export_id: str, guard: str, *, by: str, reason: str) -> None:
        row = {"export_id": export_id, "guard": guard, "by": by, "reason": reason, "at": self._clock()}
        with self._db.write() as connection:
            connection.execute(insert(releases).values(**row))

    def open(self, export_id: str) -> frozenset[str]:
        """Return the guards released for the next run of this export."""
        query = select(releases.c.guard).where(releases.c.export_id == export_id, releases.c.run_id.is_(None))
        with self._db.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def released_by(self, export_id: str, run_id: str, since: datetime | None) -> set[str]:
        """Return who released a guard for the next run, for this one, or since then."""
        mine = releases.c.run_id.is_(None) | (releases.c.run_id == run_id)
        when = mine if since is None else mine | (releases.c.at > since)
        query = select(releases.c.by).where(releases.c.export_id == export_id, when)
        with self._db.read() as connection:
            return set(connection.execute(query).scalars())

    def use(self, export_id: str, run_id: str) -> None:
        """Assign the open releases to this run: a release counts for one run only."""
        with self._db.write() as connection:
            connection.execute(
                update(releases)
                .where(releases.c.export_id == export_id, releases.c.run_id.is_(None))
                .values(run_id=run_id)
            )
