"""What went over the wire, recorded where the product hands it to its transport, and held against the document."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
import pytest

from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Answer, Lost, Request
from tests.conformance.document import document, operation

# Declared for few GETs, although the guide says that limits hold and values are checked everywhere:
# https://developer.constantcontact.com/api_guide/rate_limits.html and …/glossary_responses.html
EVERYWHERE = {"400", "429"}
formats = jsonschema.FormatChecker()


@formats.checks("date-time")
def _moment(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None and "T" in value
    except ValueError:
        return False


@dataclass(frozen=True)
class Exchange:
    """One request and what came of it."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    form: Mapping[str, str]
    files: Mapping[str, str]
    status: int | None
    kind: str
    answer: bytes

    @property
    def asked(self) -> str:
        return f"{self.method} {self.path}"


class Recorder:
    """Everything the product's transports sent, token requests apart."""

    def __init__(self) -> None:
        self.api: list[Exchange] = []
        self.tokens: list[Exchange] = []

    def asked(self) -> set[str]:
        """Method and path template of every API request."""
        return {f"{each.method} {operation(each.method, each.path)[0]}" for each in self.api}

    def note(self, request: Request, got: Answer | Lost, content: bytes) -> None:
        parts = urlsplit(request.url)
        of_api = parts.path.startswith("/v3/")
        exchange = Exchange(
            method=request.method,
            path=parts.path.removeprefix("/v3"),
            query=(*parse_qsl(parts.query, keep_blank_values=True), *request.params.items()),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.body or b"",
            form=dict(request.form),
            files={part.field: part.name for part in request.files},
            status=got.status if isinstance(got, Answer) else None,
            kind=got.headers.get("content-type", "") if isinstance(got, Answer) else "",
            answer=content,
        )
        (self.api if of_api else self.tokens).append(exchange)


@contextmanager
def recorded() -> Iterator[Recorder]:
    """Wraps the transport of this process; the requests go on to where they were going."""
    made = Recorder()
    sent: Callable[..., Answer | Lost] = Transport.send
    downloaded: Callable[..., Answer | Lost] = Transport.download

    def send(self: Transport, request: Request) -> Answer | Lost:
        got = sent(self, request)
        made.note(request, got, got.body if isinstance(got, Answer) else b"")
        return got

    def download(self: Transport, request: Request, sink: Any) -> Answer | Lost:
        got = downloaded(self, request, sink)
        sink.seek(0)
        content = sink.read() if isinstance(got, Answer) and got.status == 200 else b""
        made.note(request, got, content or getattr(got, "body", b""))
        return got

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "send", send)
        patch.setattr(Transport, "download", download)
        yield made


# -- the request ---------------------------------------------------------------------------------


def check_request(one: Exchange) -> None:
    """Fails for anything in the request that the document does not know, or that it forbids."""
    template, declared = operation(one.method, one.path)
    names = [part[1:-1] for part in template.split("/") if part.startswith("{")]
    values = [
        unquote(v) for t, v in zip(template.split("/"), one.path.split("/"), strict=True) if t.startswith("{")
    ]
    parameters = {(p["in"], p["name"]): p for p in declared.get("parameters", [])}
    for name, value in zip(names, values, strict=True):
        _check_text(value, parameters["path", name]["schema"], f"{one.asked}: {name}")
    _check_query(one, parameters)
    assert one.headers.get("authorization", "").startswith("Bearer "), f"{one.asked} has no token"
    required = [n for (where, n), p in parameters.items() if where == "header" and p.get("required")]
    assert not [n for n in required if n.lower() not in one.headers], f"{one.asked} lacks one of {required}"
    _check_body(one, declared.get("requestBody"))


def _check_query(one: Exchange, parameters: Mapping[tuple[str, str], Any]) -> None:
    given = dict(one.query)
    assert len(given) == len(one.query), f"{one.asked} repeats a parameter"
    for name, value in given.items():
        if name == "cursor":  # declared nowhere: only the vendor's own next links hold one
            assert len(given) == 1, f"{one.asked} adds parameters to a cursor"
            continue
        assert ("query", name) in parameters, f"{one.asked}: the document has no parameter {name}"
        _check_text(value, parameters["query", name]["schema"], f"{one.asked}: {name}")
    needed = {n for (where, n), p in parameters.items() if where == "query" and p.get("required")}
    assert needed <= set(given), f"{one.asked} lacks {needed - set(given)}"


def _check_text(value: str, schema: Mapping[str, Any], what: str) -> None:
    """A value of a path or query, which is text whatever the schema calls it."""
    if schema.get("format") == "csv" or schema["type"] == "array":
        words, item = value.split(","), dict(schema.get("items", {})) | {"type": "string"}
        if "enum" in schema:
            item["enum"] = schema["enum"]
        for word in words:
            _validate(word, item, what)
        return
    read: Any = value
    if schema["type"] == "integer":
        assert value.isdecimal(), f"{what} is no whole number"
        read = int(value)
    elif schema["type"] == "boolean":
        assert value in {"true", "false"}, f"{what} is neither true nor false"
        read = value == "true"
    _validate(read, schema, what)


def _check_body(one: Exchange, declared: Mapping[str, Any] | None) -> None:
    if declared is None:
        assert not (one.body or one.form or one.files), f"{one.asked} takes no body"
        return
    ((kind, described),) = declared["content"].items()
    if kind == "multipart/form-data":
        assert "content-type" not in one.headers, f"{one.asked}: only the transport knows the boundary"
        _validate({**one.form, **one.files}, described["schema"], one.asked)
        return
    given = one.headers.get("content-type")
    assert given == kind, f"{one.asked} takes {kind}, not {given}"
    _validate(json.loads(one.body), described["schema"], one.asked)


# -- the answer ----------------------------------------------------------------------------------


def check_answer(one: Exchange) -> None:
    """Fails for a status, a type, a property or a value that the document does not know."""
    _, declared = operation(one.method, one.path)
    status = str(one.status)
    assert status in set(declared["responses"]) | EVERYWHERE, f"{one.asked} does not answer {status}"
    if status >= "400":
        check_complaint(one)
        return
    content = declared["responses"][status].get("content", {})
    if not content:
        assert not one.answer, f"{one.asked} answers {status} without a body"
        return
    ((kind, described),) = content.items()
    assert one.kind.split(";")[0] == kind, f"{one.asked} answers {kind}, not {one.kind}"
    if kind == "text/csv":
        one.answer.decode("utf-8")
        return
    _validate(json.loads(one.answer), described["schema"], f"{one.asked} {status}")


def check_complaint(one: Exchange) -> None:
    """An error has a shape in no document, only in the guide: an array, or an object for the gateway's.

    https://developer.constantcontact.com/api_guide/glossary_responses.html
    """
    told = json.loads(one.answer)
    words = {"error_key": {"type": "string"}, "error_message": {"type": "string"}}
    complaint = {"type": "object", "properties": words, "required": list(words)}
    if one.status == 403 and "message" in told:
        _validate(told, {"type": "object", "properties": {"message": {"type": "string"}}}, one.asked)
    elif one.status in {401, 403, 429}:
        _validate(told, complaint, f"{one.asked} {one.status}")
    else:
        _validate(told, {"type": "array", "minItems": 1, "items": complaint}, f"{one.asked} {one.status}")


def _validate(value: Any, schema: Mapping[str, Any], what: str) -> None:
    checker = jsonschema.Draft202012Validator(_strict(schema), format_checker=formats)
    for error in sorted(checker.iter_errors(value), key=lambda each: list(each.path)):
        raise AssertionError(f"{what}: {error.message[:300]} at {list(error.path)}")


def _strict(schema: Any) -> Any:
    """An object with named properties takes no others: the document never says so, and a typo would pass."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {name: _strict(one) for name, one in schema.items()}
    if isinstance(schema.get("properties"), Mapping) and "type" in schema:
        made.setdefault("additionalProperties", False)
    return made


__all__ = ["Exchange", "Recorder", "check_answer", "check_request", "document", "recorded"]
