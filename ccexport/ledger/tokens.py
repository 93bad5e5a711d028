"""The tokens of other programs. Only hashes of their secrets are kept. Must never decide who may have one."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, insert, select, update

from ccexport.errors import NotFound
from ccexport.ledger.database import Database
from ccexport.ledger.people import digest
from ccexport.ledger.tables import api_tokens as tokens
from ccexport.model.tokens import Token
from ccexport.model.words import Role

_COLUMNS = [tokens.c[field.name] for field in fields(Token)]
USED_EVERY = timedelta(minutes=1)  # how exactly the last use is kept: not every request writes


class Tokens:
    """Tokens by id, and by the hash of their secret."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._db = database
        self._clock = clock

    def add(self, token: Token, secret: str) -> None:
        with self._db.write() as connection:
            connection.execute(insert(tokens).values(**vars(token), hash=digest(secret)))

    def get(self, token_id: str) -> Token:
        """Return a token, also a revoked one. Raises `NotFound`."""
        found = self._one(token_id=token_id)
        if found is None:
            raise NotFound("There is no token {token}.", token=token_id)
        return found

    def living(self, token_id: str) -> Token | None:
        """Return the token unless it is revoked, over or unknown."""
        return self._living(self._one(token_id=token_id))

    def of_secret(self, secret: str) -> Token | None:
        """Return the token of this secret, and keep that it was used; None as in `living`."""
        token = self._living(self._one(hashed=digest(secret)))
        now = self._clock()
        if token is not None and (token.used_at is None or now - token.used_at > USED_EVERY):
            with self._db.write() as connection:
                connection.execute(update(tokens).where(tokens.c.id == token.id).values(used_at=now))
        return token

    def all(self, owner: str | None = None) -> list[Token]:
        """Return tokens, newest first, also those that are over; of one owner, or of everybody."""
        query = select(*_COLUMNS).order_by(tokens.c.created_at.desc(), tokens.c.id.desc())
        query = query if owner is None else query.where(tokens.c.owner == owner)
        with self._db.read() as connection:
            return [_token(row) for row in connection.execute(query).mappings()]

    def revoke(self, token_id: str) -> Token:
        """Revoke a token; the time of the first revocation stays."""
        self._revoke(tokens.c.id == token_id)
        return self.get(token_id)

    def revoke_of(self, owner: str) -> None:
        """Revoke every token of an owner."""
        self._revoke(tokens.c.owner == owner)

    def _revoke(self, which: object) -> None:
        change = update(tokens).where(which, tokens.c.revoked_at.is_(None))  # type: ignore[arg-type]
        with self._db.write() as connection:
            connection.execute(change.values(revoked_at=self._clock()))

    def _one(self, *, token_id: str | None = None, hashed: str | None = None) -> Token | None:
        where = tokens.c.id == token_id if hashed is None else tokens.c.hash == hashed
        with self._db.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(where)).mappings().first()
        return _token(row) if row else None

    def _living(self, token: Token | None) -> Token | None:
        return token if token is not None and token.alive(self._clock()) else None


def _token(row: RowMapping) -> Token:
    return Token(**(dict(row) | {"role": Role(row["role"])}))
