"""People, their web sessions, one-time tickets and failed sign-ins.

Only hashes of session ids and tickets are kept. Must never check a password: the faces do.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, insert, select, update

from ccexport.errors import BadInput, NotFound
from ccexport.ledger.database import Database
from ccexport.ledger.sealing import Seal
from ccexport.ledger.tables import people, sign_in_failures, tickets, web_sessions
from ccexport.model.people import Person
from ccexport.model.words import Role

_SIGNED_IN = (
    select(people).join(web_sessions, web_sessions.c.person == people.c.name).where(~people.c.disabled)
)  # built once: every rerun runs it twice


_FAILED = sign_in_failures.c


@dataclass(frozen=True)
class Limits:
    """How many sign-ins may fail within the window: of one person from one origin, and from one origin."""

    pair: int
    origin: int
    window: timedelta


@dataclass(frozen=True)
class Attempt:
    """The result of counting an attempt. `beyond`: so many that the password need not be checked."""

    locked_until: datetime | None
    beyond: bool


class People:
    """People, and their sessions."""

    def __init__(self, database: Database, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._seal = seal
        self._clock = clock

    def add(self, name: str, *, display_name: str, role: Role, password_hash: str, email: str = "") -> Person:
        """Add a person. Raises `BadInput` when the name is taken."""
        now = self._clock()
        with self._db.write() as connection:
            if connection.execute(select(people.c.name).where(people.c.name == name)).first():
                raise BadInput("A person named {name} is already there.", name=name)
            connection.execute(
                insert(people).values(
                    name=name,
                    display_name=display_name,
                    email=email,
                    role=role,
                    password_hash=password_hash,
                    created_at=now,
                    password_at=now,
                    disabled=False,
                )
            )
        return self.get(name)

    def get(self, name: str) -> Person:
        """Return a person. Raises `NotFound`."""
        found = self.find(name)
        if found is None:
            raise NotFound("There is no person named {name}.", name=name)
        return found

    def find(self, name: str) -> Person | None:
        with self._db.read() as connection:
            row = connection.execute(select(people).where(people.c.name == name)).mappings().first()
        return _person(row) if row else None

    def all(self) -> list[Person]:
        with self._db.read() as connection:
            rows = connection.execute(select(people).order_by(people.c.name)).mappings().all()
        return [_person(row) for row in rows]

    def change(self, name: str, **values: Any) -> Person:
        """Change columns; a new password or disabling the person ends all their sessions."""
        self.get(name)
        if "password_hash" in values:
            values["password_at"] = self._clock()
        with self._db.write() as connection:
            connection.execute(update(people).where(people.c.name == name).values(**values))
            if "password_hash" in values or values.get("disabled"):
                connection.execute(delete(web_sessions).where(web_sessions.c.person == name))
        return self.get(name)

    def start_session(self, person: str, secret: str, *, hours: float) -> None:
        """Store a signed-in browser by the hash of its cookie."""
        now = self._clock()
        with self._db.write() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.expires_at < now))
            connection.execute(
                insert(web_sessions).values(
                    hash=digest(secret),
                    person=person,
                    created_at=now,
                    expires_at=now + timedelta(hours=hours),
                )
            )

    def session_person(self, secret: str) -> Person | None:
        """Return the person of this session cookie; None when it is unknown or expired, or the person is disabled."""
        return self.of_session(digest(secret))

    def of_session(self, session: str) -> Person | None:
        """Return the person of the session with this cookie hash; None as in `session_person`."""
        query = _SIGNED_IN.where(web_sessions.c.hash == session, web_sessions.c.expires_at > self._clock())
        with self._db.read() as connection:
            row = connection.execute(query).mappings().first()
        return _person(row) if row else None

    def end_session(self, secret: str) -> None:
        with self._db.write() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.hash == digest(secret)))

    def end_sessions(self, person: str) -> None:
        """End every session of a person."""
        with self._db.write() as connection:
            connection.execute(delete(web_sessions).where(web_sessions.c.person == person))

    def put_ticket(self, secret: str, purpose: str, payload: Mapping[str, Any], *, seconds: float) -> None:
        """Store a single-use note for the bearer of `secret`; the payload is sealed."""
        now = self._clock()
        with self._db.write() as connection:
            connection.execute(delete(tickets).where(tickets.c.expires_at < now))
            connection.execute(
                insert(tickets).values(
                    hash=digest(secret),
                    purpose=purpose,
                    payload=self._seal.seal(json.dumps(payload).encode()),
                    expires_at=now + timedelta(seconds=seconds),
                )
            )

    def take_ticket(self, secret: str, purpose: str) -> dict[str, Any] | None:
        """Return the payload once; None when unknown, used, expired, or for another purpose."""
        with self._db.write() as connection:
            row = (
                connection.execute(
                    delete(tickets)
                    .where(tickets.c.hash == digest(secret), tickets.c.purpose == purpose)
                    .returning(tickets.c.payload, tickets.c.expires_at)
                )
                .mappings()
                .first()
            )
        if row is None or row["expires_at"] <= self._clock():
            return None
        taken: dict[str, Any] = json.loads(self._seal.open(row["payload"]))
        return taken

    def attempt(self, person: str, origin: str, limits: Limits) -> Attempt:
        """Count a sign-in before it is checked, so that simultaneous attempts cannot pass the limit together.

        Attempts older than the window are deleted. Beyond twice the limit nothing more is counted.
        """
        now = self._clock()
        with self._db.write() as connection:
            self._purge(connection, now - limits.window)
            found = [
                (limit, _newest(connection, where, 2 * limit))
                for limit, where in (
                    (limits.pair, and_(_FAILED.person == person, _FAILED.origin == origin)),
                    (limits.origin, _FAILED.origin == origin),
                )
            ]
            beyond = any(len(times) >= 2 * limit for limit, times in found)
            if not beyond:
                connection.execute(insert(sign_in_failures).values(person=person, origin=origin, at=now))
        until = [times[limit - 1] + limits.window for limit, times in found if len(times) >= limit]
        return Attempt(locked_until=max(until, default=None), beyond=beyond)

    def forget_attempts(self, person: str, origin: str) -> None:
        """Delete the counted attempts after a successful sign-in: they were the person's own mistakes."""
        with self._db.write() as connection:
            connection.execute(
                delete(sign_in_failures).where(_FAILED.person == person, _FAILED.origin == origin)
            )

    def purge_attempts(self, window: timedelta) -> None:
        """Delete attempts older than the window."""
        with self._db.write() as connection:
            self._purge(connection, self._clock() - window)

    def _purge(self, connection: Connection, before: datetime) -> None:
        connection.execute(delete(sign_in_failures).where(_FAILED.at < before))

    def has_session(self, person: str) -> bool:
        """Return whether the person is signed in somewhere."""
        query = select(web_sessions.c.hash).where(
            web_sessions.c.person == person, web_sessions.c.expires_at > self._clock()
        )
        with self._db.read() as connection:
            return connection.execute(query).first() is not None


def _newest(connection: Connection, where: ColumnElement[bool], most: int) -> list[datetime]:
    query = select(_FAILED.at).where(where).order_by(_FAILED.at.desc()).limit(most)
    return list(connection.execute(query).scalars())


def _person(row: RowMapping) -> Person:
    return Person(**(dict(row) | {"role": Role(row["role"])}))


def digest(secret: str) -> str:
    """Return the hash by which a secret of 32 random bytes is recognised without being stored."""
    return hashlib.sha256(secret.encode()).hexdigest()
