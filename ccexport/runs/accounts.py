"""Joins the client to the ledger: one process at a time refreshes tokens, and all share one pace.

Must never hold a token longer than the call that needs it.
"""

import hashlib
import logging
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ccexport.constant_contact import pacing
from ccexport.constant_contact.account import Account
from ccexport.constant_contact.backoff import Patience
from ccexport.constant_contact.oauth import OAuthApp, Tokens
from ccexport.constant_contact.pacing import Pace, PaceState
from ccexport.constant_contact.tokens import FreshToken, TokenEndpoint, TokenKeeper
from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Purpose
from ccexport.errors import ConstantContactDown, ReconnectNeeded, StoreTrouble
from ccexport.ledger import Ledger

log = logging.getLogger(__name__)
LOCK_SECONDS = 60.0
LOCK_STEP = 0.2


@dataclass(frozen=True)
class Application:
    """The application's OAuth registration and the addresses it uses. The secret is empty for PKCE."""

    api_url: str
    auth_url: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"<application {self.client_id[:4]}… at {self.api_url}>"


class Accounts:
    """Makes the `Account` of a connection; there is one factory per process."""

    def __init__(
        self,
        application: Application,
        ledger: Ledger,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._application = application
        self._ledger = ledger
        self._clock = clock
        self._sleep = sleep
        self._transport = Transport()
        self._patience = Patience(clock=clock, sleep=sleep)
        self._pace = SharedPace(ledger, application.client_id, clock=clock, sleep=sleep)
        self._endpoint = TokenEndpoint(self._transport, oauth_app(application), self._patience)

    def exchange(self, code: str, *, redirect_url: str, verifier: str | None) -> Tokens:
        """Return the tokens for the code that the browser brought back."""
        return self._endpoint.exchange(code, redirect_url=redirect_url, verifier=verifier)

    def account(self, connection_id: str) -> Account:
        """Return the account of a stored connection. Only one process at a time refreshes its tokens."""
        keeper = TokenKeeper(
            read=lambda: self._stored(connection_id),
            locked=lambda: self._locked(connection_id),
            refresh=self._endpoint.refresh,
            clock=self._clock,
        )
        return self._made(keeper)

    def account_with(self, tokens: Tokens) -> Account:
        """Return an account for tokens that are not stored yet."""
        return self._made(FreshToken(tokens))

    def _made(self, token: Any) -> Account:
        return Account(
            transport=self._transport,
            api_url=self._application.api_url,
            token=token,
            pace=self._pace.pace,
            patience=self._patience,
        )

    def requests_today(self) -> int:
        """Return how many of this API key's 10,000 requests a day are used."""
        return self._pace.used_today()

    def close(self) -> None:
        self._transport.close()

    def _stored(self, connection_id: str) -> Tokens:
        kept = self._ledger.connections.tokens(connection_id)
        if not kept:
            raise ReconnectNeeded("This connection has no tokens any more; connect it again.")
        return Tokens.from_json(kept)

    @contextmanager
    def _locked(self, connection_id: str) -> Iterator["_Slot"]:
        """Let one caller at a time refresh the tokens, across threads and processes."""
        name = f"token:{connection_id}"
        holder = f"{threading.get_ident()}-{id(object())}-{self._clock().timestamp()}"
        waited = 0.0
        while not self._ledger.leases.take(name, holder, seconds=LOCK_SECONDS):
            if waited > 2 * LOCK_SECONDS:
                raise ConstantContactDown("Another process has been refreshing this connection for too long.")
            self._sleep(LOCK_STEP)
            waited += LOCK_STEP
        try:
            yield _Slot(self, self._ledger, connection_id)
        finally:
            self._ledger.leases.drop(name, holder)


@dataclass(frozen=True)
class _Slot:
    accounts: Accounts
    ledger: Ledger
    connection_id: str

    def read(self) -> Tokens:
        return self.accounts._stored(self.connection_id)

    def store(self, tokens: Tokens) -> None:
        self.ledger.connections.store_tokens(self.connection_id, tokens.as_json())


class SharedPace:
    """The pace of one API key. Its state is a row in the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        client_id: str,
        *,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
    ) -> None:
        self._ledger = ledger
        self._key = hashlib.sha256(client_id.encode()).hexdigest()
        self._clock = clock
        self._sleep = sleep
        self.pace = Pace(
            self._take,
            sleep=self._wait,
            enter=self._enter,
            answered=self._answered,
            slow_down=self._slow_down,
            day_is_over=lambda: self._change(pacing.use_up),
        )

    def _take(self, purpose: Purpose) -> float:
        def step(kept: dict[str, Any] | None, now: datetime) -> tuple[dict[str, Any], float]:
            granted = pacing.slot_or_raise(pacing.decide(_state(kept, now), now, purpose))
            return _row(granted.state), granted.wait

        return self._ledger.pace.change(self._key, step)

    def _wait(self, seconds: float) -> None:
        """Wait for the slot, then count the next slot from the moment this one is used.

        If the sleep takes too long, two requests would otherwise be closer together than the spacing.
        """
        self._sleep(seconds)
        self._change(lambda state, now: pacing.used_at(state, now))

    def _enter(self) -> str:
        """Wait until fewer than four other requests may arrive in this second; return the ticket.

        The time slept counts as passed even if the clock was set back.
        """
        ticket, not_before = secrets.token_hex(4), datetime.min.replace(tzinfo=UTC)

        def step(kept: dict[str, Any] | None, now: datetime) -> tuple[dict[str, Any], tuple[float, datetime]]:
            now = max(now, not_before)
            entered = pacing.enter(_state(kept, now), now, ticket)
            return _row(entered.state), (entered.wait, now)

        while True:
            wait, now = self._ledger.pace.change(self._key, step)
            if wait <= 0:
                return ticket
            self._sleep(wait)
            not_before = now + timedelta(seconds=wait)

    def _answered(self, ticket: str) -> None:
        """Record that the request was answered. Never raises: a ledger error must not lose the answer.

        A ticket that is not recorded as answered expires.
        """
        try:
            self._change(lambda state, now: pacing.answered(state, now, ticket))
        except StoreTrouble as error:
            log.warning("the pace could not be told of an answer: %s", error.log)

    def _slow_down(self, seconds: float) -> None:
        self._change(lambda state, now: pacing.penalise(state, now, seconds))

    def _change(self, change: Callable[[PaceState, datetime], PaceState]) -> None:
        def step(kept: dict[str, Any] | None, now: datetime) -> tuple[dict[str, Any], None]:
            return _row(change(_state(kept, now), now)), None

        self._ledger.pace.change(self._key, step)

    def used_today(self) -> int:
        state = _state(self._ledger.pace.read(self._key), self._clock())
        return state.used if state.day == self._clock().date() else 0


def _state(kept: dict[str, Any] | None, now: datetime) -> PaceState:
    if kept is None:
        return pacing.fresh_state(now)
    day = datetime.fromisoformat(kept["day"]).date()
    on_the_way = {t: datetime.fromisoformat(until) for t, until in kept.get("on_the_way", {}).items()}
    return PaceState(datetime.fromisoformat(kept["free_at"]), day, kept["used"], on_the_way)


def _row(state: PaceState) -> dict[str, Any]:
    return {
        "free_at": state.free_at.isoformat(),
        "day": state.day.isoformat(),
        "used": state.used,
        "on_the_way": {ticket: until.isoformat() for ticket, until in state.on_the_way.items()},
    }


def oauth_app(application: Application) -> OAuthApp:
    """Return the application in the form that the OAuth functions take."""
    return OAuthApp(
        client_id=application.client_id,
        auth_url=application.auth_url,
        client_secret=application.client_secret,
    )
