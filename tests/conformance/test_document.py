"""The document the other tests hold everything against, and their checks, are themselves checked."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.conformance.document import document, published
from tests.conformance.exchange import Exchange, check_answer, check_request
from tests.conformance.trim import OFFICIAL, TRIMMED, trimmed

LIST = "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"
IMPORT = "/activities/contacts_json_import"
REMOVE = "/activities/remove_list_memberships"


def exchange(method: str, path: str, body: Any = None, status: int = 200, answer: Any = None) -> Exchange:
    path, _, query = path.partition("?")
    return Exchange(
        method=method,
        path=path,
        query=tuple(tuple(pair.split("=", 1)) for pair in query.split("&") if pair),  # type: ignore[misc]
        headers={"authorization": "Bearer x"} | ({"content-type": "application/json"} if body else {}),
        body=json.dumps(body).encode() if body else b"",
        form={},
        files={},
        status=status,
        kind="application/json",
        answer=json.dumps(answer).encode(),
    )


def test_the_trimmed_copy_is_the_official_document() -> None:
    """So that these tests mean the same without it; `python -m tests.conformance.trim` writes it anew."""
    if not OFFICIAL.exists():
        pytest.skip("the vendor's OpenAPI document is not beside this checkout")

    assert json.loads(TRIMMED.read_text()) == trimmed(OFFICIAL)


def test_the_document_as_published_forbids_every_removal() -> None:
    """The damage that is repaired: when the vendor repairs it, this says so and the repair can go."""
    body = {"source": {"contact_ids": [LIST]}, "list_ids": [LIST]}
    ids = published()["paths"][REMOVE]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert ids["properties"]["list_ids"]["maxItems"] == 0
    assert '"maxItems": 0' not in json.dumps(document())
    check_request(exchange("POST", REMOVE, body))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/nowhere", None),
        ("DELETE", "/contact_lists", None),
        ("GET", "/contacts?limit=501", None),
        ("GET", "/contacts?limit=many", None),
        ("GET", "/contacts?listen=1", None),
        ("GET", "/contacts?cursor=abc&limit=5", None),
        ("GET", "/contact_lists?status=gone", None),
        ("GET", "/contact_lists/news", None),
        ("GET", "/contact_lists", {"name": "x"}),
        ("POST", IMPORT, None),
        ("POST", IMPORT, {"list_ids": [LIST]}),
        ("POST", IMPORT, {"import_data": [], "list_ids": []}),
        ("POST", IMPORT, {"import_data": [], "list_ids": ["news"]}),
        ("POST", IMPORT, {"import_data": [], "list_ids": [LIST], "x": 1}),
        ("POST", IMPORT, {"import_data": [{"e-mail": "a@x.org"}], "list_ids": [LIST]}),
        ("POST", IMPORT, {"import_data": [{"email": "a" * 51}], "list_ids": [LIST]}),
        ("POST", IMPORT, {"import_data": [{"cf:Shoe": 44}], "list_ids": [LIST]}),
        ("POST", REMOVE, {"source": {"emails": ["a@x.org"]}, "list_ids": [LIST]}),
    ],
)
def test_a_wrong_request_fails(method: str, path: str, body: Any) -> None:
    with pytest.raises((AssertionError, json.JSONDecodeError)):
        check_request(exchange(method, path, body))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (202, {"lists": []}),
        (404, [{"error_key": "k", "error_message": "m"}]),
        (400, {"error_key": "k", "error_message": "m"}),
        (401, [{"error_key": "unauthorized", "error_message": "m"}]),
        (429, {"message": "m"}),
        (200, {"contact_lists": []}),
        (200, {"lists": [{"list_id": LIST}]}),
        (200, {"lists": [{"list_id": "1", "name": "News"}]}),
        (200, {"lists": [{"list_id": LIST, "name": "News", "created_at": "yesterday"}]}),
        (200, {"lists": [{"list_id": LIST, "name": "News", "membership_count": "3"}]}),
    ],
)
def test_a_wrong_answer_fails(status: int, answer: Any) -> None:
    good = exchange("GET", "/contact_lists", answer={"lists": [{"list_id": LIST, "name": "News"}]})
    check_answer(good)

    with pytest.raises(AssertionError):
        check_answer(replace(good, status=status, answer=json.dumps(answer).encode()))


def test_a_request_without_a_token_or_of_the_wrong_kind_fails() -> None:
    good = exchange("POST", IMPORT, {"import_data": [{"cf:Any_name": "1"}], "list_ids": [LIST]})
    check_request(good)

    for headers in ({}, {"authorization": "Bearer x", "content-type": "text/plain"}):
        with pytest.raises(AssertionError):
            check_request(replace(good, headers=headers))
