"""Keeps one connection's access token valid: one refresher at a time, and tokens are stored before use.

A rotating refresh token works once. Losing its successor (two refreshers, or a crash between
receiving and storing) ends the connection, so the caller provides a lock, and the tokens are
read again inside it. Must never store anything itself, nor try again after `invalid_grant`.
https://developer.constantcontact.com/api_guide/auth_overview.html
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from ccexport.constant_contact.backoff import GiveUp, Patience
from ccexport.constant_contact.oauth import (
    OAuthApp,
    Tokens,
    exchange_request,
    read_token_answer,
    refresh_request,
)
from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Request
from ccexport.errors import ConstantContactDown, ReconnectNeeded, Throttled

# Refresh when fewer than five minutes remain, or less than a fifth of a short lifetime.
MARGIN = 300.0
# Others wait for the lock meanwhile, and a lock across processes is a lease that expires: all attempts
# together, the last one's timeouts included, must end well within a minute.
REFRESH_ATTEMPTS = 4
REFRESH_SECONDS = 20.0
# The vendor's support says once a second: https://community.constantcontact.com (token endpoint).
TOKEN_SPACING = 1.0


class TokenSlot(Protocol):
    """The stored tokens of one connection, held under its lock across processes."""

    def read(self) -> Tokens:
        """Return the tokens as stored now."""

    def store(self, tokens: Tokens) -> None:
        """Store the tokens durably before returning."""


class TokenKeeper:
    """The `TokenSource` of one connection.

    `read` returns the stored tokens without a lock; `locked` gives a `TokenSlot` under the lock;
    `refresh` turns a refresh token into new tokens (see `TokenEndpoint.refresh`).
    """

    def __init__(
        self,
        read: Callable[[], Tokens],
        locked: Callable[[], AbstractContextManager[TokenSlot]],
        refresh: Callable[[str], Tokens],
        clock: Callable[[], datetime],
    ) -> None:
        self._read = read
        self._locked = locked
        self._refresh = refresh
        self._clock = clock

    def access_token(self, refused: str | None = None) -> str:
        """Return a token to send with. Raises `ReconnectNeeded` when only a person can help.

        `refused` is the token that got a 401: when the stored token is already another one, that
        one is returned without a refresh.
        """
        tokens = self._read()
        if not self._good(tokens, refused):
            with self._locked() as slot:
                tokens = slot.read()
                if not self._good(tokens, refused):
                    tokens = self._refresh(tokens.refresh_token)
                    slot.store(tokens)
        return tokens.access_token

    def _good(self, tokens: Tokens, refused: str | None) -> bool:
        remaining = (tokens.expires_at - self._clock()).total_seconds()
        return tokens.access_token != refused and remaining > min(MARGIN, tokens.lifetime / 5)


class FreshToken:
    """The `TokenSource` of an account that is being connected: its tokens are not stored yet."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def access_token(self, refused: str | None = None) -> str:
        """Return the token as received; it cannot be renewed before it is stored."""
        if refused is not None:
            raise ReconnectNeeded(
                "Constant Contact does not accept the token it has just given. Connect the account again."
            )
        return self._tokens.access_token


class TokenEndpoint:
    """The token endpoint, asked at most once a second by this process."""

    def __init__(self, transport: Transport, app: OAuthApp, patience: Patience = Patience()) -> None:
        self._transport = transport
        self._app = app
        self._patience = replace(
            patience,
            attempts=min(patience.attempts, REFRESH_ATTEMPTS),
            total=min(patience.total, REFRESH_SECONDS),
        )
        self._turn = threading.Lock()
        self._last: datetime | None = None

    def exchange(self, code: str, *, redirect_url: str, verifier: str | None = None) -> Tokens:
        """Return the tokens for a code. The first try spends the code, so only a 429 is tried again, once.

        A 429 is answered before the code is looked at; people can meet it while they connect.
        """
        request = exchange_request(self._app, code, redirect_url=redirect_url, verifier=verifier)
        try:
            return self._ask(request, None)
        except Throttled as trouble:
            self._patience.sleep(max(TOKEN_SPACING, trouble.evidence.get("retry_after") or 0.0))
            return self._ask(request, None)

    def refresh(self, refresh_token: str) -> Tokens:
        """Return new tokens. Repeats the request after an error.

        If the answer was lost after the token was rotated, repeating does no harm; otherwise it saves the connection.
        """
        started, attempt = self._patience.clock(), 0
        while True:
            try:
                return self._ask(refresh_request(self._app, refresh_token), refresh_token)
            except (Throttled, ConstantContactDown) as trouble:
                attempt += 1
                elapsed = (self._patience.clock() - started).total_seconds()
                decision = self._patience.decide(attempt, elapsed, trouble.evidence.get("retry_after"))
                if isinstance(decision, GiveUp):
                    raise
                self._patience.sleep(decision.wait)

    def _ask(self, request: Request, previous: str | None) -> Tokens:
        with self._turn:
            self._wait_for_the_second()
            got = self._transport.send(request)
            self._last = self._patience.clock()
        return read_token_answer(got, self._last, previous=previous)

    def _wait_for_the_second(self) -> None:
        if self._last is not None:
            since = (self._patience.clock() - self._last).total_seconds()
            if 0 <= since < TOKEN_SPACING:
                self._patience.sleep(TOKEN_SPACING - since)
