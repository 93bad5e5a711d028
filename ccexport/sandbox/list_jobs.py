"""The bulk activities over contacts already known: lists, deletions, tags.

Owns the checks of their bodies (api_guide/remove_list_membership.html and its siblings) and their
effects. None of them takes addresses: only ids.
"""

import json
import sqlite3
from typing import Any

from starlette.responses import Response

from ccexport.sandbox import activities, apply
from ccexport.sandbox.activities import Activity
from ccexport.sandbox.answers import bad_request, invalid, not_found, reply
from ccexport.sandbox.call import Call, uuids
from ccexport.sandbox.ids import contact_no
from ccexport.sandbox.imports import live_lists
from ccexport.sandbox.store import Store, config_of, note

_MEMBERSHIP = {"contact_ids", "list_ids", "all_active_contacts", "tag_ids", "engagement_level"}
SOURCES = {
    "remove_list_memberships": _MEMBERSHIP,
    "add_list_memberships": _MEMBERSHIP | {"segment_id"},
    "contacts_taggings_add": {"contact_ids", "list_ids", "tag_ids", "all_active_contacts", "new_subscriber"},
}
SOURCES["contacts_taggings_remove"] = SOURCES["contacts_taggings_add"]
_DECLARE_404 = ("remove_list_memberships", "contacts_taggings_add", "contacts_taggings_remove")
NEW_SUBSCRIBER_SECONDS = 30 * 86_400.0
_LEVELS = ("unqualified", "low", "medium", "high")  # release notes of June 2024


def post_memberships(call: Call) -> Response:
    """POST /activities/remove_list_memberships and add_list_memberships."""
    kind = call.path.rsplit("/", 1)[1]
    told = call.json()
    source, exclude = _source(call, told, kind)
    list_ids = uuids(told.get("list_ids"), "list_ids", most=call.config.import_max_lists)
    return _queue(call, kind, {"source": source, "exclude": exclude, "list_ids": list_ids})


def post_taggings(call: Call) -> Response:
    """POST /activities/contacts_taggings_add and contacts_taggings_remove."""
    kind = call.path.rsplit("/", 1)[1]
    told = call.json()
    source, exclude = _source(call, told, kind)
    tag_ids = uuids(told.get("tag_ids"), "tag_ids", most=50)
    with call.store.read() as db:
        if len(_tag_numbers(db, call.account_no, tag_ids)) < len(tag_ids):
            raise not_found("tag_id was not found.")
    return _queue(call, kind, {"source": source, "exclude": exclude, "tag_ids": tag_ids})


def post_contact_delete(call: Call) -> Response:
    """POST /activities/contact_delete: deletes contacts from the account, not from a list."""
    told = call.json()
    given = [key for key in ("contact_ids", "list_ids") if told.get(key) is not None]
    if len(given) != 1:
        raise invalid("exactly one of contact_ids and list_ids is required")
    most = 500 if given[0] == "contact_ids" else 50
    source = {given[0]: uuids(told[given[0]], given[0], most=most)}
    return _queue(call, "contact_delete", {"source": source, "exclude": []})


def post_list_delete(call: Call) -> Response:
    """POST /activities/list_delete."""
    list_ids = uuids(call.json().get("list_ids"), "list_ids", most=100)
    return _queue(call, "list_delete", {"list_ids": list_ids})


def post_tags_delete(call: Call) -> Response:
    """POST /activities/contacts_tags_delete: deletes tags, and with them what they are on."""
    tag_ids = uuids(call.json().get("tag_ids"), "tag_ids", most=500)
    with call.store.read() as db:
        if len(_tag_numbers(db, call.account_no, tag_ids)) < len(tag_ids):
            raise invalid("tag_id was not found.")
    return _queue(call, "contacts_tags_delete", {"tag_ids": tag_ids})


def _source(call: Call, told: dict[str, Any], kind: str) -> tuple[dict[str, Any], list[str]]:
    source = told.get("source")
    if not isinstance(source, dict):
        raise invalid("source is missing")
    allowed = SOURCES[kind] | ({"new_subscriber"} if call.config.new_subscriber_source else set())
    unknown = set(source) - allowed
    if unknown:
        raise bad_request(f"Unrecognized source {sorted(map(str, unknown))[0][:40]}")
    given = [key for key, value in source.items() if value not in (None, False)]
    if len(given) != 1:
        raise invalid("exactly one source is required")
    exclude: list[str] = []
    if told.get("exclude") is not None:
        if given[0] not in ("list_ids", "all_active_contacts"):
            raise invalid("exclude is only applicable with list_ids or all_active_contacts")
        inside = told["exclude"] if isinstance(told["exclude"], dict) else {}
        exclude = uuids(inside.get("contact_ids"), "exclude.contact_ids", most=500)
    return {given[0]: _checked_source(call, given[0], source[given[0]])}, exclude


def _checked_source(call: Call, name: str, value: Any) -> Any:
    most = {
        "contact_ids": call.config.source_contacts_max,
        "list_ids": call.config.source_lists_max,
        "tag_ids": 50,
    }
    if name in most:
        return uuids(value, f"source.{name}", most=most[name])
    if name == "engagement_level" and value not in _LEVELS:
        raise invalid("engagement_level does not have a valid value")
    if name in ("all_active_contacts", "new_subscriber") and value is not True:
        raise invalid(f"{name} does not have a valid value")
    if name == "segment_id" and (type(value) is not int or not 0 < value < 2**31):
        raise invalid("segment_id does not have a valid value")
    return value


def _queue(call: Call, kind: str, request: dict[str, Any]) -> Response:
    if "new_subscriber" in request.get("source", {}):
        request["recent"] = call.now - NEW_SUBSCRIBER_SECONDS
    with call.store.write() as db:
        list_ids = request.get("list_ids", []) + request.get("source", {}).get("list_ids", [])
        if len(live_lists(db, call.account_no, list_ids)) < len(set(list_ids)):
            # The spec declares 404 for some of these and 400 only for the others.
            message = "list_id was not found."
            raise not_found(message) if kind in _DECLARE_404 else invalid(message)
        if call.config.removal_unknown_ids == "reject":
            _all_known(db, call.account_no, request.get("source", {}).get("contact_ids", []))
        if kind == "contact_delete":
            note(db, call.now, "contact_delete_used", sources=list(request["source"]))
        rows = _count(db, call.account_no, request) if "source" in request else 0
        answer = activities.create(db, call, kind, request, rows=rows)
    return reply(answer, 201)


def _all_known(db: sqlite3.Connection, account: int, contact_ids: list[str]) -> None:
    for each in contact_ids:
        known = "SELECT 1 FROM contacts WHERE no = ? AND account_no = ?"
        if db.execute(known, (contact_no(account, each), account)).fetchone() is None:
            raise invalid("contact_id was not found.")


def _count(db: sqlite3.Connection, account: int, request: dict[str, Any]) -> int:
    sql, values = _chosen(account, request)
    return int(db.execute(f"SELECT count(*) FROM ({sql})", values).fetchone()[0])


def _chosen(account: int, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """SQL for the numbers of the contacts a source names."""
    ((name, value),) = request["source"].items()
    active = f"c.deleted_at IS NULL AND c.permission IN {apply.ACTIVE}"
    ids = value if isinstance(value, list) else []
    if name == "contact_ids":
        ids = [contact_no(account, each) for each in value]
    among = "(SELECT value FROM json_each(:ids))"
    where = {
        "contact_ids": f"c.no IN {among}",
        "list_ids": "c.no IN (SELECT m.contact_no FROM memberships m JOIN lists l ON l.no = m.list_no"
        f" WHERE l.list_id IN {among} AND m.shown_until IS NULL)",
        "tag_ids": "c.no IN (SELECT g.contact_no FROM taggings g JOIN tags t ON t.no = g.tag_no"
        f" WHERE t.tag_id IN {among})",
        "new_subscriber": f"{active} AND c.created_at > :recent",
    }.get(name, active)
    excluded = [contact_no(account, each) for each in request.get("exclude", [])]
    sql = (
        f"SELECT c.no FROM contacts c WHERE c.account_no = :account AND {where}"
        " AND c.no NOT IN (SELECT value FROM json_each(:excluded) WHERE value IS NOT NULL)"
    )
    values = {"account": account, "ids": json.dumps(ids), "excluded": json.dumps(excluded)}
    return sql, values | {"recent": request.get("recent", 0.0)}


def prepare(store: Store, activity: Activity, at: float) -> apply.Effect:
    """The effect of one of these activities."""
    effects = {
        "remove_list_memberships": _remove,
        "add_list_memberships": _add,
        "contact_delete": _delete_contacts,
        "list_delete": _delete_lists,
        "contacts_taggings_add": _tag,
        "contacts_taggings_remove": _untag,
        "contacts_tags_delete": _delete_tags,
    }

    def effect(db: sqlite3.Connection) -> apply.Outcome:
        if "source" in activity.request:
            sql, values = _chosen(activity.account_no, activity.request)
            db.execute("CREATE TEMP TABLE chosen (no INTEGER PRIMARY KEY)")
            db.execute(f"INSERT INTO temp.chosen {sql}", values)
            if activity.outcome in ("partial_failed", "short"):
                db.execute("DELETE FROM temp.chosen WHERE no % 2")
        done = effects[activity.kind](db, activity, at)
        db.execute("DROP TABLE IF EXISTS temp.chosen")
        count = len(activity.request.get("list_ids", []))
        return apply.Outcome(
            {"items_total_count": activity.rows, "items_completed_count": done, "list_count": count}
        )

    return apply.Effect(effect)


def _size(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM temp.chosen").fetchone()[0])


def _remove(db: sqlite3.Connection, activity: Activity, at: float) -> int:
    gone = at + config_of(db).visibility_seconds
    for list_no in live_lists(db, activity.account_no, activity.request["list_ids"]).values():
        db.execute(
            "UPDATE memberships SET shown_until = max(?, shown_from) WHERE list_no = ?"
            " AND shown_until IS NULL AND contact_no IN (SELECT no FROM temp.chosen)",
            (gone, list_no),
        )
    return _size(db)


def _add(db: sqlite3.Connection, activity: Activity, at: float) -> int:
    config = config_of(db)
    # Unsubscribed ones cannot be added; deleted ones come back (api_guide/contacts_delete.html).
    db.execute(
        "DELETE FROM temp.chosen WHERE no IN (SELECT no FROM contacts WHERE permission = 'unsubscribed')"
    )
    db.execute(
        "UPDATE contacts SET deleted_at = NULL, updated_at = ? WHERE deleted_at IS NOT NULL"
        " AND no IN (SELECT no FROM temp.chosen)",
        (at,),
    )
    for list_no in live_lists(db, activity.account_no, activity.request["list_ids"]).values():
        values: dict[str, Any] = {"list": list_no, "at": at, "shown": at + config.visibility_seconds}
        values |= {"activity": activity.activity_id, "most": config.lists_per_contact}
        room = (
            "(SELECT count(*) FROM memberships m WHERE m.contact_no = s.no AND m.shown_until IS NULL"
            " AND m.list_no <> :list) < :most"
        )
        apply.note_opt_outs(db, "temp.chosen s", room, values)
        db.execute(
            "INSERT INTO memberships (list_no, contact_no, shown_from) SELECT :list, s.no, :shown"
            f" FROM temp.chosen s WHERE {room}"
            " ON CONFLICT DO UPDATE SET shown_until = NULL, shown_from = excluded.shown_from"
            " WHERE shown_until IS NOT NULL",
            values,
        )
    apply.raise_high_water(db, activity.account_no)
    return _size(db)


def _delete_contacts(db: sqlite3.Connection, activity: Activity, at: float) -> int:
    db.execute("UPDATE contacts SET deleted_at = ? WHERE no IN (SELECT no FROM temp.chosen)", (at,))
    db.execute("DELETE FROM memberships WHERE contact_no IN (SELECT no FROM temp.chosen)")
    return _size(db)


def _delete_lists(db: sqlite3.Connection, activity: Activity, at: float) -> int:
    lists = live_lists(db, activity.account_no, activity.request["list_ids"])
    for list_no in lists.values():
        db.execute("UPDATE lists SET deleted_at = ?, updated_at = ? WHERE no = ?", (at, at, list_no))
        db.execute("DELETE FROM memberships WHERE list_no = ?", (list_no,))
    return len(lists)


def _tag(db: sqlite3.Connection, activity: Activity, at: float) -> int:
    for tag_no in _tag_numbers(db, activity.account_no, activity.request["tag_ids"]):
        db.execute("INSERT OR IGNORE INTO taggings SELECT ?, no FROM temp.chosen", (tag_no,))
    return _size(db)


def _untag(db: sqlite3.Connection, activity: Activity, at: float) -> int:
    for tag_no in _tag_numbers(db, activity.account_no, activity.request["tag_ids"]):
        db.execute(
            "DELETE FROM taggings WHERE tag_no = ? AND contact_no IN (SELECT no FROM temp.chosen)", (tag_no,)
        )
    return _size(db)


def _delete_tags(db: sqlite3.Connection, activity: Activity, at: float) -> int:
    numbers = _tag_numbers(db, activity.account_no, activity.request["tag_ids"])
    for tag_no in numbers:
        db.execute("DELETE FROM taggings WHERE tag_no = ?", (tag_no,))
        db.execute("DELETE FROM tags WHERE no = ?", (tag_no,))
    return len(numbers)


def _tag_numbers(db: sqlite3.Connection, account: int, tag_ids: list[str]) -> list[int]:
    sql = "SELECT no FROM tags WHERE account_no = ? AND tag_id IN (SELECT value FROM json_each(?))"
    return [row[0] for row in db.execute(sql, (account, json.dumps(tag_ids)))]
