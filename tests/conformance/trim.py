"""Writes `openapi.json`: the vendor's OpenAPI document, trimmed to the paths the double serves.

    python -m tests.conformance.trim

Run it when the vendor's document changes; a test compares the two wherever the document is there. The
trimmed copy keeps shapes, limits and codes, with references resolved; it leaves out all prose and
examples. It is the document as published: its damage is repaired in `document`, in the open.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from ccexport.sandbox.app import API

OFFICIAL = Path(__file__).parents[2] / "../shared/reference/constant-contact-openapi.yaml"
TRIMMED = Path(__file__).parent / "openapi.json"
PROSE = {"description", "example", "examples", "title", "externalDocs", "summary", "tags", "operationId"}
# Keys under which names are the vendor's own, so that one called "title" or "description" is kept.
NAMES = {"properties", "paths", "responses", "content", "headers"}


def trimmed(official: Path) -> dict[str, Any]:
    """The document with only the paths of the double, resolved, without prose."""
    raw = yaml.load(official.read_text(), Loader=yaml.CSafeLoader)
    paths: dict[str, Any] = {}
    for method, path, _, _ in sorted(API, key=lambda served: served[:2]):
        paths.setdefault(path, {})[method.lower()] = _operation(raw, raw["paths"][path][method.lower()])
    info = {"title": raw["info"]["title"], "version": raw["info"]["version"]}
    return {"openapi": raw["openapi"], "info": info, "servers": raw["servers"], "paths": paths}


def _operation(raw: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Without `security`: it names schemes of no use here, one of them damaged."""
    plain: dict[str, Any] = _plain(raw, {k: v for k, v in operation.items() if k != "security"})
    for answer in plain["responses"].values():
        answer["description"] = ""  # OpenAPI insists on one
    return plain


def _plain(raw: dict[str, Any], value: Any, *, names: bool = False) -> Any:
    if isinstance(value, list):
        return [_plain(raw, one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value and not names:
        target: Any = raw
        for part in value["$ref"].split("/")[1:]:
            target = target[part]
        return _plain(raw, target)
    return {
        k: _plain(raw, v, names=k in NAMES and not names)
        for k, v in value.items()
        if names or (k not in PROSE and not k.startswith("x-"))
    }


if __name__ == "__main__":
    TRIMMED.write_text(json.dumps(trimmed(OFFICIAL), indent=1, sort_keys=True) + "\n")
