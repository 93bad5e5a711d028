"""Sends a request with a token and a slot of the pace, and repeats it when that is safe.

The rules (docs/constant-contact.md): throttled or unreachable before sending: repeat. Lost answer
or a 5xx: repeat only when that is harmless. 401: one refresh and one replay. Everything
else: raise at once. Must never repeat a request that may have queued a job.
"""

import copy
from collections.abc import Callable
from typing import Protocol

from ccexport.constant_contact.answers import decipher
from ccexport.constant_contact.backoff import GiveUp, Patience
from ccexport.constant_contact.pacing import Pace
from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Answer, Lost, Request, Sink
from ccexport.errors import (
    ConstantContactDown,
    ConstantContactError,
    QuotaExceeded,
    ReconnectNeeded,
    Throttled,
)


class TokenSource(Protocol):
    """Provides the access token; see `tokens.TokenKeeper`."""

    def access_token(self, refused: str | None = None) -> str:
        """Return a token to send with; a different one than `refused`, which got a 401."""


class Sender:
    """Sends requests and returns good answers; raises an error of `ccexport.errors` for any other."""

    def __init__(self, transport: Transport, token: TokenSource, pace: Pace, patience: Patience) -> None:
        self._transport = transport
        self._token = token
        self._pace = pace
        self._patience = patience
        self._check: Callable[[], None] = lambda: None

    def checked(self, check: Callable[[], None]) -> "Sender":
        """Return a sender that calls `check` right before each request; an error from `check` stops the request."""
        other = copy.copy(self)
        other._check = check
        return other

    def send(self, request: Request) -> Answer:
        """Return the answer to `request`, after as many attempts as are safe for it."""
        return self._attempts(request, self._transport.send)

    def download(self, request: Request, sink: Sink) -> Answer:
        """As `send`, with the body written to `sink`; a broken download starts again from the beginning."""
        return self._attempts(request, lambda authorised: self._transport.download(authorised, sink))

    def _attempts(self, request: Request, put: Callable[[Request], Answer | Lost]) -> Answer:
        started, attempt, refused = self._patience.clock(), 0, None
        while True:
            token = self._token.access_token(refused)
            with self._pace(request.purpose):
                self._check()
                got = put(request.with_token(token))
            meant = decipher(got, request, self._patience.clock())
            if isinstance(meant, Answer):
                return meant
            if isinstance(meant, ReconnectNeeded) and refused is None:
                refused = token  # replayed once, with another token
                continue
            attempt += 1
            elapsed = (self._patience.clock() - started).total_seconds()
            self._wait_or_raise(meant, attempt, elapsed)

    def _wait_or_raise(self, trouble: ConstantContactError, attempt: int, elapsed: float) -> None:
        retry_after = trouble.evidence.get("retry_after")
        if isinstance(trouble, Throttled):
            self._pace.slow_down(max(1.0, retry_after or 0.0))
        if isinstance(trouble, QuotaExceeded):
            self._pace.day_is_over()
        if not isinstance(trouble, Throttled | ConstantContactDown):
            raise trouble
        decision = self._patience.decide(attempt, elapsed, retry_after)
        if isinstance(decision, GiveUp):
            raise trouble
        self._patience.sleep(decision.wait)
