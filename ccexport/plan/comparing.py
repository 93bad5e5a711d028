"""Compares what two runs delivered: who is new, who is gone, whose values changed.

Owns the meaning of these words. Must never loop over contacts in Python, nor decide again what the plans decided.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.model.plans import Plan
from ccexport.plan.reading import MEMORY_LIMIT, Change
from ccexport.profiles.database import DuckDB, quote_path, session


class Difference(StrEnum):
    """How one contact differs between the earlier and the later run."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True)
class ComparedContact:
    """One contact of either run. `why` is the later run's reason for a contact that is gone, or `remove`."""

    address: str
    profile_id: str
    difference: Difference
    before: str | None
    after: str | None
    why: str | None
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Side:
    """One of the two runs or plans: its plan, and its outcomes when it sent something."""

    plan: Plan
    outcomes: Path | None


def compare(
    earlier: Side, later: Side, *, what: str | None = None, offset: int = 0, limit: int = 200
) -> tuple[Mapping[Difference, int], list[ComparedContact]]:
    """Return the count of each difference, and a page of the contacts that differ, by address.

    The contacts of a run are those it had for the list: added, updated and unchanged. `what` limits the page to
    one kind of difference.
    """
    if what is not None and what not in set(Difference):
        raise BadInput(
            "There is no difference “{what}”. There are: {difference}.",
            what=what,
            difference=list(Difference),
        )
    with session(memory_limit=MEMORY_LIMIT, temp_dir=earlier.plan.path.parents[1] / ".temp") as db:
        _compared(db, earlier, later)
        counted = dict(db.rows("SELECT difference, count(*) FROM compared GROUP BY difference"))
        page = _page(db, earlier, later, what, offset, limit)
    return {word: counted.get(word.value, 0) for word in Difference}, page


def because(earlier: Side, later: Side) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return why contacts are new, by what the earlier plan said of them, and why they are gone, by the later one.

    The words are reasons, `remove`, or `not_a_candidate`.
    """
    with session(memory_limit=MEMORY_LIMIT, temp_dir=earlier.plan.path.parents[1] / ".temp") as db:
        _compared(db, earlier, later)
        gone = db.rows(
            "SELECT why, count(*) FROM compared WHERE difference = 'gone' GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        new = db.rows(
            f"""
            WITH left_out AS (SELECT address, any_value(coalesce(reason, verdict)) AS why
                FROM read_parquet({quote_path(earlier.plan.path)})
                WHERE address IS NOT NULL AND (reason IS NOT NULL OR verdict = 'remove') GROUP BY address)
            SELECT coalesce(l.why, 'not_a_candidate') AS why, count(*)
            FROM compared c LEFT JOIN left_out l ON l.address = c.address
            WHERE c.difference = 'new' GROUP BY 1 ORDER BY 2 DESC, 1
            """
        )
    return dict(new), dict(gone)


def _compared(db: DuckDB, earlier: Side, later: Side) -> None:
    """Make the narrow table `compared`; the contacts themselves are fetched for one page only."""
    db.run(
        f"""
        CREATE TABLE compared AS
        WITH a AS ({_contacts(earlier)}), b AS ({_contacts(later)}),
        left_out AS (SELECT address, any_value(coalesce(reason, verdict)) AS why
            FROM read_parquet({quote_path(later.plan.path)})
            WHERE address IS NOT NULL AND (reason IS NOT NULL OR verdict = 'remove') GROUP BY address)
        SELECT coalesce(b.address, a.address) AS address, coalesce(b.profile_id, a.profile_id) AS profile_id,
            CASE WHEN a.address IS NULL THEN 'new' WHEN b.address IS NULL THEN 'gone'
                WHEN a.content IS DISTINCT FROM b.content THEN 'changed' ELSE 'same' END AS difference,
            a.outcome AS before, b.outcome AS after, a.seq AS a_seq, b.seq AS b_seq,
            CASE WHEN b.address IS NULL THEN coalesce(l.why, 'not_a_candidate') END AS why
        FROM a FULL JOIN b ON b.address = a.address LEFT JOIN left_out l ON l.address = a.address
        """
    )


def _contacts(side: Side) -> str:
    source = f"read_parquet({quote_path(side.plan.path)}) r"
    outcome = "r.verdict"
    if side.outcomes:
        source += f" LEFT JOIN read_parquet({quote_path(side.outcomes)}) o ON o.seq = r.seq"
        outcome = "coalesce(o.outcome, r.verdict)"
    return (
        f"SELECT r.seq, r.address, r.profile_id, hash(r.contact) AS content, {outcome} AS outcome FROM {source} "
        "WHERE r.verdict IN ('add', 'update', 'unchanged') AND r.address IS NOT NULL"
    )


def _page(
    db: DuckDB, earlier: Side, later: Side, what: str | None, offset: int, limit: int
) -> list[ComparedContact]:
    chosen = "difference = ?" if what else "difference <> 'same'"
    rows = db.rows(
        f"""
        WITH page AS (SELECT * FROM compared WHERE {chosen} ORDER BY address, difference
            LIMIT {int(limit)} OFFSET {int(offset)})
        SELECT p.address, p.profile_id, p.difference, p.before, p.after, p.why, x.contact, y.contact
        FROM page p LEFT JOIN read_parquet({quote_path(earlier.plan.path)}) x ON x.seq = p.a_seq
        LEFT JOIN read_parquet({quote_path(later.plan.path)}) y ON y.seq = p.b_seq
        ORDER BY p.address, p.difference
        """,
        [what] if what else [],
    )
    return [_contact(row) for row in rows]


def _contact(row: tuple[Any, ...]) -> ComparedContact:
    address, profile_id, difference, before, after, why, old, new = row
    found = Difference(difference)
    fields = _changes(old, new) if found is Difference.CHANGED else ()
    return ComparedContact(address, profile_id, found, before, after, why, fields)


def _changes(old: str | None, new: str | None) -> tuple[Change, ...]:
    was: dict[str, Any] = json.loads(old) if old else {}
    now: dict[str, Any] = json.loads(new) if new else {}
    return tuple(Change(f, was.get(f), now.get(f)) for f in {**now, **was} if was.get(f) != now.get(f))
