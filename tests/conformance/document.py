"""The OpenAPI document in force, with the damage of its generator repaired in the open.

The vendor's own is taken when it lies beside the checkout, else the trimmed copy the project keeps;
`test_document.py` holds that both are the same.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.conformance.trim import OFFICIAL, TRIMMED, trimmed


@cache
def published() -> dict[str, Any]:
    """As the vendor publishes it, trimmed to the paths of the double."""
    found: dict[str, Any] = trimmed(OFFICIAL) if OFFICIAL.exists() else json.loads(TRIMMED.read_text())
    return found


@cache
def document() -> dict[str, Any]:
    """Repaired: what requests and answers are held against."""
    mended: dict[str, Any] = json.loads(json.dumps(published()))
    for schema in _schemas(mended["paths"]):
        # 1. `maxItems: 0` on the ids of list jobs would forbid every one of them.
        if schema.get("maxItems") == 0:
            del schema["maxItems"]
        # 2. `cf:custom_field_name` stands for a pattern: the guide puts any field's own name there.
        if "cf:custom_field_name" in schema.get("properties", {}):
            schema["patternProperties"] = {"^cf:": schema["properties"].pop("cf:custom_field_name")}
    return mended


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _schemas(inner)


def operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    """The path template and the operation of a request, or a failure that names it."""
    paths = document()["paths"]
    fitting = [template for template in paths if _fits(template, path)]
    # /contacts/counts is not the contact "counts": the template without a variable goes first.
    template = min(fitting, key=lambda each: "{" in each, default=None)
    assert template is not None, f"the document has no path {path}"
    assert method.lower() in paths[template], f"the document has no {method} {template}"
    return template, paths[template][method.lower()]


def _fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) is not None
