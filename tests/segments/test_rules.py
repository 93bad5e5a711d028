"""Reading rules: what is wrong is named with its place in the tree; nothing hostile reaches SQL as text."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccexport
from ccexport.errors import BadInput
from ccexport.model.profiles import Snapshot
from ccexport.segments.compile import compile_rule
from ccexport.segments.operators import ALIASES, OPERATORS
from ccexport.segments.rules import Condition, Group, conditions, parse_rule, segments_in
from ccexport.segments.schema import rule_schema
from ccexport.segments.words import in_words

TODAY = date(2026, 3, 1)
IS = {"field": "name", "op": "is", "value": "x"}


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("{", "The rule is not JSON"),
        ([], "rule: a node is an object"),
        ({"all": []}, "all: the group is empty"),
        ({"all": {"field": "x"}}, "all: a group holds a list of nodes"),
        ({"all": [IS], "any": [IS]}, "rule: 'all' stands beside 'any'"),
        ({"all": [IS], "note": 1}, "rule: 'all' stands beside 'note'"),
        ({"all": [IS, {"any": [IS, {"field": "name"}]}]}, r"all\[1\]\.any\[1\]\.op: the operator is missing"),
        (
            {"all": [IS, {"field": "name", "op": "contian", "value": "x"}]},
            r"all\[1\]\.op: .*nearest is 'contains'",
        ),
        ({"field": "name", "op": "is"}, "value: is needs one value"),
        (
            {"field": "name", "op": "is", "val": "x"},
            "val: a node is all, any or none, or a condition of field",
        ),
        ({"op": "is", "value": "x"}, "field: is needs the name of a field"),
        ({"field": "name", "op": "is", "value": "x", "ignore_case": "yes"}, "ignore_case is true or false"),
        ({"op": "in_segment"}, "value: in_segment needs the id or name of a segment"),
    ],
)
def test_a_wrong_tree_is_named(rule: Any, sentence: str) -> None:
    """The place comes first."""
    with pytest.raises(BadInput, match=sentence):
        parse_rule(rule)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"all": [IS, {**IS, "field": "nmae"}]}, r"all\[1\]\.field: .* no field 'nmae'; nearest is 'name'"),
        ({**IS, "field": "qqqqqq"}, "field: the snapshot has no field 'qqqqqq'; it has id, name"),
        ({"none": [{"field": "name", "op": "at_least", "value": 3}]}, r"none\[0\]\.op: 'name' .*; it takes is, is_not"),
        ({"field": "age", "op": "contains", "value": "3"}, "op: 'age' is a number field"),
        ({"field": "age", "op": "equals", "value": "three"}, "value: 'three' is not a number"),
        ({"field": "age", "op": "equals", "value": True}, "value: a number is expected"),
        ({"field": "age", "op": "equals", "value": "nan"}, "too big or too small"),
        ({"field": "age", "op": "equals", "value": "1e400"}, "too big or too small"),
        ({"field": "age", "op": "between", "value": [3]}, r"value: a range of two values \[from, to\]"),
        ({"field": "age", "op": "between", "value": [3, 1]}, "value: the range is empty: 3 is more than 1"),
        ({"field": "born", "op": "on", "value": "01-02-2020"}, "value: '01-02-2020' is not a date"),
        ({"field": "born", "op": "on", "value": "2026-02-30"}, "value: '2026-02-30' is not a date"),
        ({"field": "born", "op": "before", "value": "2026-02-01T10:00:00"}, "a day without a time"),
        ({"field": "born", "op": "after", "value": "9999-12-31"}, "too far away"),
        ({"field": "born", "op": "between", "value": ["2026-02-02", "2026-02-01"]}, "the range is empty"),
        ({"field": "born", "op": "in_last", "value": "soon"}, "value: a span is expected"),
        ({"field": "born", "op": "in_last", "value": "0 days"}, "value: a span is expected"),
        ({"field": "born", "op": "in_last", "value": "99999 years"}, "longer than 200 years"),
        ({"field": "born", "op": "month_of", "value": 13}, "value: '13' is not a month"),
        ({"field": "name", "op": "is_any_of", "value": []}, "value: the list of values is empty"),
        ({"field": "name", "op": "is", "value": {"a": 1}}, "value: a text is expected"),
        ({"field": "vip", "op": "is", "value": "maybe"}, "value: true or false is expected"),
        ({"op": "in_segment", "value": "x"}, "segments cannot be looked up"),
        ({"all": [{"op": "sent_by_export", "value": "x"}]}, r"all\[0\]: what exports sent cannot be looked up"),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_is_named(snapshot: Snapshot, rule: Any, sentence: str) -> None:
    """The sentence says what would fit."""
    with pytest.raises(BadInput, match=sentence):
        compile_rule(parse_rule(rule), snapshot, today=TODAY)


def test_a_tree_too_deep_or_too_big_is_refused() -> None:
    """Before Python's own stack gives up."""
    deep: dict[str, Any] = IS
    for _ in range(100):
        deep = {"all": [deep]}
    for rule in (deep, {"any": [IS] * 3000}):
        with pytest.raises(BadInput, match="too big"):
            parse_rule(rule)


HOSTILE = [
    "'; DROP TABLE profiles; --",
    'x" OR "1"="1',
    "$rule0",
    "{c}",
    "\\",
    "%",
    "\u0000x",
    "'" * 50,
    "?",
    "{v}",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("op", ["is", "is_any_of", "contains", "starts_with", "ends_with"])
def test_a_hostile_value_is_only_a_value(select: Any, snapshot: Snapshot, text: str, op: str) -> None:
    """It is bound, and selects nobody."""
    rule = {"field": "name", "op": op, "value": text}
    sql, params = compile_rule(parse_rule(rule), snapshot, today=TODAY)
    bound = [v for value in params.values() for v in (value if isinstance(value, list) else [value])]
    assert text.lower() in [str(v).lower() for v in bound]
    plain = {**rule, "value": "plain"}
    assert sql == compile_rule(parse_rule(plain), snapshot, today=TODAY)[0]
    assert select(rule) == ("f" if text == "%" and op == "contains" else "")


@pytest.mark.parametrize("text", [*HOSTILE, ".*", "a|b", "kari@example.com", "(a+)+$"])
def test_only_a_domain_is_a_domain(snapshot: Snapshot, text: str) -> None:
    """It becomes part of a pattern, so nothing else is taken."""
    with pytest.raises(BadInput, match="is not a domain such as"):
        rule = {"field": "email", "op": "matches_domain", "value": text}
        compile_rule(parse_rule(rule), snapshot, today=TODAY)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_field_name_is_refused(snapshot: Snapshot, text: str) -> None:
    """Only names the snapshot has are quoted into SQL."""
    with pytest.raises(BadInput, match="the snapshot has no field"):
        compile_rule(parse_rule({"field": text, "op": "is", "value": "x"}), snapshot, today=TODAY)


_values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_values |= st.lists(st.text(max_size=4) | st.integers(), max_size=3) | st.dictionaries(
    st.text(), st.integers(), max_size=2
)
_fields = st.sampled_from(["name", "age", "born", "seen", "vip", "tags", "nope", ""]) | st.text(max_size=5)
_ops = st.sampled_from([*OPERATORS, *ALIASES]) | st.text(max_size=5)
_leaves = st.fixed_dictionaries(
    {"field": _fields, "op": _ops}, optional={"value": _values, "ignore_case": st.booleans()}
)
_trees = st.recursive(
    _leaves | _values,
    lambda below: st.dictionaries(
        st.sampled_from(["all", "any", "none"]), st.lists(below, max_size=3), max_size=2
    ),
    max_leaves=6,
)


@given(rule=_trees)
def test_anything_at_all_compiles_or_gives_a_sentence(anybody: Snapshot, rule: Any) -> None:
    """Never another error, and never a value in the text."""
    try:
        node = parse_rule(rule)
        sql, _ = compile_rule(node, anybody, today=TODAY)
    except BadInput as error:
        assert str(error)
    else:
        assert sql.count("(") == sql.count(")")
        assert in_words(node)


@pytest.fixture(scope="module")
def anybody(profiles: Any) -> Snapshot:
    return profiles.current()


_right = st.recursive(
    st.fixed_dictionaries(
        {
            "field": st.text(min_size=1).filter(str.strip),
            "op": st.sampled_from(["is", "contains"]),
            "value": st.text(),
        },
        optional={"ignore_case": st.just(True)},
    ),
    lambda below: st.sampled_from(["all", "any", "none"]).flatmap(
        lambda kind: st.fixed_dictionaries({kind: st.lists(below, min_size=1, max_size=3)})
    ),
    max_leaves=8,
)


@given(rule=_right)
def test_a_tree_survives_being_written_and_read(rule: dict[str, Any]) -> None:
    """Save, load, dump and apply all go through this."""
    node = parse_rule(rule)
    assert node.to_json() == rule
    assert parse_rule(json.dumps(node.to_json())) == node


def test_conditions_are_found_with_their_places() -> None:
    """Who uses a segment, and where."""
    node = parse_rule({"all": [IS, {"none": [{"op": "in_segment", "value": "Norway"}]}]})
    assert [p for p, _ in conditions(node)] == ["all[0]", "all[1].none[0]"]
    assert segments_in(node) == {"Norway"}
    assert isinstance(node, Group)
    assert isinstance(node.parts[0], Condition)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"field": "country", "op": "is", "value": "Norway"}, "country is “Norway”"),
        ({"field": "name", "op": "contains", "value": "x", "ignore_case": True}, "name contains “x” (ignoring case)"),
        (
            {"all": [{"field": "age", "op": ">=", "value": 18}, {"any": [IS, {"field": "vip", "op": "is_true"}]}]},
            "age ≥ 18 and (name is “x” or vip is true)",
        ),
        ({"none": [IS, {"field": "vip", "op": "is_unknown"}]}, "none of (name is “x”; vip is unknown)"),
        ({"none": [{"any": [IS, IS]}]}, "not (name is “x” or name is “x”)"),
        ({"field": "t", "op": "is_any_of", "value": ["a", "b", "c"]}, "t is any of “a”, “b” or “c”"),
        ({"field": "d", "op": "in_last", "value": {"n": 1, "unit": "months"}}, "d is in the last 1 month"),
        ({"field": "d", "op": "anniversary_in_next", "value": 7}, "d has its anniversary in the next 7 days"),
        ({"field": "d", "op": "between", "value": ["x", "y"]}, "d is between “x” and “y”"),
        ({"field": "d", "op": "month_of", "value": [1, "dec"]}, "d is in the month of January or December"),
        ({"op": "not_in_segment", "value": "s1"}, "is not in the segment “Norway”"),
        ({"op": "sent_by_export", "value": {"export": "A", "n": 30}}, "was sent by the export “A” in the last 30 days"),
        ({"field": "vip", "op": "is", "value": False}, "vip is false"),
    ],
)  # fmt: skip
def test_in_words(rule: Any, words: str) -> None:
    """For people who did not write the rule."""
    assert in_words(parse_rule(rule), {"s1": "Norway"}) == words


def test_every_operator_can_be_said() -> None:
    """Whatever value it has."""
    for op in [*OPERATORS, *ALIASES]:
        assert in_words(parse_rule({"field": "f", "op": op, "value": "1"}))


def test_the_schema_names_every_operator() -> None:
    """It is published, and made from the same table."""
    named = {o["const"] for o in rule_schema()["$defs"]["condition"]["properties"]["op"]["oneOf"]}
    assert named == set(OPERATORS) | set(ALIASES)


def test_the_published_schema_is_this_one() -> None:
    """`ccexport segments schema > docs/rule.schema.json` writes it."""
    published = Path(ccexport.__file__).parents[1] / "docs" / "rule.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == rule_schema()


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        ({"all": [IS, {"none": [{"op": "in_segment", "value": "Norway"}]}]}, True),
        ({"field": "tier", "op": "is_any_of", "value": ["a"], "ignore_case": True}, True),
        ({"field": "x", "op": "approximately", "value": 1}, False),
        ({"op": "is", "value": "x"}, False),
        ({"all": []}, False),
        ({"all": [IS], "any": [IS]}, False),
    ],
)
def test_the_schema_and_the_parser_agree(rule: Any, good: bool) -> None:
    """Whoever checks a rule with the schema meets no surprise here."""
    assert jsonschema.Draft202012Validator(rule_schema()).is_valid(rule) is good
    if good:
        parse_rule(rule)
    else:
        with pytest.raises(BadInput):
            parse_rule(rule)


def test_the_documentation_names_every_operator() -> None:
    """And what happens with empty values beside it."""
    text = (Path(ccexport.__file__).parents[1] / "docs" / "rules.md").read_text(encoding="utf-8")
    for name in [*OPERATORS, *ALIASES]:
        assert f"`{name}`" in text, name
