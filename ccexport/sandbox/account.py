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
from ccexport.sandbox.paging import next_link, page_of

_TAG = "no, tag_id, name, created_at, updated_at"


def get_summary(call: Call) -> Response:
    """GET /account/summary."""
    extra = call.words("extra_fields", {"physical_address", "company_logo"})
    with call.store.read() as db:
        row = db.execute(
            "SELECT encoded_account_id, details FROM accounts WHERE no = ?", (call.account_no,)
        ).fetchone()
    shown = {"encoded_account_id": row[0], **json.loads(row[1])}
    address = shown.pop("physical_address", None)
    if "physical_address" in extra and address:
        shown["physical_address"] = address
    return reply(shown)


def get_privileges(call: Call) -> Response:
    """GET /account/user/privileges."""
    with call.store.read() as db:
        return reply(roles.listing(db, call.person_no))


def get_tags(call: Call) -> Response:
    """GET /contact_tags."""
    told, after = page_of(call)
    counted, limit = told.flag("include_count"), told.limit(most=call.config.page_max)
    sql = f"SELECT {_TAG} FROM tags WHERE account_no = ? AND no > ? ORDER BY no LIMIT ?"
    with call.store.read() as db:
        found = db.execute(sql, (call.account_no, after, limit + 1)).fetchall()
        page: dict[str, Any] = {"tags": [_tag(db, row, counted) for row in found[:limit]]}
    if len(found) > limit:
        page["_links"] = next_link("/v3/contact_tags", told.query, limit, found[limit - 1][0])
    return reply(page)


def get_tag(call: Call) -> Response:
    """GET /contact_tags/{tag_id}."""
    asked = call.path_values["tag_id"]
    sql = f"SELECT {_TAG} FROM tags WHERE account_no = ? AND tag_id = ?"
    with call.store.read() as db:
        row = db.execute(sql, (call.account_no, asked.lower())).fetchone() if is_uuid(asked) else None
        if row is None:
            raise not_found("tag_id was not found.")
        return reply(_tag(db, row, call.flag("include_count")))


def post_tag(call: Call) -> Response:
    """POST /contact_tags."""
    name = str(text(call.json().get("name"), "name", least=1, most=255, required=True))
    if "<" in name or ">" in name:
        raise invalid("name does not have a valid value")
    with call.store.write() as db:
        rows = db.execute("SELECT name FROM tags WHERE account_no = ?", (call.account_no,)).fetchall()
        if name.casefold() in {row[0].casefold() for row in rows}:
            raise conflict("The tag name is already in use.")
        if len(rows) >= call.config.tags_max:
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
    if len(found) > limit:
        page["_links"] = next_link("/v3/segments", told.query, limit, found[limit - 1][0])
    return reply(page)


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
