"""Connecting an account, in the steps of the model.

A connection is usable only after the last step; stopping earlier leaves nothing behind. Must
never give tokens to a face.
"""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccexport.constant_contact import oauth
from ccexport.errors import BadInput, Conflict, NotPermitted
from ccexport.messages import NOTHING, mark
from ccexport.model.exports import Actor, Connection
from ccexport.model.words import Role
from ccexport.services.access import require
from ccexport.services.naming import checked
from ccexport.services.wiring import UseCases

AGREEMENT = mark(
    "Data privacy and compliance: by connecting you ask ccexport to send personal data of the people in your "
    "segments to Constant Contact. You are responsible for having their consent, and for Constant Contact meeting "
    "the privacy and security obligations you have. An administrator can remove the connection at any time."
)
STATE_SECONDS = 600
DRAFT_SECONDS = 1800
NEEDED_PRIVILEGE = "contacts:write"


@dataclass(frozen=True)
class Authorisation:
    """Where to send the browser. `bind` is a secret of that browser, which must send it back."""

    url: str
    state: str
    bind: str


@dataclass(frozen=True)
class Draft:
    """An authorised account that is not saved yet; `key` saves it, once, within half an hour."""

    key: str
    name: str
    account_id: str
    organisation: str
    account_email: str
    reconnects: str | None = None


class Connecting(UseCases):
    """The steps from a name and an agreement to a saved connection."""

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
        """Begin: return the address at Constant Contact where the account's owner allows access."""
        require(actor, Role.ADMINISTRATOR, "add connections")
        if not agree:
            raise BadInput("Connecting needs your agreement to data privacy and compliance.")
        old = self._ledger.connections.named(name) if reconnect else None
        if not reconnect:
            name = self._free_name(name)
        application = self._wiring.application()
        redirect = redirect_url or self._wiring.settings.redirect_url
        self._wiring.register_redirect(redirect)
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
        name = checked(name, "A connection needs a name of 1 to 200 characters.")
        if any(c.name == name for c in self._ledger.connections.all()):
            raise BadInput("A connection named {name} is already there; choose another name.", name=name)
        return name

    def finish(self, actor: Actor, *, state: str, bind: str, code: str = "", error: str = "") -> Draft:
        """Continue when the browser comes back: exchange the code, check the account, keep a draft.

        Raises `NotPermitted` for a state that is unknown, used, too old, or another browser's.
        """
        require(actor, Role.ADMINISTRATOR, "add connections")
        note = self._ledger.people.take_ticket(state, "oauth")
        if note is None or not hmac.compare_digest(note["bind"], bind) or note["actor"] != actor.name:
            raise NotPermitted(
                "This authorisation was started elsewhere, used before or is too old; start it again."
            )
        if error:
            raise BadInput(
                "Constant Contact was not authorised ({problem}); nothing was saved.", problem=error[:60]
            )
        accounts = self._wiring.accounts()
        tokens = accounts.exchange(code, redirect_url=note["redirect"], verifier=note["verifier"])
        account = accounts.account_with(tokens)
        privileges = account.privileges()
        if NEEDED_PRIVILEGE not in privileges:
            raise BadInput(
                "The person who allowed us in lacks the privilege {needed_privilege}: let an account "
                "owner or account manager of Constant Contact connect.",
                needed_privilege=NEEDED_PRIVILEGE,
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
        """Save the connection, the last step. Refuses to reconnect to another account unless confirmed."""
        require(actor, Role.ADMINISTRATOR, "add connections")
        kept = self._ledger.people.take_ticket(draft_key, "draft")
        if kept is None or kept["actor"] != actor.name:
            raise NotPermitted("This authorisation was saved before or is too old; start it again.")
        if kept["reconnects"]:
            return self._reconnected(actor, kept, confirm_other_account)
        now = self._ledger.clock()
        made = Connection(
            id=self._wiring.engine.new_id("connection"),
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
                "{name} was connected to another account ({organisation}); its lists do not exist in "
                "{organisation2}. Connect the same account, or add a new connection.",
                name=old.name,
                organisation=old.organisation,
                organisation2=kept["organisation"],
            )
        self._ledger.connections.store_tokens(old.id, kept["tokens"])
        changed = self._ledger.connections.change(
            old.id,
            state="connected",
            state_reason=NOTHING,
            privileges=kept["privileges"],
            account_id=kept["account_id"],
            organisation=kept["organisation"],
            account_email=kept["account_email"],
            agreed_by=actor.name,
            agreed_at=self._ledger.clock(),
            agreed_text=AGREEMENT,
            connected_by=actor.name,
            connected_at=self._ledger.clock(),
            export_person=actor.name,
        )
        self._ledger.audit.add(actor.name, "connection reconnected", old.name)
        return changed
