"""The account, its tags and its segments: the small reads around the contacts.

Owns their representations. Must never show plan or billing data: the real API has none for ordinary
applications.
"""

import json
import sqlite3
from typing import Any

from starlette.responses import Response

from ccexport.sandbox import roles
from ccexport.sandbox.answers import conflict, invalid, not_found, reply
from ccexport.sandbox.call import Call, text
from ccexport.sandbox.ids import is_uuid, new_id, seconds
from ccexport.sandbox.paging import link_page, next_link, page_of
from ccexport.sandbox.rows import EMAIL

_TAG = "no, tag_id, name, created_at, updated_at"


def get_summary(call: Call) -> Response:
    """GET /account/summary."""
    extra = call.words("extra_fields", {"physical_address", "company_logo"})
    with call.store.read() as db:
        row = db.execute(
            "SELECT encoded_account_id, details FROM accounts WHERE no = ?", (call.account_no,)
        ).fetchone()
    shown = {"encoded_account_id": row[0], **json.loads(row[1])}
    shown.pop("more_emails", None)
    address = shown.pop("physical_address", None)
    if "physical_address" in extra and address:
        shown["physical_address"] = address
    return reply(shown)


def get_privileges(call: Call) -> Response:
    """GET /account/user/privileges."""
    with call.store.read() as db:
        return reply(roles.listing(db, call.person_no))


def get_emails(call: Call) -> Response:
    """GET /account/emails: an array. One filter at a time, as the document says."""
    if len(set(call.query) & {"confirm_status", "role_code", "email_address"}) > 1:
        raise invalid("only one query parameter is supported at a time")
    status = _abbreviated(call, "confirm_status", ("CONFIRMED", "UNCONFIRMED"))
    role = _abbreviated(call, "role_code", ("CONTACT", "BILLING", "REPLY_TO", "JOURNALING", "OTHER"))
    address = call.query.get("email_address", "").lower()
    with call.store.read() as db:
        found = _emails(db, call.account_no)
    shown = [
        each
        for each in found
        if (not status or each["confirm_status"] == status)
        and (not role or role in each["roles"])
        and (not address or each["email_address"] == address)
    ]
    return reply(shown)


def post_email(call: Call) -> Response:
    """POST /account/emails: the new address waits to be confirmed."""
    address = str(text(call.json().get("email_address"), "email_address", most=80, required=True)).lower()
    if EMAIL.fullmatch(address) is None:
        raise invalid("email_address does not have a valid value")
    with call.store.write() as db:
        known = _emails(db, call.account_no)
        if any(each["email_address"] == address for each in known):
            raise conflict("The email address already exists.")
        details = _details(db, call.account_no)
        details["more_emails"] = [*details.get("more_emails", []), address]
        sql = "UPDATE accounts SET details = ? WHERE no = ?"
        db.execute(sql, (json.dumps(details), call.account_no))
        made = _emails(db, call.account_no)[-1]
    return reply({key: made[key] for key in ("email_address", "email_id", "confirm_status")}, 201)


def _details(db: sqlite3.Connection, account_no: int) -> dict[str, Any]:
    row = db.execute("SELECT details FROM accounts WHERE no = ?", (account_no,)).fetchone()
    return dict(json.loads(row[0]))


def _emails(db: sqlite3.Connection, account_no: int) -> list[dict[str, Any]]:
    """The owner's confirmed address, then those that were added."""
    details = _details(db, account_no)
    first: dict[str, Any] = {
        "email_address": details["contact_email"],
        "email_id": 1,
        "confirm_status": "CONFIRMED",
        "confirm_source_type": "SITE_OWNER",
        "roles": ["CONTACT", "REPLY_TO"],
        "pending_roles": [],
    }
    added = {"confirm_status": "UNCONFIRMED", "roles": [], "pending_roles": []}
    more = enumerate(details.get("more_emails", []), start=2)
    return [first, *({"email_address": address, "email_id": no, **added} for no, address in more)]


def _abbreviated(call: Call, name: str, words: tuple[str, ...]) -> str | None:
    """A query word in full or as its first letter."""
    told = call.query.get(name)
    if told is None:
        return None
    for word in words:
        if told in (word, word[0]):
            return word
    raise invalid(f"{name} does not have a valid value")


def get_tags(call: Call) -> Response:
    """GET /contact_tags."""
    told, after = page_of(call)
    counted, limit = told.flag("include_count"), told.limit(most=call.config.page_max)
    sql = f"SELECT {_TAG} FROM tags WHERE account_no = ? AND no > ? ORDER BY no LIMIT ?"
    with call.store.read() as db:
        found = db.execute(sql, (call.account_no, after, limit + 1)).fetchall()
        page: dict[str, Any] = {"tags": [_tag(db, row, counted) for row in found[:limit]]}
    more = len(found) > limit
    links = next_link("/v3/contact_tags", told.query, limit, found[limit - 1][0]) if more else None
    return reply(link_page(call, page, links))


def get_tag(call: Call) -> Response:
    """GET /contact_tags/{tag_id}."""
    with call.store.read() as db:
        return reply(_tag(db, _tag_row(db, call), call.flag("include_count")))


def put_tag(call: Call) -> Response:
    """PUT /contact_tags/{tag_id}: renames it."""
    name = _tag_name(call)
    with call.store.write() as db:
        row = _tag_row(db, call)
        _free_tag_name(db, call, name, besides=row[0])
        db.execute("UPDATE tags SET name = ?, updated_at = ? WHERE no = ?", (name, call.now, row[0]))
        return reply(_tag(db, _tag_row(db, call), False))


def delete_tag(call: Call) -> Response:
    """DELETE /contact_tags/{tag_id}: off every contact, too."""
    with call.store.write() as db:
        no = _tag_row(db, call)[0]
        db.execute("DELETE FROM taggings WHERE tag_no = ?", (no,))
        db.execute("DELETE FROM tags WHERE no = ?", (no,))
    return Response(status_code=204)


def _tag_row(db: sqlite3.Connection, call: Call) -> Any:
    asked = call.path_values["tag_id"]
    sql = f"SELECT {_TAG} FROM tags WHERE account_no = ? AND tag_id = ?"
    row = db.execute(sql, (call.account_no, asked.lower())).fetchone() if is_uuid(asked) else None
    if row is None:
        raise not_found("tag_id was not found.")
    return row


def _tag_name(call: Call) -> str:
    name = str(text(call.json().get("name"), "name", least=1, most=255, required=True))
    if "<" in name or ">" in name:
        raise invalid("name does not have a valid value")
    return name


def _free_tag_name(db: sqlite3.Connection, call: Call, name: str, *, besides: int) -> int:
    """How many other tags there are. Raises 409 when one of them has this name."""
    sql = "SELECT name FROM tags WHERE account_no = ? AND no <> ?"
    rows = db.execute(sql, (call.account_no, besides)).fetchall()
    if name.casefold() in {row[0].casefold() for row in rows}:
        raise conflict("The tag name is already in use.")
    return len(rows)


def post_tag(call: Call) -> Response:
    """POST /contact_tags."""
    name = _tag_name(call)
    with call.store.write() as db:
        if _free_tag_name(db, call, name, besides=0) >= call.config.tags_max:
            raise invalid("The account has the maximum number of tags.")
        row = (new_id(), call.account_no, name, call.now, call.now)
        sql = "INSERT INTO tags (tag_id, account_no, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
        no = db.execute(sql, row).lastrowid
        return reply(_tag(db, (no, row[0], name, call.now, call.now), False), 201)


def get_segments(call: Call) -> Response:
    """GET /segments."""
    told, after = page_of(call)
    limit = told.limit(most=1000, default=1000)
    sql = "SELECT no, name, created_at FROM segments WHERE account_no = ? AND no > ? ORDER BY no LIMIT ?"
    with call.store.read() as db:
        found = db.execute(sql, (call.account_no, after, limit + 1)).fetchall()
    shown = [
        {"name": name, "segment_id": no, "created_at": seconds(at), "edited_at": seconds(at)}
        for no, name, at in found[:limit]
    ]
    page: dict[str, Any] = {"segments": shown}
    more = len(found) > limit
    links = next_link("/v3/segments", told.query, limit, found[limit - 1][0]) if more else None
    return reply(link_page(call, page, links))


def _tag(db: sqlite3.Connection, row: Any, counted: bool) -> dict[str, Any]:
    no, tag_id, name, created_at, updated_at = row
    shown = {
        "tag_id": tag_id,
        "name": name,
        "created_at": seconds(created_at),
        "updated_at": seconds(updated_at),
    }
    if counted:
        shown["contacts_count"] = db.execute(
            "SELECT count(*) FROM taggings WHERE tag_no = ?", (no,)
        ).fetchone()[0]
    return shown
