"""The published JSON Schema of a rule (draft 2020-12). Must be built from `operators` and never repeat it."""

from typing import Any

from ccexport.segments.operators import ALIASES, OPERATORS, WITHOUT_FIELD

_GROUP_WORDS = {"all": "Every part holds.", "any": "At least one part holds.", "none": "No part holds."}


def rule_schema() -> dict[str, Any]:
    """Return the schema: a node is a group of nodes or a condition."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule of a segment",
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "oneOf": [*({"$ref": f"#/$defs/{k}"} for k in _GROUP_WORDS), {"$ref": "#/$defs/condition"}]
            },
            **{kind: _group(kind, words) for kind, words in _GROUP_WORDS.items()},
            "condition": _condition(),
        },
    }


def _group(kind: str, words: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": words,
        "properties": {kind: {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/node"}}},
        "required": [kind],
        "additionalProperties": False,
    }


def _condition() -> dict[str, Any]:
    own = [{"const": o.name, "description": _described(o.name)} for o in OPERATORS.values()]
    other = [
        {"const": a, "description": f"another name for {n[0]}"}
        for a, n in ALIASES.items()
        if a not in OPERATORS
    ]
    return {
        "type": "object",
        "properties": {
            "field": {"type": "string", "description": "A field of the profiles."},
            "op": {"type": "string", "oneOf": [*own, *other]},
            "value": {"description": "What the operator takes; see its description."},
            "ignore_case": {"type": "boolean", "default": False},
            "salt": {"type": "string", "description": "Of in_share: another salt gives other shares."},
        },
        "required": ["op"],
        "additionalProperties": False,
        "if": {"properties": {"op": {"enum": sorted(WITHOUT_FIELD)}}},
        "else": {"required": ["field", "op"]},
    }


def _described(name: str) -> str:
    operator = OPERATORS[name]
    types = ", ".join(operator.types) or "membership"
    opposite = f"; holds for empty values, as the opposite of {operator.negates}" if operator.negates else ""
    return f"{types}; takes {operator.takes}{opposite}"
