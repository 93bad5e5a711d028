"""Which kinds a field may be, by its sampled values and its name. Must never look at all rows."""

from collections.abc import Collection, Sequence

from ccexport.model.reading import FORMATS, FieldReading
from ccexport.model.words import FieldType
from ccexport.profiles.field_names import is_date
from ccexport.profiles.kinds import (
    ANY_DIGITS,
    BOOLEANS,
    COMPACT,
    DATES,
    NUMBERS,
    SERIAL,
    SERIAL_1904,
    YEARLESS,
    ZERO_DATES,
    Kind,
    by_pattern,
)

# In order of preference: what the name says, then booleans, numbers and dates.
_BY_ITSELF = (*BOOLEANS, *NUMBERS, *DATES)
_CHOSEN = (*BOOLEANS, *NUMBERS, ANY_DIGITS, *DATES, COMPACT, SERIAL, SERIAL_1904)
_FIRST_SERIAL = 2192  # 1 January 1906; a smaller number is a day, a month or a year by itself
_SEEN_AS_DATES = 2  # this many different values of eight digits that are all dates


def candidates(
    name: str,
    values: Collection[str],
    *,
    type_: FieldType | None,
    format_: str | None,
    before: FieldReading | None,
    only_dates: bool,
) -> list[Kind]:
    """Return the kinds to try, in order. For a chosen type or format, return all of its kinds."""
    if format_ is not None:
        return _of_format(format_)
    if type_ is not None:
        return [k for k in _CHOSEN if k.type is type_]
    kinds = [k for k in _guessed(name, values, only_dates) if _fits_all(k, values)]
    if before is not None and before.type is FieldType.TEXT:
        return [k for k in kinds if k.type is not FieldType.BOOLEAN]  # one word before, two now: still text
    return kinds


def _of_format(wanted: str) -> list[Kind]:
    if wanted not in FORMATS:
        return [by_pattern(wanted)]
    return [k for k in (*_CHOSEN, *YEARLESS) if k.format == wanted]


def _guessed(name: str, values: Collection[str], only_dates: bool) -> Sequence[Kind]:
    if only_dates:
        return DATES
    if is_date(name):
        return (COMPACT, SERIAL, *YEARLESS, *_BY_ITSELF)
    return (COMPACT, *_BY_ITSELF) if len(values) >= _SEEN_AS_DATES else _BY_ITSELF


def _fits_all(kind: Kind, values: Collection[str]) -> bool:
    """Return whether nearly all values fit; the few others are counted later."""
    if not values:
        return kind not in (COMPACT, SERIAL, *YEARLESS)
    if kind is SERIAL and any(float(v) < _FIRST_SERIAL for v in values if kind.fits(v)):
        return False
    wrong = sum(not kind.fits(v) for v in values if v not in ZERO_DATES)
    return wrong * 5 <= len(values)
