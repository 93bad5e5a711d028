"""Every operator against the small population, expected members written by hand.

Today is 1 March 2026 (UTC). `e` is empty everywhere; `c` has an empty list.
"""

from collections.abc import Callable
from typing import Any

import pytest

from ccexport.segments.operators import OPERATORS

Select = Callable[[Any], str]

CASES: list[tuple[str, str, Any, str]] = [
    ("name", "is", "Åse", "a"),
    ("name", "is", "A\u030ase", "a"),  # one letter written as two characters
    ("name", "is", "100% 'quoted\"_", "f"),
    ("name", "is_not", "Åse", "bcdefg"),
    ("name", "is_any_of", ["Åse", "gold", "nobody"], "ag"),
    ("name", "is_any_of", "gold", "g"),
    ("name", "is_none_of", ["Åse", "gold"], "bcdef"),
    ("name", "contains", "Berg", "cd"),
    ("name", "contains", "%", "f"),
    ("name", "contains", "_", "f"),
    ("name", "does_not_contain", "Berg", "abefg"),
    ("name", "starts_with", "Ås", "ac"),
    ("name", "does_not_start_with", "Ås", "bdefg"),
    ("name", "ends_with", "Berg", "cd"),
    ("name", "does_not_end_with", "Berg", "abefg"),
    ("name", "is_empty", None, "e"),
    ("name", "is_not_empty", None, "abcdfg"),
    ("email", "matches_domain", "example.com", "a"),
    ("email", "matches_domain", "@Example.COM", "a"),
    ("email", "matches_domain", "*.example.com", "b"),
    ("email", "matches_domain", ["example.com", "mail.example.com"], "ab"),
    ("email", "does_not_match_domain", "example.com", "bcdefg"),
    ("age", "equals", 30, "ag"),
    ("age", "equals", "30", "ag"),
    ("age", "not_equals", 30, "bcdef"),
    ("age", "is_any_of", [30, 0], "adg"),
    ("age", "is_none_of", [30, 0], "bcef"),
    ("age", "less_than", 0, "f"),
    ("age", "at_most", 0, "df"),
    ("age", "greater_than", 31, "c"),
    ("age", "at_least", 31, "bc"),
    ("age", "at_least", 30.5, "bc"),
    ("age", "between", [30, 31], "abg"),
    ("age", "between", {"from": 30, "to": 31}, "abg"),
    ("age", "not_between", [30, 31], "cdef"),
    ("age", "is_empty", None, "e"),
    ("score", "equals", 1.5, "a"),
    ("score", "less_than", 0.3, "cd"),
    ("score", "at_least", 1000000, "f"),
    ("born", "on", "2026-03-01", "d"),
    ("born", "on", "today", "d"),
    ("born", "not_on", "2026-03-01", "abcefg"),
    ("born", "before", "1996-02-29", "bc"),
    ("born", "on_or_before", "1996-02-29", "abc"),
    ("born", "after", "2025-12-31", "dg"),
    ("born", "on_or_after", "2025-12-31", "dfg"),
    ("born", "between", ["1995-03-01", "1996-02-29"], "ab"),
    ("born", "not_between", ["1995-03-01", "1996-02-29"], "cdefg"),
    ("born", "month_of", 2, "ac"),
    ("born", "month_of", ["March", 12], "bdfg"),
    ("born", "anniversary_in_next", "1 day", "bd"),
    ("born", "anniversary_in_next", {"n": 30, "unit": "days"}, "bdg"),
    ("born", "anniversary_in_next", "1 year", "abcdfg"),
    ("born", "is_empty", None, "e"),
    ("seen", "on", "2026-03-01", "ac"),
    ("seen", "not_on", "2026-03-01", "bdefg"),
    ("seen", "before", "2026-03-01", "bdf"),
    ("seen", "before", "2026-03-01T01:00:00+01:00", "bdf"),  # midnight in UTC
    ("seen", "after", "2026-03-01T00:00:00Z", "cg"),
    ("seen", "on_or_after", "2026-03-01T00:00:00Z", "acg"),
    ("seen", "on_or_before", "2026-02-28", "bdf"),
    ("seen", "after", "2026-03-01", "g"),
    ("seen", "between", ["2026-02-28", "2026-03-01"], "abc"),
    ("seen", "between", ["2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z"], "ab"),
    ("seen", "in_last", "1 day", "abc"),
    ("seen", "in_last", {"n": 4, "unit": "weeks"}, "abcd"),
    ("seen", "in_last", "1 month", "abcd"),
    ("seen", "in_last", [1, "year"], "abcdf"),
    ("seen", "not_in_last", "1 day", "defg"),
    ("seen", "in_next", "31 days", "acg"),
    ("seen", "in_next", "30 days", "ac"),
    ("seen", "not_in_next", 31, "bdef"),
    ("born", "this_month", None, "dg"),
    ("born", "this_quarter", None, "dg"),
    ("born", "this_year", None, "dg"),
    ("seen", "this_month", None, "ac"),
    ("seen", "this_quarter", None, "abcd"),
    ("seen", "this_year", None, "abcdg"),
    ("vip", "is_true", None, "adg"),
    ("vip", "is_false", None, "bf"),
    ("vip", "is_not_true", None, "bcef"),
    ("vip", "is_not_false", None, "acdeg"),
    ("vip", "is_unknown", None, "ce"),
    ("vip", "is_empty", None, "ce"),
    ("vip", "is", True, "adg"),
    ("vip", "equals", "false", "bf"),
    ("vip", "is_not", True, "bcef"),
    ("tags", "has_any_of", ["x", "z"], "adf"),
    ("tags", "has_any_of", "x", "af"),
    ("tags", "has_all_of", ["x", "y"], "a"),
    ("tags", "has_none_of", ["x"], "bcdeg"),
    ("tags", "has_any_of", ["z'); DROP"], "g"),
    ("tags", "contains", "y", "ad"),
    ("tags", "is_empty", None, "ce"),
    ("tags", "is_not_empty", None, "abdfg"),
    # other names people write
    ("name", "equals", "gold", "g"),
    ("name", "in", ["gold"], "g"),
    ("age", ">=", 31, "bc"),
    ("age", "is", 30, "ag"),
    ("age", "!=", 30, "bcdef"),
    ("born", "equals", "2026-03-01", "d"),
    ("born", "at_least", "2025-12-31", "dfg"),
    ("born", "<", "1996-02-29", "bc"),
    ("NAME", "is", "gold", "g"),  # fields are found whatever their case
]


@pytest.mark.parametrize(("field", "op", "value", "expected"), CASES)
def test_operator(select: Select, field: str, op: str, value: Any, expected: str) -> None:
    """The members are exactly these."""
    rule = {"field": field, "op": op} | ({} if value is None else {"value": value})
    assert select(rule) == expected


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("name", "is", "ÅSE", "ab"),
        ("name", "is_not", "ÅSE", "cdefg"),
        ("name", "is_any_of", ["GOLD", "berg"], "dg"),
        ("name", "is_none_of", ["GOLD", "berg"], "abcef"),
        ("name", "contains", "BERG", "cd"),
        ("name", "starts_with", "ås", "abc"),
        ("name", "ends_with", "BERG", "cd"),
        ("tags", "has_any_of", ["X"], "abf"),
        ("tags", "has_all_of", ["X", "Y"], "a"),
        ("age", "equals", 30, "ag"),
    ],
)
def test_ignoring_case(select: Select, field: str, op: str, value: Any, expected: str) -> None:
    """Norwegian letters too."""
    assert select({"field": field, "op": op, "value": value, "ignore_case": True}) == expected


def test_every_operator_has_a_case() -> None:
    """Membership and exports are tested where segments are."""
    membership = {"in_segment", "not_in_segment", "sent_by_export", "not_sent_by_export"}
    membership |= {"in_share", "not_in_share"}
    assert set(OPERATORS) - membership <= {op for _, op, _, _ in CASES}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"all": [{"field": "age", "op": "at_least", "value": 30}, {"field": "vip", "op": "is_true"}]}, "ag"),
        (
            {"any": [{"field": "age", "op": "at_least", "value": 32}, {"field": "vip", "op": "is_false"}]},
            "bcf",
        ),
        (
            {"none": [{"field": "age", "op": "at_least", "value": 31}, {"field": "vip", "op": "is_true"}]},
            "ef",
        ),
        ({"none": [{"field": "name", "op": "is", "value": "gold"}]}, "abcdef"),
        ({"all": [{"any": [{"none": [{"field": "name", "op": "is_empty"}]}]}]}, "abcdfg"),
    ],
)
def test_groups(select: Select, rule: dict[str, Any], expected: str) -> None:
    """All of, any of, none of; `none` of a test is the negated test."""
    assert select(rule) == expected


@pytest.mark.parametrize("name", [n for n, o in OPERATORS.items() if o.negates and o.types])
def test_a_negation_is_the_exact_opposite(select: Select, name: str) -> None:
    """Together they are everybody, and nobody is in both: empty values belong to the negation."""
    opposite = OPERATORS[name].negates
    field, _, value, _ = next(c for c in CASES if c[1] == opposite)
    rest = {"field": field} | ({} if value is None else {"value": value})
    yes, no = select(rest | {"op": opposite}), select(rest | {"op": name})
    assert sorted(yes + no) == list("abcdefg")
    assert "e" in no
