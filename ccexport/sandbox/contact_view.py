"""A contact as the API shows it, and as a row of an exported CSV.

Owns the two representations. Must never select contacts.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from ccexport.sandbox.ids import contact_id, day, eastern, millis, seconds, stable_id

COLUMNS = (
    "SELECT c.no, c.account_no, c.email, c.sms_number, c.permission, c.opt_in_source, c.opt_out_source,"
    " c.opt_out_at, c.opt_out_reason, c.create_source, c.update_source, c.created_at, c.updated_at,"
    " c.deleted_at, c.fields"
)
SELECT = f"{COLUMNS} FROM contacts c"
_NAMES = (
    "no", "account_no", "email", "sms_number", "permission", "opt_in_source", "opt_out_source", "opt_out_at",
    "opt_out_reason", "create_source", "update_source", "created_at", "updated_at", "deleted_at", "fields",
)  # fmt: skip
_PLAIN = (
    "first_name",
    "last_name",
    "job_title",
    "company_name",
    "birthday_month",
    "birthday_day",
    "anniversary",
)
INCLUDES = {"custom_fields", "list_memberships", "taggings", "notes", "phone_numbers", "street_addresses"}
Row = dict[str, Any]


def row(values: Iterable[Any]) -> Row:
    """A row of `SELECT` by name, with its fields read."""
    named = dict(zip(_NAMES, values, strict=True))
    named["fields"] = orjson.loads(named["fields"])
    return named


class Extras:
    """The subresources of one page of contacts, fetched with one query each."""

    def __init__(self, db: sqlite3.Connection, numbers: list[int], wanted: set[str], now: float) -> None:
        ids = orjson.dumps(numbers).decode()
        self.wanted = wanted
        self.lists: dict[int, list[str]] = {}
        self.tags: dict[int, list[str]] = {}
        self.custom: dict[str, str] = {}
        if "list_memberships" in wanted:
            sql = (
                "SELECT m.contact_no, l.list_id FROM memberships m JOIN lists l ON l.no = m.list_no"
                " WHERE m.contact_no IN (SELECT value FROM json_each(?)) AND m.shown_from <= ?"
                " AND (m.shown_until IS NULL OR m.shown_until > ?) AND l.deleted_at IS NULL"
            )
            _gather(self.lists, db.execute(sql, (ids, now, now)))
        if "taggings" in wanted:
            sql = (
                "SELECT g.contact_no, t.tag_id FROM taggings g JOIN tags t ON t.no = g.tag_no"
                " WHERE g.contact_no IN (SELECT value FROM json_each(?))"
            )
            _gather(self.tags, db.execute(sql, (ids,)))
        if "custom_fields" in wanted:
            self.custom = {
                str(no): told for no, told in db.execute("SELECT no, custom_field_id FROM custom_fields")
            }


def _gather(into: dict[int, list[str]], pairs: Iterable[tuple[int, str]]) -> None:
    for no, told in pairs:
        into.setdefault(no, []).append(told)


def contact(one: Row, extras: Extras, *, mixed: bool) -> dict[str, Any]:
    """The contact resource. `mixed` writes timestamps in the several forms of the spec's examples."""
    stamp = eastern if mixed else seconds
    shown: dict[str, Any] = {"contact_id": contact_id(one["account_no"], one["no"])}
    if one["email"] is not None:
        shown["email_address"] = _email(one, mixed=mixed)
    shown |= {name: one["fields"][name] for name in _PLAIN if one["fields"].get(name) is not None}
    shown |= {"create_source": one["create_source"], "update_source": one["update_source"]}
    shown |= {"created_at": seconds(one["created_at"]), "updated_at": stamp(one["updated_at"])}
    if one["deleted_at"] is not None:
        shown["deleted_at"] = day(one["deleted_at"])
    if one["sms_number"] is not None:
        shown["sms_channel"] = _sms(one)
    shown |= _subresources(one, extras)
    return shown


def _email(one: Row, *, mixed: bool) -> dict[str, Any]:
    stamp = eastern if mixed else seconds
    shown = {
        "address": one["email"],
        "permission_to_send": one["permission"],
        "created_at": stamp(one["created_at"]),
        "updated_at": stamp(one["updated_at"]),
        "opt_in_source": one["opt_in_source"] or "Account",
        "opt_in_date": millis(one["created_at"]) if mixed else seconds(one["created_at"]),
        "confirm_status": "off",
    }
    if one["opt_out_at"] is not None:
        shown["opt_out_source"] = one["opt_out_source"] or "Contact"
        shown["opt_out_date"] = seconds(one["opt_out_at"])
        if one["opt_out_reason"]:
            shown["opt_out_reason"] = one["opt_out_reason"]
    return shown


def _sms(one: Row) -> dict[str, Any]:
    return {
        "sms_channel_id": stable_id(f"sms:{one['account_no']}:{one['no']}"),
        "sms_address": one["sms_number"],
        "dial_code": "1",
        "country_code": "US",
        "update_source": "Account",
        "create_source": "Account",
        "sms_channel_consents": [],
    }


def _subresources(one: Row, extras: Extras) -> dict[str, Any]:
    fields, no = one["fields"], one["no"]
    makers = {
        "custom_fields": lambda: _custom(fields, extras.custom),
        "list_memberships": lambda: extras.lists.get(no, []),
        "taggings": lambda: extras.tags.get(no, []),
        "notes": list,
        "phone_numbers": lambda: _phones(one),
        "street_addresses": lambda: _addresses(one),
    }
    return {name: make() for name, make in makers.items() if name in extras.wanted}


def _custom(fields: Mapping[str, Any], ids: Mapping[str, str]) -> list[dict[str, str]]:
    held = fields.get("cf") or {}
    return [
        {"custom_field_id": ids[no], "value": value}
        for no, value in held.items()
        if no in ids and value is not None
    ]


def _phones(one: Row) -> list[dict[str, Any]]:
    return [
        {
            "phone_number_id": stable_id(f"phone:{one['account_no']}:{one['no']}:{kind}"),
            "phone_number": number,
            "kind": kind,
            "created_at": seconds(one["created_at"]),
            "updated_at": seconds(one["updated_at"]),
            "update_source": "Account",
            "create_source": "Account",
        }
        for kind, number in (one["fields"].get("phone") or {}).items()
        if number is not None
    ]


def _addresses(one: Row) -> list[dict[str, Any]]:
    return [
        {
            "street_address_id": stable_id(f"address:{one['account_no']}:{one['no']}:{kind}"),
            "kind": kind,
            **_address(parts),
            "created_at": seconds(one["created_at"]),
            "updated_at": seconds(one["updated_at"]),
        }
        for kind, parts in (one["fields"].get("address") or {}).items()
        if _address(parts)
    ]


def _address(parts: Mapping[str, Any]) -> dict[str, str]:
    street = " ".join(part for part in (parts.get("street"), parts.get("street2")) if part)
    told = {
        "street": street,
        "city": parts.get("city"),
        "state": parts.get("state"),
        "postal_code": parts.get("zip"),
        "country": parts.get("country"),
    }
    return {name: value for name, value in told.items() if value}


def text_of(one: Row, name: str) -> str:
    """One export field of a contact as CSV text."""
    fields = one["fields"]
    home = (fields.get("address") or {}).get("home") or {}
    if name in ("street", "city", "state", "zip", "country"):
        return str(_address(home).get("postal_code" if name == "zip" else name, ""))
    if name.startswith("phone_"):
        return str((fields.get("phone") or {}).get(name.removeprefix("phone_")) or "")
    if name in ("created_at", "updated_at"):
        return seconds(one[name])
    if name == "email_optout_date":
        return seconds(one["opt_out_at"]) if one["opt_out_at"] is not None else ""
    columns = {
        "email_address": "email",
        "email_permission": "permission",
        "email_update_source": "update_source",
        "email_optout_source": "opt_out_source",
        "email_optout_reason": "opt_out_reason",
    }
    return str((one.get(columns[name]) if name in columns else fields.get(name)) or "")
