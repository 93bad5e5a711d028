"""The compiled SQL selects what a plain Python evaluation of the tree selects, on random profiles."""

import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccexport.model.profiles import ProfileField, Snapshot
from ccexport.model.words import FieldType as T
from ccexport.profiles.database import DuckDB, session
from ccexport.segments.compile import compile_rule
from ccexport.segments.rules import parse_rule

TODAY = date(2024, 2, 28)  # the next day is a 29 February
TYPES = {"t": T.TEXT, "n": T.NUMBER, "d": T.DATE, "m": T.TIMESTAMP, "b": T.BOOLEAN, "l": T.LIST}
SNAPSHOT = Snapshot(
    id="s",
    path=Path("none"),
    created_at=datetime(2024, 1, 1, tzinfo=UTC),
    profiles=0,
    rejects=0,
    id_field="t",
    fields=tuple(ProfileField(n, t) for n, t in TYPES.items()),
    sources=(),
)
ARROW = {
    "t": pa.string(),
    "n": pa.decimal128(18, 2),
    "d": pa.date32(),
    "m": pa.timestamp("us"),
    "b": pa.bool_(),
}
ARROW["l"] = pa.list_(pa.string())

texts = st.sampled_from(["", "a", "A", "ab", "Ab", "é", "e\u0301", "É", "%", "a@b.no", "x@A.b.no", "a_b"])
numbers = st.integers(-3, 3).map(Decimal) | st.sampled_from(
    [Decimal("0.1"), Decimal("-0.25"), Decimal("2.5")]
)
days = st.integers(-400, 400).map(lambda n: TODAY + timedelta(days=n)) | st.sampled_from(
    [date(2020, 2, 29), date(2023, 2, 28), date(2023, 3, 1), TODAY, TODAY + timedelta(days=1)]
)
times = st.tuples(days, st.sampled_from([0, 1, 43_200, 86_399])).map(
    lambda t: datetime(t[0].year, t[0].month, t[0].day) + timedelta(seconds=t[1])  # noqa: DTZ001
)
profile = st.fixed_dictionaries(
    {
        "t": st.none() | texts,
        "n": st.none() | numbers,
        "d": st.none() | days,
        "m": st.none() | times,
        "b": st.none() | st.booleans(),
        "l": st.none() | st.lists(texts, max_size=3),
    }
)


def _leaf(field: str, op: str, value: Any = None, ignore_case: Any = None) -> Any:
    parts = {"field": st.just(field), "op": st.just(op)} | ({} if value is None else {"value": value})
    return st.fixed_dictionaries(parts, optional={"ignore_case": st.booleans()} if ignore_case else {})


number_values = numbers.map(str)
day_values = days.map(date.isoformat)
spans = st.tuples(st.integers(1, 14), st.sampled_from(["days", "weeks", "months", "years"])).map(list)
pairs = st.tuples(numbers, numbers).map(lambda p: [str(v) for v in sorted(p)])
day_pairs = st.tuples(days, days).map(lambda p: [v.isoformat() for v in sorted(p)])
leaves = st.one_of(
    *(
        _leaf("t", op, texts, True)
        for base in ("is", "contains", "starts_with", "ends_with")
        for op in (base, {"is": "is_not", "contains": "does_not_contain"}.get(base, base))
    ),
    *(_leaf("t", op, st.lists(texts, min_size=1, max_size=3), True) for op in ("is_any_of", "is_none_of")),
    _leaf("t", "matches_domain", st.sampled_from(["b.no", "*.b.no", "@a.B.no"])),
    *(_leaf(f, op) for f in TYPES for op in ("is_empty", "is_not_empty")),
    *(
        _leaf("n", op, number_values)
        for op in ("equals", "not_equals", "less_than", "at_most", "greater_than", "at_least")
    ),
    _leaf("n", "is_any_of", st.lists(number_values, min_size=1, max_size=3)),
    *(_leaf("n", op, pairs) for op in ("between", "not_between")),
    *(_leaf(f, op, day_pairs) for f in "dm" for op in ("between", "not_between")),
    *(
        _leaf(f, op, day_values)
        for f in "dm"
        for op in ("on", "not_on", "before", "on_or_before", "after", "on_or_after")
    ),
    *(
        _leaf(f, op, spans)
        for f in "dm"
        for op in ("in_last", "not_in_last", "in_next", "not_in_next", "anniversary_in_next")
    ),
    *(_leaf(f, op) for f in "dm" for op in ("this_month", "this_quarter", "this_year")),
    *(_leaf(f, "month_of", st.lists(st.integers(1, 12), min_size=1, max_size=2)) for f in "dm"),
    *(_leaf("b", op) for op in ("is_true", "is_false", "is_not_true", "is_not_false", "is_unknown")),
    *(
        _leaf("l", op, st.lists(texts, min_size=1, max_size=2), True)
        for op in ("has_any_of", "has_all_of", "has_none_of")
    ),
)
rules = st.recursive(
    leaves,
    lambda below: st.tuples(
        st.sampled_from(["all", "any", "none"]), st.lists(below, min_size=1, max_size=3)
    ).map(lambda t: {t[0]: t[1]}),
    max_leaves=6,
)


# -- the same in plain Python ---------------------------------------------------------------------


def holds(rule: dict[str, Any], person: dict[str, Any]) -> bool:
    """Whether the rule selects the person."""
    if "all" in rule:
        return all(holds(r, person) for r in rule["all"])
    if "any" in rule:
        return any(holds(r, person) for r in rule["any"])
    if "none" in rule:
        return not any(holds(r, person) for r in rule["none"])
    op, found, value = rule["op"], person[rule["field"]], rule.get("value")
    if op in OPPOSITES:
        return not holds({**rule, "op": OPPOSITES[op]}, person)
    if op == "is_empty":
        return found is None or found == []
    if op == "is_not_empty":
        return found is not None and found != []
    if op == "is_unknown":
        return found is None
    if found is None:
        return False
    if rule["field"] in "dm":
        return in_time(op, found.date() if isinstance(found, datetime) else found, value)
    if rule["field"] == "n":
        return NUMBERS[op](found, value)
    if rule["field"] == "b":
        return found is (op == "is_true")
    fold = _folded if rule.get("ignore_case") else _composed
    if rule["field"] == "l":
        have, want = {fold(v) for v in found}, {fold(v) for v in value}
        return bool(have & want) if op == "has_any_of" else want <= have
    if op == "is_any_of":
        return fold(found) in {fold(v) for v in value}
    if op == "matches_domain":
        domain, wanted = found.rpartition("@")[2].lower(), value.lower().removeprefix("@")
        return "@" in found and (domain.endswith(wanted[1:]) if wanted[0] == "*" else domain == wanted)
    return TEXTS[op](fold(found), fold(value))


OPPOSITES = {
    "is_not": "is",
    "does_not_contain": "contains",
    "is_none_of": "is_any_of",
    "not_equals": "equals",
    "not_between": "between",
    "not_on": "on",
    "not_in_last": "in_last",
    "not_in_next": "in_next",
    "is_not_true": "is_true",
    "is_not_false": "is_false",
    "has_none_of": "has_any_of",
}
TEXTS: dict[str, Callable[[str, str], bool]] = {
    "is": str.__eq__,
    "contains": str.__contains__,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}
NUMBERS: dict[str, Callable[[Decimal, Any], bool]] = {
    "equals": lambda n, v: n == Decimal(v),
    "less_than": lambda n, v: n < Decimal(v),
    "at_most": lambda n, v: n <= Decimal(v),
    "greater_than": lambda n, v: n > Decimal(v),
    "at_least": lambda n, v: n >= Decimal(v),
    "between": lambda n, v: Decimal(v[0]) <= n <= Decimal(v[1]),
    "is_any_of": lambda n, v: n in [Decimal(x) for x in v],
}


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return _composed(text).lower()


def moved(day: date, n: int, unit: str) -> date:
    """Calendar arithmetic, the slow and obvious way."""
    if unit in ("days", "weeks"):
        return day + timedelta(days=n * (7 if unit == "weeks" else 1))
    year, month = day.year, day.month + n * (12 if unit == "years" else 1)
    while month > 12:
        year, month = year + 1, month - 12
    while month < 1:
        year, month = year - 1, month + 12
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError


def in_time(op: str, day: date, value: Any) -> bool:
    """The tests of days; a timestamp counts by its UTC day."""
    match op:
        case "on":
            return day == date.fromisoformat(value)
        case "before":
            return day < date.fromisoformat(value)
        case "on_or_before":
            return day <= date.fromisoformat(value)
        case "after":
            return day > date.fromisoformat(value)
        case "on_or_after":
            return day >= date.fromisoformat(value)
        case "between":
            return date.fromisoformat(value[0]) <= day <= date.fromisoformat(value[1])
        case "in_last":
            return moved(TODAY, -value[0], value[1]) <= day <= TODAY
        case "in_next":
            return TODAY <= day <= moved(TODAY, *value)
        case "this_year":
            return day.year == TODAY.year
        case "this_quarter":
            return day.year == TODAY.year and (day.month - 1) // 3 == (TODAY.month - 1) // 3
        case "this_month":
            return (day.year, day.month) == (TODAY.year, TODAY.month)
        case "month_of":
            return day.month in value
        case _:
            return anniversary(day, moved(TODAY, *value))


def anniversary(day: date, last: date) -> bool:
    """Whether the next anniversary is no later than `last`."""
    for year in range(TODAY.year, TODAY.year + 2):
        try:
            falls = day.replace(year=year)
        except ValueError:
            falls = date(year, 2, 28)
        if falls >= TODAY:
            return falls <= last
    raise AssertionError


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with session(memory_limit="256MB", temp_dir=tmp_path_factory.mktemp("t")) as opened:
        yield opened


@given(rule=rules, people=st.lists(profile, min_size=1, max_size=12))
def test_sql_selects_what_python_selects(
    db: DuckDB, rule: dict[str, Any], people: list[dict[str, Any]]
) -> None:
    """Row by row."""
    columns = {n: pa.array([p[n] for p in people], ARROW[n]) for n in TYPES}
    condition, params = compile_rule(parse_rule(rule), SNAPSHOT, today=TODAY)
    with db.given("people", pa.table({"_row": list(range(len(people))), **columns})):
        found = [r for (r,) in db.rows(f"SELECT _row FROM people p WHERE {condition} ORDER BY 1", params)]
    assert found == [n for n, person in enumerate(people) if holds(rule, person)]
