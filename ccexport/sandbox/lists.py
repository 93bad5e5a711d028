"""Contact lists (api_guide/lists_overview.html).

Owns names, limits, counts and the asynchronous deletion. Must never remove a contact with its list.
"""

import json
import sqlite3
from typing import Any

from starlette.responses import Response

from ccexport.sandbox import activities
from ccexport.sandbox.answers import conflict, invalid, not_found, reply
from ccexport.sandbox.apply import ACTIVE
from ccexport.sandbox.call import Call, sequence_ids, text
from ccexport.sandbox.ids import is_uuid, millis, new_id, seconds
from ccexport.sandbox.paging import link_page, next_link, page_of

_COLUMNS = "l.no, l.list_id, l.name, l.description, l.favorite, l.created_at, l.updated_at, l.deleted_at"
_SHOWN = "m.shown_from <= :now AND (m.shown_until IS NULL OR m.shown_until > :now)"


def get_lists(call: Call) -> Response:
    """GET /contact_lists."""
    told, after = page_of(call)
    counted = told.query.get("include_membership_count")
    if counted not in (None, "all", "active"):
        raise invalid("include_membership_count does not have a valid value")
    channel = told.words("channel_type", {"email", "sms", "all"})
    status = told.words("status", {"all", "active", "deleted"}) or {"active"}
    limit = told.limit(most=call.config.lists_page_max)
    where = "account_no = :account AND (:name IS NULL OR name = :name)"
    if "all" not in status and status != {"active", "deleted"}:
        where += " AND deleted_at IS " + ("NOT NULL" if status == {"deleted"} else "NULL")
    if channel == {"sms"}:
        where += " AND 0"
    values = {"account": call.account_no, "name": told.query.get("name"), "after": after, "limit": limit + 1}
    with call.store.read() as db:
        sql = f"SELECT {_COLUMNS} FROM lists l WHERE {where} AND l.no > :after ORDER BY l.no LIMIT :limit"
        found = db.execute(sql, values).fetchall()
        shown = [_with_count(db, call, row, counted) for row in found[:limit]]
        page: dict[str, Any] = {"lists": shown}
        if told.flag("include_count"):
            page["lists_count"] = db.execute(f"SELECT count(*) FROM lists WHERE {where}", values).fetchone()[
                0
            ]
    more = len(found) > limit
    links = next_link("/v3/contact_lists", told.query, limit, found[limit - 1][0]) if more else None
    return reply(link_page(call, page, links))


def get_xrefs(call: Call) -> Response:
    """GET /contact_lists/list_id_xrefs: the double's V2 ids are the lists' own numbers."""
    asked = sequence_ids(call)
    sql = "SELECT no, list_id FROM lists WHERE account_no = ? AND no IN (SELECT value FROM json_each(?))"
    with call.store.read() as db:
        known = dict(db.execute(sql, (call.account_no, json.dumps(asked))).fetchall())
    return reply({"xrefs": [{"sequence_id": str(no), "list_id": known[no]} for no in asked if no in known]})


def get_list(call: Call) -> Response:
    """GET /contact_lists/{list_id}."""
    counted = call.query.get("include_membership_count")
    if counted not in (None, "all", "active"):
        raise invalid("include_membership_count does not have a valid value")
    with call.store.read() as db:
        return reply(_with_count(db, call, _row(db, call), counted))


def post_list(call: Call) -> Response:
    """POST /contact_lists."""
    told = call.json()
    name, description, favorite = _wanted(told)
    with call.store.write() as db:
        _free(db, call, name, besides=0)
        held = "SELECT count(*) FROM lists WHERE account_no = ? AND deleted_at IS NULL"
        if db.execute(held, (call.account_no,)).fetchone()[0] >= call.config.lists_max:
            raise invalid("The account has the maximum number of lists.")
        row = (new_id(), call.account_no, name, description, favorite, call.now, call.now)
        no = db.execute(
            "INSERT INTO lists (list_id, account_no, name, description, favorite, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        ).lastrowid
        return reply(
            _view(call, db.execute(f"SELECT {_COLUMNS} FROM lists l WHERE no = ?", (no,)).fetchone()), 201
        )


def put_list(call: Call) -> Response:
    """PUT /contact_lists/{list_id}: a replacement; what is left out is lost."""
    name, description, favorite = _wanted(call.json())
    with call.store.write() as db:
        row = _row(db, call)
        _free(db, call, name, besides=row[0])
        db.execute(
            "UPDATE lists SET name = ?, description = ?, favorite = ?, updated_at = ? WHERE no = ?",
            (name, description, favorite, call.now, row[0]),
        )
        return reply(_view(call, _row(db, call)))


def delete_list(call: Call) -> Response:
    """DELETE /contact_lists/{list_id}: accepted, done later."""
    with call.store.write() as db:
        row = _row(db, call)
        if row[7] is not None:
            raise not_found("list_id was not found.")
        answer = activities.create(db, call, "list_delete", {"list_ids": [row[1]]}, rows=0)
    shown = {key: value for key, value in answer.items() if key != "status"}
    return reply(shown, 202, {"Location": f"/v3/activities/{answer['activity_id']}"})


def _wanted(told: dict[str, Any]) -> tuple[str, str | None, bool]:
    name = str(text(told.get("name"), "name", least=1, most=255, required=True))
    if not name.strip():
        raise invalid("name is missing or does not have a valid value")
    favorite = told.get("favorite", False)
    if type(favorite) is not bool:
        raise invalid("favorite does not have a valid value")
    return name, text(told.get("description"), "description", most=255), favorite


def _free(db: sqlite3.Connection, call: Call, name: str, *, besides: int) -> None:
    # casefold here and not NOCASE there: SQLite folds ASCII only.
    where = "account_no = ? AND no <> ?" + (
        " AND deleted_at IS NULL" if call.config.deleted_list_names_free else ""
    )
    taken = [
        row[0] for row in db.execute(f"SELECT name FROM lists WHERE {where}", (call.account_no, besides))
    ]
    if call.config.list_names_ignore_case:
        name, taken = name.casefold(), [each.casefold() for each in taken]
    if name in taken:
        raise conflict("The list name is already in use.")


def _row(db: sqlite3.Connection, call: Call) -> Any:
    asked = call.path_values["list_id"]
    if not is_uuid(asked):
        raise not_found("list_id is in an invalid format.")
    sql = f"SELECT {_COLUMNS} FROM lists l WHERE list_id = ? AND account_no = ?"
    row = db.execute(sql, (asked.lower(), call.account_no)).fetchone()
    if row is None:
        raise not_found("list_id was not found.")
    return row


def _with_count(db: sqlite3.Connection, call: Call, row: Any, counted: str | None) -> dict[str, Any]:
    shown = _view(call, row)
    if counted is not None:
        sql = f"SELECT count(*) FROM memberships m WHERE m.list_no = :list AND {_SHOWN}"
        if counted == "active":
            sql = (
                "SELECT count(*) FROM memberships m JOIN contacts c ON c.no = m.contact_no"
                f" WHERE m.list_no = :list AND {_SHOWN} AND c.deleted_at IS NULL AND c.permission IN {ACTIVE}"
            )
        shown["membership_count"] = db.execute(sql, {"list": row[0], "now": call.now}).fetchone()[0]
    return shown


def _view(call: Call, row: Any) -> dict[str, Any]:
    _, list_id, name, description, favorite, created_at, updated_at, deleted_at = row
    stamp = millis if call.config.timestamps == "mixed" else seconds
    shown = {"list_id": list_id, "name": name}
    if description is not None:
        shown["description"] = description
    shown |= {"favorite": bool(favorite), "created_at": seconds(created_at), "updated_at": stamp(updated_at)}
    if deleted_at is not None:
        shown["deleted_at"] = seconds(deleted_at)
    return shown
