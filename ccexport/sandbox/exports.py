"""Exports of contacts as CSV (api_guide/export_contacts.html).

Owns the request checks, the file and its download. The file is what the list was when the activity
completed, not when it is fetched. Must never put a contact id in it: the real one has none.
"""

import csv
import io
import sqlite3
import zlib
from collections.abc import Iterator
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from ccexport.sandbox import activities, apply, contact_view
from ccexport.sandbox.activities import Activity
from ccexport.sandbox.answers import invalid, not_found, reply
from ccexport.sandbox.call import Call, uuids
from ccexport.sandbox.ids import contact_no, is_uuid
from ccexport.sandbox.imports import live_lists
from ccexport.sandbox.list_jobs import NEW_SUBSCRIBER_SECONDS
from ccexport.sandbox.store import Store

STATUSES = ("active", "unsubscribed", "removed")
# Field -> columns with the humanised headers seen in real files.
COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "email_address": (
        ("Email address", "email_address"),
        ("Email status", "email_status"),
        ("Email permission status", "email_permission"),
        ("Email update source", "email_update_source"),
    ),
    "first_name": (("First name", "first_name"),),
    "last_name": (("Last name", "last_name"),),
    "company_name": (("Company", "company_name"),),
    "job_title": (("Job title", "job_title"),),
    "phone_number": (
        ("Phone - home", "phone_home"),
        ("Phone - mobile", "phone_mobile"),
        ("Phone - other", "phone_other"),
        ("Phone - work", "phone_work"),
    ),
    "street": (("Street address line 1 - Home", "street"),),
    "city": (("City - Home", "city"),),
    "state": (("State/Province - Home", "state"),),
    "zip": (("Zip/Postal Code - Home", "zip"),),
    "country": (("Country - Home", "country"),),
    "anniversary": (("Anniversary", "anniversary"),),
    "birthday_month": (("Birthday month", "birthday_month"),),
    "birthday_day": (("Birthday day", "birthday_day"),),
    "email_optout_source": (("Confirmed Opt-Out Source", "email_optout_source"),),
    "email_optout_date": (("Confirmed Opt-Out Date", "email_optout_date"),),
    "email_optout_reason": (("Confirmed Opt-Out Reason", "email_optout_reason"),),
    "email_optin_source": (("Confirmed Opt-In Source", "email_optin_source"),),
    "email_optin_date": (("Confirmed Opt-In Date", "email_optin_date"),),
    "source_name": (("Source Name", "source_name"),),
    "created_at": (("Created At", "created_at"),),
    "updated_at": (("Updated At", "updated_at"),),
}
_SILENT = (
    "email_lists",
    "social_profiles",
    "website",
    "notes",
    "tags",
    "birthday",
    "custom_fields",
    "sms_number",
)
_NEED_EMAIL = tuple(name for name in COLUMNS if name.startswith("email_opt"))
_PART_ROWS = 50_000


def post_export(call: Call) -> Response:
    """POST /activities/contact_exports."""
    told = call.json()
    sources = [
        key
        for key in ("contact_ids", "list_ids", "tag_ids", "segment_id", "new_subscriber")
        if told.get(key) not in (None, False)
    ]
    excluded = _excluded(told.get("exclude"), sources)
    if len(sources) > 1 and set(sources) != {"list_ids", "new_subscriber"}:
        raise invalid("the filters are mutually exclusive")
    if told.get("status") is not None and told["status"] not in STATUSES:
        raise invalid("status does not have a valid value")
    most = {"contact_ids": 500, "list_ids": 50, "tag_ids": 50}
    request: dict[str, Any] = {key: uuids(told[key], key, most=most[key]) for key in most if key in sources}
    if "segment_id" in sources and (
        type(told["segment_id"]) is not int or not 0 < told["segment_id"] < 2**31
    ):
        raise invalid("segment_id does not have a valid value")
    request |= {"status": told.get("status"), "fields": _fields(told.get("fields")), "exclude": excluded}
    if "new_subscriber" in sources:
        request["recent"] = call.now - NEW_SUBSCRIBER_SECONDS
    with call.store.write() as db:
        if len(live_lists(db, call.account_no, request.get("list_ids", []))) < len(
            request.get("list_ids", [])
        ):
            raise not_found("list_id was not found.")
        where, values = _where(db, call.account_no, request, call.now)
        rows = db.execute(f"SELECT count(*) FROM contacts c WHERE {where}", values).fetchone()[0]
        answer = activities.create(db, call, "contact_exports", request, rows=rows)
    return reply(answer, 201)


def _excluded(told: Any, sources: list[str]) -> list[str]:
    """Up to 50 contact ids that are left out (schema ContactsExport)."""
    if told is None:
        return []
    if not set(sources) <= {"list_ids", "new_subscriber"}:
        raise invalid("exclude is only applicable with list_ids or new_subscriber")
    inside = told if isinstance(told, dict) else {}
    return uuids(inside.get("contact_ids"), "exclude.contact_ids", most=50)


def _fields(told: Any) -> list[str]:
    if told is None:
        return list(COLUMNS)
    known = (*COLUMNS, *_SILENT)
    if not isinstance(told, list) or not told or any(each not in known for each in map(str, told)):
        raise invalid("fields does not have a valid value")
    if any(each in _NEED_EMAIL for each in told) and "email_address" not in told:
        raise invalid("email_address must be exported as well")
    return [name for name in COLUMNS if name in told]


def _where(
    db: sqlite3.Connection, account: int, request: dict[str, Any], at: float
) -> tuple[str, dict[str, Any]]:
    parts = ["c.account_no = :account"]
    values: dict[str, Any] = {"account": account, "at": at}
    if "list_ids" in request:
        lists = live_lists(db, account, request["list_ids"])
        values["lists"] = orjson.dumps(list(lists.values())).decode()
        parts.append(
            "c.no IN (SELECT contact_no FROM memberships WHERE list_no IN"
            " (SELECT value FROM json_each(:lists))"
            " AND shown_from <= :at AND (shown_until IS NULL OR shown_until > :at))"
        )
    if "contact_ids" in request:
        numbers = [contact_no(account, each) for each in request["contact_ids"]]
        values["numbers"] = orjson.dumps(numbers).decode()
        parts.append("c.no IN (SELECT value FROM json_each(:numbers))")
    if "tag_ids" in request:
        values["tags"] = orjson.dumps(request["tag_ids"]).decode()
        parts.append(
            "c.no IN (SELECT g.contact_no FROM taggings g JOIN tags t ON t.no = g.tag_no"
            " WHERE t.tag_id IN (SELECT value FROM json_each(:tags)))"
        )
    if request.get("exclude"):
        numbers = [contact_no(account, each) for each in request["exclude"]]
        values["excluded"] = orjson.dumps([no for no in numbers if no is not None]).decode()
        parts.append("c.no NOT IN (SELECT value FROM json_each(:excluded))")
    if "recent" in request:
        values["recent"] = request["recent"]
        parts.append("c.created_at > :recent")
    parts.append(
        {
            "active": f"c.deleted_at IS NULL AND c.permission IN {apply.ACTIVE}",
            "unsubscribed": "c.deleted_at IS NULL AND c.permission = 'unsubscribed'",
            "removed": "c.deleted_at IS NOT NULL",
        }.get(request["status"], "c.deleted_at IS NULL")
    )
    return " AND ".join(parts), values


def prepare(store: Store, activity: Activity, at: float) -> apply.Effect:
    """Write the file before the transaction: a million rows would hold everybody up."""
    with store.read() as db:
        where, values = _where(db, activity.account_no, activity.request, at)
        parts = [zlib.compress(part, 1) for part in _csv(db, activity.request["fields"], where, values)]
    total = activity.rows

    def effect(db: sqlite3.Connection) -> apply.Outcome:
        rows = ((activity.no, seq, part) for seq, part in enumerate(parts))
        db.executemany("INSERT OR REPLACE INTO export_parts VALUES (?, ?, ?)", rows)
        return apply.Outcome({"items_total_count": total, "items_completed_count": total})

    return apply.Effect(effect)


def _csv(db: sqlite3.Connection, fields: list[str], where: str, values: dict[str, Any]) -> Iterator[bytes]:
    columns = [column for name in fields for column in COLUMNS[name]]
    yield _lines([[header for header, _ in columns]])
    if fields == ["email_address"]:
        yield from _addresses_only(db, where, values)
        return
    rows = db.execute(f"{contact_view.SELECT} WHERE {where}", values)
    while found := rows.fetchmany(_PART_ROWS):
        contacts = map(contact_view.row, found)
        yield _lines([[_cell(one, key) for _, key in columns] for one in contacts])


def _cell(one: contact_view.Row, key: str) -> str:
    fixed = {"email_status": "Active" if one["deleted_at"] is None else "Removed", "source_name": "API"}
    if key in ("email_optin_source", "email_optin_date"):
        return ""
    return fixed.get(key) or contact_view.text_of(one, key)


def _addresses_only(db: sqlite3.Connection, where: str, values: dict[str, Any]) -> Iterator[bytes]:
    # What clients ask for a million times over: formatted by the database, quoting only where needed.
    sql = (
        "SELECT CASE WHEN instr(coalesce(c.email, ''), ',') OR instr(coalesce(c.email, ''), '\"')"
        " THEN '\"' || replace(c.email, '\"', '\"\"') || '\"' ELSE coalesce(c.email, '') END"
        " || CASE WHEN c.deleted_at IS NULL THEN ',Active,' ELSE ',Removed,' END || c.permission || ','"
        f" || c.update_source FROM contacts c WHERE {where}"
    )
    rows = db.execute(sql, values)
    while found := rows.fetchmany(_PART_ROWS):
        yield ("\r\n".join([line for (line,) in found]) + "\r\n").encode()


def _lines(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()


def get_export(call: Call) -> Response:
    """GET /contact_exports/{file_export_id}: the file, in parts."""
    asked = call.path_values["file_export_id"]
    if not is_uuid(asked):
        raise invalid("file_export_id is in an invalid format.")
    oldest = call.now - call.config.activity_retention_days * activities.DAY
    where = (
        "activity_id = :id AND account_no = :account AND kind = 'contact_exports' AND created_at >= :oldest"
    )
    with call.store.read() as db:
        found = activities.select(
            db, where, {"id": asked.lower(), "account": call.account_no, "oldest": oldest}
        )
        if not found or (found[0].done and found[0].state != "completed"):
            raise not_found("file_export_id was not found.")
        if not found[0].done:
            if call.config.export_before_completion == 202:
                return reply(activities.view(found[0], call.config, call.now), 202)
            raise not_found("file_export_id was not found.")
        last = db.execute(
            "SELECT max(seq) FROM export_parts WHERE activity_no = ?", (found[0].no,)
        ).fetchone()[0]
    name = f"attachment; filename={asked.lower()}.csv"
    parts = _parts(call.store, found[0].no, last if last is not None else -1)
    return StreamingResponse(
        parts, media_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
    )


def _parts(store: Store, activity_no: int, last: int) -> Iterator[bytes]:
    for seq in range(last + 1):
        with store.read() as db:
            sql = "SELECT part FROM export_parts WHERE activity_no = ? AND seq = ?"
            row = db.execute(sql, (activity_no, seq)).fetchone()
        if row is not None:
            yield zlib.decompress(row[0])
