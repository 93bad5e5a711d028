"""How numbers, dates and times are written where the reader is: by the locale of the browser.

Python's own `locale` belongs to the whole process and the server's packages, so the few rules stand here; a locale
that is not among them gets ISO dates, which nobody takes for another day. Must never hold a word of a language.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import streamlit as st

from ccexport.ui.texts import language

SPACE = "\u00a0"  # does not break a number over two lines


@dataclass(frozen=True)
class Formats:
    """The reader's way to write numbers and dates."""

    thousands: str
    decimal: str
    percent: str
    """Between the number and its sign."""
    day: str
    """Of `strftime`, with the year; `short_day` is without."""
    short_day: str
    clock: str = "%H:%M"
    between: str = " "

    def number(self, value: float | Decimal, decimals: int = 0) -> str:
        english = f"{value:,.{decimals}f}"
        return english.translate(str.maketrans(",.", self.thousands + self.decimal))

    def share(self, value: float, decimals: int = 1) -> str:
        """0.047 as a percentage."""
        return f"{self.number(100 * value, decimals)}{self.percent}%"

    def dated(self, on: date) -> str:
        return _unpadded(on.strftime(self.day))

    def without_year(self, on: date) -> str:
        return _unpadded(on.strftime(self.short_day))

    def moment(self, at: datetime) -> str:
        """Date and time of a moment that is already in the reader's zone."""
        return self.dated(at) + self.between + self.time(at)

    def time(self, at: datetime, *, seconds: bool = False) -> str:
        text = at.strftime(self.clock.replace("%M", "%M:%S") if seconds else self.clock)
        return text.lstrip("0") if "%I" in self.clock else text

    def of_charts(self) -> dict[str, Any]:
        """The `config` of a chart whose axes write numbers this way."""
        number = {"decimal": self.decimal, "thousands": self.thousands, "grouping": [3], "currency": ["", ""]}
        return {"locale": {"number": number}}


def _unpadded(day: str) -> str:
    """Beside the name of a month a day has no leading nought."""
    return re.sub(r"\b0(?=\d)", "", day) if any(c.isalpha() for c in day) else day


_ENGLISH = {"thousands": ",", "decimal": ".", "percent": ""}
_SPACED = {"thousands": SPACE, "decimal": ",", "percent": SPACE}
_DOTTED = {"thousands": ".", "decimal": ",", "percent": SPACE}
_DOTS = {"day": "%d.%m.%Y", "short_day": "%d.%m."}
_SLASHES = {"day": "%d/%m/%Y", "short_day": "%d/%m"}
_DASHES = {"day": "%d-%m-%Y", "short_day": "%d-%m"}
_ISO = {"day": "%Y-%m-%d", "short_day": "%m-%d"}

BRITISH = Formats(**_ENGLISH, day="%d %b %Y", short_day="%d %b", between=", ")
AMERICAN = Formats(**_ENGLISH, day="%b %d, %Y", short_day="%b %d", clock="%I:%M %p", between=", ")
KNOWN: Mapping[str, Formats] = {
    "en": BRITISH,
    "en-US": AMERICAN,
    "en-CA": AMERICAN,
    **{code: Formats(**_SPACED, **_DOTS) for code in ("nb", "nn", "no", "fi", "pl", "cs", "sk", "ru", "uk", "bg")},
    **{code: Formats(**_SPACED, **_ISO) for code in ("sv", "lt", "hu", "fr-CA")},
    **{code: Formats(**_DOTTED, **_DOTS) for code in ("de", "da", "tr", "ro", "hr", "sl", "sr", "is")},
    **{code: Formats(**_DOTTED, **_SLASHES) for code in ("es", "it", "pt", "el", "ca", "id", "vi")},
    "de-CH": Formats("’", ".", "", **_DOTS),
    "es-MX": Formats(**_ENGLISH, **_SLASHES),
    "fr": Formats(**_SPACED, **_SLASHES),
    "nl": Formats(**_DOTTED, **_DASHES),
}  # fmt: skip
ANYWHERE = Formats(**_ENGLISH, **_ISO)


@lru_cache(maxsize=256)
def formats(locale: str) -> Formats:
    """By language and region, else by language alone; English English for nothing said."""
    spoken, _, region = locale.replace("_", "-").partition("-")
    spoken, region = spoken.lower(), region.upper()
    return KNOWN.get(f"{spoken}-{region}") or KNOWN.get(spoken or "en") or ANYWHERE


def here() -> Formats:
    """How numbers and dates are written where the reader is: as the browser does, else as their language does."""
    return formats(str(st.context.locale or language()))
