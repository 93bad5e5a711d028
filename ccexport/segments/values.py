"""Reads the value of a condition: numbers, dates, spans, months, lists.

Owns the accepted forms of each. Must never read a clock: `today` is passed in.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ccexport.messages import Unusable

_UNITS = {"day": "days", "week": "weeks", "month": "months", "quarter": "quarters", "year": "years"}
_UNITS |= {plural: plural for plural in _UNITS.values()}
_LONGEST_DAYS = 366 * 200
_MONTHS = [name.lower() for name in calendar.month_name]


@dataclass(frozen=True)
class Span:
    """A number of days, weeks, months, quarters or years."""

    n: int
    unit: str

    def __str__(self) -> str:
        return f"{self.n} {self.unit.removesuffix('s') if self.n == 1 else self.unit}"

    def after(self, day: date) -> date:
        """Return the day this span after `day`; in a shorter month, its last day."""
        return _moved(day, self, 1)

    def before(self, day: date) -> date:
        """Return the day this span before `day`."""
        return _moved(day, self, -1)


def read_text(value: Any) -> str:
    """Read one text; numbers are taken as written."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unusable("a text is expected")
    return str(value)


def read_number(value: Any) -> Decimal:
    """Read one exact number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unusable("a number is expected")
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise Unusable("'{value}' is not a number", value=str(value)) from error
    if not number.is_finite() or abs(number.adjusted()) > 17 or len(number.as_tuple().digits) > 30:
        raise Unusable("'{value}' is too big or too small a number", value=str(value))
    return number


def read_share(value: Any) -> tuple[Decimal, Decimal]:
    """Read a range in percent of all profiles; return from and to."""
    low, high = map(read_number, read_range(value))
    if not 0 <= low < high <= 100:
        raise Unusable("a share is [from, to] in percent, such as [0, 10]")
    return low, high


def read_moment(value: Any, today: date) -> date | datetime:
    """Read a day, or a moment as naive UTC; `today`, `yesterday` and `tomorrow` are days too."""
    moment = _moment(value, today)
    if not 1 < moment.year < 9999:
        raise Unusable("'{value}' is too far away", value=str(value))
    return moment


def _moment(value: Any, today: date) -> date | datetime:
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise Unusable('a date such as "2026-02-28" is expected')
    text = value.strip().lower()
    if text in ("today", "yesterday", "tomorrow"):
        return today + timedelta(days={"yesterday": -1, "today": 0, "tomorrow": 1}[text])
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
        return _utc(datetime.fromisoformat(value.strip()))
    except ValueError as error:
        raise Unusable("'{value}' is not a date such as \"2026-02-28\"", value=str(value)) from error


def read_many(value: Any) -> list[Any]:
    """Read a list of at least one value; a single value counts as a list."""
    values = list(value) if isinstance(value, list | tuple | set | frozenset) else [value]
    if not values:
        raise Unusable("the list of values is empty")
    return values


def read_range(value: Any) -> tuple[Any, Any]:
    """Read `[from, to]`, or an object with from and to (or min and max)."""
    if isinstance(value, Mapping):
        value = [value.get("from", value.get("min")), value.get("to", value.get("max"))]
    if not isinstance(value, list | tuple) or len(value) != 2 or None in value:
        raise Unusable("a range of two values [from, to] is expected")
    return value[0], value[1]


def read_span(value: Any) -> Span:
    """Read `{"n": 30, "unit": "days"}`, `"30 days"`, `[30, "days"]`, or a number of days."""
    n, unit = value, "days"
    if isinstance(value, Mapping):
        n, unit = value.get("n"), value.get("unit", "days")
    elif isinstance(value, list | tuple) and len(value) == 2:
        n, unit = value
    elif isinstance(value, str):
        n, _, unit = value.strip().partition(" ")
        unit = unit.strip() or "days"
    unit = _UNITS.get(str(unit).strip().lower(), "")
    if isinstance(n, bool) or not re.fullmatch(r"\d{1,5}", str(n)) or not unit or int(str(n)) < 1:
        raise Unusable('a span is expected, such as {"n": 30, "unit": "days"} or "6 months"')
    span = Span(int(str(n)), unit)
    if span.n * {"days": 1, "weeks": 7, "months": 30, "quarters": 91, "years": 366}[unit] > _LONGEST_DAYS:
        raise Unusable("the span is longer than 200 years")
    return span


def read_months(value: Any) -> list[int]:
    """Read months as numbers from 1 to 12 or their English names."""
    months: list[int] = []
    for one in read_many(value):
        text = str(one).strip().lower()
        named = [n for n, name in enumerate(_MONTHS) if n and len(text) >= 3 and name.startswith(text)]
        number = named[0] if named else int(text) if re.fullmatch(r"0?[1-9]|1[0-2]", text) else 0
        if isinstance(one, bool) or not number:
            raise Unusable("'{one}' is not a month from 1 to 12", one=str(one))
        months.append(number)
    return months


def read_sent(value: Any) -> tuple[str, Span | None]:
    """Read which export, and the time span if there is one."""
    if not isinstance(value, Mapping):
        return read_text(value), None
    if "export" not in value:
        raise Unusable('the object needs "export"')
    span = read_span({"n": value["n"], "unit": value.get("unit", "days")}) if "n" in value else None
    return read_text(value["export"]), span


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _moved(day: date, span: Span, sign: int) -> date:
    if span.unit in ("days", "weeks"):
        return day + sign * timedelta(days=span.n * (7 if span.unit == "weeks" else 1))
    months = span.n * {"months": 1, "quarters": 3, "years": 12}[span.unit] * sign
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
