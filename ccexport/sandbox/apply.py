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


Effect = Callable[[sqlite3.Connection], Outcome]


@dataclass(frozen=True)
class Upserted:
    """What one import did."""

    fresh: int
    cannot_add: int
    revived: int


def upsert(
    db: sqlite3.Connection, config: Config, activity: Activity, judged: Digest, lists: list[int], at: float
) -> Upserted:
    """Add or update the judged contacts and put them on `lists`, by number."""
    account = activity.account_no
    _stage(db, account, judged)
    values = {
        "account": account,
        "at": at,
        "shown": at + config.visibility_seconds,
        "activity": activity.activity_id,
    }
    fresh = _insert_fresh(db, values)
    if config.revive_deleted:
        db.execute("UPDATE temp.staged SET joins = 1, revived = deleted WHERE permission <> 'unsubscribed'")
    else:
        db.execute("UPDATE temp.staged SET joins = 1 WHERE permission <> 'unsubscribed' AND NOT deleted")
    _update_known(db, values)
    over = sum(_join(db, config, values | {"list": list_no}) for list_no in lists)
    blocked = db.execute("SELECT count(*) FROM temp.staged WHERE permission = 'unsubscribed'").fetchone()[0]
    revived = db.execute("SELECT count(*) FROM temp.staged WHERE revived").fetchone()[0]
    db.execute("DROP TABLE temp.staged")
    raise_high_water(db, account)
    cannot_add = blocked + (over if config.over_list_limit == "cannot_add" else 0)
    return Upserted(fresh, cannot_add, revived)


def _stage(db: sqlite3.Connection, account: int, judged: Digest) -> None:
    db.execute("CREATE TEMP TABLE incoming (email TEXT, number TEXT, fields TEXT)")
    dumps = orjson.dumps
    # In order of address, so that the index is walked rather than jumped about in.
    db.executemany(
        "INSERT INTO temp.incoming VALUES (?, ?, ?)",
        (
            (email, fields.pop("sms_number", None), dumps(fields).decode())
            for email, fields in sorted(judged.accepted.items())
        ),
    )
    db.executemany(
        "INSERT INTO temp.incoming VALUES (NULL, ?, ?)",
        (
            (fields.pop("sms_number", number), dumps(fields).decode())
            for number, fields in judged.by_number.items()
        ),
    )
    db.execute(
        "CREATE TEMP TABLE staged (email TEXT, number TEXT, fields TEXT, no INTEGER, permission TEXT,"
        " deleted INTEGER, fresh INTEGER, joins INTEGER DEFAULT 0, revived INTEGER DEFAULT 0)"
    )
    known = (
        "SELECT i.email, i.number, i.fields, c.no, coalesce(c.permission, '{new}'), c.deleted_at IS NOT NULL,"
        " c.no IS NULL FROM temp.incoming i LEFT JOIN contacts c ON c.account_no = :account AND {match}"
    )
    into = "INSERT INTO temp.staged (email, number, fields, no, permission, deleted, fresh) "
    by_email = known.format(new="implicit", match="c.email = i.email")
    by_number = known.format(new="not_set", match="c.sms_number = i.number")
    db.execute(f"{into}{by_email} WHERE i.email IS NOT NULL", {"account": account})
    if judged.by_number:
        db.execute(f"{into}{by_number} WHERE i.email IS NULL", {"account": account})
    db.execute("DROP TABLE temp.incoming")


def _insert_fresh(db: sqlite3.Connection, values: dict[str, Any]) -> int:
    base = db.execute("SELECT coalesce(max(no), 0) FROM contacts").fetchone()[0]
    db.execute("UPDATE temp.staged SET no = ? + rowid WHERE fresh", (base,))
    # New contacts by import are implicit, source Account (api_guide/import_contacts.html). OR IGNORE on the
    # number only: two addresses with one phone cannot both be its owner.
    return db.execute(
        "INSERT INTO contacts (no, account_no, email, sms_number, permission, opt_in_source, create_source,"
        " update_source, created_at, updated_at, fields)"
        " SELECT no, :account, email, CASE WHEN number IS NULL OR EXISTS (SELECT 1 FROM contacts k"
        " WHERE k.account_no = :account AND k.sms_number = number) OR EXISTS (SELECT 1 FROM temp.staged o"
        " WHERE o.number = s.number AND o.rowid < s.rowid) THEN NULL ELSE number END,"
        " permission, 'Account', 'Account', 'Account', :at, :at, fields FROM temp.staged s WHERE fresh",
        values,
    ).rowcount


def _update_known(db: sqlite3.Connection, values: dict[str, Any]) -> None:
    db.execute(
        "UPDATE contacts SET fields = json_patch(contacts.fields, s.fields), updated_at = :at,"
        " update_source = 'Account', deleted_at = CASE WHEN s.revived THEN NULL ELSE contacts.deleted_at END"
        " FROM temp.staged s WHERE s.no = contacts.no AND NOT s.fresh",
        values,
    )
    db.execute(
        "INSERT INTO events (at, kind, detail) SELECT :at, 'contact_revived', json_object('contact_id',"
        f" {CONTACT_ID}, 'email', c.email, 'activity_id', :activity)"
        " FROM temp.staged s JOIN contacts c ON c.no = s.no WHERE s.revived",
        values,
    )


def _join(db: sqlite3.Connection, config: Config, values: dict[str, Any]) -> int:
    """Put the joining ones on one list; returns how many were kept off by the limit of lists."""
    values = values | {"most": config.lists_per_contact}
    room = (
        "EXISTS (SELECT 1 FROM memberships m WHERE m.list_no = :list AND m.contact_no = s.no"
        " AND m.shown_until IS NULL) OR (SELECT count(*) FROM memberships m WHERE m.contact_no = s.no"
        " AND m.shown_until IS NULL) < :most"
    )
    note_opt_outs(db, "temp.staged s", f"s.joins AND ({room})", values)
    db.execute(
        "INSERT INTO memberships (list_no, contact_no, shown_from) SELECT :list, s.no, :shown"
        f" FROM temp.staged s WHERE s.joins AND ({room})"
        " ON CONFLICT DO UPDATE SET shown_until = NULL, shown_from = excluded.shown_from"
        " WHERE shown_until IS NOT NULL",
        values,
    )
    kept_off = (
        "SELECT count(*) FROM temp.staged s WHERE s.joins AND NOT EXISTS (SELECT 1 FROM memberships m"
        " WHERE m.list_no = :list AND m.contact_no = s.no AND m.shown_until IS NULL)"
    )
    over: int = 0
    if config.over_list_limit == "cannot_add":
        over = db.execute(kept_off, values).fetchone()[0]
    return over


def note_opt_outs(db: sqlite3.Connection, source: str, where: str, values: dict[str, Any]) -> None:
    """Leave an event for everybody who left the list by own hand and is now put back on it."""
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
