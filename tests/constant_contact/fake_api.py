"""A hand-written stand-in for the network: a queue of answers, and a record of what was asked.

Every API request that reaches it is checked against the vendor's request schemas, so no test can
pass with a request that the documentation does not allow.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from ccexport.constant_contact.account import Account
from ccexport.constant_contact.backoff import Patience
from ccexport.constant_contact.oauth import Tokens
from ccexport.constant_contact.pacing import Pace
from ccexport.constant_contact.transport import Transport

from .schemas import check_request

API = "https://api.cc.email/v3"
AUTH = "https://authz.constantcontact.com/oauth2/default/v1"
LIST = "5bbf758c-d8ce-11e9-8d3a-fa163e56c9b0"
JOB = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"
NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)

Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class FakeApi(httpx.BaseTransport):
    """Gives the queued replies in order; an exception is raised as the network would."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.seen: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.seen.append(request)
        if request.url.host == "api.cc.email":
            check_request(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply(request) if callable(reply) else reply

    @property
    def asked(self) -> list[str]:
        """Method, path and query of each request."""
        return [f"{r.method} {r.url.raw_path.decode()}" for r in self.seen]


@dataclass
class Clock:
    """A clock that moves only when somebody sleeps."""

    now: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class OneToken:
    """A token source without a refresher; `after_refusal` is what a 401 leads to."""

    def __init__(self, token: str = "token-1", after_refusal: str = "token-2") -> None:
        self.token, self.after_refusal = token, after_refusal
        self.refused: list[str | None] = []

    def access_token(self, refused: str | None = None) -> str:
        self.refused.append(refused)
        return self.token if refused is None else self.after_refusal


@dataclass
class Bench:
    """An account on a fake network, with everything that happened to it."""

    api: FakeApi
    account: Account
    clock: Clock
    token: OneToken
    taken: list[str]
    slowed: list[float]


def bench(*replies: Reply, patience: Patience | None = None, api: FakeApi | None = None) -> Bench:
    """An account whose requests get these replies."""
    api, clock, token = api or FakeApi(*replies), Clock(), OneToken()
    taken: list[str] = []
    slowed: list[float] = []

    def take(purpose: str) -> float:
        taken.append(purpose)
        return 0.0

    pace = Pace(take, sleep=clock.sleep, slow_down=slowed.append, day_is_over=lambda: slowed.append(-1))
    patience = patience or Patience(clock=clock, sleep=clock.sleep, random=lambda: 1.0)
    account = Account(transport=Transport(wire=api), api_url=API, token=token, pace=pace, patience=patience)
    return Bench(api, account, clock, token, taken, slowed)


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    """A JSON answer; text is sent as it is."""
    content = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
    return httpx.Response(
        status, content=content, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def job(state: str = "initialized", **more: Any) -> dict[str, Any]:
    """An activity as the vendor shows it."""
    return {
        "activity_id": JOB,
        "state": state,
        "created_at": "2026-11-23T20:00:01.120Z",
        "activity_errors": [],
        "status": {"items_total_count": 0, "person_count": 0},
        "_links": {"self": {"href": f"/v3/activities/{JOB}"}},
    } | more


def tokens(name: str = "1", *, seconds: float = 86_400, now: datetime = NOW) -> Tokens:
    """A pair of tokens that live so long from now."""
    return Tokens(f"access-{name}", f"refresh-{name}", now + timedelta(seconds=seconds), seconds)


THROTTLED = {"error_key": "throttled", "error_message": "Too Many Requests"}
QUOTA = {"error_key": "quota_exceeded", "error_message": "Limit Exceeded"}
UNAUTHORIZED = {"error_key": "unauthorized", "error_message": "Unauthorized"}
