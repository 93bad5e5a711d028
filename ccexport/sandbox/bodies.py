"""Reading the body of an import, and where it is cut.

Owns JSON, multipart and CSV, and the silent loss of everything beyond the byte limit
(api_guide/import_contacts.html: only what lies in the first 4 MB is imported). Must never judge a row.
"""

import csv
import io
import json
from typing import Any

import orjson

Record = dict[str, Any]


def json_records(body: bytes, *, most_bytes: int, most: int) -> list[Record]:
    """The contacts that get through: whole ones before the cut, and no more than `most`."""
    if len(body) <= most_bytes:
        return list(orjson.loads(body)["import_data"][:most])
    return _whole_before(body[:most_bytes].decode("utf-8", "ignore"))[:most]


def csv_records(raw: bytes, *, cut: bool, most_lines: int, strip_bom: bool) -> list[Record]:
    """The rows of a CSV file as records; `cut` says that its last line is not whole."""
    text = raw.decode("utf-8-sig" if strip_bom else "utf-8", "replace")
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))[:most_lines]
    except csv.Error:
        return []
    if cut and rows and not text.endswith("\n"):
        rows.pop()
    if not rows:
        return []
    return [dict(zip(rows[0], row, strict=False)) for row in rows[1:] if row]


def _whole_before(text: str) -> list[Record]:
    # The cut makes the text invalid as a whole, so walk the top level by hand.
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    try:
        while text[at] in "{,":
            key, at = decoder.raw_decode(text, _skip(text, at + 1))
            at = _skip(text, _skip(text, at) + 1)
            if key == "import_data":
                return _elements(decoder, text, at)
            _, at = decoder.raw_decode(text, at)
            at = _skip(text, at)
    except (json.JSONDecodeError, IndexError):
        pass
    return []


def _elements(decoder: json.JSONDecoder, text: str, at: int) -> list[Record]:
    found: list[Record] = []
    try:
        while text[at] in "[,":
            value, at = decoder.raw_decode(text, _skip(text, at + 1))
            found.append(value)
            at = _skip(text, at)
    except (json.JSONDecodeError, IndexError, RecursionError):
        pass
    return found


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


class BadMultipart(ValueError):
    """A multipart body that cannot be taken apart."""


def multipart(content_type: str, body: bytes) -> list[tuple[dict[str, str], int, bytes]]:
    """The parts: disposition parameters (with `type` when given), offset in the body, and content."""
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        raise BadMultipart("no boundary")
    mark = b"--" + boundary.encode("latin-1", "replace")
    found: list[tuple[dict[str, str], int, bytes]] = []
    at = body.find(mark)
    if at < 0:
        raise BadMultipart("no part")
    while not body.startswith(b"--", at + len(mark)):
        start = at + len(mark) + 2
        end = body.find(b"\r\n" + mark, start - 2)
        head = body.find(b"\r\n\r\n", start)
        if end < 0 or head < 0 or head > end or len(found) > 100:
            raise BadMultipart("a part does not end")
        found.append((_headers(body[start:head]), head + 4, body[head + 4 : end]))
        at = end + 2
    return found


def _headers(raw: bytes) -> dict[str, str]:
    told: dict[str, str] = {}
    for line in raw.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            told |= _parameters(value)
        if name.strip().lower() == "content-type":
            told["type"] = value.strip()
    return told


def _parameters(value: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in value.split(";")[1:])
    return {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}
