"""Checks requests against the vendor's own OpenAPI document, or a trimmed copy of it.

The document lies beside the checkout; without it the copy in `schemas.json` is used. Its known
generator damage is repaired in the open: several request arrays carry `maxItems: 0`, which
would forbid every request that removes somebody from a list.
"""

import json
import re
from email.parser import BytesParser
from email.policy import HTTP
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import jsonschema
import yaml

OFFICIAL = Path(__file__).parents[2] / "../shared/reference/constant-contact-openapi.yaml"
TRIMMED = Path(__file__).parent / "schemas.json"
USED = (
    "/account/summary",
    "/account/user/privileges",
    "/activities",
    "/activities/{activity_id}",
    "/activities/add_list_memberships",
    "/activities/contact_exports",
    "/activities/contacts_file_import",
    "/activities/contacts_json_import",
    "/activities/contacts_taggings_add",
    "/activities/remove_list_memberships",
    "/contact_custom_fields",
    "/contact_exports/{file_export_id}",
    "/contact_lists",
    "/contact_lists/{list_id}",
    "/contacts",
    "/contacts/{contact_id}",
    "/contacts/counts",
)


@cache
def document() -> dict[str, Any]:
    """The document in force."""
    return trimmed(OFFICIAL) if OFFICIAL.exists() else json.loads(TRIMMED.read_text())


def trimmed(official: Path) -> dict[str, Any]:
    """The parts used here, with references resolved, examples left out and `maxItems: 0` repaired."""
    raw = yaml.load(official.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    paths: dict[str, Any] = {}
    for path in USED:
        paths[path] = {}
        for method, operation in raw["paths"][path].items():
            if method in {"get", "post", "delete"}:
                paths[path][method] = {
                    "parameters": _plain(raw, operation.get("parameters", [])),
                    "body": _plain(raw, operation.get("requestBody", {}).get("content", {})),
                }
    return {"version": raw["info"]["version"], "paths": paths}


def _plain(raw: dict[str, Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(raw, one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target: Any = raw
        for part in value["$ref"].split("/")[1:]:
            target = target[part]
        return _plain(raw, target)
    left_out = {"example", "examples", "explode", "style"}
    if isinstance(value.get("description"), str):
        left_out.add("description")
    if value.get("maxItems") == 0:
        left_out.add("maxItems")  # the generator's damage
    return {k: _plain(raw, v) for k, v in value.items() if k not in left_out}


def check_request(request: httpx.Request, *, body: bool = True) -> None:
    """Fails when the document does not know the path, a parameter, or the shape of the body."""
    path = request.url.path.removeprefix("/v3")
    known = document()["paths"]
    match = next((p for p in sorted(known, key=lambda p: "{" in p) if _matches(p, path)), None)
    assert match, f"the document has no path {path}"
    operation = known[match].get(request.method.lower())
    assert operation, f"the document has no {request.method} {match}"
    _check_query(operation, request)
    if request.method == "POST" and body:
        _check_body(operation["body"], request)


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path) is not None


def _check_query(operation: dict[str, Any], request: httpx.Request) -> None:
    declared = {p["name"]: p["schema"] for p in operation["parameters"] if p["in"] == "query"}
    for name, value in parse_qsl(request.url.query.decode(), keep_blank_values=True):
        if name == "cursor":  # only in next links, which the vendor makes
            continue
        assert name in declared, f"{request.url.path} has no parameter {name}"
        schema = declared[name]
        if schema["type"] == "integer":
            assert schema.get("minimum", 0) <= int(value) <= schema["maximum"], f"{name} has no {value}"
        if "enum" in schema:
            assert set(value.split(",")) <= set(schema["enum"]), f"{name} has no {value}"


def _check_body(declared: dict[str, Any], request: httpx.Request) -> None:
    given = request.headers["content-type"]
    (kind, described), *_ = declared.items()
    assert given.split(";")[0] == kind, f"{request.url.path} takes {kind}, not {given}"
    body = _multipart(request) if kind == "multipart/form-data" else json.loads(request.content)
    schema = described["schema"]
    unknown = set(body) - set(schema["properties"])
    assert not unknown, f"{request.url.path} has no properties {unknown}"
    jsonschema.validate(body, schema, format_checker=jsonschema.FormatChecker())


def parts_of(request: httpx.Request) -> list[tuple[str, str | None, bytes]]:
    """The parts of a multipart body: name, file name, content."""
    head = b"Content-Type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(head + request.content)
    found = []
    for part in message.iter_parts():  # type: ignore[attr-defined]
        name = part.get_param("name", header="content-disposition")
        found.append((name, part.get_filename(), part.get_payload(decode=True)))
    return found


def _multipart(request: httpx.Request) -> dict[str, str]:
    parts = parts_of(request)
    assert len({name for name, _, _ in parts}) == len(parts), "a part is repeated"
    return {name: content.decode("latin-1") for name, _, content in parts}
