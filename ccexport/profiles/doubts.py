"""Decides how to read values that can be read in two ways, by the file's other fields, the earlier snapshot
or a person; otherwise they stay text.

Must never guess: when nothing proves the order of day and month, the person is asked.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ccexport.model.reading import (
    DAY_FIRST,
    DECIMAL_COMMA,
    DECIMAL_POINT,
    MONTH_FIRST,
    Remark,
    Sure,
)
from ccexport.model.words import FieldType
from ccexport.profiles.evidence import Found, Hints
from ccexport.profiles.kinds import COMPACT, SERIAL, Kind

_ORDERS = (DAY_FIRST, MONTH_FIRST)
_SIGNS = (DECIMAL_COMMA, DECIMAL_POINT)
_SHOWN = 5
# A comma, a full stop, or spaces between digits, which also occur in phone numbers.
_DOUBTFUL = re.compile("\\d[., \u00a0\u202f\u2009]\\d")


@dataclass(frozen=True)
class Settled:
    """How a field is read: `kind` is None when it stays text."""

    found: Found
    kind: Kind | None
    sure: Sure = Sure.CERTAIN
    remarks: tuple[Remark, ...] = ()


def settle(found: Mapping[str, Found], hints: Hints, sample: Mapping[str, set[str]]) -> dict[str, Settled]:
    """Decide how to read every field that has a kind."""
    all_ = list(found.values())
    orders, signs = _proven(all_, _ORDERS), _proven(all_, _SIGNS)
    return {name: _settle(one, hints, sample[name], orders, signs) for name, one in found.items()}


def _proven(found: Iterable[Found], formats: Sequence[str]) -> set[str]:
    """Return the formats of fields that can be read in one way only."""
    return {
        f.kind.format
        for f in found
        if f.counts.holds and f.counts.filled and not f.rivals and f.kind.format in formats
    }


def _settle(one: Found, hints: Hints, values: set[str], orders: set[str], signs: set[str]) -> Settled:
    chosen = one.name in hints.formats or one.name in hints.types
    if chosen and (one.name in hints.formats or not one.rivals):
        return Settled(one, one.kind, Sure.CHOSEN, _told(one))
    if one.counts.filled == 0:
        return Settled(one, None)
    if not one.counts.holds:
        return _stays_text(one, hints, values)
    if not one.rivals:
        sure = Sure.LIKELY if one.kind in (COMPACT, SERIAL) else Sure.CERTAIN
        return Settled(one, one.kind, sure, _told(one))
    if one.kind.format in _ORDERS:
        return _order(one, hints, values, orders)
    return _sign(one, hints, values, signs)


def _told(one: Found) -> tuple[Remark, ...]:
    """Return remarks on what reading the field leaves out or assumes."""
    remarks = [Remark(code, count, one.name) for code, count in one.counts.stripped.items()]
    if one.kind is COMPACT:
        remarks.append(Remark("compact_dates", one.counts.filled, one.name))
    if one.kind is SERIAL:
        remarks.append(Remark("excel_serial", one.counts.filled, one.name))
    if one.kind.type is FieldType.TEXT:
        remarks.append(Remark("without_year", one.counts.filled, one.name))
    return tuple(remarks)


def _stays_text(one: Found, hints: Hints, values: set[str]) -> Settled:
    before = hints.before.get(one.name)
    if one.kind.type is FieldType.BOOLEAN and one.counts.misfits == 0:
        if before is not None and before.type is FieldType.BOOLEAN:
            return Settled(one, one.kind, Sure.BEFORE)
        return Settled(one, None, Sure.UNSURE, (Remark("one_word", one.counts.filled, one.name),))
    if one.counts.misfits == 0:
        return Settled(one, None, Sure.UNSURE, (Remark("mixed_signs", one.counts.filled, one.name),))
    code = "both_orders" if one.kind.format in _ORDERS and _mixed(values) else "misfits"
    named = {"type": str(one.kind.type)}
    return Settled(one, None, Sure.UNSURE, (Remark(code, one.counts.misfits, one.name, values=named),))


def _mixed(values: Iterable[str]) -> bool:
    """Return whether a number above 12 comes first in some values and second in others."""
    parts = [v.replace("/", "-").replace(".", "-").split("-") for v in values]
    numbers = [(int(p[0]), int(p[1])) for p in parts if len(p) > 1 and p[0].isdigit() and p[1].isdigit()]
    return any(a > 12 for a, _ in numbers) and any(b > 12 for _, b in numbers)


def _order(one: Found, hints: Hints, values: set[str], orders: set[str]) -> Settled:
    """Decide between day first and month first."""
    before = hints.before.get(one.name)
    known = before.format if before is not None and before.format in _ORDERS else None
    proven = next(iter(orders)) if len(orders) == 1 else None
    if known and (proven in (None, known) and len(orders) < 2):
        remark = Remark("as_before", one.counts.filled, one.name, values={"format": known})
        return _as(one, known, Sure.BEFORE, remark)
    if proven and not known:
        return _as(one, proven, Sure.FILE, Remark(proven, one.counts.filled, one.name))
    if not known and all("." in v for v in values):  # full stops never separate a month from a following day
        return _as(one, DAY_FIRST, Sure.LIKELY)
    shown = sorted(values)[:_SHOWN]
    remark = Remark("ask_order", one.counts.filled, one.name, choices=_ORDERS, samples=shown)
    return Settled(one, None, Sure.UNSURE, (remark,))


def _sign(one: Found, hints: Hints, values: set[str], signs: set[str]) -> Settled:
    """Decide between a decimal comma and a decimal point."""
    before = hints.before.get(one.name)
    joined = "\n".join(values)
    if not _DOUBTFUL.search(joined):
        return _as(one, one.kind.format, Sure.CERTAIN)  # the same number either way
    if len(signs) == 1 and ("," in joined or "." in joined):
        return _as(one, next(iter(signs)), Sure.FILE)
    if before is not None and before.format in _SIGNS and not signs:
        return _as(one, before.format, Sure.BEFORE)
    if "," in joined and not signs:
        sign = DECIMAL_COMMA if hints.semicolons else DECIMAL_POINT
        code = "decimal_comma" if hints.semicolons else "thousands"
        return _as(one, sign, Sure.LIKELY, Remark(code, one.counts.filled, one.name, choices=_SIGNS))
    shown = sorted(values)[:_SHOWN]
    remark = Remark("ask_number", one.counts.filled, one.name, choices=_SIGNS, samples=shown)
    return Settled(one, None, Sure.UNSURE, (remark,))


def _as(one: Found, wanted: str, sure: Sure, *remarks: Remark) -> Settled:
    """Settle on the kind or its rival, whichever has that format."""
    kind = next(k for k in (one.kind, *one.rivals) if k.format == wanted)
    return Settled(one, kind, sure, (*remarks, *_told(one)))
