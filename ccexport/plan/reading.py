"""Reads a frozen plan: its rows by verdict, reason or warning, one person, the left out as CSV.

Must never change a plan, or decide again what it decided.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.model.plans import Plan
from ccexport.model.words import REASON_SENTENCES, Outcome, Reason, Verdict
from ccexport.plan.decide import segment_word
from ccexport.plan.freeze import BEFORE
from ccexport.profiles.addresses import normalise_address
from ccexport.profiles.csv_cells import csv_cell_sql
from ccexport.profiles.database import DuckDB, quote_path, quote_text, session

MEMORY_LIMIT = "256MB"


@dataclass(frozen=True)
class PlanRow:
    """One row of a plan; `outcome` and `note` are set only when the outcomes of a run were given."""

    seq: int
    profile_id: str
    address: str | None
    verdict: Verdict | None
    reason: Reason | None
    winner: str | None
    warnings: tuple[str, ...]
    segments: tuple[str, ...]
    contact: str | None
    before: str | None
    batch: int | None
    line: int | None
    outcome: Outcome | None = None
    note: str | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the contact as it is sent; empty when it is not sent."""
        return json.loads(self.contact) if self.contact else {}


@dataclass(frozen=True)
class Change:
    """One field of an update; `new` None means that it is no longer sent and keeps its value there."""

    field: str
    old: Any
    new: Any


def changes(row: PlanRow) -> list[Change]:
    """Return what an update changes compared with what we delivered last, in the order of the contact."""
    if row.verdict is not Verdict.UPDATE:
        return []
    old: dict[str, Any] = json.loads(row.before) if row.before else {}
    new = row.fields
    return [Change(f, old.get(f), new.get(f)) for f in {**new, **old} if old.get(f) != new.get(f)]


def rows(
    plan: Plan,
    *,
    what: str | None = None,
    segment: str | None = None,
    search: str | None = None,
    offset: int = 0,
    limit: int = 200,
    outcomes: Path | None = None,
) -> list[PlanRow]:
    """Return a page of rows in plan order.

    `what`: a verdict, a reason, an outcome (with `outcomes`), a warning (`field:code`), or `left_out`,
    `warnings`, `sent` (what was sent, with `outcomes`; otherwise what would be). `search`: a part of an address, a
    profile id or a name.
    """
    conditions, params = _conditions(what, outcomes)
    if segment is not None:
        conditions.append("contains('; ' || r.segments || '; ', '; ' || ? || '; ')")
        params.append(segment_word(segment))
    if search and search.strip():
        found, needles = _search(search.strip().lower())
        conditions.append(found)
        params += needles
    return _read(plan, conditions, params, outcomes, offset, limit)


def person(plan: Plan, address_or_id: str, *, outcomes: Path | None = None) -> list[PlanRow]:
    """Return every row about one address or one profile id, including duplicates that lost to it."""
    address = normalise_address(address_or_id)[0] or address_or_id.strip().lower()
    condition = "(r.profile_id = ? OR r.address IN (?, ?))"
    return _read(plan, [condition], [address_or_id.strip(), address, address_or_id], outcomes, 0, 1_000)


def addresses_of(plan: Plan, verdict: Verdict) -> list[str]:
    """Return the addresses of every row with that verdict, in plan order."""
    with _session(plan) as db:
        sql = f"SELECT address FROM read_parquet({quote_path(plan.path)}) WHERE verdict = ? ORDER BY seq"
        return [address for (address,) in db.rows(sql, [verdict.value])]


def counts(plan: Plan, outcomes: Path | None = None) -> dict[str, int]:
    """Return every number of the plan by its word; `rows` accepts each word as `what`."""
    found = {word.value: plan.verdicts.get(word, 0) for word in Verdict}
    found |= {word.value: plan.reasons.get(word, 0) for word in Reason}
    found |= {
        "candidates": plan.candidates,
        "sent": plan.to_send,
        "left_out": sum(plan.reasons.values()),
        "requests": plan.requests,
    }
    if outcomes:
        with _session(plan) as db:
            of = f"SELECT outcome, count(*) FROM read_parquet({quote_path(outcomes)}) GROUP BY ALL"
            found |= {word.value: 0 for word in Outcome} | dict(db.rows(of))
    return found


def rejects_csv(plan: Plan) -> Iterator[str]:
    """Yield everybody who is left out, with the reason, as CSV that no spreadsheet reads as formulas."""
    names = ("profile_id", "address", "reason", "explanation", "winner", "segments", "warnings")
    words = " ".join(f"WHEN {quote_text(r)} THEN {quote_text(t)}" for r, t in REASON_SENTENCES.items())
    cells = [csv_cell_sql(f"(CASE reason {words} END)" if n == "explanation" else n) for n in names]
    yield ",".join(names) + "\r\n"
    with _session(plan) as db:
        line = " || ',' || ".join(cells) + " || chr(13) || chr(10)"
        source = f"read_parquet({quote_path(plan.path)})"
        for batch in db.arrow(f"SELECT {line} AS t FROM {source} WHERE reason IS NOT NULL ORDER BY seq"):
            yield "".join(batch.column(0).to_pylist())


@contextmanager
def _session(plan: Plan) -> Iterator[DuckDB]:
    with session(memory_limit=MEMORY_LIMIT, temp_dir=plan.path.parents[1] / ".temp") as db:
        yield db


def _conditions(what: str | None, outcomes: Path | None) -> tuple[list[str], list[Any]]:
    if what is None:
        return [], []
    if what in set(Verdict):
        return ["r.verdict = ?"], [what]
    if what in set(Reason):
        return ["r.reason = ?"], [what]
    if what in set(Outcome):
        return (["o.outcome = ?"], [what]) if outcomes else (["false"], [])
    flags = {
        "sent": "o.outcome IS NOT NULL" if outcomes else "r.batch IS NOT NULL",
        "left_out": "r.reason IS NOT NULL",
        "warnings": "r.warnings IS NOT NULL",
    }
    if what in flags:
        return [flags[what]], []
    if ":" in what:
        return ["contains(';' || r.warnings || ';', ';' || ? || ';')"], [what]
    known = ", ".join([*Verdict, *Reason, *Outcome, *flags])
    raise BadInput("A plan has no rows called “{what}”. There are: {known}.", what=what, known=known)


def _search(needle: str) -> tuple[str, list[Any]]:
    """Return the search condition. Names are searched in the contact only; its JSON text narrows that first."""
    names = (
        "concat_ws(' ', "
        + ", ".join(f"r.contact::JSON->>'$.{n}'" for n in ("first_name", "last_name", "company_name"))
        + ")"
    )
    word = json.dumps(needle.split()[0], ensure_ascii=False)[1:-1]
    condition = (
        "(contains(lower(r.address), ?) OR contains(lower(r.profile_id), ?) OR "
        f"(contains(lower(r.contact), ?) AND contains(lower({names}), ?)))"
    )
    return condition, [needle, needle, word, " ".join(needle.split())]


def _read(
    plan: Plan,
    conditions: Sequence[str],
    params: Sequence[Any],
    outcomes: Path | None,
    offset: int,
    limit: int,
) -> list[PlanRow]:
    source = f"read_parquet({quote_path(plan.path)}) r"
    if outcomes:
        source += f" LEFT JOIN read_parquet({quote_path(outcomes)}) o ON o.seq = r.seq"
    where = " AND ".join(conditions) or "true"
    # Only narrow columns are searched; the contacts of one page are fetched afterwards.
    page = f"SELECT r.seq FROM {source} WHERE {where} ORDER BY r.seq LIMIT {int(limit)} OFFSET {int(offset)}"
    with _session(plan) as db:
        chosen = [seq for (seq,) in db.rows(page, list(params))]
        if not chosen:
            return []
        listed = ", ".join(map(str, chosen))
        span = f"r.seq BETWEEN {chosen[0]} AND {chosen[-1]} AND r.seq IN ({listed})"
        noted = "o.outcome, o.note" if outcomes else "NULL, NULL"
        return [
            _row(values)
            for values in db.rows(
                "SELECT r.seq, r.profile_id, r.address, r.verdict, r.reason, r.winner, r.warnings, "
                f"r.segments, r.contact, b.before, r.batch, r.line, {noted} FROM {source} "
                f"LEFT JOIN read_parquet({quote_path(plan.path.with_name(BEFORE))}) b ON b.seq = r.seq "
                f"WHERE {span} ORDER BY r.seq"
            )
        ]


def _row(values: tuple[Any, ...]) -> PlanRow:
    seq, profile_id, address, verdict, reason, winner, warnings, segments, *rest = values
    contact, before, batch, line, outcome, note = rest
    return PlanRow(
        seq,
        profile_id,
        address,
        Verdict(verdict) if verdict else None,
        Reason(reason) if reason else None,
        winner,
        tuple(warnings.split(";")) if warnings else (),
        tuple(segments.split("; ")) if segments else (),
        contact,
        before,
        batch,
        line,
        Outcome(outcome) if outcome else None,
        note,
    )
