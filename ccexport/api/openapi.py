"""Writes the OpenAPI document from the operations and their models, and a page to read it.

Must never describe what is not there: both are made from what answers.
"""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from pydantic.json_schema import models_json_schema

from ccexport import __version__
from ccexport.api.calls import Operation
from ccexport.api.problems import CODES, MEDIA, Problem

REF = "#/components/schemas/{model}"
PROBLEMS = {
    "400": "Something in the request is wrong",
    "401": "The token is missing, revoked or has ended",
    "403": "The role may not do this; the sentence says whom to ask",
    "404": "The named thing does not exist",
    "409": "It is in another state than assumed",
    "429": "Too many requests; Retry-After says when to ask again",
    "500": "Unforeseen; the log has the reference",
    "502": "Constant Contact refused",
    "503": "Not just now",
}
PARQUET = {"application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}}}


def document(operations: tuple[Operation, ...]) -> dict[str, Any]:
    """Return the OpenAPI document (3.1)."""
    models: list[Any] = [(Problem, "serialization")]
    models += [(o.answer, "serialization") for o in operations if o.answer]
    models += [(o.body, "validation") for o in operations if o.body]
    refs, schemas = models_json_schema(list(dict.fromkeys(models)), ref_template=REF)
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "ccexport",
            "version": __version__,
            "description": "Segments of customer profiles onto Constant Contact lists. Moments are in UTC.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, operations))],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _tag(operation: Operation) -> str:
    return operation.path.split("/")[1]


def _operation(operation: Operation, refs: Any) -> dict[str, Any]:
    content = PARQUET
    if operation.answer:
        content = {"application/json": {"schema": refs[operation.answer, "serialization"]}}
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.does,
        "description": f"Needs the role {operation.role} or a higher one.",
        "tags": [_tag(operation)],
        "parameters": [*_path(operation), *_query(operation), *_headers(operation)],
        "responses": {str(operation.status): {"description": "As asked", "content": content}},
    }
    problem = {MEDIA: {"schema": {"$ref": REF.format(model="Problem")}}}
    more = (
        {"412": "It was changed meanwhile", "428": "If-Match is missing"}
        if operation.headers.get("If-Match")
        else {}
    )
    more |= {"413": "Too large"} if operation.body or operation.takes_file else {}
    for status, description in sorted({**PROBLEMS, **more}.items()):
        made["responses"][status] = {"description": description, "content": problem}
    if operation.method == "GET" and operation.answer:
        made["responses"]["304"] = {"description": "As in If-None-Match"}
    if operation.body:
        schema = refs[operation.body, "validation"]
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if operation.takes_file:
        schema = {"type": "string", "format": "binary"}
        made["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": schema}}}
    return made


def _path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 300},
        }
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]


def _query(operation: Operation) -> list[dict[str, Any]]:
    schema = operation.query.model_json_schema()
    needed = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": _plain(found, schema)}
        for name, found in schema.get("properties", {}).items()
    ]


def _plain(found: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of one value of a query: there is no null in a query, and no reference."""
    kinds = [kind for kind in found.get("anyOf", [found]) if kind.get("type") != "null"]
    kind = dict(kinds[0])
    if "$ref" in kind:
        kind = dict(schema["$defs"][kind["$ref"].rpartition("/")[2]])
    kind |= {k: found[k] for k in ("description",) if k in found}
    kind.pop("title", None)
    return kind


def _headers(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": does, "schema": {"type": "string"}}
        for name, does in operation.headers.items()
    ]


def as_page(operations: Iterable[Operation]) -> str:
    """Return a page for people: what there is, and what each part takes."""
    found = document(tuple(operations))
    rows = [
        f"<tr><td><code>{method.upper()} {escape(path)}</code></td><td>{escape(one['summary'])}"
        f"<br><small>{escape(one['description'])} {escape(_takes(one))}</small></td></tr>"
        for path, methods in found["paths"].items()
        for method, one in methods.items()
    ]
    codes = "".join(f"<li id='{code}'><code>{code}</code> ({status})</li>" for _, status, code in CODES)
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>ccexport API</title>"
        "<meta name='viewport' content='width=device-width'><style>body{font:16px system-ui,sans-serif;"
        "max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}td{padding:.4rem .8rem .4rem 0;"
        "vertical-align:top}table{border-collapse:collapse}tr{border-top:1px solid #8886}</style></head><body>"
        "<h1>ccexport: <code>/api/v1</code></h1><p>Send a token: <code>Authorization: Bearer ccx_…</code>. "
        "For machines: <a href='/api/v1/openapi.json'>the OpenAPI document</a>.</p>"
        f"<table>{''.join(rows)}</table><h2>Problems</h2><ul>{codes}</ul></body></html>"
    )


def _takes(one: dict[str, Any]) -> str:
    named = [p["name"] for p in one["parameters"] if p["in"] != "path"]
    return f"Takes {', '.join(named)}." if named else ""
