"""Reading contacts: one, a page, how many, and the ids of contacts of the V2 API.

Owns the filters and the cursor (spec of GET /contacts). Must never show a membership before it is
visible, nor a deleted contact to somebody who did not ask for one.
"""

import base64
import binascii
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import orjson
from starlette.responses import Response

from ccexport.sandbox import apply, contact_view
from ccexport.sandbox.answers import Refused, invalid, not_found, reply
from ccexport.sandbox.call import Call, sequence_ids, uuids
from ccexport.sandbox.contact_view import Extras
from ccexport.sandbox.ids import contact_id, contact_no
from ccexport.sandbox.imports import live_lists
from ccexport.sandbox.paging import link_page

STATUSES = {"all", "active", "deleted", "not_set", "pending_confirmation", "temp_hold", "unsubscribed"}
_TIMES = {
    "updated_after": "c.updated_at > :updated_after",
    "updated_before": "c.updated_at < :updated_before",
    "created_after": "c.created_at > :created_after",
    "created_before": "c.created_at < :created_before",
    "optout_after": "c.opt_out_at > :optout_after",
    "optout_before": "c.opt_out_at < :optout_before",
}
_FROZEN = (
    "status", "email", "lists", "segment_id", "tags", "include", "include_count", "sms_status", "limit",
    *_TIMES,
)  # fmt: skip
_MONTH = 30 * 86_400.0


def get_contacts(call: Call) -> Response:
    """GET /contacts: a page. A cursor carries the whole question, page size included."""
    if "cursor" in call.query:
        told, after = _cursor(call)
    else:
        told, after = {key: call.query[key] for key in _FROZEN if key in call.query}, 0
    asked = _Asked(call, told)
    if "segment_id" in told and _not_ready(call, told):
        return reply({"status": "processing"}, 202)
    limit = asked.limit
    with call.store.read() as db:
        sql = (
            f"{contact_view.COLUMNS} FROM {asked.source} WHERE {asked.where} AND {asked.number} > :after"
            f" ORDER BY {asked.number} LIMIT :limit"
        )
        found = db.execute(sql, asked.values | {"after": after, "limit": limit + 1}).fetchall()
        rows = [contact_view.row(each) for each in found[:limit]]
        extras = Extras(db, [each["no"] for each in rows], asked.include, call.now)
        mixed = call.config.timestamps == "mixed"
        page: dict[str, Any] = {
            "contacts": [contact_view.contact(each, extras, mixed=mixed) for each in rows]
        }
        if asked.counted:
            count = f"SELECT count(*) FROM {asked.source} WHERE {asked.where}"
            page["contacts_count"] = db.execute(count, asked.values).fetchone()[0]
    links = None
    if len(found) > limit:
        rest = {**told, "limit": str(limit), "next": contact_id(call.account_no, rows[-1]["no"])}
        cursor = base64.urlsafe_b64encode(urlencode(rest).encode()).decode()
        links = {"next": {"href": f"/v3/contacts?{urlencode({'cursor': cursor})}"}}
    return reply(link_page(call, page, links))


def _cursor(call: Call) -> tuple[dict[str, str], int]:
    try:
        told = dict(parse_qsl(base64.urlsafe_b64decode(call.query["cursor"].encode()).decode()))
    except (binascii.Error, ValueError):
        raise invalid("cursor does not have a valid value") from None
    after = contact_no(call.account_no, told.pop("next", ""))
    if after is None:
        raise invalid("cursor does not have a valid value")
    return {key: value for key, value in told.items() if key in _FROZEN}, after


class _Asked:
    """The question of GET /contacts as SQL."""

    def __init__(self, call: Call, told: dict[str, str]) -> None:
        self._call, self._told = call, told
        self._checked = replace(call, query=told)
        self.limit = self._checked.limit(most=call.config.page_max)
        self.include = self._checked.words("include", contact_view.INCLUDES)
        self.counted = self._checked.flag("include_count")
        self.values: dict[str, Any] = {"account": call.account_no, "now": call.now}
        self.source, self.number = "contacts c", "c.no"
        parts = ["c.account_no = :account", self._status(), *self._times()]
        if "email" in told:
            parts.append("c.email = :email")
            self.values["email"] = told["email"].strip().lower()
        parts += self._members()
        if "sms_status" in told:
            self._checked.words(
                "sms_status", {"all", "explicit", "unsubscribed", "pending_confirmation", "not_set"}
            )
            parts.append("c.sms_number IS NOT NULL")
        if "segment_id" in told:
            parts = ["c.account_no = :account", "c.deleted_at IS NULL", f"c.permission IN {apply.ACTIVE}"]
        self.where = " AND ".join(parts)

    def _status(self) -> str:
        words = self._checked.words("status", STATUSES)
        if "all" in words:
            return "1"
        if not words:
            return "c.deleted_at IS NULL"  # the default hides deleted ones, but not unsubscribed ones
        either = []
        if "deleted" in words:
            either.append("c.deleted_at IS NOT NULL")
        if "active" in words:
            either.append("c.deleted_at IS NULL AND c.permission IN ('explicit', 'implicit')")
        rest = sorted(words - {"deleted", "active"})
        if rest:
            self.values["permissions"] = orjson.dumps(rest).decode()
            either.append(
                "c.deleted_at IS NULL AND c.permission IN (SELECT value FROM json_each(:permissions))"
            )
        return "(" + " OR ".join(f"({each})" for each in either) + ")"

    def _times(self) -> list[str]:
        asked = [name for name in _TIMES if name in self._told]
        self.values |= {name: _time(self._told[name], name) for name in asked}
        return [_TIMES[name] for name in asked]

    def _members(self) -> list[str]:
        parts = []
        if "lists" in self._told:
            ids = _ids(self._told["lists"], "lists", 25)
            with self._call.store.read() as db:
                numbers = list(live_lists(db, self._call.account_no, ids).values())
            parts.append(self._on_lists(numbers))
        if "tags" in self._told:
            self.values["tags"] = orjson.dumps(_ids(self._told["tags"], "tags", 50)).decode()
            parts.append(
                "c.no IN (SELECT g.contact_no FROM taggings g JOIN tags t ON t.no = g.tag_no"
                " WHERE t.tag_id IN (SELECT value FROM json_each(:tags)))"
            )
        return parts

    def _on_lists(self, numbers: list[int]) -> str:
        shown = "m.shown_from <= :now AND (m.shown_until IS NULL OR m.shown_until > :now)"
        if len(numbers) == 1:
            # Driven by the membership table, so that a page of a small list costs no more than that.
            self.source = "memberships m CROSS JOIN contacts c ON c.no = m.contact_no"
            self.number = "m.contact_no"
            self.values["list"] = numbers[0]
            return f"m.list_no = :list AND {shown}"
        self.values["lists"] = orjson.dumps(numbers).decode()
        return (
            "c.no IN (SELECT m.contact_no FROM memberships m WHERE m.list_no IN"
            f" (SELECT value FROM json_each(:lists)) AND {shown})"
        )


def _ids(told: str, name: str, most: int) -> list[str]:
    return uuids([each.strip() for each in told.split(",") if each.strip()], name, most=most)


def _time(told: str, name: str) -> float:
    # A plus that was not escaped arrives as a blank.
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}(?:[T ][0-9:.]+(?:Z|[+ -]\d{2}:?\d{2})?)?", told) is None:
        raise invalid(f"{name} does not have a valid value")
    try:
        at = datetime.fromisoformat(
            re.sub(r" (\d{2}:?\d{2})$", r"+\1", told) if told.count(":") > 2 else told
        )
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise invalid(f"{name} does not have a valid value") from None


def _not_ready(call: Call, told: dict[str, str]) -> bool:
    if set(told) - {"segment_id", "limit"}:
        raise invalid("segment_id can only be combined with limit")
    number = told["segment_id"]
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise invalid("segment_id does not have a valid value")
    with call.store.write() as db:
        row = db.execute(
            "SELECT no, asked FROM segments WHERE account_no = ? AND no = ?", (call.account_no, int(number))
        ).fetchone()
        if row is None:
            raise not_found("segment_id was not found.")
        db.execute("UPDATE segments SET asked = asked + 1 WHERE no = ?", (row[0],))
    return call.config.segment_first_answer_202 and row[1] == 0


def get_contact(call: Call) -> Response:
    """GET /contacts/{contact_id}."""
    return reply(one(call, number_asked(call)))


def number_asked(call: Call) -> int:
    """The number of the contact in the path. Raises 400 or 404."""
    try:
        (asked,) = uuids([call.path_values["contact_id"]], "contact_id", most=1)
    except Refused:
        raise invalid("contact_id is in an invalid format.", key="contacts.api.not_found") from None
    no = contact_no(call.account_no, asked)
    if no is None:
        raise not_found("contact_id was not found.")
    return no


def one(call: Call, no: int) -> dict[str, Any]:
    """The contact resource with the subresources that were asked for. Raises 404."""
    include = call.words("include", contact_view.INCLUDES)
    with call.store.read() as db:
        sql = f"{contact_view.SELECT} WHERE c.no = ? AND c.account_no = ?"
        found = db.execute(sql, (no, call.account_no)).fetchone()
        if found is None:
            raise not_found("contact_id was not found.")
        extras = Extras(db, [no], include, call.now)
    return contact_view.contact(contact_view.row(found), extras, mixed=call.config.timestamps == "mixed")


def get_counts(call: Call) -> Response:
    """GET /contacts/counts."""
    include = call.words("include", {"new_subscriber"})
    sql = (
        "SELECT permission, count(*) FROM contacts WHERE account_no = ? AND deleted_at IS NULL"
        " GROUP BY permission"
    )
    with call.store.read() as db:
        held = dict(db.execute(sql, (call.account_no,)).fetchall())
        shown = {
            "total": sum(held.values()),
            "explicit": held.get("explicit", 0),
            "implicit": held.get("implicit", 0),
            "pending": held.get("pending_confirmation", 0),
            "unsubscribed": held.get("unsubscribed", 0),
        }
        if include:
            new = (
                "SELECT count(*) FROM contacts WHERE account_no = ? AND deleted_at IS NULL AND created_at > ?"
            )
            shown["new_subscriber"] = db.execute(new, (call.account_no, call.now - _MONTH)).fetchone()[0]
    return reply(shown)


def get_xrefs(call: Call) -> Response:
    """GET /contacts/contact_id_xrefs: the double's V2 ids are the contacts' own numbers."""
    asked = sequence_ids(call)
    with call.store.read() as db:
        sql = "SELECT no FROM contacts WHERE account_no = ? AND no IN (SELECT value FROM json_each(?))"
        known = {row[0] for row in db.execute(sql, (call.account_no, orjson.dumps(asked).decode()))}
    found = [
        {"sequence_id": str(no), "contact_id": contact_id(call.account_no, no)} for no in asked if no in known
    ]
    return reply({"xrefs": found})
