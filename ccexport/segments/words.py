"""Describes a rule in plain words, in English by default. Must never need a snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ccexport.messages import mark
from ccexport.segments.operators import OPERATORS, Operator, Takes, candidates
from ccexport.segments.rules import Condition, Group, Node
from ccexport.segments.values import read_many, read_months, read_range, read_sent, read_share, read_span

_SHOWN = 8


def in_words(node: Node, names: Mapping[str, str] | None = None, say: Callable[[str], str] = str) -> str:
    """Return one sentence without its full stop; `names` maps ids of segments and exports to names.

    `say` translates each of `PHRASES`, the operators' words, units and months into another language.
    """
    return _Speaker(names or {}, say).node(node, outer=True)


PHRASES = mark(("and", "or", "not", "none of", "(ignoring case)", "in the last", "more"))
WORDS_OF_SPANS = mark(("day", "days", "week", "weeks", "month", "months", "year", "years"))
MONTHS = mark(
    (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )
)


@dataclass(frozen=True)
class _Speaker:
    names: Mapping[str, str]
    say: Callable[[str], str]

    def node(self, node: Node, *, outer: bool = False) -> str:
        if isinstance(node, Condition):
            return self._condition(node)
        parts = [self.node(part) for part in node.parts]
        if node.kind == "none":
            return self._none(node, parts)
        if len(parts) == 1:
            return parts[0]
        joined = f" {self.say('and' if node.kind == 'all' else 'or')} ".join(parts)
        return joined if outer else f"({joined})"

    def _none(self, group: Group, parts: list[str]) -> str:
        if _is_group(group.parts[0], len(parts)):
            return f"{self.say('not')} {parts[0]}"
        return f"{self.say('none of')} ({'; '.join(parts)})"

    def _condition(self, condition: Condition) -> str:
        operator = _operator(condition)
        words = f"{self.say(operator.words)} {self._value(operator, condition.value)}".strip()
        if condition.ignore_case:
            words += f" {self.say('(ignoring case)')}"
        return f"{condition.field} {words}" if condition.field is not None else words

    def _value(self, operator: Operator, value: Any) -> str:
        try:
            return self._read(operator, value)
        except ValueError:
            return _quoted(value)  # the compiler reports what is wrong with it

    def _read(self, operator: Operator, value: Any) -> str:
        match operator.takes:
            case Takes.NOTHING:
                return ""
            case Takes.MANY:
                return self._listed([_quoted(v) for v in read_many(value)])
            case Takes.RANGE:
                low, high = read_range(value)
                return f"{_quoted(low)} {self.say('and')} {_quoted(high)}"
            case Takes.SPAN:
                return self._span(read_span(value))
            case Takes.MONTHS:
                return self._listed([self.say(MONTHS[m - 1]) for m in read_months(value)])
            case Takes.SEGMENT:
                return _quoted(self.names.get(str(value), value))
            case Takes.SHARE:
                low, high = read_share(value)
                return f"{low:f}–{high:f} %"
            case Takes.SENT:
                export, span = read_sent(value)
                within = f" {self.say('in the last')} {self._span(span)}" if span else ""
                return f"{_quoted(self.names.get(export, export))}{within}"
            case _:
                return _quoted(value)

    def _span(self, span: object) -> str:
        amount, _, unit = str(span).partition(" ")
        return f"{amount} {self.say(unit)}"

    def _listed(self, values: list[str]) -> str:
        more = len(values) - _SHOWN
        shown = values[:_SHOWN] + ([f"{more} {self.say('more')}"] if more > 0 else [])
        return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {self.say('or')} {shown[-1]}"


def _is_group(part: Node, count: int) -> bool:
    return count == 1 and isinstance(part, Group) and len(part.parts) > 1 and part.kind != "none"


def _operator(condition: Condition) -> Operator:
    """Return the operator of that exact name, or the first one the name may mean."""
    if isinstance(condition.value, bool):
        names = [n for n in candidates(condition.op) if OPERATORS[n].takes is Takes.NOTHING]
        if names:
            return OPERATORS[names[0].replace("true", "true" if condition.value else "false")]
    return OPERATORS.get(condition.op) or OPERATORS[candidates(condition.op)[0]]


def _quoted(value: Any) -> str:
    return f"“{value}”" if isinstance(value, str) else str(value)
