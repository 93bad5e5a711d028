"""The checks of the other tests are themselves checked."""

import json

import httpx
import pytest

from .fake_api import API, LIST
from .schemas import OFFICIAL, TRIMMED, check_request, document, trimmed


def test_the_trimmed_copy_is_the_official_document():
    """So the tests mean the same with and without it."""
    if not OFFICIAL.exists():
        pytest.skip("the vendor's OpenAPI document is not beside this checkout")

    assert json.loads(TRIMMED.read_text()) == trimmed(OFFICIAL)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/nowhere", None),
        ("DELETE", "/contact_lists", None),
        ("GET", "/contacts?limit=501", None),
        ("GET", "/contacts?listen=1", None),
        ("GET", "/contact_lists?status=gone", None),
        ("POST", "/activities/contacts_json_import", {"list_ids": [LIST]}),
        ("POST", "/activities/contacts_json_import", {"import_data": [], "list_ids": []}),
        ("POST", "/activities/contacts_json_import", {"import_data": [], "list_ids": [LIST], "x": 1}),
    ],
)
def test_a_request_the_document_does_not_know_fails(method, path, body):
    """Otherwise no other test would mean anything."""
    with pytest.raises(Exception, match=r"has no |required|non-empty"):
        check_request(httpx.Request(method, API + path, json=body))


def test_the_repair_of_the_removal_is_in_place():
    """The document as published forbids every removal."""
    schema = document()["paths"]["/activities/remove_list_memberships"]["post"]["body"]["application/json"][
        "schema"
    ]

    assert "maxItems" not in schema["properties"]["list_ids"]
