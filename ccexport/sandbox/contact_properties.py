"""The properties of a contact in a request body: checked, and in the form in which the store keeps them.

Owns their lengths and words (spec of ContactPostRequest). Must never write.
"""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from ccexport.sandbox.answers import invalid
from ccexport.sandbox.call import Call, text, uuids

PHONE_KINDS = ("home", "work", "mobile", "other")
ADDRESS_KINDS = ("home", "work", "other")
_TEXTS = ("first_name", "last_name", "job_title", "company_name")
_ADDRESS = {"street": 255, "city": 50, "state": 50, "postal_code": 50, "country": 50}
_NOT_KEPT = ("notes", "sms_channel")
_ANNIVERSARY = re.compile(r"(?:(\d{4})[-/](\d{1,2})[-/](\d{1,2})|(\d{1,2})[-/](\d{1,2})[-/](\d{4}))")


@dataclass(frozen=True)
class Subresources:
    """What one body says about the parts of a contact; None where it says nothing."""

    fields: dict[str, Any]
    list_ids: list[str] | None
    tag_numbers: list[int] | None


def plain_properties(told: Mapping[str, Any]) -> dict[str, Any]:
    """Names, birthday and anniversary; what is absent or blank is None. Raises 400 by name."""
    found: dict[str, Any] = {name: text(told.get(name), name, most=50) or None for name in _TEXTS}
    month, day = (_whole(told, f"birthday_{part}", most) for part, most in (("month", 12), ("day", 31)))
    if (month is None) != (day is None):
        raise invalid("birthday_month and birthday_day must be given together")
    return found | {"birthday_month": month, "birthday_day": day, "anniversary": _anniversary(told)}


def subresources(
    db: sqlite3.Connection, call: Call, told: Mapping[str, Any], *, custom_fields_most: int | None = None
) -> Subresources:
    """Phones, addresses, custom fields, lists and tags of a body. Raises 400 by name."""
    for name in _NOT_KEPT:
        if told.get(name):
            raise invalid(f"{name} is not supported by this double")
    most = call.config.custom_fields_per_contact if custom_fields_most is None else custom_fields_most
    made = {
        "phone": _phones(told.get("phone_numbers")),
        "address": _addresses(told.get("street_addresses")),
        "cf": _custom_fields(db, call, told.get("custom_fields"), most),
    }
    lists, tags = told.get("list_memberships"), told.get("taggings")
    list_ids = None
    if lists is not None:
        list_ids = uuids(lists, "list_memberships", least=0, most=call.config.lists_per_contact)
    numbers = None if tags is None else _tags(db, call, uuids(tags, "taggings", least=0, most=50))
    return Subresources({key: value for key, value in made.items() if value is not None}, list_ids, numbers)


def _whole(told: Mapping[str, Any], name: str, most: int) -> int | None:
    value = told.get(name)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= most:
        raise invalid(f"{name} must be between 1 and {most}")
    return value


def _anniversary(told: Mapping[str, Any]) -> str | None:
    value = text(told.get("anniversary"), "anniversary", most=10)
    if not value:
        return None
    found = _ANNIVERSARY.fullmatch(value)
    parts = [int(part) for part in found.groups() if part] if found else []
    try:
        year, month, day = parts if parts and parts[0] > 31 else (parts[2], parts[0], parts[1])
        return date(year, month, day).isoformat()
    except (ValueError, IndexError):
        raise invalid("anniversary does not have a valid value") from None


def _objects(value: Any, name: str, most: int) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise invalid(f"{name} must be an array of objects")
    if len(value) > most:
        raise invalid(f"{name} exceeds the maximum of {most} entries")
    return value


def _phones(told: Any) -> dict[str, str] | None:
    if told is None:
        return None
    found: dict[str, str] = {}
    for each in _objects(told, "phone_numbers", 3):
        kind = each.get("kind") or "other"
        if kind not in PHONE_KINDS:
            raise invalid("phone_numbers.kind does not have a valid value")
        number = text(each.get("phone_number"), "phone_numbers.phone_number", most=25, least=1, required=True)
        found[kind] = str(number)
    return found


def _addresses(told: Any) -> dict[str, dict[str, str]] | None:
    if told is None:
        return None
    found: dict[str, dict[str, str]] = {}
    for each in _objects(told, "street_addresses", 3):
        if each.get("kind") not in ADDRESS_KINDS:
            raise invalid("street_addresses.kind does not have a valid value")
        parts = {
            name: text(each.get(name), f"street_addresses.{name}", most=most)
            for name, most in _ADDRESS.items()
        }
        found[each["kind"]] = {
            ("zip" if name == "postal_code" else name): value for name, value in parts.items() if value
        }
    return found


def _custom_fields(db: sqlite3.Connection, call: Call, told: Any, most: int) -> dict[str, str] | None:
    if told is None:
        return None
    rows = db.execute(
        "SELECT custom_field_id, no FROM custom_fields WHERE account_no = ?", (call.account_no,)
    )
    known = {field_id: str(no) for field_id, no in rows}
    found: dict[str, str] = {}
    for each in _objects(told, "custom_fields", most):
        field_id = str(each.get("custom_field_id", "")).lower()
        if field_id not in known:
            raise invalid("custom_field_id was not found.")
        value = text(each.get("value"), "custom_fields.value", most=255)
        if value:
            found[known[field_id]] = value
    return found


def _tags(db: sqlite3.Connection, call: Call, tag_ids: list[str]) -> list[int]:
    sql = "SELECT no FROM tags WHERE account_no = ? AND tag_id IN (SELECT value FROM json_each(?))"
    found = [row[0] for row in db.execute(sql, (call.account_no, orjson.dumps(tag_ids).decode()))]
    if len(found) < len(tag_ids):
        raise invalid("taggings names an unknown tag")
    return found
