"""Looking into the double: what a test asserts on afterwards.

Owns the read-only views under /__sandbox__/inspect. Must never change anything and never show a token.
"""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

from ccexport.sandbox import contact_view
from ccexport.sandbox.ids import contact_id
from ccexport.sandbox.store import Store

Told = dict[str, Any]
_MOST = 100_000


def contacts(store: Store, engine: Any, told: Told) -> Any:
    """?email=, ?list=, ?limit=: contacts with permission, memberships, opt-outs and fields by API name."""
    engine.catch_up()
    parts, values = (
        ["c.account_no = :account"],
        {"account": int(told.get("account", 1)), "limit": _limit(told)},
    )
    if "email" in told:
        parts.append("c.email = :email")
        values["email"] = told["email"].lower()
    if "list" in told:
        parts.append(
            "c.no IN (SELECT m.contact_no FROM memberships m JOIN lists l ON l.no = m.list_no"
            " WHERE (l.list_id = :list OR l.name = :list) AND m.shown_until IS NULL)"
        )
        values["list"] = told["list"]
    with store.read() as db:
        rows = db.execute(
            f"{contact_view.SELECT} WHERE {' AND '.join(parts)} LIMIT :limit", values
        ).fetchall()
        names = {str(no): name for no, name in db.execute("SELECT no, name FROM custom_fields")}
        return {"contacts": [_contact(db, contact_view.row(each), names) for each in rows]}


def _contact(db: sqlite3.Connection, one: contact_view.Row, names: dict[str, str]) -> dict[str, Any]:
    on = "SELECT l.name FROM {} m JOIN lists l ON l.no = m.list_no WHERE m.contact_no = ? {} ORDER BY l.no"
    fields = dict(one["fields"])
    custom = {names[no]: value for no, value in (fields.pop("cf", None) or {}).items() if no in names}
    return {
        "contact_id": contact_id(one["account_no"], one["no"]),
        "email": one["email"],
        "permission": one["permission"],
        "deleted": one["deleted_at"] is not None,
        "fields": fields,
        "custom_fields": custom,
        "lists": [
            row[0] for row in db.execute(on.format("memberships", "AND m.shown_until IS NULL"), (one["no"],))
        ],
        "left": [row[0] for row in db.execute(on.format("list_opt_outs", ""), (one["no"],))],
        "created_at": one["created_at"],
        "updated_at": one["updated_at"],
    }


def lists(store: Store, engine: Any, told: Told) -> Any:
    """Every list with its true number of members, visible yet or not."""
    engine.catch_up()
    sql = (
        "SELECT l.list_id, l.name, l.account_no, l.deleted_at IS NOT NULL, (SELECT count(*)"
        " FROM memberships m WHERE m.list_no = l.no AND m.shown_until IS NULL) FROM lists l ORDER BY l.no"
    )
    names = ("list_id", "name", "account", "deleted", "members")
    with store.read() as db:
        return {"lists": [dict(zip(names, row, strict=True)) for row in db.execute(sql)]}


def activities(store: Store, engine: Any, told: Told) -> Any:
    """Every activity in the order it was queued, with the size and digest of its body."""
    engine.catch_up()
    names = (
        "activity_id", "kind", "source_file_name", "rows", "body_bytes", "body_digest", "created_at",
        "starts_at", "finishes_at", "done", "outcome", "state", "seconds",
    )  # fmt: skip
    with store.read() as db:
        rows = db.execute(
            f"SELECT {', '.join(names)}, request, counters FROM activities ORDER BY no"
        ).fetchall()
    return {
        "activities": [
            dict(zip(names, row, strict=False))
            | {"request": json.loads(row[-2]), "counters": json.loads(row[-1])}
            for row in rows
        ]
    }


def counters(store: Store, engine: Any, told: Told) -> Any:
    """The numbers a test asserts on: events by kind, duplicate bodies, contacts, high water."""
    engine.catch_up()
    with store.read() as db:
        kinds = dict(db.execute("SELECT kind, count(*) FROM events GROUP BY kind").fetchall())
        return {
            "consent_violations": kinds.get("consent_violation", 0),
            "refresh_token_reuse": kinds.get("refresh_token_reused", 0),
            "contacts_revived": kinds.get("contact_revived", 0),
            "contact_delete_used": kinds.get("contact_delete_used", 0),
            "internal_errors": kinds.get("internal_error", 0),
            "duplicate_bodies": _one(
                db,
                "SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM activities"
                " WHERE body_digest IS NOT NULL GROUP BY body_digest, account_no)",
            ),
            "largest_body": _one(db, "SELECT coalesce(max(body_bytes), 0) FROM activities"),
            "contacts": _one(db, "SELECT count(*) FROM contacts WHERE deleted_at IS NULL"),
            "deleted_contacts": _one(db, "SELECT count(*) FROM contacts WHERE deleted_at IS NOT NULL"),
            "activities": _one(db, "SELECT count(*) FROM activities"),
            "waiting_activities": _one(db, "SELECT count(*) FROM activities WHERE done = 0"),
            "active_high_water": _one(db, "SELECT coalesce(max(active_high_water), 0) FROM accounts"),
        }


def consent_violations(store: Store, engine: Any, told: Told) -> Any:
    """Everybody who left a list by own hand and was put back on it."""
    engine.catch_up()
    return {"consent_violations": _events(store, "consent_violation", _limit(told))}


def events(store: Store, engine: Any, told: Told) -> Any:
    """?kind=: events, oldest first."""
    return {"events": _events(store, told.get("kind"), _limit(told))}


def _events(store: Store, kind: str | None, limit: int) -> list[dict[str, Any]]:
    sql = "SELECT at, kind, detail FROM events WHERE ? IS NULL OR kind = ? ORDER BY no LIMIT ?"
    with store.read() as db:
        return [
            {"at": at, "kind": what, **json.loads(told)}
            for at, what, told in db.execute(sql, (kind, kind, limit))
        ]


def requests(store: Store, engine: Any, told: Told) -> Any:
    """?limit=, ?path=, ?after=: the request log, oldest first. `status` null is a dropped connection."""
    names = (
        "no",
        "at",
        "api_key",
        "place",
        "method",
        "path",
        "query_names",
        "body_bytes",
        "counted",
        "status",
        "seconds",
        "fault_no",
    )
    sql = (
        f"SELECT {', '.join(names)} FROM requests WHERE no > :after AND path GLOB :path"
        " ORDER BY no DESC LIMIT :limit"
    )
    values = {"after": int(told.get("after", 0)), "path": told.get("path", "*"), "limit": _limit(told)}
    with store.read() as db:
        rows = db.execute(sql, values).fetchall()
    return {"requests": [dict(zip(names, row, strict=True)) for row in reversed(rows)]}


def rates(store: Store, engine: Any, told: Told) -> Any:
    """Per API key: requests of this UTC day, refusals, and the busiest second."""
    with store.read() as db:
        now = store.now(db)
        rows = db.execute(
            "SELECT api_key, sum(counted AND at > :day), count(*), sum(coalesce(status, 0) = 429)"
            " FROM requests WHERE place = 'api' AND api_key IS NOT NULL GROUP BY api_key",
            {"day": now - now % 86_400},
        ).fetchall()
        return {
            "keys": [
                {
                    "api_key": key,
                    "today": today,
                    "requests": total,
                    "refused": refused,
                    "most_in_a_second": _peak(db, key),
                }
                for key, today, total, refused in rows
            ]
        }


def _peak(db: sqlite3.Connection, key: str) -> int:
    # Every attempt counts here, refused or not: this is what the client did.
    sql = "SELECT at FROM requests WHERE place = 'api' AND api_key = ? ORDER BY at"
    times = [row[0] for row in db.execute(sql, (key,))]
    peak, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - 1.0:
            first += 1
        peak = max(peak, last - first + 1)
    return peak


def accounts(store: Store, engine: Any, told: Told) -> Any:
    """Accounts and their people."""
    with store.read() as db:
        found = db.execute(
            "SELECT no, encoded_account_id, details, active_high_water FROM accounts"
        ).fetchall()
        people = db.execute("SELECT no, account_no, name, email, role FROM persons ORDER BY no").fetchall()
    return {
        "accounts": [
            {
                "account": no,
                "encoded_account_id": encoded,
                "organization_name": json.loads(details)["organization_name"],
                "active_high_water": high,
                "people": [
                    {"person": person, "name": name, "email": email, "role": role}
                    for person, account, name, email, role in people
                    if account == no
                ],
            }
            for no, encoded, details, high in found
        ]
    }


def faults(store: Store, engine: Any, told: Told) -> Any:
    """Injected faults and how often each has matched."""
    with store.read() as db:
        rows = db.execute("SELECT no, spec, skip, times, used FROM faults").fetchall()
    return {
        "faults": [
            {
                "no": no,
                "spec": json.loads(spec),
                "matched": used,
                "struck": max(0, used - skip),
                "over": bool(times) and used >= skip + times,
            }
            for no, spec, skip, times, used in rows
        ]
    }


VIEWS: tuple[tuple[str, str, Callable[[Store, Any, Told], Any]], ...] = tuple(
    ("GET", f"inspect/{view.__name__}", view)
    for view in (
        contacts,
        lists,
        activities,
        counters,
        consent_violations,
        events,
        requests,
        rates,
        accounts,
        faults,
    )
)


def _one(db: sqlite3.Connection, sql: str) -> Any:
    return db.execute(sql).fetchone()[0]


def _limit(told: Told) -> int:
    return max(1, min(int(told.get("limit", 1_000)), _MOST))
