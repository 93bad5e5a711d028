"""The positive test of each operator as SQL on one column; `compile` does negation and grouping.

A test may be unknown for an empty value; the compiler makes that false. Days are UTC days. Must never
put a value into SQL text: every value goes through `bind`.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from ccexport.messages import Unusable
from ccexport.model.words import FieldType
from ccexport.segments.values import (
    Span,
    read_many,
    read_moment,
    read_months,
    read_number,
    read_range,
    read_span,
    read_text,
)


class Binder(Protocol):
    """The part of the compiler that a test needs."""

    today: date

    def bind(self, value: Any) -> str: ...


_FEW = 50  # up to this many values are compared one by one, which keeps the scan on the compressed column
_DOMAIN = re.compile(r"(\*\.)?[\w-]+(\.[\w-]+)*")
Test = Callable[[Binder, str, FieldType, Any, bool], str]


def _folded(sql: str, ignore_case: bool) -> str:
    # A letter may be written as one character or as two; NFC makes them equal.
    return f"lower(nfc_normalize({sql}))" if ignore_case else f"nfc_normalize({sql})"


def _text_test(template: str) -> Test:
    def test(binder: Binder, column: str, _type: FieldType, value: Any, ignore_case: bool) -> str:
        wanted = _folded(f"CAST({binder.bind(read_text(value))} AS VARCHAR)", ignore_case)
        return template.format(c=_folded(column, ignore_case), v=wanted)

    return test


def _any_of(binder: Binder, column: str, type_: FieldType, value: Any, ignore_case: bool) -> str:
    if type_ is FieldType.NUMBER:
        numbers = [binder.bind(read_number(v)) for v in read_many(value)]
        return f"{column} IN ({', '.join(numbers)})"
    texts = [read_text(v) for v in read_many(value)]
    if len(texts) <= _FEW:
        wanted = ", ".join(_folded(f"CAST({binder.bind(t)} AS VARCHAR)", ignore_case) for t in texts)
    else:
        wanted = f"SELECT {_folded(f'unnest(CAST({binder.bind(texts)} AS VARCHAR[]))', ignore_case)}"
    return f"{_folded(column, ignore_case)} IN ({wanted})"


def _domain(binder: Binder, column: str, _type: FieldType, value: Any, _ignore_case: bool) -> str:
    """Compare the part after the last @-sign; `*.example.com` is every domain below example.com."""
    endings = []
    for written in read_many(value):
        domain = read_text(written).strip().removeprefix("@")
        if not _DOMAIN.fullmatch(domain):
            raise Unusable("'{written}' is not a domain such as example.com", written=written)
        endings.append(re.escape(domain[1:] if domain.startswith("*.") else f"@{domain}"))
    pattern = rf"(?i)(?:{'|'.join(endings)})\s*$"
    return f"contains({column}, '@') AND regexp_matches({column}, {binder.bind(pattern)})"


def _number_test(sign: str) -> Test:
    def test(binder: Binder, column: str, _type: FieldType, value: Any, _ignore_case: bool) -> str:
        return f"{column} {sign} {binder.bind(read_number(value))}"

    return test


def _between(binder: Binder, column: str, type_: FieldType, value: Any, _ignore_case: bool) -> str:
    low, high = read_range(value)
    if type_ is FieldType.NUMBER:
        first, last = read_number(low), read_number(high)
        if first > last:
            raise Unusable("the range is empty: {low} is more than {high}", low=low, high=high)
        return f"{column} BETWEEN {binder.bind(first)} AND {binder.bind(last)}"
    start, end = read_moment(low, binder.today), read_moment(high, binder.today)
    if _end_of(start) > _end_of(end):
        raise Unusable("the range is empty: {low} is later than {high}", low=low, high=high)
    return f"{_from(binder, column, type_, start)} AND {_until(binder, column, type_, end)}"


def _moment_test(kind: str) -> Test:
    def test(binder: Binder, column: str, type_: FieldType, value: Any, _ignore_case: bool) -> str:
        moment = read_moment(value, binder.today)
        if kind == "on":
            return _days(binder, column, _day(moment), _day(moment))
        if kind == "before":
            return f"NOT ({_from(binder, column, type_, moment)})"
        if kind == "after":
            return f"NOT ({_until(binder, column, type_, moment)})"
        return (_until if kind == "on_or_before" else _from)(binder, column, type_, moment)

    return test


def _day(moment: date | datetime) -> date:
    if isinstance(moment, datetime):
        raise Unusable("a day without a time of day is expected")
    return moment


def _from(binder: Binder, column: str, type_: FieldType, moment: date | datetime) -> str:
    """SQL: at or after the moment, or the beginning of the day."""
    return f"{column} >= {binder.bind(_fitting(type_, moment))}"


def _until(binder: Binder, column: str, type_: FieldType, moment: date | datetime) -> str:
    """SQL: at or before the moment, or the end of the day."""
    if isinstance(moment, datetime):
        return f"{column} <= {binder.bind(_fitting(type_, moment))}"
    return f"{column} < {binder.bind(moment + timedelta(days=1))}"


def _fitting(type_: FieldType, moment: date | datetime) -> date | datetime:
    return _day(moment) if type_ is FieldType.DATE else moment


def _end_of(moment: date | datetime) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment, datetime.max.time())


def _days(binder: Binder, column: str, first: date, last: date) -> str:
    """SQL: from the first day up to and including the last."""
    return f"{column} >= {binder.bind(first)} AND {column} < {binder.bind(last + timedelta(days=1))}"


def _last(binder: Binder, column: str, _type: FieldType, value: Any, _ignore_case: bool) -> str:
    return _days(binder, column, read_span(value).before(binder.today), binder.today)


def _next(binder: Binder, column: str, _type: FieldType, value: Any, _ignore_case: bool) -> str:
    return _days(binder, column, binder.today, read_span(value).after(binder.today))


def _this(months: int) -> Test:
    """Return the test for today's calendar month, quarter or year."""

    def test(binder: Binder, column: str, _type: FieldType, _value: Any, _ignore_case: bool) -> str:
        start = binder.today.replace(day=1, month=(binder.today.month - 1) // months * months + 1)
        return _days(binder, column, start, Span(months, "months").after(start) - timedelta(days=1))

    return test


def _month_of(binder: Binder, column: str, _type: FieldType, value: Any, _ignore_case: bool) -> str:
    return f"list_contains(CAST({binder.bind(read_months(value))} AS INTEGER[]), CAST(month({column}) AS INTEGER))"


def _anniversary(binder: Binder, column: str, _type: FieldType, value: Any, _ignore_case: bool) -> str:
    """SQL: month and day fall on one of the coming days; 29 February counts as the 28th in other years."""
    span, first = read_span(value), binder.today
    last = min(span.after(first), first + timedelta(days=366))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found = {d.month * 100 + d.day for d in days}
    if any((d.month, d.day) == (2, 28) and (d + timedelta(days=1)).month == 3 for d in days):
        found.add(229)
    wanted = f"SELECT unnest(CAST({binder.bind(sorted(found))} AS INTEGER[]))"
    return f"CAST(month({column}) * 100 + day({column}) AS INTEGER) IN ({wanted})"


def _list_test(function: str) -> Test:
    def test(binder: Binder, column: str, _type: FieldType, value: Any, ignore_case: bool) -> str:
        wanted = f"CAST({binder.bind([read_text(v) for v in read_many(value)])} AS VARCHAR[])"
        fold = _folded("x", ignore_case)
        return f"{function}(list_transform({column}, lambda x: {fold}), list_transform({wanted}, lambda x: {fold}))"

    return test


def _plain(template: str) -> Test:
    def test(_binder: Binder, column: str, _type: FieldType, _value: Any, _ignore_case: bool) -> str:
        return template.format(c=column)

    return test


def _empty(_binder: Binder, column: str, type_: FieldType, _value: Any, _ignore_case: bool) -> str:
    return f"({column} IS NULL OR len({column}) = 0)" if type_ is FieldType.LIST else f"{column} IS NULL"


def _filled(binder: Binder, column: str, type_: FieldType, value: Any, ignore_case: bool) -> str:
    return f"NOT ({_empty(binder, column, type_, value, ignore_case)})"


TESTS: dict[str, Test] = {
    "is": _text_test("{c} = {v}"),
    "is_any_of": _any_of,
    "contains": _text_test("contains({c}, {v})"),
    "starts_with": _text_test("starts_with({c}, {v})"),
    "ends_with": _text_test("ends_with({c}, {v})"),
    "matches_domain": _domain,
    "equals": _number_test("="),
    "less_than": _number_test("<"),
    "at_most": _number_test("<="),
    "greater_than": _number_test(">"),
    "at_least": _number_test(">="),
    "between": _between,
    **{kind: _moment_test(kind) for kind in ("on", "before", "on_or_before", "after", "on_or_after")},
    "in_last": _last,
    "in_next": _next,
    "this_month": _this(1),
    "this_quarter": _this(3),
    "this_year": _this(12),
    "month_of": _month_of,
    "anniversary_in_next": _anniversary,
    "is_true": _plain("{c} IS TRUE"),
    "is_false": _plain("{c} IS FALSE"),
    "is_unknown": _plain("{c} IS NULL"),
    "has_any_of": _list_test("list_has_any"),
    "has_all_of": _list_test("list_has_all"),
    "is_empty": _empty,
    "is_not_empty": _filled,
}
