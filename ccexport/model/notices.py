"""Notices and their recipients, as values. No notice holds an address of a contact or a token.

Must never send anything.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ccexport.messages import NOTHING, Message


class NoticeEvent(StrEnum):
    """The event of a notice: a change of state, not a run."""

    FAILED = "failed"
    BLOCKED = "blocked"
    WAITING = "waiting"
    REJECTS = "rejects"
    RECOVERED = "recovered"
    SIZE = "size"
    TEST = "test"


class Channel(StrEnum):
    """How a notice is delivered."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack"


class NoticeState(StrEnum):
    """The state of a notice in the outbox; `given_up` after every attempt failed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Subscriber:
    """A recipient of notices about one export, one connection (and the exports on it), or everything.

    The destination is stored sealed (a Slack address is a secret); `label` is the part that may be shown.
    """

    id: str
    channel: Channel
    label: str
    export_id: str | None
    connection_id: str | None
    events: tuple[NoticeEvent, ...]
    created_by: str
    created_at: datetime


@dataclass(frozen=True)
class Destination:
    """Where a subscriber is reached. `secret` signs webhooks. Must never be shown or logged."""

    address: str
    secret: str = ""

    def __repr__(self) -> str:
        return "<destination>"


@dataclass(frozen=True)
class Notice:
    """One message to one recipient: `subscriber:<id>` or `person:<name>`."""

    id: str
    recipient: str
    label: str
    event: NoticeEvent
    subject: str
    title: str
    text: str
    created_at: datetime
    state: NoticeState = NoticeState.PENDING
    attempts: int = 0
    next_at: datetime | None = None
    delivered_at: datetime | None = None
    error: Message = NOTHING


_ADDRESS = re.compile(r"[^\s<>\"'(),;:=]+(?:@|%40)[^\s<>\"'(),;:=]+", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?i)\b(bearer\s+|access_token\W+|refresh_token\W+)[\w.~+/-]{8,}|\beyJ[\w-]{10,}\.[\w.-]+"
)


def scrubbed(text: str) -> str:
    """Return the text without anything that looks like an address or a token."""
    return _TOKEN.sub("…", _ADDRESS.sub("…", text))
