"""Finds table rows that are not profiles: dashes or units under the header, totals and notes at the end.

Must never remove a row that could be a person: only certain words in certain places count.
"""

import re
from collections.abc import Sequence

from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.staged import STAGED, Staged

_LOOKED_AT = 12  # rows at the end of each file
_DASHES = re.compile(r"[-=_ ]{2,}")
_UNIT = re.compile(
    r"(?i)\(.{0,30}\)|\[.{0,30}\]|%|kr|nok|sek|dkk|eur|usd|gbp|chf|[€$£]|kg|g|m|km|cm|stk|pcs|st|text|string|varchar"
    r"|number|integer|date|dato|datum|boolean|[dmyåtj]{1,4}([-./])[dmy]{1,4}\1[dmyåtj]{2,4}"
)
_TOTAL = re.compile(
    r"(?i)(grand |sub)?(totals?|sum|summe|gesamt(summe|betrag)?|totalt|i alt|sum totalt|total g[eé]n[eé]ral|totaal"
    r"|totale|yhteens[äa]|razem|summa|zusammen|итого)\b.{0,40}"
)
_NOTE = re.compile(
    r"(?i)\(?\d[\d., ]* "
    r"(rows?|records?|lines?|zeilen|datens[äa]tze|rader|poster)\b.*|(generated|exported|created|printed"
    r"|erstellt|generert|eksportert|utskrevet)\b.*|copyright\b.*|©.*|\(c\) .*|confidential\b.*|vertraulich\b.*"
    r"|(page|side|seite) \d+.*|\*{2,}.*|end of (report|file)\b.*|(note|merk|hinweis|source|kilde|quelle) ?:.*"
)


def odd_rows(db: DuckDB, staged: Staged) -> list[tuple[int, str]]:
    """Return the row ids of the staged table that are not profiles, each with the reason."""
    if not staged.text:
        return []
    ends = [start for _, start, _ in staged.parts[1:]] + [staged.rows]
    found: list[tuple[int, str]] = []
    for (_, start, _), end in zip(staged.parts, ends, strict=True):
        found += _of_one(
            _read(db, staged, start, min(start + 2, end)),
            _read(db, staged, max(start, end - _LOOKED_AT), end),
        )
    return sorted(set(found))


def _read(db: DuckDB, staged: Staged, start: int, end: int) -> list[tuple[int, list[str]]]:
    columns = ", ".join(f"coalesce({quote_identifier(f)}, '')" for f in staged.fields)
    rows = db.rows(
        f"SELECT rowid, {columns} FROM {STAGED} WHERE rowid >= {start} AND rowid < {end} ORDER BY rowid"
    )
    return [(row[0], [cell.strip() for cell in row[1:]]) for row in rows]


def _of_one(
    first: Sequence[tuple[int, list[str]]], last: Sequence[tuple[int, list[str]]]
) -> list[tuple[int, str]]:
    found = []
    for at, row in first:
        if not _under_header(row):
            break
        found.append((at, "units"))
    for at, row in reversed(last):
        reason = _at_end(row)
        if reason is None:
            break
        if reason:
            found.append((at, reason))
    return found


def _under_header(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell]
    dashes = bool(filled) and all(map(_DASHES.fullmatch, filled))
    return dashes or (
        len(filled) > 0 and all(map(_UNIT.fullmatch, filled)) and any(len(c) > 1 for c in filled)
    )


def _at_end(row: Sequence[str]) -> str | None:
    """Return the reason; empty for a blank row, None for a row that may be a person."""
    filled = [cell for cell in row if cell]
    if not filled:
        return ""
    if any("@" in cell for cell in filled):
        return None
    if _TOTAL.fullmatch(filled[0]):
        return "total"
    return "after_table" if len(filled) == 1 and len(row) > 1 and _NOTE.fullmatch(filled[0]) else None
