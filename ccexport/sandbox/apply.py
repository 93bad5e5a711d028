"""The set-based upsert behind an import.

Owns how 40,000 judged rows reach the tables in a few statements: one lookup by address, then
everything by row number. Must run inside the caller's transaction.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from ccexport.sandbox.activities import Activity
from ccexport.sandbox.config import Config
from ccexport.sandbox.ids import CONTACT_ID
from ccexport.sandbox.rows import Digest

# Mailable, hence billable.
ACTIVE = "('explicit', 'implicit', 'pending_confirmation', 'not_set', 'temp_hold')"


@dataclass(frozen=True)
class Outcome:
    """What an activity shows once it is done."""

    counters: dict[str, int]
    errors: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Effect:
    """What the engine does for an activity: `stage` without the write lock, then `apply` with it."""

    apply: Callable[[sqlite3.Connection], Outcome]
    stage: Callable[[sqlite3.Connection], None] | None = None


@dataclass(frozen=True)
class Upserted:
    """What one import did."""

    fresh: int
    cannot_add: int
    revived: int


def upsert(
    db: sqlite3.Connection, config: Config, activity: Activity, judged: Digest, lists: list[int], at: float
) -> Upserted:
    """Add or update the contacts that were staged and put them on `lists`, by number."""
    values = {
        "account": activity.account_no,
        "at": at,
        "shown": at + config.visibility_seconds,
        "activity": activity.activity_id,
        "revive": config.revive_deleted,
        "most": config.lists_per_contact,
        "many": len(lists),
    }
    _find_known(db, activity.account_no)
    fresh = _insert_fresh(db, values)
    revived = _update_known(db, values) if fresh < len(judged.accepted) + len(judged.by_number) else 0
    over = sum(_join(db, config, values | {"list": list_no}) for list_no in lists)
    blocked = db.execute("SELECT count(*) FROM temp.staged WHERE permission = 'unsubscribed'").fetchone()[0]
    db.execute("DROP TABLE temp.staged")
    raise_high_water(db, activity.account_no)
    return Upserted(fresh, blocked + over, revived)


# Who may go onto lists: nobody who unsubscribed, and a deleted one only if importing brings it back.
_JOINS = "s.permission <> 'unsubscribed' AND (NOT s.deleted OR :revive)"


def stage(db: sqlite3.Connection, judged: Digest) -> None:
    """Lay the judged rows out in a temporary table, which `upsert` then works from."""
    free = db.execute("SELECT coalesce(max(no), 0) FROM contacts").fetchone()[0]
    accepted, by_number, dumps = judged.accepted, judged.by_number, orjson.dumps
    db.execute("BEGIN")  # touches nothing but temporary tables, so nobody waits for it
    db.execute("DROP TABLE IF EXISTS temp.staged")
    db.execute(
        "CREATE TEMP TABLE staged (no INTEGER, email TEXT, number TEXT, fields TEXT,"
        " permission TEXT DEFAULT 'implicit', deleted INTEGER DEFAULT 0, fresh INTEGER DEFAULT 1)"
    )
    insert = "INSERT INTO temp.staged (no, email, number, fields) VALUES (?, ?, ?, ?)"
    # In order of address, so that the index is walked rather than jumped about in.
    db.executemany(
        insert,
        (
            (no, email, accepted[email].pop("sms_number", None), dumps(accepted[email]).decode())
            for no, email in enumerate(sorted(accepted), start=free + 1)
        ),
    )
    db.executemany(
        insert,
        (
            (no, None, fields.pop("sms_number", number), dumps(fields).decode())
            for no, (number, fields) in enumerate(by_number.items(), start=free + 1 + len(accepted))
        ),
    )
    db.execute("COMMIT")


def _find_known(db: sqlite3.Connection, account: int) -> None:
    # Everybody was taken for new; those already known are found with one lookup each.
    free = "(SELECT coalesce(max(no), 0) FROM contacts)"
    shift = db.execute(f"SELECT {free} + 1 - min(no) FROM temp.staged").fetchone()[0]
    if shift:  # somebody else has added contacts since the rows were laid out
        db.execute("UPDATE temp.staged SET no = no + ?", (shift,))
    known = (
        "UPDATE temp.staged SET no = c.no, permission = c.permission, deleted = c.deleted_at IS NOT NULL,"
        " fresh = 0 FROM contacts c WHERE c.account_no = ? AND "
    )
    db.execute(known + "c.email = staged.email", (account,))
    if db.execute("SELECT 1 FROM temp.staged WHERE email IS NULL LIMIT 1").fetchone():
        db.execute("UPDATE temp.staged SET permission = 'not_set' WHERE email IS NULL")
        db.execute(known + "c.sms_number = staged.number AND staged.email IS NULL", (account,))


def _insert_fresh(db: sqlite3.Connection, values: dict[str, Any]) -> int:
    # New contacts by import are implicit, source Account (api_guide/import_contacts.html). A telephone that
    # already has an owner stays with it.
    return db.execute(
        "INSERT INTO contacts (no, account_no, email, sms_number, permission, opt_in_source, create_source,"
        " update_source, created_at, updated_at, fields)"
        " SELECT no, :account, email, CASE WHEN number IS NULL OR EXISTS (SELECT 1 FROM contacts k"
        " WHERE k.account_no = :account AND k.sms_number = number) OR EXISTS (SELECT 1 FROM temp.staged o"
        " WHERE o.number = s.number AND o.rowid < s.rowid) THEN NULL ELSE number END,"
        " permission, 'Account', 'Account', 'Account', :at, :at, fields FROM temp.staged s WHERE fresh",
        values,
    ).rowcount


def _update_known(db: sqlite3.Connection, values: dict[str, Any]) -> int:
    """Patch those already there; returns how many deleted ones came back."""
    revived = db.execute(
        "INSERT INTO events (at, kind, detail) SELECT :at, 'contact_revived', json_object('contact_id',"
        f" {CONTACT_ID}, 'email', c.email, 'activity_id', :activity)"
        f" FROM temp.staged s JOIN contacts c ON c.no = s.no WHERE s.deleted AND {_JOINS}",
        values,
    ).rowcount
    db.execute(
        "UPDATE contacts SET fields = json_patch(contacts.fields, s.fields), updated_at = :at,"
        f" update_source = 'Account', deleted_at = CASE WHEN {_JOINS} THEN NULL ELSE contacts.deleted_at END"
        " FROM temp.staged s WHERE s.no = contacts.no AND NOT s.fresh",
        values,
    )
    return revived


def _join(db: sqlite3.Connection, config: Config, values: dict[str, Any]) -> int:
    """Put the joining ones on one list; returns how many were kept off by the limit of lists."""
    room = (
        "(s.fresh AND :many <= :most) OR EXISTS (SELECT 1 FROM memberships m WHERE m.list_no = :list"
        " AND m.contact_no = s.no AND m.shown_until IS NULL)"
        " OR (SELECT count(*) FROM memberships m WHERE m.contact_no = s.no AND m.shown_until IS NULL) < :most"
    )
    note_opt_outs(db, "temp.staged s", f"{_JOINS} AND ({room})", values)
    db.execute(
        "INSERT INTO memberships (list_no, contact_no, shown_from) SELECT :list, s.no, :shown"
        f" FROM temp.staged s WHERE {_JOINS} AND ({room})"
        " ON CONFLICT DO UPDATE SET shown_until = NULL, shown_from = excluded.shown_from"
        " WHERE shown_until IS NOT NULL",
        values,
    )
    if config.over_list_limit == "skip":
        return 0
    kept_off = (
        f"SELECT count(*) FROM temp.staged s WHERE {_JOINS} AND NOT EXISTS (SELECT 1 FROM memberships m"
        " WHERE m.list_no = :list AND m.contact_no = s.no AND m.shown_until IS NULL)"
    )
    return int(db.execute(kept_off, values).fetchone()[0])


def note_opt_outs(db: sqlite3.Connection, source: str, where: str, values: dict[str, Any]) -> None:
    """Leave an event for everybody who left the list by own hand and is now put back on it."""
    if db.execute("SELECT 1 FROM list_opt_outs WHERE list_no = :list LIMIT 1", values).fetchone() is None:
        return
    # contacts_sync warns that this happens; whoever lets it happen acts against consent.
    db.execute(
        "INSERT INTO events (at, kind, detail) SELECT :at, 'consent_violation', json_object('contact_id',"
        f" {CONTACT_ID}, 'email', c.email, 'list_id', l.list_id, 'activity_id', :activity)"
        f" FROM list_opt_outs o JOIN {source} ON s.no = o.contact_no JOIN contacts c ON c.no = o.contact_no"
        f" JOIN lists l ON l.no = o.list_no WHERE o.list_no = :list AND ({where})"
        " AND NOT EXISTS (SELECT 1 FROM memberships k WHERE k.list_no = :list AND k.contact_no = o.contact_no"
        " AND k.shown_until IS NULL)",
        values,
    )


def raise_high_water(db: sqlite3.Connection, account: int) -> None:
    """Remember the largest number of active contacts ever: what the bill follows (knowledge base 51160)."""
    db.execute(
        "UPDATE accounts SET active_high_water = max(active_high_water, (SELECT count(*) FROM contacts"
        f" WHERE account_no = :account AND deleted_at IS NULL AND permission IN {ACTIVE}))"
        " WHERE no = :account",
        {"account": account},
    )
