"""The ways to read a text: the shape of a value, further conditions, and the SQL of its value.

Owns every regexp of numbers, dates and booleans. Must never accept a text that can mean two things within
one kind: `columns` decides what two kinds can read.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ccexport.model.reading import (
    DAY_FIRST,
    DECIMAL_COMMA,
    DECIMAL_POINT,
    EXCEL_SERIAL,
    EXCEL_SERIAL_1904,
    MONTH_FIRST,
    YEAR_FIRST,
)
from ccexport.model.words import FieldType
from ccexport.profiles.months import MONTHS


@dataclass(frozen=True)
class Kind:
    """One way to read a text.

    In the templates `{t}` is the text, in `shape` and `value` the text after `prepared`;
    `whole` is a condition over the column; `stripped` counts, by code, what reading leaves out.
    """

    name: str
    type: FieldType
    shape: str
    value: str
    also: str = "true"
    format: str = ""
    prepared: str = "{t}"
    prepare: Callable[[str], str] = str
    whole: str = "true"
    stripped: tuple[tuple[str, str], ...] = ()
    exact: bool = False  # a number that needs no decimal
    rivals: tuple[str, ...] = ()  # kinds that read the same text as another value

    def fits(self, text: str) -> bool:
        """Whether one value has the shape."""
        return re.fullmatch(self.shape, self.prepare(text)) is not None

    def test(self, text: str) -> str:
        """SQL: whether one value is of this kind."""
        made = filled(self.prepared, text)
        return f"(regexp_full_match({made}, {quoted(self.shape)}) AND {filled(self.also, made)})"

    def read(self, text: str) -> str:
        """SQL: the value of the text."""
        return filled(self.value, filled(self.prepared, text))


def filled(template: str, text: str) -> str:
    """Return the template with its text."""
    return template.replace("{t}", text)


def quoted(text: str) -> str:
    """Return the text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


T = FieldType
# Dates of MySQL and Outlook that mean "none".
ZERO_DATES = (
    *("0000-00-00", "0000-00-00 00:00:00", "0/0/00", "0/0/0000", "00/00/00"),
    *("00/00/0000", "00.00.0000", "00-00-0000", "0000-00-00T00:00:00"),
)
ZERO_SQL = f"{{t}} IN ({', '.join(map(quoted, ZERO_DATES))})"
_ZERO = (("zero_date", ZERO_SQL),)

# --- booleans: both words of a pair must occur
_PAIRS = (("true", "false"), ("yes", "no"), ("ja", "nei"))


def _pair(yes: str, no: str) -> Kind:
    both = f"bool_or(lower({{t}}) = '{yes}') AND bool_or(lower({{t}}) = '{no}')"
    return Kind(f"{yes}/{no}", T.BOOLEAN, f"(?i:{yes}|{no})", f"lower({{t}}) = '{yes}'", whole=both)


BOOLEANS = tuple(_pair(yes, no) for yes, no in _PAIRS)
BOOLEAN_WORDS = {word for pair in _PAIRS for word in pair}

# --- numbers
_WHOLE = r"(?:0|[1-9]\d{0,14})"
_BLANKS = " \u00a0\u202f\u2009"
_QUOTES = "'\u2019"


def _grouped(separators: str) -> str:
    """Return a pattern for three digits after each separator, with the same separator throughout."""
    each = "|".join(rf"(?:{re.escape(s)}\d{{3}})+" for s in separators)
    return rf"[1-9]\d{{0,2}}(?:{each})"


_COMMA = rf"-?(?:{_WHOLE}|{_grouped('.' + _BLANKS + _QUOTES)})(?:,\d+)?"
_POINT = rf"-?(?:{_WHOLE}|{_grouped(',' + _BLANKS + _QUOTES)})(?:\.\d+)?"
_GROUPS = _BLANKS + _QUOTES
_CURRENCY = (
    r"US\$|R\$|A\$|C\$|[$€£¥₹₺₽₴]|\bkr\b\.?|\bzł|\bKč|\bFr\.|\b(?:NOK|SEK|DKK|ISK|EUR|USD|GBP|CHF|CAD|AUD"
    r"|NZD|JPY|PLN|CZK|HUF|TRY|INR|BRL|MXN|ZAR|SGD|HKD|RUB|UAH)\b"
)
_OFF = rf"(?i:{_CURRENCY})|%|[()]|,[-–]$|-$"
_BARE = (
    "(CASE WHEN starts_with({t}, '(') OR (ends_with({t}, '-') AND NOT ends_with({t}, ',-')) THEN '-' ELSE '' END"
    f" || trim(regexp_replace(translate({{t}}, '\u2212', '-'), {quoted(_OFF)}, '', 'g'), ' \u00a0\u202f'))"
)
_DECORATED = re.compile(r"^[^%]*%$|^\([^()]*\)$|^[^()%]*$")


def _bare(text: str) -> str:
    """Do the same as `_BARE`; return an empty text for a bracket or a percent sign in the middle."""
    if not _DECORATED.match(text):
        return ""
    minus = "-" if text.startswith("(") or (text.endswith("-") and not text.endswith(",-")) else ""
    return minus + re.sub(_OFF, "", text.replace("\u2212", "-")).strip(" \u00a0\u202f")


_ONE_CURRENCY = (
    f"count(DISTINCT nullif(upper(regexp_extract({{t}}, {quoted(f'(?i:{_CURRENCY})')})), '')) <= 1"
)
_ALL_PERCENT = "count(*) FILTER (contains({t}, '%')) IN (0, count(*) FILTER ({t} <> ''))"
_TAKEN_OFF = (
    ("money", f"regexp_matches({{t}}, {quoted(f'(?i:{_CURRENCY})|,[-–]$')})"),
    ("percent", "contains({t}, '%')"),
    ("brackets", "starts_with({t}, '(') OR (ends_with({t}, '-') AND NOT ends_with({t}, ',-'))"),
)


def _with_signs(kind: Kind) -> Kind:
    """Return the same kind with a currency or percent sign, or in brackets."""
    return Kind(
        f"{kind.name} with signs",
        T.NUMBER,
        kind.shape,
        kind.value,
        kind.also,
        kind.format,
        prepared=_BARE,
        prepare=_bare,
        whole=f"{_ONE_CURRENCY} AND {_ALL_PERCENT}",
        stripped=_TAKEN_OFF,
        rivals=tuple(f"{rival} with signs" for rival in kind.rivals),
    )


INTEGER = Kind("integer", T.NUMBER, r"-?(?:0|[1-9]\d{0,14})", "CAST({t} AS BIGINT)", exact=True)
_PLAIN_POINT = Kind(
    "point",
    T.NUMBER,
    r"-?(?:0|[1-9]\d{0,14})?(?:\.\d+)?(?:[eE][+-]?\d{1,2})?",
    "{t}",
    "TRY_CAST({t} AS DOUBLE) IS NOT NULL",
    DECIMAL_POINT,
    rivals=("comma",),
)
_GROUPED_POINT = Kind(
    "thousands",
    T.NUMBER,
    _POINT,
    f"translate({{t}}, {quoted(',' + _GROUPS)}, '')",
    format=DECIMAL_POINT,
    rivals=("comma",),
)
_DECIMAL_COMMA = Kind(
    "comma",
    T.NUMBER,
    _COMMA,
    f"replace(translate({{t}}, {quoted('.' + _GROUPS)}, ''), ',', '.')",
    format=DECIMAL_COMMA,
)
NUMBERS = (
    INTEGER,
    _PLAIN_POINT,
    _GROUPED_POINT,
    _DECIMAL_COMMA,
    _with_signs(_GROUPED_POINT),
    _with_signs(_DECIMAL_COMMA),
)
# Only when a person chooses number: otherwise leading zeros make it a text.
ANY_DIGITS = Kind("any digits", T.NUMBER, r"-?\d{1,18}", "CAST({t} AS BIGINT)", exact=True)

# --- dates
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_CLOCK = rf"{_TIME}(?: ?[AaPp]\.?[Mm]\.?)?"
_OFFSET = r"(?: ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?"
_DASHED = "translate({t}, '/.', '--')"
# Excel's range for two-digit years.
_FOUR = (
    "CASE WHEN regexp_full_match({t}, '.*\\D\\d{2}') THEN left({t}, length({t}) - 2) || "
    "if(right({t}, 2) >= '30', '19', '20') || right({t}, 2) ELSE {t} END"
)
_TWO_DIGITS = (("two_digit_years", r"regexp_matches({t}, '\D\d{2}$')"),)
_WITH_TIMES = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
# 2:30PM and 2:30 p.m. become 2:30 PM
_PLAIN_CLOCK = r"regexp_replace(upper({t}), ' ?([AP])\.?M\.?$', ' \1M')"


def _date(name: str, shape: str, value: str, order: str, rivals: tuple[str, ...] = ()) -> Kind:
    stripped = _ZERO + (_TWO_DIGITS if "short" in name else ())
    return Kind(name, T.DATE, shape, value, f"{value} IS NOT NULL", order, stripped=stripped, rivals=rivals)


def _tried(text: str, form: str) -> str:
    return f"CAST(try_strptime({text}, '{form}') AS DATE)"


def _time(name: str, shape: str, days: str, order: str, rivals: tuple[str, ...] = ()) -> Kind:
    forms = ", ".join(f"'{days} {clock}'" for clock in _WITH_TIMES)
    value = f"try_strptime({filled(_DASHED, _PLAIN_CLOCK)}, [{forms}])"
    return Kind(
        name,
        T.TIMESTAMP,
        f"{shape},? {_CLOCK}",
        value,
        f"{value} IS NOT NULL",
        order,
        prepared="replace({t}, ', ', ' ')",
        stripped=_ZERO,
        rivals=rivals,
    )


_LONG = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
_SHORT = r"\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
_DAYS, _MONTHS = "%d-%m-%Y", "%m-%d-%Y"
ISO_DATE = Kind(
    "iso date",
    T.DATE,
    r"\d{4}-\d{2}-\d{2}",
    "TRY_CAST({t} AS DATE)",
    "TRY_CAST({t} AS DATE) IS NOT NULL",
    YEAR_FIRST,
    stripped=_ZERO,
)
_ISO_TIME = Kind(
    "iso time without offset",
    T.TIMESTAMP,
    rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_TIME})?",
    "TRY_CAST({t} AS TIMESTAMP)",
    "TRY_CAST({t} AS TIMESTAMP) IS NOT NULL",
    YEAR_FIRST,
    stripped=_ZERO,
)
_TIDY_OFFSET = (
    r"regexp_replace(regexp_replace({t}, ' ?(?:UTC|GMT)$', 'Z'), ' ?([+-]\d{2}):?(\d{2})$', '\1:\2')"
)
_OFFSET_TIME = Kind(
    "iso time",
    T.TIMESTAMP,
    rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_TIME}{_OFFSET})?",
    f"TRY_CAST({_TIDY_OFFSET} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'",
    f"TRY_CAST({_TIDY_OFFSET} AS TIMESTAMPTZ) IS NOT NULL",
    YEAR_FIRST,
    stripped=_ZERO,
)
# Month names are replaced by numbers.
_WORD = r"regexp_extract(strip_accents(lower({t})), '[a-z]{3,}')"
_MONTH_MAP = "MAP {" + ", ".join(f"'{word}': '{number}'" for word, number in MONTHS.items()) + "}"
_LETTER = "[A-Za-zÀ-ſ]"
_NAME = rf"{_LETTER}{{3,}}\.?"
_NAMED = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th|er|\.|º)?[- ./]*(?:de )?{_NAME}[- ./,]*(?:de )?(?:\d{{4}}|\d{{2}})"
    rf"|{_NAME}[- ]\d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
_WEEKDAY = rf"^{_LETTER}{{2,9}}\.?, +"
_NO_WEEKDAY = f"regexp_replace({{t}}, '{_WEEKDAY}', '')"
_YEAR = filled("if(length({t}) = 2, if({t} >= '30', '19', '20') || {t}, {t})", r"regexp_extract({d}, '\d+$')")
_NAMED_VALUE = (
    rf"TRY_CAST({_YEAR} || '-' || {_MONTH_MAP}[{_WORD.replace('{t}', '{d}')}] || '-' || "
    r"regexp_extract({d}, '\d{1,2}') AS DATE)"
)
_DATE_PART = r"regexp_replace({t}, ',? +\d{1,2}:\d{2}.*$', '')"
_TIME_PART = filled(_PLAIN_CLOCK, r"regexp_extract({t}, '\d{1,2}:\d{2}.*$')")
_NAMED_TIME_VALUE = (
    f"({_NAMED_VALUE.replace('{d}', _DATE_PART)} + CAST(try_strptime('2000-01-01 ' || {_TIME_PART}, "
    f"[{', '.join(repr(f'%Y-%m-%d {clock}') for clock in _WITH_TIMES)}]) AS TIME))"
)


def _no_weekday(text: str) -> str:
    return re.sub(_WEEKDAY, "", text)


NAMED = Kind(
    "named month",
    T.DATE,
    _NAMED,
    _NAMED_VALUE.replace("{d}", "{t}"),
    f"{_NAMED_VALUE.replace('{d}', '{t}')} IS NOT NULL",
    "named_month",
    _NO_WEEKDAY,
    _no_weekday,
    stripped=_ZERO,
)
NAMED_TIME = Kind(
    "named month time",
    T.TIMESTAMP,
    rf"{_NAMED},? {_CLOCK}",
    _NAMED_TIME_VALUE,
    f"{_NAMED_TIME_VALUE} IS NOT NULL",
    "named_month",
    _NO_WEEKDAY,
    _no_weekday,
    stripped=_ZERO,
)
DATES = (
    ISO_DATE,
    _date("year first", r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}", _tried(_DASHED, "%Y-%m-%d"), YEAR_FIRST),
    _ISO_TIME,
    _OFFSET_TIME,
    _time("year first time", r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}", "%Y-%m-%d", YEAR_FIRST),
    _date("day first", _LONG, _tried(_DASHED, _DAYS), DAY_FIRST, ("month first",)),
    _date("month first", _LONG, _tried(_DASHED, _MONTHS), MONTH_FIRST),
    _date(
        "day first short", _SHORT, _tried(filled(_DASHED, _FOUR), _DAYS), DAY_FIRST, ("month first short",)
    ),
    _date("month first short", _SHORT, _tried(filled(_DASHED, _FOUR), _MONTHS), MONTH_FIRST),
    _time("day first time", _LONG, _DAYS, DAY_FIRST, ("month first time",)),
    _time("month first time", _LONG, _MONTHS, MONTH_FIRST),
    NAMED,
    NAMED_TIME,
)
COMPACT = Kind(
    "compact date",
    T.DATE,
    r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",
    _tried("{t}", "%Y%m%d"),
    f"{_tried('{t}', '%Y%m%d')} IS NOT NULL",
    YEAR_FIRST,
)
_SERIAL = r"[1-9]\d{0,4}(?:\.\d+)?"


def _serial(name: str, day_zero: str) -> Kind:
    value = f"CAST(DATE '{day_zero}' + CAST(floor(TRY_CAST({{t}} AS DOUBLE)) AS INTEGER) AS DATE)"
    return Kind(name, T.DATE, _SERIAL, value, "TRY_CAST({t} AS DOUBLE) < 73050", name)


SERIAL = _serial(EXCEL_SERIAL, "1899-12-30")
SERIAL_1904 = _serial(EXCEL_SERIAL_1904, "1904-01-01")


# --- days without a year: a text, written --MM-DD
def _yearless(name: str, order: str, day: int, month: int, rivals: tuple[str, ...] = ()) -> Kind:
    parts = r"^\D*(\d{1,2})\D+(\d{1,2})\D*$"
    days, months = (f"lpad(regexp_extract({{t}}, '{parts}', {at}), 2, '0')" for at in (day, month))
    return Kind(
        name,
        T.TEXT,
        r"\d{1,2}[-/.] ?\d{1,2}\.?",
        f"'--' || {months} || '-' || {days}",
        f"TRY_CAST('2000-' || {months} || '-' || {days} AS DATE) IS NOT NULL",
        order,
        rivals=rivals,
    )


YEARLESS = (
    _yearless("day and month", DAY_FIRST, 1, 2, ("month and day",)),
    _yearless("month and day", MONTH_FIRST, 2, 1),
)

BY_NAME = {
    k.name: k for k in (*BOOLEANS, *NUMBERS, ANY_DIGITS, *DATES, COMPACT, SERIAL, SERIAL_1904, *YEARLESS)
}


def by_pattern(pattern: str) -> Kind:
    """Return a kind for dates or times in a pattern a person gave, such as %d.%m.%y."""
    time = re.search(r"%[HIMSp]", pattern)
    value = f"try_strptime({{t}}, {quoted(pattern)})"
    value = value if time else f"CAST({value} AS DATE)"
    return Kind(
        pattern, T.TIMESTAMP if time else T.DATE, ".+", value, f"{value} IS NOT NULL", pattern, stripped=_ZERO
    )
