"""A rule in plain English, for people who did not write it. Must never need a snapshot."""

import calendar
from collections.abc import Mapping
from typing import Any

from ccexport.segments.operators import OPERATORS, Operator, Takes, candidates
from ccexport.segments.rules import Condition, Group, Node
from ccexport.segments.values import read_many, read_months, read_range, read_sent, read_span

_SHOWN = 8


def in_words(node: Node, names: Mapping[str, str] | None = None) -> str:
    """One sentence without its full stop; `names` gives segments and exports by id."""
    return _node(node, names or {}, outer=True)


def _node(node: Node, names: Mapping[str, str], *, outer: bool = False) -> str:
    if isinstance(node, Condition):
        return _condition(node, names)
    parts = [_node(part, names) for part in node.parts]
    if node.kind == "none":
        return f"not {parts[0]}" if _is_group(node.parts[0], len(parts)) else f"none of ({'; '.join(parts)})"
    if len(parts) == 1:
        return parts[0]
    joined = (" and " if node.kind == "all" else " or ").join(parts)
    return joined if outer else f"({joined})"


def _is_group(part: Node, count: int) -> bool:
    return count == 1 and isinstance(part, Group) and len(part.parts) > 1 and part.kind != "none"


def _condition(condition: Condition, names: Mapping[str, str]) -> str:
    operator = _operator(condition)
    words = f"{operator.words} {_value(operator, condition.value, names)}".strip()
    if condition.ignore_case:
        words += " (ignoring case)"
    return f"{condition.field} {words}" if condition.field is not None else words


def _operator(condition: Condition) -> Operator:
    """As written when that is an operator itself, or the first it may mean."""
    if isinstance(condition.value, bool):
        names = [n for n in candidates(condition.op) if OPERATORS[n].takes is Takes.NOTHING]
        if names:
            return OPERATORS[names[0].replace("true", "true" if condition.value else "false")]
    return OPERATORS.get(condition.op) or OPERATORS[candidates(condition.op)[0]]


def _value(operator: Operator, value: Any, names: Mapping[str, str]) -> str:
    try:
        return _read(operator, value, names)
    except ValueError:
        return _quoted(value)  # the compiler will say what is wrong with it


def _read(operator: Operator, value: Any, names: Mapping[str, str]) -> str:
    match operator.takes:
        case Takes.NOTHING:
            return ""
        case Takes.MANY:
            return _listed([_quoted(v) for v in read_many(value)])
        case Takes.RANGE:
            low, high = read_range(value)
            return f"{_quoted(low)} and {_quoted(high)}"
        case Takes.SPAN:
            return str(read_span(value))
        case Takes.MONTHS:
            return _listed([calendar.month_name[m] for m in read_months(value)])
        case Takes.SEGMENT:
            return _quoted(names.get(str(value), value))
        case Takes.SENT:
            export, span = read_sent(value)
            within = f" in the last {span}" if span else ""
            return f"{_quoted(names.get(export, export))}{within}"
        case _:
            return _quoted(value)


def _listed(values: list[str]) -> str:
    shown = values[:_SHOWN] + ([f"{len(values) - _SHOWN} more"] if len(values) > _SHOWN else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _quoted(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else str(value)
