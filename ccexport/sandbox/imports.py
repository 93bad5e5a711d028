"""Imports: what the two endpoints check at once, and what their activity does later.

Owns the request checks and the set-based upsert. The endpoints only store the body and answer.
Must never move a contact onto a list it was unsubscribed from, and must say so when it re-adds one
who left a list by own hand.
"""

import hashlib
import sqlite3
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import orjson
from starlette.responses import Response

from ccexport.sandbox import activities, apply, bodies, rows
from ccexport.sandbox.activities import Activity
from ccexport.sandbox.answers import Refused, bad_request, invalid, not_found, reply, wrong_media_type
from ccexport.sandbox.call import Call, uuids
from ccexport.sandbox.config import Config
from ccexport.sandbox.store import Store, config_of

SMS_PERMISSIONS = ("explicit", "not_set")


def post_json(call: Call) -> Response:
    """POST /activities/contacts_json_import."""
    told = call.json()
    data = told.get("import_data")
    if not isinstance(data, list) or not data:
        raise invalid("import_data is missing or empty")
    if not all(type(each) is dict for each in data):
        raise bad_request()
    permission = told.get("sms_permission_to_send")
    if permission is not None and permission not in SMS_PERMISSIONS:
        raise invalid("sms_permission_to_send does not have a valid value")
    list_ids = uuids(told.get("list_ids"), "list_ids", most=call.config.import_max_lists)
    limits = {"most_bytes": call.config.import_max_bytes, "most": call.config.import_max_contacts}
    whole = len(call.body) <= call.config.import_max_bytes and len(data) <= call.config.import_max_contacts
    count = len(data) if whole else len(bodies.json_records(call.body, **limits))
    request = {"list_ids": list_ids, "sent": len(data), "sms_permission_to_send": permission, **limits}
    return _queue(call, "contacts_json_import", request, count, call.body, None)


def post_file(call: Call) -> Response:
    """POST /activities/contacts_file_import (multipart/form-data)."""
    content_type = call.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise wrong_media_type()
    try:
        parts = bodies.multipart(content_type, call.body)
    except bodies.BadMultipart:
        # A Content-Type set by hand has no boundary.
        raise wrong_media_type() from None
    files = [part for part in parts if part[0].get("name") == "file"]
    if len(files) != 1:
        raise invalid("file is missing")
    file_name = files[0][0].get("filename", "")
    if not file_name.lower().endswith(".csv"):
        raise wrong_media_type()
    list_ids = _one_string(call, parts)
    kept, cut = _within(call.config, files[0])
    request = {"list_ids": list_ids, "cut": cut, "most_lines": call.config.import_max_lines}
    count = len(_csv(kept, request, call.config))
    return _queue(call, "contacts_file_import", request, count, kept, file_name[:255])


def _one_string(call: Call, parts: list[tuple[dict[str, str], int, bytes]]) -> list[str]:
    told = [part[2].decode("utf-8", "replace") for part in parts if part[0].get("name") == "list_ids"]
    if len(told) != 1:
        raise invalid("list_ids must be given once, as one comma-separated string")
    permission = [part[2] for part in parts if part[0].get("name") == "sms_permission_to_send"]
    if any(each not in (b"explicit", b"not_set") for each in permission):
        raise invalid("sms_permission_to_send does not have a valid value")
    split = [each.strip() for each in told[0].split(",") if each.strip()]
    return uuids(split, "list_ids", most=call.config.import_max_lists)


def _within(config: Config, part: tuple[dict[str, str], int, bytes]) -> tuple[bytes, bool]:
    # The limit is on the request body, so the envelope before the file counts.
    room = max(0, config.import_max_bytes - part[1])
    return part[2][:room], len(part[2]) > room


def _csv(raw: bytes, request: dict[str, Any], config: Config) -> list[bodies.Record]:
    strip = config.csv_bom == "strip"
    return bodies.csv_records(raw, cut=request["cut"], most_lines=request["most_lines"], strip_bom=strip)


def _queue(
    call: Call, kind: str, request: dict[str, Any], count: int, body: bytes, file_name: str | None
) -> Response:
    fingerprint = hashlib.sha256(call.body).hexdigest()
    with call.store.write() as db:
        known = live_lists(db, call.account_no, request["list_ids"])
        if len(known) < len(request["list_ids"]):
            raise _unknown_list(call.config)
        answer = activities.create(
            db, call, kind, request, rows=count, body=body, body_digest=fingerprint, file_name=file_name
        )
    return reply(answer, 201)


def _unknown_list(config: Config) -> Refused:
    message = "list_id was not found."
    return not_found(message) if config.unknown_list_status == 404 else invalid(message)


def live_lists(db: sqlite3.Connection, account_no: int, list_ids: list[str]) -> dict[str, int]:
    """The numbers of those lists that exist and are not deleted."""
    sql = (
        "SELECT list_id, no FROM lists WHERE account_no = ? AND deleted_at IS NULL"
        " AND list_id IN (SELECT value FROM json_each(?))"
    )
    return dict(db.execute(sql, (account_no, orjson.dumps(list_ids).decode())).fetchall())


def prepare(store: Store, activity: Activity, at: float) -> apply.Effect:
    """Read and judge the body outside of any transaction; the effect is applied later, at once."""
    with store.read() as db:
        config = config_of(db)
        row = db.execute("SELECT body FROM bodies WHERE activity_no = ?", (activity.no,)).fetchone()
        names = db.execute("SELECT name, no FROM custom_fields WHERE account_no = ?", (activity.account_no,))
        custom_fields = dict(names.fetchall())
    records = _records(activity, bytes(row[0]) if row else b"", config)
    total = len(records)
    if activity.outcome in ("partial_failed", "short"):
        records = records[: total // 2]
    records = _without_vanishing(records, config)
    judged = rows.digest(
        records,
        config,
        custom_fields=custom_fields,
        year=datetime.fromtimestamp(at, UTC).year,
        from_csv=activity.kind == "contacts_file_import",
        message_limit=config.error_message_limit,
    )

    def effect(db: sqlite3.Connection) -> apply.Outcome:
        lists = live_lists(db, activity.account_no, activity.request["list_ids"])
        done = apply.upsert(db, config, activity, judged, list(lists.values()), at)
        db.execute("DELETE FROM bodies WHERE activity_no = ?", (activity.no,))
        return apply.Outcome(_counters(judged, done.cannot_add, total, config), _messages(judged, config))

    return apply.Effect(effect, stage=partial(apply.stage, judged=judged))


def _records(activity: Activity, body: bytes, config: Config) -> list[bodies.Record]:
    told = activity.request
    if not body:
        return []
    if activity.kind == "contacts_file_import":
        return _csv(body, told, config)
    return bodies.json_records(body, most_bytes=told["most_bytes"], most=told["most"])


def _without_vanishing(records: list[bodies.Record], config: Config) -> list[bodies.Record]:
    """What is left when rows are lost without a word: neither counted as errors nor named."""
    if not config.vanishing:
        return records
    kept = [r for r in records if not fnmatchcase(str(r.get("email", "")).lower(), config.vanishing)]
    return [] if config.vanishing_takes == "request" and len(kept) < len(records) else kept


def _counters(judged: rows.Digest, cannot_add: int, total: int, config: Config) -> dict[str, int]:
    return {
        "items_total_count": activities.header(total, config),
        "person_count": judged.persons,
        "error_count": judged.errors,
        "correctable_count": judged.correctable,
        "cannot_add_to_list_count": cannot_add,
    }


def _messages(judged: rows.Digest, config: Config) -> list[Any]:
    if config.error_messages == "none":
        return []
    if config.error_messages == "objects":
        return [{"message": each} for each in judged.messages]
    return list(judged.messages)
