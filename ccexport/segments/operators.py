"""Every operator of a rule: its field types, its value, and its other names.

The compiler, the words, the published schema and docs/rules.md share this table. Must never
say how an operator is computed (that is `compile`) or put into words (`words`).
"""

from dataclasses import dataclass
from enum import StrEnum

from ccexport.messages import mark
from ccexport.model.words import FieldType as T


@mark
class Takes(StrEnum):
    """The shape of value an operator takes."""

    NOTHING = "nothing"
    ONE = "one value"
    MANY = "a list of values"
    RANGE = "a range [from, to]"
    SPAN = 'a span such as "30 days"'
    MONTHS = "a month or a list of months (1 to 12)"
    SEGMENT = "the id or name of a segment"
    SHARE = "a part of all profiles in percent, [from, to]"
    SENT = 'the id or name of an export, or {"export": E, "n": 30, "unit": "days"}'


@dataclass(frozen=True)
class Operator:
    """One operator. `negates` names the operator whose exact opposite it is; it is true for empty values."""

    name: str
    types: tuple[T, ...]
    takes: Takes
    words: str
    negates: str = ""


_TIMES = (T.DATE, T.TIMESTAMP)
_ANY = tuple(T)

_TABLE = (
    Operator("is", (T.TEXT,), Takes.ONE, "is"),
    Operator("is_not", (T.TEXT,), Takes.ONE, "is not", "is"),
    Operator("is_any_of", (T.TEXT, T.NUMBER), Takes.MANY, "is any of"),
    Operator("is_none_of", (T.TEXT, T.NUMBER), Takes.MANY, "is none of", "is_any_of"),
    Operator("contains", (T.TEXT,), Takes.ONE, "contains"),
    Operator("does_not_contain", (T.TEXT,), Takes.ONE, "does not contain", "contains"),
    Operator("starts_with", (T.TEXT,), Takes.ONE, "starts with"),
    Operator("does_not_start_with", (T.TEXT,), Takes.ONE, "does not start with", "starts_with"),
    Operator("ends_with", (T.TEXT,), Takes.ONE, "ends with"),
    Operator("does_not_end_with", (T.TEXT,), Takes.ONE, "does not end with", "ends_with"),
    Operator("matches_domain", (T.TEXT,), Takes.MANY, "is an address at"),
    Operator("does_not_match_domain", (T.TEXT,), Takes.MANY, "is not an address at", "matches_domain"),
    Operator("equals", (T.NUMBER,), Takes.ONE, "="),
    Operator("not_equals", (T.NUMBER,), Takes.ONE, "≠", "equals"),
    Operator("less_than", (T.NUMBER,), Takes.ONE, "<"),
    Operator("at_most", (T.NUMBER,), Takes.ONE, "≤"),
    Operator("greater_than", (T.NUMBER,), Takes.ONE, ">"),
    Operator("at_least", (T.NUMBER,), Takes.ONE, "≥"),
    Operator("between", (T.NUMBER, *_TIMES), Takes.RANGE, "is between"),
    Operator("not_between", (T.NUMBER, *_TIMES), Takes.RANGE, "is not between", "between"),
    Operator("on", _TIMES, Takes.ONE, "is on"),
    Operator("not_on", _TIMES, Takes.ONE, "is not on", "on"),
    Operator("before", _TIMES, Takes.ONE, "is before"),
    Operator("on_or_before", _TIMES, Takes.ONE, "is on or before"),
    Operator("after", _TIMES, Takes.ONE, "is after"),
    Operator("on_or_after", _TIMES, Takes.ONE, "is on or after"),
    Operator("in_last", _TIMES, Takes.SPAN, "is in the last"),
    Operator("not_in_last", _TIMES, Takes.SPAN, "is not in the last", "in_last"),
    Operator("in_next", _TIMES, Takes.SPAN, "is in the next"),
    Operator("not_in_next", _TIMES, Takes.SPAN, "is not in the next", "in_next"),
    Operator("this_month", _TIMES, Takes.NOTHING, "is in this month"),
    Operator("this_quarter", _TIMES, Takes.NOTHING, "is in this quarter"),
    Operator("this_year", _TIMES, Takes.NOTHING, "is in this year"),
    Operator("month_of", _TIMES, Takes.MONTHS, "is in the month of"),
    Operator("anniversary_in_next", _TIMES, Takes.SPAN, "has its anniversary in the next"),
    Operator("is_true", (T.BOOLEAN,), Takes.NOTHING, "is true"),
    Operator("is_false", (T.BOOLEAN,), Takes.NOTHING, "is false"),
    Operator("is_not_true", (T.BOOLEAN,), Takes.NOTHING, "is not true", "is_true"),
    Operator("is_not_false", (T.BOOLEAN,), Takes.NOTHING, "is not false", "is_false"),
    Operator("is_unknown", (T.BOOLEAN,), Takes.NOTHING, "is unknown"),
    Operator("has_any_of", (T.LIST,), Takes.MANY, "has any of"),
    Operator("has_none_of", (T.LIST,), Takes.MANY, "has none of", "has_any_of"),
    Operator("has_all_of", (T.LIST,), Takes.MANY, "has all of"),
    Operator("is_empty", _ANY, Takes.NOTHING, "is empty"),
    Operator("is_not_empty", _ANY, Takes.NOTHING, "is not empty"),
    Operator("in_segment", (), Takes.SEGMENT, "is in the segment"),
    Operator("not_in_segment", (), Takes.SEGMENT, "is not in the segment", "in_segment"),
    Operator("sent_by_export", (), Takes.SENT, "was sent by the export"),
    Operator("not_sent_by_export", (), Takes.SENT, "was not sent by the export", "sent_by_export"),
    Operator("in_share", (), Takes.SHARE, "is in the share"),
    Operator("not_in_share", (), Takes.SHARE, "is not in the share", "in_share"),
)
OPERATORS = {operator.name: operator for operator in _TABLE}

# Other names people write. The first one that fits the type of the field applies.
ALIASES: dict[str, tuple[str, ...]] = {
    "is": ("is", "equals", "on", "is_true", "has_any_of"),
    "equals": ("is", "equals", "on", "is_true", "has_any_of"),
    "is_not": ("is_not", "not_equals", "not_on", "is_not_true", "has_none_of"),
    "not_equals": ("is_not", "not_equals", "not_on", "is_not_true", "has_none_of"),
    "is_any_of": ("is_any_of", "has_any_of"),
    "is_none_of": ("is_none_of", "has_none_of"),
    "contains": ("contains", "has_any_of"),
    "not_contains": ("does_not_contain", "has_none_of"),
    "does_not_contain": ("does_not_contain", "has_none_of"),
    "not_starts_with": ("does_not_start_with",),
    "not_ends_with": ("does_not_end_with",),
    "has_any_of": ("has_any_of", "is_any_of"),
    "less_than": ("less_than", "before"),
    "at_most": ("at_most", "on_or_before"),
    "greater_than": ("greater_than", "after"),
    "at_least": ("at_least", "on_or_after"),
    "less_than_or_equal": ("at_most", "on_or_before"),
    "greater_than_or_equal": ("at_least", "on_or_after"),
    "in": ("is_any_of", "has_any_of"),
    "not_in": ("is_none_of", "has_none_of"),
    "=": ("is", "equals", "on", "is_true"),
    "==": ("is", "equals", "on", "is_true"),
    "!=": ("is_not", "not_equals", "not_on", "is_not_true"),
    "≠": ("is_not", "not_equals", "not_on", "is_not_true"),
    "<": ("less_than", "before"),
    "<=": ("at_most", "on_or_before"),
    "≤": ("at_most", "on_or_before"),
    ">": ("greater_than", "after"),
    ">=": ("at_least", "on_or_after"),
    "≥": ("at_least", "on_or_after"),
    "true": ("is_true",),
    "false": ("is_false",),
    "unknown": ("is_unknown",),
    "is_unknown": ("is_unknown", "is_empty"),
    "is_null": ("is_empty",),
    "is_not_null": ("is_not_empty",),
    "in_this_month": ("this_month",),
    "in_this_quarter": ("this_quarter",),
    "in_this_year": ("this_year",),
    "domain": ("matches_domain",),
}
# `is` and similar operators on a boolean field take true or false as their value.
WITH_BOOLEAN_VALUE = frozenset({"is", "equals", "is_not", "not_equals", "=", "==", "!=", "≠"})
WITH_SALT = frozenset({"in_share", "not_in_share"})
WITHOUT_FIELD = frozenset(o.name for o in _TABLE if not o.types)


def candidates(op: str) -> tuple[str, ...]:
    """Return the operators a written name may mean; empty for an unknown name."""
    return ALIASES.get(op, (op,) if op in OPERATORS else ())


def meant(op: str, type_: T) -> Operator | None:
    """Return the operator a written name means for a field of this type, or None."""
    return next((OPERATORS[n] for n in candidates(op) if type_ in OPERATORS[n].types), None)


def names_for(type_: T) -> list[str]:
    """Return every operator that a field of this type takes."""
    return [o.name for o in _TABLE if type_ in o.types]
