"""Use cases of connections: the model's steps to an authorised account, and what hangs on it.

Nothing is usable before every step is done, and leaving half-way leaves nothing behind. Must
never give tokens to a face.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ccexport.constant_contact import oauth
from ccexport.constant_contact.probe import Prepared, probe
from ccexport.constant_contact.probe_plan import Finding
from ccexport.constant_contact.values import ContactList, CustomField
from ccexport.errors import BadInput, Conflict, ConstantContactError, NotFound, NotPermitted
from ccexport.model.exports import Actor, Connection, Export
from ccexport.model.words import Role
from ccexport.services.access import may_use, require, require_use

if TYPE_CHECKING:
    from ccexport.services.context import Services

AGREEMENT = (
    "Data privacy and compliance: by connecting you ask ccexport to send personal data of the people in your "
    "segments to Constant Contact. You are responsible for having their consent, and for Constant Contact meeting "
    "the privacy and security obligations you have. An administrator can remove the connection at any time."
)
STATE_SECONDS = 600
DRAFT_SECONDS = 1800
NEEDED_PRIVILEGE = "contacts:write"


@dataclass(frozen=True)
class Authorisation:
    """Where to send the browser. `bind` belongs to that browser and must come back with it."""

    url: str
    state: str
    bind: str


@dataclass(frozen=True)
class Draft:
    """An account that was authorised but not saved yet; `key` opens it, once, for half an hour."""

    key: str
    name: str
    account_id: str
    organisation: str
    account_email: str
    reconnects: str | None = None


@dataclass(frozen=True)
class ConnectionHealth:
    """What a check of a connection found."""

    name: str
    working: bool
    sentence: str
    organisation: str
    privileges: tuple[str, ...]
    contacts: Mapping[str, int]
    requests_today: int


class ConnectionUseCases:
    """Authorised Constant Contact accounts."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._ledger = services.ledger

    # -- connecting -----------------------------------------------------------------------------

    def begin(
        self,
        actor: Actor,
        name: str,
        *,
        agree: bool,
        share: Role = Role.ADMINISTRATOR,
        redirect_url: str | None = None,
        reconnect: bool = False,
    ) -> Authorisation:
        """The first step: the address at Constant Contact where the account's owner allows us in."""
        require(actor, Role.ADMINISTRATOR, "add connections")
        if not agree:
            raise BadInput("Connecting needs your agreement to data privacy and compliance (--agree).")
        old = self._ledger.connections.named(name) if reconnect else None
        if not reconnect:
            name = self._free_name(name)
        application = self._services.application()
        redirect = redirect_url or self._services.settings.redirect_url
        self._services.register_redirect(redirect)
        state, bind = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        verifier = None if application.client_secret else oauth.make_verifier(secrets.token_bytes)
        note = {
            "actor": actor.name,
            "bind": bind,
            "name": name,
            "share": str(share),
            "verifier": verifier,
            "redirect": redirect,
            "reconnects": old.id if old else None,
        }
        self._ledger.people.put_ticket(state, "oauth", note, seconds=STATE_SECONDS)
        url = oauth.authorize_url(
            application.auth_url,
            client_id=application.client_id,
            redirect_url=redirect,
            state=state,
            verifier=verifier,
        )
        return Authorisation(url, state, bind)

    def _free_name(self, name: str) -> str:
        name = name.strip()
        if not name or len(name) > 200:
            raise BadInput("A connection needs a name of 1 to 200 characters.")
        if any(c.name == name for c in self._ledger.connections.all()):
            raise BadInput(f"A connection named {name} is already there; choose another name.")
        return name

    def finish(self, actor: Actor, *, state: str, bind: str, code: str = "", error: str = "") -> Draft:
        """The browser came back: exchange the code, check the account, keep a draft.

        Raises `NotPermitted` for a state that is unknown, used, too old, or another browser's.
        """
        note = self._ledger.people.take_ticket(state, "oauth")
        if note is None or not hmac.compare_digest(note["bind"], bind) or note["actor"] != actor.name:
            raise NotPermitted(
                "This authorisation was started elsewhere, used before or is too old; start it again."
            )
        if error:
            raise BadInput(f"Constant Contact was not authorised ({error[:60]}); nothing was saved.")
        accounts = self._services.accounts()
        tokens = accounts.exchange(code, redirect_url=note["redirect"], verifier=note["verifier"])
        account = accounts.account_with(tokens)
        privileges = account.privileges()
        if NEEDED_PRIVILEGE not in privileges:
            raise BadInput(
                f"The person who allowed us in lacks the privilege {NEEDED_PRIVILEGE}: let an account owner or "
                "account manager of Constant Contact connect."
            )
        summary = account.summary()
        key = secrets.token_urlsafe(24)
        draft = {
            "name": note["name"],
            "account_id": summary.account_id,
            "organisation": summary.organisation,
            "account_email": summary.email,
            "reconnects": note["reconnects"],
        }
        kept = draft | {
            "share": note["share"],
            "actor": actor.name,
            "privileges": sorted(privileges),
            "tokens": tokens.as_json(),
        }
        self._ledger.people.put_ticket(key, "draft", kept, seconds=DRAFT_SECONDS)
        return Draft(key=key, **draft)

    def save(self, actor: Actor, draft_key: str, *, confirm_other_account: bool = False) -> Connection:
        """The last step. A reconnection to another account is refused unless confirmed."""
        require(actor, Role.ADMINISTRATOR, "add connections")
        kept = self._ledger.people.take_ticket(draft_key, "draft")
        if kept is None or kept["actor"] != actor.name:
            raise NotPermitted("This authorisation was saved before or is too old; start it again.")
        if kept["reconnects"]:
            return self._reconnected(actor, kept, confirm_other_account)
        now = self._ledger.clock()
        made = Connection(
            id=self._services.engine.new_id("connection"),
            name=kept["name"],
            account_id=kept["account_id"],
            organisation=kept["organisation"],
            account_email=kept["account_email"],
            share=Role(kept["share"]),
            agreed_by=actor.name,
            agreed_at=now,
            connected_by=actor.name,
            connected_at=now,
            privileges=tuple(kept["privileges"]),
            export_person=actor.name,
        )
        saved = self._ledger.connections.add(made, tokens=kept["tokens"], agreed_text=AGREEMENT)
        self._ledger.audit.add(actor.name, "connection added", saved.name, {"share": str(saved.share)})
        return saved

    def _reconnected(self, actor: Actor, kept: Mapping[str, Any], confirmed: bool) -> Connection:
        old = self._ledger.connections.get(kept["reconnects"])
        if old.account_id != kept["account_id"] and not confirmed:
            raise Conflict(
                f"{old.name} was connected to another account ({old.organisation}); its lists do not exist in "
                f"{kept['organisation']}. Connect the same account, or add a new connection."
            )
        self._ledger.connections.store_tokens(old.id, kept["tokens"])
        changed = self._ledger.connections.change(
            old.id,
            state="connected",
            state_reason="",
            privileges=kept["privileges"],
            account_id=kept["account_id"],
            organisation=kept["organisation"],
            account_email=kept["account_email"],
            connected_by=actor.name,
            connected_at=self._ledger.clock(),
        )
        self._ledger.audit.add(actor.name, "connection reconnected", old.name)
        return changed

    # -- using ----------------------------------------------------------------------------------

    def list(self, actor: Actor) -> Sequence[Connection]:
        """All for an administrator; for others those they may use, name and type only."""
        require(actor, Role.VIEWER, "see connections")
        there = self._ledger.connections.all()
        if actor.role is Role.ADMINISTRATOR:
            return there
        return [_name_only(c) for c in there if may_use(actor, c) or actor.role is Role.VIEWER]

    def get(self, actor: Actor, name: str) -> Connection:
        require(actor, Role.ADMINISTRATOR, "see a connection")
        return self._ledger.connections.named(name)

    def change(self, actor: Actor, name: str, **values: Any) -> Connection:
        """Sharing, contract limit, approval threshold, export person."""
        require(actor, Role.ADMINISTRATOR, "change connections")
        found = self._ledger.connections.named(name)
        unknown = set(values) - {"share", "contract_limit", "approval_above", "export_person"}
        if unknown:
            raise BadInput(f"A connection has no {', '.join(sorted(unknown))} to change.")
        self._ledger.audit.add(
            actor.name, "connection changed", found.name, {k: str(v) for k, v in values.items()}
        )
        return self._ledger.connections.change(found.id, **values)

    def check(self, actor: Actor, name: str) -> ConnectionHealth:
        """Ask Constant Contact whether the connection works; never raises for its answer."""
        require(actor, Role.ADMINISTRATOR, "check connections")
        found = self._ledger.connections.named(name)
        account = self._services.accounts().account(found.id)
        try:
            privileges = tuple(sorted(account.privileges()))
            summary, counts = account.summary(), account.counts()
        except ConstantContactError as error:
            return self._health(found, False, str(error), found.privileges, {})
        missing = NEEDED_PRIVILEGE not in privileges
        sentence = (
            f"The privilege {NEEDED_PRIVILEGE} is gone."
            if missing
            else f"Connected as {summary.organisation}."
        )
        return self._health(found, not missing, sentence, privileges, counts)

    def _health(
        self,
        found: Connection,
        working: bool,
        sentence: str,
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
            requests_today=self._services.accounts().requests_today(),
        )

    def probe(
        self, actor: Actor, name: str, say: Callable[[str], None], *, domain: str, prepared: Prepared
    ) -> Sequence[Finding]:
        """Try the guesses of docs/constant-contact.md on a trial account; every line is also said."""
        require(actor, Role.ADMINISTRATOR, "probe connections")
        found = self._ledger.connections.named(name)
        self._ledger.audit.add(actor.name, "connection probed", found.name)
        engine = self._services.engine
        return probe(
            self._services.accounts().account(found.id),
            self._services.application().api_url,
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
        """Forget the tokens. Raises `Conflict` naming the exports that still use it."""
        require(actor, Role.ADMINISTRATOR, "remove connections")
        found = self._ledger.connections.named(name)
        users = [e.name for e in self.exports_on(actor, name)]
        if users:
            raise Conflict(
                f"The connection {name} is used by {', '.join(users)}; remove these exports first."
            )
        self._ledger.connections.remove(found.id)
        self._ledger.audit.add(actor.name, "connection removed", found.name)

    def lists(self, actor: Actor, name: str) -> Sequence[ContactList]:
        """The contact lists of the account."""
        return self._usable(actor, name, "see contact lists").lists()

    def find_list(self, actor: Actor, name: str, id_or_name: str) -> ContactList:
        """By id or by name. Raises `NotFound` naming those there are."""
        there = self.lists(actor, name)
        by_id = [found for found in there if found.id == id_or_name]
        wanted = id_or_name.strip().casefold()
        by_name = [found for found in there if found.name.casefold() == wanted]
        if len(by_id or by_name) != 1:
            names = ", ".join(sorted(found.name for found in there)[:20]) or "none"
            which = "more than one contact list" if by_name else "no contact list"
            raise NotFound(f"There is {which} named {id_or_name} in {name}. Contact lists: {names}.")
        return (by_id or by_name)[0]

    def create_list(self, actor: Actor, name: str, list_name: str) -> ContactList:
        """A new list, or the one of that name that is already there."""
        made = self._usable(actor, name, "create contact lists").create_list(list_name)
        self._ledger.audit.add(actor.name, "contact list created", made.name)
        return made

    def custom_fields(self, actor: Actor, name: str) -> Sequence[CustomField]:
        return self._usable(actor, name, "see custom fields").custom_fields()

    def _usable(self, actor: Actor, name: str, what: str) -> Any:
        found = self._ledger.connections.named(name)
        require_use(actor, found, what)
        return self._services.accounts().account(found.id)


def _name_only(connection: Connection) -> Connection:
    hidden = {"account_email": "", "agreed_by": "", "connected_by": "", "privileges": (), "state_reason": ""}
    return Connection(**(asdict(connection) | hidden))
