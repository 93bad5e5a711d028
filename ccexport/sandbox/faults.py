"""Faults on order: which request, how often, and what goes wrong.

Owns the matching and counting. Must never act a fault out; the app and the activity engine do.
"""

import json
import random
import sqlite3
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

# On the wire: instead of the answer, before the effect, after it, or just late.
REQUEST_KINDS = ("status", "drop_before", "drop_after", "latency")
# In the engine, for the n-th activity.
ACTIVITY_KINDS = (
    "failed",
    "timed_out",
    "cancelled",
    "stuck",
    "partial_failed",
    "short",
    "unknown_state",
)


class BadFault(ValueError):
    """A fault that cannot be injected; the text says why."""


@dataclass(frozen=True)
class Fault:
    """One fault that struck."""

    no: int
    kind: str
    spec: dict[str, Any]


def inject(db: sqlite3.Connection, spec: object) -> int:
    """Store a fault. Raises `BadFault`."""
    if not isinstance(spec, dict) or spec.get("kind") not in REQUEST_KINDS + ACTIVITY_KINDS:
        raise BadFault(f"kind must be one of {', '.join(REQUEST_KINDS + ACTIVITY_KINDS)}.")
    skip, times, chance = spec.get("skip", 0), spec.get("times", 1), spec.get("chance", 1.0)
    if not all(type(each) is int and 0 <= each < 10**9 for each in (skip, times)):
        raise BadFault("skip and times must be whole numbers; times 0 means always.")
    if type(chance) not in (int, float) or not 0 <= chance <= 1:
        raise BadFault("chance must lie between 0 and 1.")
    status, seconds = spec.get("status", 500), spec.get("seconds", 0)
    if type(status) is not int or not 200 <= status <= 599 or type(seconds) not in (int, float):
        raise BadFault("status must be an HTTP status and seconds a number.")
    row = (json.dumps(spec), skip, times)
    return int(db.execute("INSERT INTO faults (spec, skip, times) VALUES (?, ?, ?)", row).lastrowid or 0)


def pick(db: sqlite3.Connection, method: str, path: str) -> Fault | None:
    """The fault that strikes this request, if any; counts the match."""
    for no, spec, strikes in _counting(db, REQUEST_KINDS, method, path):
        if strikes:
            return Fault(no, spec["kind"], spec)
    return None


def pick_for_activity(db: sqlite3.Connection, kind: str) -> Fault | None:
    """The fault that befalls a new activity of `kind`, if any."""
    for no, spec, strikes in _counting(db, ACTIVITY_KINDS, "POST", kind):
        if strikes:
            return Fault(no, spec["kind"], spec)
    return None


def _counting(
    db: sqlite3.Connection, kinds: tuple[str, ...], method: str, path: str
) -> list[tuple[int, dict[str, Any], bool]]:
    found = []
    rows = db.execute("SELECT no, spec, skip, used FROM faults WHERE times = 0 OR used < skip + times")
    for no, text, skip, used in rows.fetchall():
        spec = json.loads(text)
        if spec["kind"] not in kinds or not _matches(spec, method, path):
            continue
        db.execute("UPDATE faults SET used = used + 1 WHERE no = ?", (no,))
        # Seeded by its own count, so that a run with chance can be repeated.
        lucky = random.Random(no * 1_000_003 + used).random() < spec.get("chance", 1.0)  # noqa: S311
        found.append((no, spec, used >= skip and lucky))
        if found[-1][2]:
            break
    return found


def _matches(spec: dict[str, Any], method: str, path: str) -> bool:
    return str(spec.get("method", method)).upper() == method.upper() and fnmatchcase(
        path, str(spec.get("path", spec.get("activity", "*")))
    )
