"""Use cases of tokens: making, listing and revoking them, and recognising who asks with one.

A token of a person has at most that person's rights; one of a service account has its own role. Must never keep
a secret, or show it a second time.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from ccexport.errors import BadInput, NotFound, NotPermitted
from ccexport.model.exports import Actor
from ccexport.model.tokens import SERVICE, Token
from ccexport.model.words import Role
from ccexport.services.access import LOCAL, holder, require
from ccexport.services.naming import checked
from ccexport.services.wiring import UseCases

BEGINS = "ccx_"  # so that a token in a file or a log is recognised as one
DAYS, MOST_DAYS = 90, 366


class TokenUseCases(UseCases):
    """Who else may ask."""

    def create(
        self,
        actor: Actor,
        name: str,
        *,
        role: Role,
        days: int = DAYS,
        service: str = "",
        person: str = "",
    ) -> tuple[Token, str]:
        """Make a token, and return it with its secret, which is kept nowhere.

        It is the actor's own, or a service account's with `service` (administrators only). `person` is for the
        command line, which has no person: whose it is. Its role is at most the actor's.
        """
        require(actor, Role.VIEWER, "make tokens")
        if not 1 <= days <= MOST_DAYS:
            raise BadInput("A token lasts for 1 to {most} days.", most=MOST_DAYS)
        if service and person:
            raise BadInput("A token belongs to a person or to a service account, not to both.")
        owner = self._service(actor, service) if service else self._person(actor, person or actor.name)
        require(actor, role, "make a token with this role")
        now = self._ledger.clock()
        token = Token(
            id=self._wiring.engine.new_id("token"),
            name=checked(name, "A token needs a name of 1 to 200 characters."),
            owner=owner,
            role=role,
            created_by=actor.name,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        secret = BEGINS + secrets.token_urlsafe(32)
        self._ledger.tokens.add(token, secret)
        detail = {"id": token.id, "owner": owner, "role": role, "until": token.expires_at.isoformat()}
        self._ledger.audit.add(actor.name, "token made", token.name, detail)
        return token, secret

    def _service(self, actor: Actor, service: str) -> str:
        require(actor, Role.ADMINISTRATOR, "make tokens of service accounts")
        name = service.strip().lower()
        if not name or len(name) > 60 or not all(c.isascii() and (c.isalnum() or c in "._-") for c in name):
            raise BadInput("The name of a service account has letters, digits and . _ -, at most 60 of them.")
        return f"{SERVICE}{name}"

    def _person(self, actor: Actor, person: str) -> str:
        """Return the name of the person. Nobody but the command line makes a token for somebody else."""
        if actor.name.startswith(f"{LOCAL}:"):
            if person == actor.name:
                raise BadInput("Say whose token it is: a person or a service account.")
            return self._ledger.people.get(person).name
        if person != actor.name or self._ledger.people.find(person) is None:
            raise NotPermitted(
                "Everybody makes their own tokens. Ask an administrator for a service account."
            )
        return person

    def list(self, actor: Actor) -> Sequence[Token]:
        """Return the actor's own tokens, newest first; for an administrator everybody's."""
        require(actor, Role.VIEWER, "see tokens")
        everybody = actor.role.covers(Role.ADMINISTRATOR)
        return self._ledger.tokens.all(None if everybody else actor.name)

    def revoke(self, actor: Actor, token_id: str) -> Token:
        """Revoke one of one's own tokens, or anybody's as an administrator; it ends at once."""
        require(actor, Role.VIEWER, "revoke tokens")
        token = self._ledger.tokens.get(token_id)
        if token.owner != actor.name and not actor.role.covers(Role.ADMINISTRATOR):
            raise NotFound("There is no token {token}.", token=token_id)
        revoked = self._ledger.tokens.revoke(token_id)
        detail = {"id": token.id, "owner": token.owner}
        self._ledger.audit.add(actor.name, "token revoked", token.name, detail)
        return revoked

    def state(self, token: Token) -> str:
        """Return one word: alive, revoked or over."""
        if token.revoked_at is not None:
            return "revoked"
        return "alive" if token.alive(self._ledger.clock()) else "over"

    def actor_of(self, secret: str) -> Actor | None:
        """Return who asks with this secret; None when it is unknown, revoked or over, or its person is disabled."""
        token = self._ledger.tokens.of_secret(secret) if secret.startswith(BEGINS) else None
        return holder(self._ledger, token) if token else None
