"""Named sources of profiles in their order, and the sealed passwords of their databases.

Must never read a source; a password leaves only by `password`.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from ccexport.errors import NotFound
from ccexport.ledger.database import Database
from ccexport.ledger.sealing import Seal
from ccexport.ledger.tables import sources
from ccexport.model.sources import Source


class Sources:
    """The named sources in their order of precedence; the first one wins."""

    def __init__(self, database: Database, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._seal = seal
        self._clock = clock

    def all(self) -> list[Source]:
        """Return the sources in their order of precedence."""
        with self._db.read() as connection:
            rows = connection.execute(select(sources.c.config).order_by(sources.c.position)).scalars()
            return [Source.model_validate(config, context="kept") for config in rows]

    def named(self, name: str) -> Source:
        """Return a source. Raises `NotFound`, which lists the existing names."""
        there = self.all()
        found = next((s for s in there if s.name.casefold() == name.strip().casefold()), None)
        if found is None:
            names = ", ".join(s.name for s in there) or "none yet"
            raise NotFound("There is no source named {name}. Sources: {names}.", name=name, names=names)
        return found

    def password(self, name: str) -> str:
        """Return the stored password, decrypted; empty when there is none."""
        with self._db.read() as connection:
            sealed = connection.execute(select(sources.c.sealed).where(sources.c.name == name)).scalar_one()
        return self._seal.open(sealed).decode()

    def save(self, source: Source, *, by: str, password: str | None = None) -> None:
        """Save a source. A new one comes last; `password` None keeps the stored password."""
        row = {"config": source.model_dump(mode="json"), "updated_by": by, "updated_at": self._clock()}
        if password is not None:
            row["sealed"] = self._seal.seal(password.encode())
        with self._db.write() as connection:
            changed = connection.execute(update(sources).where(sources.c.name == source.name).values(**row))
            if changed.rowcount == 0:
                last = connection.execute(select(func.max(sources.c.position))).scalar()
                first = {"sealed": self._seal.seal(b""), "position": 0 if last is None else last + 1}
                connection.execute(insert(sources).values(name=source.name, **(first | row)))

    def order(self, names: Sequence[str]) -> None:
        """Set the order of precedence."""
        with self._db.write() as connection:
            for position, name in enumerate(names):
                connection.execute(update(sources).where(sources.c.name == name).values(position=position))

    def remove(self, name: str) -> None:
        """Remove a source and its password."""
        with self._db.write() as connection:
            connection.execute(delete(sources).where(sources.c.name == name))

    def reseal(self) -> int:
        """Seal every password with the newest key; return how many were sealed."""
        with self._db.write() as connection:
            rows = connection.execute(select(sources.c.name, sources.c.sealed)).all()
            for row in rows:
                sealed = self._seal.reseal(row.sealed)
                connection.execute(update(sources).where(sources.c.name == row.name).values(sealed=sealed))
        return len(rows)
