"""Nothing a client sends may make the double answer 500."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccexport.sandbox.app import API
from tests.sandbox.conftest import AUTH, Double

WORDS = st.sampled_from(
    [
        "import_data", "list_ids", "source", "exclude", "contact_ids", "tag_ids", "all_active_contacts", "email",
        "name", "label", "type", "choices", "fields", "status", "segment_id", "email_address", "address", "string",
        "create_source", "first_name", "birthday_month", "anniversary", "phone", "cf:Team", "sms_number", "x",
        "04fe9a97-a579-43c5-bb1a-58ed29bf0a6a", "a@example.com",
    ]
)  # fmt: skip
NASTY = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        10**30,
        -(10**400),
        1.5,
        "",
        "\x00",
        "\ud800",
        "a" * 300,
        "%00",
        "😀",
        "²",
        [],
        {},
    ]
)
JSON = st.recursive(
    NASTY | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)
BODIES = st.one_of(st.binary(max_size=60), JSON)
QUERY = st.dictionaries(
    st.sampled_from(
        [
            "limit",
            "cursor",
            "status",
            "include",
            "lists",
            "tags",
            "email",
            "segment_id",
            "updated_after",
            "state",
            "include_count",
            "include_membership_count",
            "name",
            "channel_type",
            "extra_fields",
            "optout_before",
        ]
    ),
    st.sampled_from(
        ["", "0", "1", "-1", "9" * 40, "all", "true", "x", "\x00", "😀", "bGltaXQ9MSZuZXh0PTE=", "²"]
    ),
    max_size=3,
)
IDS = st.sampled_from(["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a", "x", "%00", "%ff", "..", "9" * 300, "😀"])
KINDS = st.sampled_from(
    ["application/json", "application/json", "multipart/form-data; boundary=x", "text/csv", "ÿ"]
)
calm = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def content(body: Any) -> bytes:
    import json

    return body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "surrogatepass")


@given(route=st.sampled_from(API), body=BODIES, query=QUERY, asked=IDS, kind=KINDS)
@calm
def test_no_endpoint_answers_500(
    double: Double, route: tuple[Any, ...], body: Any, query: dict[str, str], asked: str, kind: str
) -> None:
    method, path = route[0], route[1]
    for name in ("activity_id", "file_export_id", "contact_id", "list_id", "custom_field_id", "tag_id"):
        path = path.replace(f"{{{name}}}", asked)
    send = (
        {"content": content(body), "headers": {"Content-Type": kind.encode("latin-1")}}
        if method != "GET"
        else {}
    )
    answer = double.call(method, path, params=query, **send)

    assert answer.status_code < 500, answer.text


KEYS = st.sampled_from(
    [
        "email",
        "first_name",
        "birthday_month",
        "birthday_day",
        "phone",
        "anniversary",
        "sms_number",
        "street",
        "cf:Team",
    ]
)


@given(rows=st.lists(st.dictionaries(KEYS, NASTY | WORDS, max_size=5), min_size=1, max_size=6))
@settings(calm, max_examples=60)
def test_no_row_breaks_the_engine(double: Double, rows: list[dict[str, Any]]) -> None:
    import json

    raw = json.dumps({"import_data": rows, "list_ids": [double.list_id()]}).encode()
    answer = double.call(
        "POST", "/activities/contacts_json_import", content=raw, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (201, 400)
    double.admin("POST", "clock", {"advance": 5})

    told = double.inspect("counters")
    assert (told["internal_errors"], told["waiting_activities"]) == (0, 0)


@pytest.mark.parametrize(
    "path", [f"{AUTH}/token", f"{AUTH}/authorize", f"{AUTH}/device/authorize", f"{AUTH}/activate"]
)
@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff\xfe", b"a=%00&client_id=%00", b"client_id=demo&code=%ff&grant_type=authorization_code"],
)
def test_the_authorisation_server_survives_anything(double: Double, path: str, raw: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for headers in (form, {"Content-Type": "text/plain"}, form | {"Authorization": "Basic %%%"}):
        assert double.web.post(path, content=raw, headers=headers).status_code < 500
        assert double.web.get(path, params={"client_id": "\x00"}, headers=headers).status_code < 500


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer \x80", "Basic eDp4", "", "Bearer a b c", "bearer " + "x" * 5_000]
)
def test_a_strange_authorization_is_401(double: Double, value: str) -> None:
    answer = double.call("GET", "/contact_lists", headers={"Authorization": value.encode("latin-1")})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "raw",
    [
        b"--x\r\n\r\n--x--",
        b"--x--",
        b"--x",
        b"--x\r\nContent-Disposition: form-data; name=file; filename=a.csv\r\n\r\nemail\r\n",
        b"\r\n" * 50,
    ],
)
def test_a_broken_multipart_body_is_refused(double: Double, raw: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = double.call("POST", "/activities/contacts_file_import", content=raw, headers=headers)

    assert answer.status_code in (400, 415)
