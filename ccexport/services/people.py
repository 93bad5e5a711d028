"""People, signing in and web sessions. Owns the limits on failed attempts.

Must never keep a password or a session id, only their hashes.
"""

import json
import secrets
import string
from collections.abc import Mapping, Sequence
from datetime import timedelta
from hmac import compare_digest
from typing import Any

from ccexport.errors import BadInput, Conflict, NotPermitted
from ccexport.ledger.people import Limits, digest
from ccexport.model.exports import Actor
from ccexport.model.people import Person
from ccexport.model.words import Role
from ccexport.profiles.addresses import normalise_address
from ccexport.services.access import require
from ccexport.services.naming import checked, skeleton
from ccexport.services.passwords import fits, hashed
from ccexport.services.wiring import UseCases

LONGEST_NAME = 120
LIMITS = Limits(pair=5, origin=20, window=timedelta(minutes=15))
RESERVED = frozenset(
    {"demo", "schedule", "setup", "system", "worker", "unknown"}
)  # names that the audit uses for the program itself
SESSION_HOURS = 8
TICKET_SECONDS = 30
IDENTITY_SECONDS = 300  # how old an OpenID provider's statement may be


class PeopleUseCases(UseCases):
    """Who may sign in, and signing in itself."""

    # -- administration -------------------------------------------------------------------------

    def add(
        self, actor: Actor, name: str, *, role: Role, password: str, display_name: str = "", email: str = ""
    ) -> Person:
        """Add a person. Administrators only. Raises `BadInput` for a weak password or a taken name."""
        require(actor, Role.ADMINISTRATOR, "add people")
        made = self._ledger.people.add(
            self._free(_name(name)),
            display_name=_shown(display_name or name),
            role=role,
            password_hash=hashed(password, name, display_name, email),
            email=self._free_email(email, _name(name)),
        )
        self._ledger.audit.add(actor.name, "person added", made.name, {"role": role})
        return made

    def change_role(self, actor: Actor, name: str, role: Role) -> Person:
        require(actor, Role.ADMINISTRATOR, "change roles")
        self._keep_an_administrator(name, losing=role is not Role.ADMINISTRATOR)
        before = self._ledger.people.get(name).role
        changed = self._ledger.people.change(name, role=role)
        self._ledger.audit.add(actor.name, "role changed", name, {"before": before, "after": role})
        return changed

    def disable(self, actor: Actor, name: str, *, disabled: bool = True) -> Person:
        """Disable a person, or enable them with `disabled=False`. Disabling ends their sessions and tokens at once."""
        require(actor, Role.ADMINISTRATOR, "disable people")
        self._keep_an_administrator(name, losing=disabled)
        changed = self._ledger.people.change(name, disabled=disabled)
        if disabled:
            self._ledger.tokens.revoke_of(name)
        self._ledger.audit.add(actor.name, "person disabled" if disabled else "person enabled", name)
        return changed

    def set_password(self, actor: Actor, name: str, password: str) -> None:
        """Set one's own password, or anybody's as an administrator; ends that person's sessions."""
        if actor.name != name:
            require(actor, Role.ADMINISTRATOR, "set other people's passwords")
        self._ledger.people.change(name, password_hash=hashed(password, name))
        self._ledger.audit.add(actor.name, "password changed", name)

    def list(self, actor: Actor) -> Sequence[Person]:
        require(actor, Role.ADMINISTRATOR, "see the list of people")
        return self._ledger.people.all()

    def anybody(self) -> bool:
        """Whether at least one person can sign in."""
        return not all(person.disabled for person in self._ledger.people.all())

    def _keep_an_administrator(self, name: str, *, losing: bool) -> None:
        others = [
            p
            for p in self._ledger.people.all()
            if p.role is Role.ADMINISTRATOR and not p.disabled and p.name != name
        ]
        if losing and not others and self._ledger.people.get(name).role is Role.ADMINISTRATOR:
            raise BadInput("{name} is the only administrator; make somebody else one first.", name=name)

    # -- the first administrator ----------------------------------------------------------------

    def setup_code(self) -> str | None:
        """Return a one-time code for the console when nobody can sign in yet; None otherwise."""
        if self.anybody():
            return None
        code = "-".join("".join(secrets.choice(string.digits) for _ in range(4)) for _ in range(4))
        self._ledger.people.put_ticket(code, "setup", {}, seconds=24 * 3600)
        return code

    def set_up(self, code: str, name: str, password: str) -> Person:
        """Make the first administrator. Raises `NotPermitted` for a wrong code."""
        password_hash = hashed(password, name)
        if self.anybody() or self._ledger.people.take_ticket(code.strip(), "setup") is None:
            raise NotPermitted("That code is not right or was used; the console shows the one that is.")
        made = self._ledger.people.add(
            self._free(_name(name)), display_name=name, role=Role.ADMINISTRATOR, password_hash=password_hash
        )
        self._ledger.audit.add(made.name, "first administrator", made.name)
        return made

    # -- signing in -----------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, *, origin: str) -> Person:
        """Return the person. Raises `NotPermitted`, with the same text after the same time, for any wrong pair.

        Attempts are counted before the check, by person and origin and by origin, so that nobody can lock
        another person out from elsewhere.
        """
        name = name.strip().lower()
        if len(name) > LONGEST_NAME:
            fits(password, None)
            raise NotPermitted("That name and password do not fit; nothing was changed.")
        tried = self._ledger.people.attempt(name, origin, LIMITS)
        if tried.beyond:
            raise NotPermitted("Too many sign-ins failed from here; try again later.")
        person = self._ledger.people.find(name)
        right = fits(password, person)
        if person is None or not right or person.disabled:
            self._failed(person, origin, locked=tried.locked_until is not None)
            raise NotPermitted("That name and password do not fit; nothing was changed.")
        if tried.locked_until and not self._ledger.people.has_session(name):
            self._failed(person, origin, locked=True)
            raise NotPermitted(
                "Too many sign-ins failed from here; sign in after {until}.", until=tried.locked_until
            )
        self._ledger.people.forget_attempts(name, origin)
        self._ledger.audit.add(name, "signed in", name, {"origin": origin})
        return person

    def _failed(self, person: Person | None, origin: str, *, locked: bool) -> None:
        """Audit a failure. An unknown name is not kept: people type passwords into that field."""
        who = person.name if person else "unknown"
        self._ledger.audit.add(who, "sign-in locked" if locked else "sign-in failed", who, {"origin": origin})

    def confirm_password(self, actor: Actor, password: str, *, origin: str) -> None:
        """Check the actor's password before an important step. Raises `NotPermitted`.

        Only failures of this session count.
        """
        here = f"session {actor.session[:32]}" if actor.session else origin
        tried = self._ledger.people.attempt(actor.name, here, LIMITS)
        if tried.locked_until:
            raise NotPermitted("Too many failed attempts; try again after {until}.", until=tried.locked_until)
        person = self._ledger.people.find(actor.name)
        if person is None or not fits(password, person):
            self._failed(person, origin, locked=False)
            raise NotPermitted("That is not your password; nothing was changed.")
        self._ledger.people.forget_attempts(actor.name, here)

    def sign_in_as(self, claims: Mapping[str, Any], *, origin: str) -> Person | None:
        """Return the person of an OpenID identity; None when the identity was used before or is too old.

        The person must exist, be enabled and have this verified e-mail address; none is created. Raises
        `NotPermitted` when there is no such person.
        """
        age = self._ledger.clock().timestamp() - float(claims.get("iat") or 0)
        if not -IDENTITY_SECONDS < age < IDENTITY_SECONDS or not self._first_use(claims):
            return None
        email = str(claims.get("email") or "").strip().lower()
        if not email or claims.get("email_verified") is not True:
            raise NotPermitted(
                "The provider does not say that your e-mail address is verified; sign in by name."
            )
        found = [p for p in self._ledger.people.all() if p.email.lower() == email and not p.disabled]
        if len(found) != 1:
            self._failed(None, origin, locked=False)
            raise NotPermitted("Nobody here has the e-mail address of that account. Ask an administrator.")
        self._ledger.audit.add(found[0].name, "signed in", found[0].name, {"by": "openid"})
        return found[0]

    def _first_use(self, claims: Mapping[str, Any]) -> bool:
        """Whether this identity is used for the first time: a copied cookie must not sign in again."""
        mark = json.dumps({k: claims.get(k) for k in ("iss", "sub", "iat", "nonce", "at_hash")})
        try:
            self._ledger.people.put_ticket(mark, "identity", {}, seconds=3 * IDENTITY_SECONDS)
        except Conflict:  # the identity was used before
            return False
        return True

    def set_email(self, actor: Actor, name: str, email: str) -> Person:
        """Set the e-mail address that an OpenID provider must confirm; empty for none. Administrators only."""
        require(actor, Role.ADMINISTRATOR, "change people")
        changed = self._ledger.people.change(name, email=self._free_email(email, name))
        self._ledger.audit.add(actor.name, "e-mail address changed", name)
        return changed

    def _free(self, name: str) -> str:
        if name in RESERVED:
            raise BadInput("The name {name} is kept for the program itself; choose another.", name=name)
        alike = skeleton(name)
        for person in self._ledger.people.all():
            if person.name != name and skeleton(person.name) == alike:
                raise BadInput(
                    "That name looks like {name}, who is there already; choose another.", name=person.name
                )
        return name

    def _free_email(self, email: str, name: str) -> str:
        if not email.strip():
            return ""
        address, _, sentence = normalise_address(email)
        if address is None:
            raise BadInput("That is not an e-mail address: {problem}", problem=sentence)
        if any(p.email.lower() == address and p.name != name for p in self._ledger.people.all()):
            raise BadInput("Another person has that e-mail address.")
        return address

    def ticket(self, person: Person, payload: Mapping[str, Any], *, browser: str = "") -> str:
        """Return a single-use ticket, valid for seconds, that the cookie route exchanges for a session.

        It is valid only in the browser that signed in: `browser` is a secret that only this browser has.
        """
        secret = secrets.token_urlsafe(32)
        self._ledger.people.put_ticket(
            secret,
            "sign-in",
            dict(payload) | {"person": person.name, "browser": digest(browser)},
            seconds=TICKET_SECONDS,
        )
        return secret

    def redeem(self, ticket: str, *, browser: str = "") -> tuple[str, Mapping[str, Any]] | None:
        """Return (session secret for the cookie, payload), once; None for a bad ticket or another browser."""
        payload = self._ledger.people.take_ticket(ticket, "sign-in")
        if payload is None or not compare_digest(payload["browser"], digest(browser)):
            return None
        person = self._ledger.people.find(payload["person"])
        if person is None or person.disabled:
            return None
        secret = secrets.token_urlsafe(32)
        self._ledger.people.start_session(payload["person"], secret, hours=SESSION_HOURS)
        return secret, payload

    def signed_in(self, session_secret: str | None) -> Actor | None:
        """Return the actor of a session cookie, with the current role; None when there is none."""
        person = self._ledger.people.session_person(session_secret) if session_secret else None
        return Actor(person.name, person.role, digest(session_secret)) if person and session_secret else None

    def sign_out(self, session_secret: str) -> None:
        person = self._ledger.people.session_person(session_secret)
        self._ledger.people.end_session(session_secret)
        if person is not None:
            self._ledger.audit.add(person.name, "signed out", person.name)

    def sign_out_everywhere(self, actor: Actor, name: str) -> None:
        """End all of one's own sessions, or anybody's as an administrator."""
        if actor.name != name:
            require(actor, Role.ADMINISTRATOR, "sign other people out")
        self._ledger.people.end_sessions(name)
        self._ledger.audit.add(actor.name, "signed out everywhere", name)


def _shown(name: str) -> str:
    return checked(name, "A full name has 1 to 200 characters.")


def _name(name: str) -> str:
    name = name.strip().lower()
    if not name or not all(c.isalnum() or c in "._-@" for c in name) or len(name) > 120:
        raise BadInput("A person's name may have letters, digits and . _ - @, at most 120 of them.")
    return name
