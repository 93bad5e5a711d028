"""Compiles a rule tree to one SQL condition on the alias `p` of a snapshot's profiles, with bound parameters.

Every condition is true or false, never unknown. A test of an empty value is false and its negation true,
so `none` of a test and the negated test select the same profiles. Must never put a value into SQL text. Field names
go in only through the one quoting function, and only when the snapshot has that field.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.messages import Unusable, message, word
from ccexport.model.profiles import PROFILE_ID, ROW, ProfileField, Snapshot
from ccexport.model.words import FieldType
from ccexport.profiles.database import quote_identifier
from ccexport.segments.compile_tests import TESTS
from ccexport.segments.operators import OPERATORS, WITH_BOOLEAN_VALUE, Operator, meant, names_for
from ccexport.segments.rules import Condition, Node, wrong
from ccexport.segments.values import read_sent, read_share, read_text

SHARES = 2**32
MembersOf = Callable[[str], Path]
SentBy = Callable[[str, date | None], Path]


@dataclass
class Compiler:
    """The state of one compilation: its inputs, and the parameters bound so far."""

    snapshot: Snapshot
    today: date
    members_of: MembersOf | None = None
    sent_by: SentBy | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """Bind the value to a parameter; return the parameter's SQL."""
        name = f"rule{len(self.params)}"
        self.params[name] = value
        return f"${name}"


def compile_rule(
    node: Node,
    snapshot: Snapshot,
    *,
    today: date,
    members_of: MembersOf | None = None,
    sent_by: SentBy | None = None,
) -> tuple[str, Mapping[str, Any]]:
    """Return the condition on alias `p`, and its parameters by name (`$rule0` …).

    `members_of` returns the members file of a segment by id or name; `sent_by` a Parquet file with the
    column `profile_id` of those an export sent since a day (or ever). Raises `BadInput`, naming the place in
    the tree, when the snapshot lacks a field, or a field does not take the operator or the value.
    """
    compiler = Compiler(snapshot, today, members_of, sent_by)
    return _node(compiler, node, ""), compiler.params


def find_field(snapshot: Snapshot, name: str, path: str = "") -> ProfileField:
    """Return the field of that name, ignoring case. Raises `BadInput`, which suggests the nearest name."""
    found = snapshot.field(name) or next(
        (f for f in snapshot.fields if f.name.casefold() == name.strip().casefold()), None
    )
    if found is None:
        names = {f.name.casefold(): f.name for f in snapshot.fields}
        close = difflib.get_close_matches(name.casefold(), names, 1, cutoff=0.5)
        hint = (
            message("nearest is '{name}'", name=names[close[0]])
            if close
            else message("it has {names}", names=list(names.values()))
        )
        raise wrong(
            f"{path}.field".lstrip("."), "the snapshot has no field '{name}'; {hint}", name=name, hint=hint
        )
    return found


def _node(compiler: Compiler, node: Node, path: str) -> str:
    if isinstance(node, Condition):
        return _condition(compiler, node, path)
    parts = [
        _node(compiler, part, f"{path}.{node.kind}[{number}]".lstrip("."))
        for number, part in enumerate(node.parts)
    ]
    joined = "(" + (" AND " if node.kind == "all" else " OR ").join(parts) + ")"
    return f"(NOT {joined})" if node.kind == "none" else joined


def _condition(compiler: Compiler, condition: Condition, path: str) -> str:
    try:
        if condition.field is None:
            return _membership(compiler, condition, path)
        found = find_field(compiler.snapshot, condition.field, path)
        operator = _operator(condition, found, path)
        test = _test(compiler, operator, condition, found)
    except Unusable as error:
        raise wrong(f"{path}.value".lstrip("."), error.message) from error
    return f"(NOT {test})" if operator.negates else test


def _operator(condition: Condition, found: ProfileField, path: str) -> Operator:
    operator = meant(condition.op, found.type)
    if operator is None:
        raise wrong(
            f"{path}.op".lstrip("."),
            "'{name}' is a {type} field and has no operator '{operator}'; it takes {operators}",
            name=found.name,
            type=word(found.type),
            operator=condition.op,
            operators=list(names_for(found.type)),
        )
    if found.type is FieldType.BOOLEAN and condition.op in WITH_BOOLEAN_VALUE:
        return _boolean(operator, condition.value)
    return operator


def _boolean(operator: Operator, value: Any) -> Operator:
    """Return the operator for a boolean field: `is true` and `is false` are two operators here."""
    written = str(value).strip().lower()
    if written not in ("true", "false", "yes", "no"):
        raise Unusable("true or false is expected")
    if written in ("true", "yes"):
        return operator
    return OPERATORS[operator.name.replace("true", "false")]


def _test(compiler: Compiler, operator: Operator, condition: Condition, found: ProfileField) -> str:
    """Return the positive test; a negating operator is its opposite."""
    name = operator.negates or operator.name
    column = f"p.{quote_identifier(found.name)}"
    test = TESTS[name](compiler, column, found.type, condition.value, condition.ignore_case)
    return f"coalesce({test}, false)"


def _membership(compiler: Compiler, condition: Condition, path: str) -> str:
    operator = OPERATORS[condition.op]
    if (operator.negates or operator.name) == "in_segment":
        test = _in_segment(compiler, read_text(condition.value), path)
    elif (operator.negates or operator.name) == "in_share":
        test = _in_share(compiler, condition)
    else:
        test = _sent(compiler, condition.value, path)
    return f"(NOT {test})" if operator.negates else test


def _in_segment(compiler: Compiler, name: str, path: str) -> str:
    if compiler.members_of is None:
        raise BadInput("{file}: segments cannot be looked up here.", file=path or "rule")
    file = compiler.bind(str(compiler.members_of(name)))
    return f"(p.{ROW} IN (SELECT {ROW} FROM read_parquet({file})))"


def _in_share(compiler: Compiler, condition: Condition) -> str:
    """Select by a hash of the id, so that a profile is in the same share of every snapshot.

    MD5 is the same in every program and version; its first 32 bits spread the profiles evenly.
    """
    low, high = (compiler.bind(int(percent * SHARES / 100)) for percent in read_share(condition.value))
    salt = compiler.bind(condition.salt or "")
    place = f"('0x' || left(md5({salt} || ':' || p.{PROFILE_ID}::VARCHAR), 8))::UBIGINT"
    return f"({place} >= {low} AND {place} < {high})"


def _sent(compiler: Compiler, value: Any, path: str) -> str:
    if compiler.sent_by is None:
        raise BadInput("{file}: what exports sent cannot be looked up here.", file=path or "rule")
    file = compiler.bind(str(sent_file(value, compiler.today, compiler.sent_by)))
    return f"(p.{PROFILE_ID} IN (SELECT profile_id FROM read_parquet({file}) WHERE profile_id IS NOT NULL))"


def sent_file(value: Any, today: date, sent_by: SentBy) -> Path:
    """Return the file of those an export sent, within the value's time span if it has one."""
    export, span = read_sent(value)
    return sent_by(export, span.before(today) if span else None)
