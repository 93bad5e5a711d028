"""The rule tree: nested groups (all of, any of, none of) of conditions.

Owns reading a tree from JSON, with errors that name the place in it. Must never know a snapshot: the compiler
checks whether a field exists and takes an operator.
"""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ccexport.errors import BadInput
from ccexport.messages import Message, Value, message, word
from ccexport.segments.operators import (
    OPERATORS,
    WITH_BOOLEAN_VALUE,
    WITH_SALT,
    WITHOUT_FIELD,
    Takes,
    candidates,
)

GROUPS = ("all", "any", "none")
_DEEPEST = 40
_MOST = 2_000
_VALUES_MOST = 100_000


class Condition(BaseModel):
    """One test of one field (or of membership, without a field)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    op: str
    field: str | None = None
    value: Any = None
    ignore_case: bool = False
    salt: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the condition as JSON, without settings that are not set."""
        written: dict[str, Any] = (
            {"op": self.op} if self.field is None else {"field": self.field, "op": self.op}
        )
        if self.value is not None:
            written["value"] = self.value
        written |= {"salt": self.salt} if self.salt is not None else {}
        return written | ({"ignore_case": True} if self.ignore_case else {})


class Group(BaseModel):
    """All of, any of, or none of its parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["all", "any", "none"]
    parts: tuple["Group | Condition", ...]

    def to_json(self) -> dict[str, Any]:
        """Return the group as JSON."""
        return {self.kind: [part.to_json() for part in self.parts]}


Node = Group | Condition


def parse_rule(rule: Mapping[str, Any] | str | Node) -> Node:
    """Read a rule from JSON (text or parsed). Raises `BadInput`, which names the place that is wrong."""
    if isinstance(rule, Group | Condition):
        return rule
    if isinstance(rule, str):
        try:
            rule = json.loads(rule)
        except ValueError as error:
            raise BadInput("The rule is not JSON: {problem}.", problem=error) from error
    left = [_MOST]
    return _node(rule, "", left)


def conditions(node: Node, path: str = "") -> Iterator[tuple[str, Condition]]:
    """Yield every condition with its place in the tree."""
    if isinstance(node, Condition):
        yield path, node
        return
    for number, part in enumerate(node.parts):
        yield from conditions(part, _below(path, f"{node.kind}[{number}]"))


def segments_in(node: Node) -> set[str]:
    """Return the ids or names of the segments a rule refers to."""
    names = {"in_segment", "not_in_segment"}
    return {str(c.value) for _, c in conditions(node) if c.op in names}


def referring(
    rule: Mapping[str, Any], segment: Callable[[str], str], export: Callable[[str], str]
) -> dict[str, Any]:
    """Return the rule as JSON, with each segment and export reference replaced by the functions."""
    written = dict(rule)
    for kind in GROUPS:
        if isinstance(written.get(kind), list | tuple):
            return written | {kind: [referring(part, segment, export) for part in written[kind]]}
    op, value = str(written.get("op")), written.get("value")
    if op in ("in_segment", "not_in_segment") and value is not None:
        written["value"] = segment(str(value))
    elif op in ("sent_by_export", "not_sent_by_export") and isinstance(value, Mapping):
        written["value"] = dict(value) | {"export": export(str(value.get("export")))}
    elif op in ("sent_by_export", "not_sent_by_export") and value is not None:
        written["value"] = export(str(value))
    return written


def wrong(path: str, what: str | Message, /, **values: Value) -> BadInput:
    """Return an error that names its place in the tree; `what` is a template with the values."""
    place = path or "rule"
    return BadInput(
        "{place}: {what}",
        place=place,
        what=what if isinstance(what, Message) else message(what, **values),
        path=place,
    )


def _node(rule: Any, path: str, left: list[int]) -> Node:
    left[0] -= 1
    if left[0] < 0 or path.count("[") > _DEEPEST:
        raise wrong(
            path[:60],
            "the rule is too big: at most {parts} parts, {levels} levels deep",
            parts=_MOST,
            levels=_DEEPEST,
        )
    if not isinstance(rule, Mapping):
        raise wrong(path, 'a node is an object, such as {"field": "country", "op": "is", "value": "Norway"}')
    kinds = [key for key in GROUPS if key in rule]
    if len(kinds) > 1 or (kinds and len(rule) > 1):
        raise wrong(
            path,
            "'{kind}' stands beside {others}; a group holds nothing else",
            kind=kinds[0],
            others=_others(rule, kinds[0]),
        )
    return _group(rule[kinds[0]], kinds[0], path, left) if kinds else _condition(rule, path)


def _group(parts: Any, kind: str, path: str, left: list[int]) -> Group:
    place = _below(path, kind)
    if not isinstance(parts, list | tuple):
        raise wrong(place, "a group holds a list of nodes")
    if not parts:
        raise wrong(place, "the group is empty; put a condition into it or take it out")
    nodes = tuple(_node(part, f"{place}[{number}]", left) for number, part in enumerate(parts))
    return Group(kind=kind, parts=nodes)  # type: ignore[arg-type]


def _condition(rule: Mapping[str, Any], path: str) -> Condition:
    unknown = [k for k in rule if k not in ("field", "op", "value", "ignore_case", "salt")]
    if unknown:
        raise wrong(
            _below(path, str(unknown[0])),
            "a node is all, any or none, or a condition of field, op, value and ignore_case",
        )
    op, field = rule.get("op"), rule.get("field")
    if not isinstance(op, str):
        raise wrong(_below(path, "op"), "the operator is missing")
    known = candidates(op)
    if not known:
        raise wrong(
            _below(path, "op"),
            "there is no operator '{operator}'{nearest}",
            operator=op,
            nearest=_nearest(op),
        )
    if WITHOUT_FIELD.isdisjoint(known) and not (isinstance(field, str) and field.strip()):
        raise wrong(_below(path, "field"), "{operator} needs the name of a field", operator=op)
    if not isinstance(rule.get("ignore_case", False), bool):
        raise wrong(_below(path, "ignore_case"), "ignore_case is true or false")
    value = rule.get("value")
    needed = op in WITH_BOOLEAN_VALUE or all(OPERATORS[n].takes is not Takes.NOTHING for n in known)
    if value is None and needed:
        raise wrong(
            _below(path, "value"),
            "{operator} needs {what}",
            operator=op,
            what=word(OPERATORS[known[0]].takes),
        )
    if isinstance(value, list | tuple) and len(value) > _VALUES_MOST:
        raise wrong(
            _below(path, "value"), "more than {most} values; make a member list instead", most=_VALUES_MOST
        )
    salt = rule.get("salt")
    if salt is not None and (not isinstance(salt, str) or WITH_SALT.isdisjoint(known)):
        raise wrong(_below(path, "salt"), "salt is a text, and only of in_share and not_in_share")
    kept = None if not WITHOUT_FIELD.isdisjoint(known) else field
    return Condition(op=op, field=kept, value=value, ignore_case=rule.get("ignore_case", False), salt=salt)


def _below(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def _others(rule: Mapping[str, Any], kind: str) -> str:
    return ", ".join(f"'{k}'" for k in rule if k != kind)


def _nearest(op: str) -> Message | str:
    found = difflib.get_close_matches(op, OPERATORS, 1)
    return message("; nearest is '{name}'", name=found[0]) if found else ""
