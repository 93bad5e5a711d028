"""A value made from several fields: `"{First Name|title} from {City}"`.

Owns its syntax and its SQL. A template is empty when one of its fields is, so that nobody is called
"Ada from". Must never take SQL from a template: a name must be a profile field, and a change a known transform.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ccexport.errors import BadInput
from ccexport.plan.transforms import check_transform, cleaned, transform_sql
from ccexport.profiles.database import quote_text

_FIELD = re.compile(r"\{([^{}|]+)((?:\|[^{}|]+)*)\}")


@dataclass(frozen=True)
class TemplateField:
    """One field in a template, with its changes in order."""

    name: str
    transforms: tuple[str, ...]


def parts_of(template: str, target: str) -> tuple[str | TemplateField, ...]:
    """Return the texts and fields of a template in order. Raises `BadInput` naming the contact field."""
    parts: list[str | TemplateField] = []
    end = 0
    for found in _FIELD.finditer(template):
        parts.append(template[end : found.start()])
        changes = tuple(change.strip() for change in found[2].split("|") if change.strip())
        parts.append(TemplateField(found[1].strip(), changes))
        end = found.end()
    parts.append(template[end:])
    if any(isinstance(part, str) and ("{" in part or "}" in part) for part in parts) or len(parts) == 1:
        raise BadInput(
            "{target}: a template names profile fields in braces, such as {example}.",
            target=target,
            example="{First Name} {Last Name}",
        )
    for part in parts:
        for change in part.transforms if isinstance(part, TemplateField) else ():
            check_transform(change, target)
    return tuple(part for part in parts if part)


def template_sql(parts: tuple[str | TemplateField, ...], text_of: Callable[[str], str]) -> str:
    """SQL: the text; null when a field is empty. `text_of` returns the SQL of a field's text."""
    return "(" + " || ".join(_part(part, text_of) for part in parts) + ")"


def _part(part: str | TemplateField, text_of: Callable[[str], str]) -> str:
    if isinstance(part, str):
        return quote_text(part)
    value = cleaned(text_of(part.name))
    for change in part.transforms:
        value = transform_sql(change, f"({value})")
    return f"nullif({value}, '')"
