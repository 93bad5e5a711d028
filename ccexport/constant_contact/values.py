"""Constant Contact's objects as frozen values, read tolerantly.

Most keys may be missing, null or of a similar shape; only ids are required. Must never
do I/O, and never guess a value that was not sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ccexport.errors import ConstantContactError
from ccexport.messages import message
from ccexport.model.contact_lists import ContactList, CustomField
from ccexport.model.words import ACTIVITY_COMPLETED, ACTIVITY_FAILED

COUNTS = ("total", "explicit", "implicit", "pending", "unsubscribed")


@dataclass(frozen=True)
class Activity:
    """One asynchronous job. An unknown state means "keep polling".

    `counters` holds the numbers exactly as named by the vendor: `items_total_count` counts
    the header row, `person_count` the contacts. https://developer.constantcontact.com/api_guide/activity_status.html
    """

    id: str
    state: str
    counters: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    created_at: datetime | None = None
    percent_done: int | None = None
    file_name: str | None = None

    @property
    def finished(self) -> bool:
        """Whether it completed, which does not mean that every row was imported."""
        return self.state == ACTIVITY_COMPLETED

    @property
    def failed(self) -> bool:
        """Whether it ended badly: failed, timed out or cancelled."""
        return self.state in ACTIVITY_FAILED

    @property
    def ended(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.finished or self.failed


@dataclass(frozen=True, repr=False)
class AccountSummary:
    """Whose account this is. `account_id` shows when a reconnection is to another account."""

    account_id: str
    organisation: str
    email: str
    country: str = ""
    time_zone: str = ""
    website: str = ""

    def __repr__(self) -> str:
        return f"<account {self.account_id}>"


@dataclass(frozen=True, repr=False)
class ListedContact:
    """One contact as a list shows it. `address` is None for contacts with a phone number only."""

    id: str
    address: str | None
    permission: str
    lists: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<contact {self.id} {self.permission}>"


def read_activity(raw: Any) -> Activity:
    """Read an activity from a 201, a collection or a single read; they are alike."""
    raw = _object(raw)
    return Activity(
        id=_id(raw, "activity_id"),
        state=_text(raw, "state").strip().lower() or "initialized",
        counters=_counters(raw.get("status")),
        errors=tuple(_messages(raw.get("activity_errors"))),
        created_at=read_time(raw.get("created_at")),
        percent_done=_number(raw.get("percent_done")),
        file_name=_text(raw, "source_file_name") or None,
    )


def read_list(raw: Any) -> ContactList:
    """Read a contact list."""
    raw = _object(raw)
    return ContactList(
        id=_id(raw, "list_id"),
        name=_text(raw, "name"),
        members=_number(raw.get("membership_count")),
        description=_text(raw, "description"),
        created_at=read_time(raw.get("created_at")),
        updated_at=read_time(raw.get("updated_at")),
        deleted=bool(raw.get("deleted_at")),
    )


def read_custom_field(raw: Any) -> CustomField:
    """Read a custom field."""
    raw = _object(raw)
    choices = (_text(c, "choice_label") for c in _list(raw.get("choices")) if isinstance(c, dict))
    return CustomField(
        id=_id(raw, "custom_field_id"),
        label=_text(raw, "label"),
        name=_text(raw, "name"),
        type=_text(raw, "type"),
        choices=tuple(choices),
    )


def read_summary(raw: Any) -> AccountSummary:
    """Read the account. Its id is required, because connections are kept apart by it."""
    raw = _object(raw)
    return AccountSummary(
        account_id=_id(raw, "encoded_account_id"),
        organisation=_text(raw, "organization_name"),
        email=_text(raw, "contact_email"),
        country=_text(raw, "country_code"),
        time_zone=_text(raw, "time_zone_id"),
        website=_text(raw, "website"),
    )


def read_counts(raw: Any) -> dict[str, int]:
    """Read the contact counts by the vendor's words; a missing count is zero."""
    numbers = _counters(_object(raw))
    return {name: numbers.get(name, 0) for name in COUNTS}


def active_contacts(counts: Mapping[str, int]) -> int:
    """Return the number of contacts that are probably billed; the vendor does not publish the sum."""
    return counts["explicit"] + counts["implicit"] + counts["pending"]


def read_contact(raw: Any) -> ListedContact:
    """Read a contact; `email_address` is absent for contacts known by phone only."""
    raw = _object(raw)
    email = raw.get("email_address")
    email = email if isinstance(email, dict) else {}
    return ListedContact(
        id=_id(raw, "contact_id"),
        address=_text(email, "address") or None,
        permission=_text(email, "permission_to_send"),
        lists=tuple(str(one) for one in _list(raw.get("list_memberships"))),
    )


def read_time(raw: Any) -> datetime | None:
    """Read a moment in UTC from ISO 8601 with `Z` or an offset, with or without fractions; None if unreadable.

    A moment without a zone is taken as UTC.
    """
    if not isinstance(raw, str):
        return None
    try:
        moment = datetime.fromisoformat(raw.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _object(raw: Any) -> Mapping[str, Any]:
    if isinstance(raw, dict):
        return raw
    raise ConstantContactError(
        "Constant Contact's answer is not what its documentation says. Try again later; if it stays, "
        "look for news at https://status.constantcontact.com.",
        log=f"expected a JSON object, got {type(raw).__name__}",
    )


def _id(raw: Mapping[str, Any], key: str) -> str:
    found = _text(raw, key)
    if found:
        return found
    raise ConstantContactError(
        message("Constant Contact's answer has no {key}. Try again later.", key=key),
        log=f"answer without {key}",
    )


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return str(value) if isinstance(value, str | int) else ""


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _number(raw: Any) -> int | None:
    """Read a whole number, also one that came as text or with a decimal point."""
    if isinstance(raw, str) and raw.strip().isdecimal():
        return int(raw)
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def _counters(raw: Any) -> dict[str, int]:
    numbers = {str(k): _number(v) for k, v in (raw if isinstance(raw, dict) else {}).items()}
    return {k: v for k, v in numbers.items() if v is not None}


def _messages(raw: Any) -> Iterable[str]:
    """Strings in the specification, `{"message"}` in a similar schema, absent in older answers."""
    for one in _list(raw):
        text = one.get("message") if isinstance(one, dict) else one
        if isinstance(text, str) and text:
            yield text
