"""Identifiers and timestamps as they appear on the wire.

Owns the two-way function between a contact's row number and its uuid, so that a million contacts
need no index over random text. Must never touch the store.
"""

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone

# Odd, so it has an inverse modulo 2^32: neighbouring rows get ids that look unrelated.
_SPREAD = 2_654_435_761
_UNSPREAD = pow(_SPREAD, -1, 2**32)
_CONTACT = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-11ef-9c8a-fa163e6b01c1")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_EASTERN = timezone(timedelta(hours=-5))


def contact_id(account_no: int, no: int) -> str:
    """The uuid of a contact. Same as the SQL in `CONTACT_ID`."""
    return f"{(no * _SPREAD) & 0xFFFFFFFF:08x}-{account_no:04x}-11ef-9c8a-fa163e6b01c1"


CONTACT_ID = f"printf('%08x-%04x-11ef-9c8a-fa163e6b01c1', (c.no * {_SPREAD}) & 4294967295, c.account_no)"


def contact_no(account_no: int, text: str) -> int | None:
    """The row number behind a contact's uuid; None when it cannot be one of this account."""
    found = _CONTACT.fullmatch(text.lower())
    if not found or int(found[2], 16) != account_no:
        return None
    return (int(found[1], 16) * _UNSPREAD) & 0xFFFFFFFF


def new_id() -> str:
    """A fresh time-based uuid, as Constant Contact makes them."""
    return str(uuid.uuid1())


def stable_id(name: str) -> str:
    """The same uuid for the same name: for seeded things."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox:{name}"))


def is_uuid(value: object) -> bool:
    """Whether `value` is text in the form of a uuid."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def millis(at: float) -> str:
    """`2016-01-23T13:48:44.108Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(at: float) -> str:
    """`2016-01-23T13:48:44Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def eastern(at: float) -> str:
    """`2016-03-03T10:53:04-05:00`: the spec's own examples mix offsets and Z."""
    return datetime.fromtimestamp(at, _EASTERN).isoformat(timespec="seconds")


def day(at: float) -> str:
    """`2016-07-08`."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()
