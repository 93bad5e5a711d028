"""Permissions. Administrators decide where data can go; contributors decide what is sent and when.

Must never trust a face: every use case checks again here, against the ledger.
"""

from dataclasses import replace
from typing import Any

from ccexport.errors import NotPermitted
from ccexport.ledger import Ledger
from ccexport.messages import word
from ccexport.model.exports import Actor, Connection
from ccexport.model.profiles import Snapshot
from ccexport.model.runs import Run
from ccexport.model.tokens import SESSION, Token
from ccexport.model.words import Role

LOCAL = "cli"


def as_of_now(ledger: Ledger, actor: Actor) -> Actor:
    """Return the actor with at most the role that the ledger gives them now.

    Raises `NotPermitted` when their session has ended or they are disabled. An actor without a session who is
    not in the ledger is the command line, or a schedule, which was checked before.
    """
    if actor.session.startswith(SESSION):
        return _by_token(ledger, actor)
    people = ledger.people
    person = people.of_session(actor.session) if actor.session else people.find(actor.name)
    if person is None and not actor.session:
        return actor
    if person is None or person.disabled or person.name != actor.name:
        raise NotPermitted("You are signed out; sign in again. Nothing was changed.")
    return actor if person.role.covers(actor.role) else replace(actor, role=person.role)


def _by_token(ledger: Ledger, actor: Actor) -> Actor:
    token = ledger.tokens.living(actor.session.removeprefix(SESSION))
    now = holder(ledger, token) if token else None
    if now is None or now.name != actor.name:
        raise NotPermitted("This token is revoked or has ended. Ask an administrator for another one.")
    return actor if now.role.covers(actor.role) else replace(actor, role=now.role)


def holder(ledger: Ledger, token: Token) -> Actor | None:
    """Return the actor of a living token, with the lower of its role and its person's; None if they are disabled."""
    session = f"{SESSION}{token.id}"
    if token.of_service:
        return Actor(token.owner, token.role, session)
    person = ledger.people.find(token.owner)
    if person is None or person.disabled:
        return None
    return Actor(person.name, token.role if person.role.covers(token.role) else person.role, session)


def require(actor: Actor, needed: Role, what: str) -> None:
    """Raise `NotPermitted` unless the actor's role covers `needed`."""
    if not actor.role.covers(needed):
        if needed is Role.ADMINISTRATOR:
            raise NotPermitted(
                "A {role} may not {what}. Ask an administrator.", role=word(actor.role), what=word(what)
            )
        raise NotPermitted(
            "A {role} may not {what}; a {needed} may. Ask an administrator.",
            role=word(actor.role),
            what=word(what),
            needed=word(needed),
        )


def may_use(actor: Actor, connection: Connection) -> bool:
    """Whether the actor may manage exports on this connection."""
    return actor.role.covers(Role.CONTRIBUTOR) and actor.role.covers(connection.share)


def require_use(actor: Actor, connection: Connection, what: str) -> None:
    """Raise `NotPermitted` unless the connection is shared with the actor's role."""
    require(actor, Role.CONTRIBUTOR, what)
    if not may_use(actor, connection):
        raise NotPermitted(
            "The connection {connection} is not shared with contributors, so you may not {what}. "
            "Ask an administrator.",
            connection=connection.name,
            what=word(what),
        )


def usable_run(ledger: Ledger, actor: Actor, run_id: str, what: str) -> Run:
    """Return the run if the actor may use its connection. Raises `NotPermitted` or `NotFound`."""
    run = ledger.runs.get(run_id)
    require_use(actor, ledger.connections.get(run.connection_id), what)
    return run


def sees_personal(actor: Actor) -> bool:
    """Whether the actor sees addresses and names unmasked."""
    return actor.role.covers(Role.CONTRIBUTOR)


def masked(text: str | None) -> str | None:
    """Keep the first letter and the domain of an address, or the first letter of any other text."""
    if not text:
        return text
    local, at, domain = text.partition("@")
    return f"{local[:1]}•••{at}{domain}"


def masked_id(profile_id: str) -> str:
    """Mask a profile id only if it is an address; other ids identify nobody."""
    return (masked(profile_id) or "") if "@" in profile_id else profile_id


def mask_profile(row: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    """Return a profile as a viewer sees it: text is masked; ids, numbers, dates and booleans are not."""
    shown = {snapshot.id_field, "_id"}

    def seen(key: str, value: Any) -> Any:
        if isinstance(value, list):
            return [masked(one) if isinstance(one, str) else one for one in value]
        if not isinstance(value, str):
            return value
        return masked_id(value) if key in shown else masked(value)

    return {key: seen(key, value) for key, value in row.items()}
