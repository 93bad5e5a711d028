"""Connections and their sealed tokens. Tokens leave this module only by `tokens()`.

Must never talk to Constant Contact.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from ccexport.errors import BadInput, NotFound
from ccexport.ledger.database import Database
from ccexport.ledger.sealing import Seal
from ccexport.ledger.tables import connections
from ccexport.model.exports import Connection
from ccexport.model.words import Role

_PRIVATE = {"tokens", "removed", "agreed_text"}


class Connections:
    """Authorised Constant Contact accounts."""

    def __init__(self, database: Database, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._seal = seal
        self._clock = clock

    def add(self, made: Connection, *, tokens: Mapping[str, Any], agreed_text: str) -> Connection:
        """Store a connection. Raises `BadInput` when the name is taken."""
        if any(c.name == made.name for c in self.all()):
            raise BadInput("A connection named {name} is already there; choose another name.", name=made.name)
        row = vars(made) | {"privileges": list(made.privileges), "agreed_text": agreed_text}
        with self._db.write() as connection:
            connection.execute(insert(connections).values(**row, tokens=self._sealed(tokens), removed=False))
        return self.get(made.id)

    def get(self, connection_id: str) -> Connection:
        """Return a connection. Raises `NotFound`; a removed connection can still be read here, for history."""
        with self._db.read() as connection:
            row = (
                connection.execute(select(connections).where(connections.c.id == connection_id))
                .mappings()
                .first()
            )
        if not connection_id:
            raise NotFound("The export has no connection; choose one in its settings first.")
        if row is None:
            raise NotFound("There is no connection {connection}.", connection=connection_id)
        return _value(row)

    def all(self) -> list[Connection]:
        """Return the connections that are not removed, by name."""
        query = select(connections).where(~connections.c.removed).order_by(connections.c.name)
        with self._db.read() as connection:
            return [_value(row) for row in connection.execute(query).mappings()]

    def named(self, name: str) -> Connection:
        """Return a connection by name or id. Raises `NotFound`, which lists the existing names."""
        there = self.all()
        found = next((c for c in there if name in {c.name, c.id}), None)
        if found is None:
            names = ", ".join(c.name for c in there) or "none yet"
            raise NotFound(
                "There is no connection named {name}. Connections: {names}.", name=name, names=names
            )
        return found

    def tokens(self, connection_id: str) -> dict[str, Any]:
        """Return the stored tokens, decrypted."""
        query = select(connections.c.tokens).where(connections.c.id == connection_id)
        with self._db.read() as connection:
            opened: dict[str, Any] = json.loads(self._seal.open(connection.execute(query).scalar_one()))
        return opened

    def store_tokens(self, connection_id: str, tokens: Mapping[str, Any]) -> None:
        """Store the tokens durably; call it before a new access token is used."""
        self.change(connection_id, tokens=self._sealed(tokens))

    def change(self, connection_id: str, **values: Any) -> Connection:
        with self._db.write() as connection:
            connection.execute(update(connections).where(connections.c.id == connection_id).values(**values))
        return self.get(connection_id)

    def remove(self, connection_id: str) -> None:
        """Delete the tokens and hide the connection; its history stays."""
        self.change(connection_id, removed=True, tokens=self._sealed({}), state="removed")

    def reseal(self) -> int:
        """Seal every stored token with the newest key; return how many were sealed."""
        with self._db.write() as connection:
            rows = connection.execute(select(connections.c.id, connections.c.tokens)).all()
            for row in rows:
                sealed = self._seal.reseal(row.tokens)
                connection.execute(
                    update(connections).where(connections.c.id == row.id).values(tokens=sealed)
                )
        return len(rows)

    def _sealed(self, tokens: Mapping[str, Any]) -> bytes:
        return self._seal.seal(json.dumps(dict(tokens)).encode())


def _value(row: RowMapping) -> Connection:
    values = {k: v for k, v in row.items() if k not in _PRIVATE}
    return Connection(**(values | {"share": Role(row["share"]), "privileges": tuple(row["privileges"])}))
