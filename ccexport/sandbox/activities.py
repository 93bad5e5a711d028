"""Activities: their timeline, their representation, and the two reads.

Owns when an activity starts and ends. Must never apply an effect; the engine does.
"""

import base64
import binascii
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.responses import Response

from ccexport.sandbox import faults
from ccexport.sandbox.answers import invalid, not_found, queue_full, reply
from ccexport.sandbox.call import Call
from ccexport.sandbox.config import Config
from ccexport.sandbox.ids import is_uuid, millis, new_id

DAY = 86_400.0
IMPORTS = ("contacts_json_import", "contacts_file_import")
FILTERS = ("processing", "completed", "cancelled", "failed", "timed_out")
_COUNTERS: dict[str, tuple[str, ...]] = {
    "contacts_json_import": (
        "items_total_count",
        "person_count",
        "error_count",
        "correctable_count",
        "cannot_add_to_list_count",
    ),
    "contact_exports": ("items_total_count", "items_completed_count"),
    "contact_delete": ("list_count", "items_total_count", "items_completed_count"),
    "remove_list_memberships": ("items_total_count", "items_completed_count", "list_count"),
    "list_delete": ("list_count",),
    "contacts_taggings_add": ("items_total_count", "items_completed_count"),
}
_COUNTERS["contacts_file_import"] = _COUNTERS["contacts_json_import"]
_COUNTERS["add_list_memberships"] = _COUNTERS["remove_list_memberships"]
_COUNTERS["contacts_taggings_remove"] = _COUNTERS["contacts_taggings_add"]
_COUNTERS["contacts_tags_delete"] = _COUNTERS["contacts_taggings_add"]

# What a reader is shown: the stored state once done, else where the clock stands on the timeline.
_SHOWN = (
    "CASE WHEN done THEN state WHEN :now < starts_at THEN 'initialized'"
    " WHEN outcome = 'unknown_state' THEN 'queued' ELSE 'processing' END"
)
# An order without meaning that still allows paging.
_SHUFFLED = "((no * 2654435761) & 4294967295)"


@dataclass(frozen=True)
class Activity:
    """One row of the table, as far as the engine and the view need it."""

    no: int
    activity_id: str
    account_no: int
    kind: str
    request: dict[str, Any]
    source_file_name: str | None
    rows: int
    created_at: float
    starts_at: float
    finishes_at: float | None
    done: bool
    outcome: str
    state: str | None
    counters: dict[str, int]
    errors: list[Any]


_COLUMNS = (
    "no, activity_id, account_no, kind, request, source_file_name, rows, created_at, starts_at,"
    " finishes_at, done, outcome, state, counters, errors"
)


def from_row(row: Any) -> Activity:
    """An activity from a row of `_COLUMNS`."""
    parts = list(row)
    for index in (4, 13, 14):
        parts[index] = json.loads(parts[index])
    parts[10] = bool(parts[10])
    return Activity(*parts)


def select(db: sqlite3.Connection, where: str, values: Mapping[str, Any]) -> list[Activity]:
    """Activities by an SQL condition with named values."""
    return [from_row(row) for row in db.execute(f"SELECT {_COLUMNS} FROM activities WHERE {where}", values)]


def create(
    db: sqlite3.Connection,
    call: Call,
    kind: str,
    request: dict[str, Any],
    *,
    rows: int,
    body: bytes | None = None,
    body_digest: str | None = None,
    file_name: str | None = None,
) -> dict[str, Any]:
    """Queue an activity; returns the 201 body. Raises 429 when the queue is full."""
    waiting = "SELECT count(*) FROM activities WHERE done = 0 AND account_no = ?"
    if db.execute(waiting, (call.account_no,)).fetchone()[0] >= call.config.queued_activities_max:
        raise queue_full()
    fault = faults.pick_for_activity(db, kind)
    outcome = fault.kind if fault else ""
    starts, slot_ends, finishes = _timeline(db, call, rows, outcome)
    no = db.execute(
        "INSERT INTO activities (activity_id, account_no, kind, request, source_file_name, rows, body_bytes,"
        " body_digest, created_at, starts_at, finishes_at, slot_ends_at, outcome)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new_id(), call.account_no, kind, json.dumps(request), file_name, rows, len(call.body),
            body_digest, call.now, starts, finishes, slot_ends, outcome,
        ),
    ).lastrowid  # fmt: skip
    if body is not None:
        db.execute("INSERT INTO bodies VALUES (?, ?)", (no, body))
    _purge(db, call)
    return view(select(db, "no = :no", {"no": no})[0], call.config, call.now, fresh=True)


def _timeline(
    db: sqlite3.Connection, call: Call, rows: int, outcome: str
) -> tuple[float, float, float | None]:
    config = call.config
    busy = [
        row[0]
        for row in db.execute(
            "SELECT slot_ends_at FROM activities WHERE account_no = ? AND slot_ends_at > ?"
            " ORDER BY slot_ends_at DESC LIMIT ?",
            (call.account_no, call.now, config.concurrent_activities or 1),
        )
    ]
    free_at = busy[-1] if len(busy) >= (config.concurrent_activities or 1) else call.now
    starts = max(call.now + config.activity_start_seconds, free_at)
    taken = rows / config.rows_per_second if config.rows_per_second else 0.0
    ends = starts + config.activity_overhead_seconds + taken
    if outcome == "stuck":
        return starts, call.now, None  # never ends, and does not hold up the others either
    return starts, ends, ends


def _purge(db: sqlite3.Connection, call: Call) -> None:
    old = "SELECT no FROM activities WHERE created_at < ?"
    limit = call.now - call.config.activity_retention_days * DAY
    db.execute(f"DELETE FROM export_parts WHERE activity_no IN ({old})", (limit,))


def view(activity: Activity, config: Config, now: float, *, fresh: bool = False) -> dict[str, Any]:
    """The activity as the API shows it at `now`."""
    started, share = now >= activity.starts_at and not fresh, _share(activity, now)
    state = "initialized"
    if activity.done:
        state = activity.state or "completed"
    elif started:
        state = "queued" if activity.outcome == "unknown_state" else "processing"
    shown: dict[str, Any] = {"activity_id": activity.activity_id, "state": state}
    if activity.done and activity.finishes_at is not None:
        shown["completed_at"] = millis(activity.finishes_at)
    if started:
        shown["started_at"] = millis(activity.starts_at)
    shown["created_at"] = millis(activity.created_at)
    shown["updated_at"] = millis(_updated(activity, now))
    if activity.source_file_name is not None:
        shown["source_file_name"] = activity.source_file_name
    shown["percent_done"] = 100 if activity.done else int(100 * share) if started else 0
    shown["activity_errors"] = activity.errors
    names = _COUNTERS[activity.kind]
    counted = activity.counters if activity.done else _progress(activity, config, share if started else 0.0)
    shown["status"] = {name: counted.get(name, 0) for name in names}
    shown["_links"] = {"self": {"href": f"/v3/activities/{activity.activity_id}"}}
    if activity.kind == "contact_exports":
        shown["_links"]["results"] = {"href": f"/v3/contact_exports/{activity.activity_id}"}
    return shown


def _share(activity: Activity, now: float) -> float:
    if activity.finishes_at is None:
        return 0.37 if now >= activity.starts_at else 0.0
    length = activity.finishes_at - activity.starts_at
    return min(0.99, max(0.0, (now - activity.starts_at) / length)) if length > 0 else 0.99


def _updated(activity: Activity, now: float) -> float:
    if activity.done and activity.finishes_at is not None:
        return activity.finishes_at
    return max(activity.created_at, min(now, activity.starts_at))


def _progress(activity: Activity, config: Config, share: float) -> dict[str, int]:
    done = int(activity.rows * share)
    if activity.kind in IMPORTS:
        return {"items_total_count": header(activity.rows, config), "person_count": done} if share else {}
    return {"items_total_count": activity.rows if share else 0, "items_completed_count": done}


def header(rows: int, config: Config) -> int:
    """`items_total_count` of an import: a JSON import is turned into CSV inside, header and all."""
    return rows + (1 if config.items_total_includes_header else 0)


def get_activity(call: Call) -> Response:
    """GET /activities/{activity_id}."""
    asked = call.path_values["activity_id"]
    if not is_uuid(asked):
        raise invalid("activity_id is in an invalid format.")
    values = {"id": asked.lower(), "account": call.account_no, "oldest": _oldest(call)}
    with call.store.read() as db:
        found = select(db, "activity_id = :id AND account_no = :account AND created_at >= :oldest", values)
    if not found:
        raise not_found("activity_id was not found.")
    return reply(view(found[0], call.config, call.now))


def get_activities(call: Call) -> Response:
    """GET /activities, a page."""
    told = _cursor(call.query["cursor"]) if "cursor" in call.query else dict(call.query)
    state = told.get("state")
    if state is not None and state not in FILTERS:
        raise invalid("state does not have a valid value")
    limit = int(told["limit"]) if "cursor" in call.query else call.limit(most=call.config.page_max)
    order = _SHUFFLED if call.config.shuffle_activities else "(-no)"
    values = {"account": call.account_no, "oldest": _oldest(call), "now": call.now, "state": state}
    values |= {"after": int(told.get("after", -(2**40))), "limit": limit + 1}
    where = (
        f"account_no = :account AND created_at >= :oldest AND {order} > :after"
        f" AND (:state IS NULL OR {_SHOWN} = :state) ORDER BY {order} LIMIT :limit"
    )
    with call.store.read() as db:
        found = select(db, where, values)
    page: dict[str, Any] = {"activities": [view(each, call.config, call.now) for each in found[:limit]]}
    if len(found) > limit:
        last = found[limit - 1].no
        after = (last * 2654435761) & 0xFFFFFFFF if call.config.shuffle_activities else -last
        rest = {"limit": limit, "after": after} | ({"state": state} if state else {})
        cursor = base64.urlsafe_b64encode(urlencode(rest).encode()).decode()
        page["_links"] = {"next": {"href": f"/v3/activities?{urlencode({'cursor': cursor})}"}}
    return reply(page)


def _oldest(call: Call) -> float:
    return call.now - call.config.activity_retention_days * DAY


def _cursor(text: str) -> dict[str, str]:
    try:
        told = dict(parse_qsl(base64.urlsafe_b64decode(text.encode()).decode()))
        limit, after = int(told["limit"]), int(told["after"])
    except (binascii.Error, ValueError, KeyError):
        raise invalid("cursor does not have a valid value") from None
    if not (1 <= limit <= 1000 and abs(after) < 2**41):
        raise invalid("cursor does not have a valid value")
    return told
