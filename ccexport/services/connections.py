"""Use cases of connections: settings, health, export user, removal.

Must never give tokens to a face.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ccexport.constant_contact.probe import Prepared, probe
from ccexport.constant_contact.probe_plan import Finding
from ccexport.errors import BadInput, Conflict, ConstantContactError
from ccexport.messages import NOTHING, Message, message
from ccexport.model.exports import Actor, Connection, Export
from ccexport.model.words import Role
from ccexport.services.access import may_use, require
from ccexport.services.connecting import AGREEMENT, NEEDED_PRIVILEGE, Authorisation, Connecting, Draft
from ccexport.services.contact_lists import ContactLists
from ccexport.services.wiring import UseCases


@dataclass(frozen=True)
class ConnectionHealth:
    """What a check of a connection found."""

    name: str
    working: bool
    sentence: Message
    organisation: str
    privileges: tuple[str, ...]
    contacts: Mapping[str, int]
    requests_today: int


@dataclass(frozen=True)
class ConnectionFacts:
    """The facts about a connection that need no request to Constant Contact."""

    needs_export_user: bool
    authorised_until: datetime | None
    requests_today: int


class ManageConnections(UseCases):
    """The connections: authorised Constant Contact accounts."""

    def list(self, actor: Actor) -> Sequence[Connection]:
        """Return all for an administrator; for others those they may use, with name and type only."""
        require(actor, Role.VIEWER, "see connections")
        there = self._ledger.connections.all()
        if actor.role is Role.ADMINISTRATOR:
            return there
        return [_name_only(c) for c in there if may_use(actor, c) or actor.role is Role.VIEWER]

    def get(self, actor: Actor, name: str) -> Connection:
        require(actor, Role.ADMINISTRATOR, "see a connection")
        return self._ledger.connections.named(name)

    def change(self, actor: Actor, name: str, **values: Any) -> Connection:
        """Change sharing, contract limit, approval threshold or export user."""
        require(actor, Role.ADMINISTRATOR, "change connections")
        found = self._ledger.connections.named(name)
        unknown = set(values) - {"share", "contract_limit", "approval_above", "export_person"}
        if unknown:
            raise BadInput("A connection has no {unknown} to change.", unknown=sorted(unknown))
        self._ledger.audit.add(
            actor.name, "connection changed", found.name, {k: str(v) for k, v in values.items()}
        )
        return self._ledger.connections.change(found.id, **values)

    def check(self, actor: Actor, name: str) -> ConnectionHealth:
        """Ask Constant Contact whether the connection works; a bad answer is returned, not raised."""
        require(actor, Role.ADMINISTRATOR, "check connections")
        found = self._ledger.connections.named(name)
        account = self._wiring.accounts().account(found.id)
        try:
            privileges = tuple(sorted(account.privileges()))
            summary, counts = account.summary(), account.counts()
        except ConstantContactError as error:
            return self._health(found, False, error.message, found.privileges, {})
        missing = NEEDED_PRIVILEGE not in privileges
        sentence = (
            message("The privilege {privilege} is gone.", privilege=NEEDED_PRIVILEGE)
            if missing
            else message("Connected as {organisation}.", organisation=summary.organisation)
        )
        return self._health(found, not missing, sentence, privileges, counts)

    def _health(
        self,
        found: Connection,
        working: bool,
        sentence: Message,
        privileges: tuple[str, ...],
        counts: Mapping[str, int],
    ) -> ConnectionHealth:
        return ConnectionHealth(
            name=found.name,
            working=working,
            sentence=sentence,
            organisation=found.organisation,
            privileges=privileges,
            contacts=counts,
            requests_today=self._wiring.accounts().requests_today(),
        )

    def facts(self, actor: Actor, name: str) -> ConnectionFacts:
        """Return whether it needs another export user, when its token is renewed, and today's quota use."""
        require(actor, Role.ADMINISTRATOR, "see a connection")
        found = self._ledger.connections.named(name)
        person = self._ledger.people.find(found.export_person or "")
        kept = self._ledger.connections.tokens(found.id).get("expires_at")
        return ConnectionFacts(
            needs_export_user=person is not None and person.disabled,
            authorised_until=datetime.fromisoformat(kept) if kept else None,
            requests_today=self._wiring.accounts().requests_today(),
        )

    def without_export_user(self, actor: Actor) -> Sequence[Connection]:
        """Return the connections whose export user is disabled; each needs another export user."""
        require(actor, Role.ADMINISTRATOR, "see a connection")
        disabled = {person.name for person in self._ledger.people.all() if person.disabled}
        return [c for c in self._ledger.connections.all() if c.export_person in disabled]

    def take_over(self, actor: Actor, name: str) -> Connection:
        """Make the actor the export user of the connection; a face asks for their password first."""
        return self.change(actor, name, export_person=actor.name)

    def probe(
        self, actor: Actor, name: str, say: Callable[[str], None], *, domain: str, prepared: Prepared
    ) -> Sequence[Finding]:
        """Test the guesses of docs/constant-contact.md on a trial account; `say` gets every line."""
        require(actor, Role.ADMINISTRATOR, "probe connections")
        found = self._ledger.connections.named(name)
        self._ledger.audit.add(actor.name, "connection probed", found.name)
        engine = self._wiring.engine
        return probe(
            self._wiring.accounts().account(found.id),
            self._wiring.application().api_url,
            say,
            clock=engine.clock,
            sleep=engine.sleep,
            domain=domain,
            prepared=prepared,
        )

    def exports_on(self, actor: Actor, name: str) -> Sequence[Export]:
        require(actor, Role.VIEWER, "see exports")
        found = self._ledger.connections.named(name)
        return [e for e in self._ledger.exports.all() if e.config.connection_id == found.id]

    def remove(self, actor: Actor, name: str) -> None:
        """Remove the connection and its tokens. Raises `Conflict` naming the exports that still use it."""
        require(actor, Role.ADMINISTRATOR, "remove connections")
        found = self._ledger.connections.named(name)
        users = [e.name for e in self.exports_on(actor, name)]
        if users:
            raise Conflict(
                "The connection {name} is used by {users}; remove or detach these exports first.",
                name=found.name,
                users=list(users),
            )
        self._ledger.connections.remove(found.id)
        self._ledger.audit.add(actor.name, "connection removed", found.name)


class ConnectionUseCases(Connecting, ManageConnections, ContactLists):
    """All use cases of connections, for the faces; the parts do not know each other."""


def _name_only(connection: Connection) -> Connection:
    hidden = {
        "account_id": "",
        "account_email": "",
        "agreed_by": "",
        "connected_by": "",
        "privileges": (),
        "state_reason": NOTHING,
        "contract_limit": None,
        "approval_above": None,
        "export_person": None,
    }
    return Connection(**(vars(connection) | hidden))


__all__ = [
    "AGREEMENT",
    "Authorisation",
    "ConnectionFacts",
    "ConnectionHealth",
    "ConnectionUseCases",
    "Draft",
    "Prepared",
]
