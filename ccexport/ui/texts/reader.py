"""Writes numbers, dates, times, durations and sizes as the reader does, with the CLDR data of Babel.

Must never hold a format of its own.
"""

import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.numbers import NumberPattern, get_decimal_symbol, get_group_symbol
from babel.units import format_unit

ENGLISH = "en_GB"  # for English texts when the browser names no locale


@dataclass(frozen=True)
class Reader:
    """How one locale writes values."""

    name: str

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(self.name)

    def number(self, value: float | Decimal, decimals: int = 0) -> str:
        return _number(self, value, decimals)

    def exact(self, value: float | Decimal) -> str:
        """Return the number with all its decimals."""
        return str(self.locale.decimal_formats[None].apply(value, self.locale, decimal_quantization=False))

    def share(self, value: float, decimals: int = 1) -> str:
        """Return a share such as 0.047 as a percentage."""
        pattern = _with_decimals(self.locale.percent_formats[None], decimals)
        return str(pattern.apply(value, self.locale))

    def dated(self, on: date) -> str:
        return str(format_date(on, "medium", locale=self.locale))

    def without_year(self, on: date) -> str:
        return str(format_skeleton("MMMd", on, locale=self.locale))

    def moment(self, at: datetime) -> str:
        """Return date and time of a moment that is already in the reader's time zone."""
        together = str(self.locale.datetime_formats["medium"])
        return together.replace("{1}", self.dated(at)).replace("{0}", self.time(at))

    def time(self, at: datetime, *, seconds: bool = False) -> str:
        return str(format_time(at, "medium" if seconds else "short", locale=self.locale))

    def duration(self, seconds: float) -> str:
        """Return the two largest of hours, minutes and seconds; at least one second if not 0."""
        whole = max(round(seconds), 1 if seconds > 0 else 0)
        hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
        parts = [(hours, "hour"), (minutes, "minute"), (rest, "second")]
        while len(parts) > 1 and not parts[0][0]:
            parts.pop(0)
        return " ".join(self._unit(value, f"duration-{unit}") for value, unit in parts[:2])

    def ago(self, since: timedelta) -> str:
        """Return how long ago it was, in the largest unit."""
        return str(format_timedelta(-since, add_direction=True, threshold=1, locale=self.locale))

    def size(self, count: float) -> str:
        """Return a number of bytes in the largest unit."""
        units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"]
        while count >= 1000 and len(units) > 1:
            count /= 1000
            units.pop(0)
        value = round(count) if units[0] == "byte" or count >= 100 else round(count, 1)
        return self._unit(value, f"digital-{units[0]}")

    def of_charts(self) -> dict[str, Any]:
        """Return the `config` of a chart whose axes write numbers this way."""
        decimal, thousands = get_decimal_symbol(self.locale), get_group_symbol(self.locale)
        number = {"decimal": decimal, "thousands": thousands, "grouping": [3], "currency": ["", ""]}
        return {"locale": {"number": number}}

    def _unit(self, value: float, unit: str) -> str:
        return str(format_unit(value, unit, "short", locale=self.locale))


@lru_cache(maxsize=8192)
def _number(reader: Reader, value: float | Decimal, decimals: int) -> str:
    return str(_with_decimals(reader.locale.decimal_formats[None], decimals).apply(value, reader.locale))


def _with_decimals(pattern: NumberPattern, decimals: int) -> NumberPattern:
    made = copy.copy(pattern)
    made.frac_prec = (decimals, decimals)
    return made


@lru_cache(maxsize=256)
def reader(locale: str) -> Reader:
    """Return the reader of a locale, else of its language; British English for an unknown locale."""
    wanted = locale.replace("-", "_")
    for name in (wanted, wanted.partition("_")[0]):
        try:
            known = Locale.parse(name)
        except (ValueError, UnknownLocaleError):
            continue
        return Reader(ENGLISH if str(known) == "en" else str(known))
    return Reader(ENGLISH)
