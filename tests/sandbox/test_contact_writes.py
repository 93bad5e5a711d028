"""Writing single contacts, and the small habits of clients that others wrote."""

from typing import Any

import pytest

from tests.sandbox.conftest import Double

WHOLE: dict[str, Any] = {
    "first_name": "Kari",
    "last_name": "Nordmann",
    "job_title": "Baker",
    "company_name": "Bakeriet AS",
    "birthday_month": 2,
    "birthday_day": 29,
    "anniversary": "2015-03-05",
    "phone_numbers": [{"phone_number": "555-010-0200", "kind": "home"}],
    "street_addresses": [
        {"kind": "work", "street": "Storgata 1", "city": "Oslo", "postal_code": "0150", "country": "Norway"}
    ],
}
ALL = "custom_fields,list_memberships,taggings,phone_numbers,street_addresses"


@pytest.fixture
def parts(double: Double) -> dict[str, str]:
    """The ids of a list, a custom field and a tag of the connected account."""
    double.connect()
    field = double.call("POST", "/contact_custom_fields", json={"label": "Level", "type": "string"}).json()
    tag = double.call("POST", "/contact_tags", json={"name": "Gold"}).json()
    return {"list": double.list_id(), "field": field["custom_field_id"], "tag": tag["tag_id"]}


def made(double: Double, parts: dict[str, str], address: str = "kari@example.com") -> dict[str, Any]:
    body = WHOLE | {
        "email_address": {"address": address, "permission_to_send": "explicit"},
        "create_source": "Account",
        "list_memberships": [parts["list"]],
        "taggings": [parts["tag"]],
        "custom_fields": [{"custom_field_id": parts["field"], "value": "gold"}],
    }
    answer = double.call("POST", f"/contacts?include={ALL}", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def shown(double: Double, contact_id: str) -> dict[str, Any]:
    return dict(double.call("GET", f"/contacts/{contact_id}?include={ALL}").json())


def test_post_keeps_everything_it_is_given(double: Double, parts: dict[str, str]) -> None:
    kept = shown(double, made(double, parts)["contact_id"])

    assert {key: kept[key] for key in WHOLE if not isinstance(WHOLE[key], list)} == {
        key: value for key, value in WHOLE.items() if not isinstance(value, list)
    }
    assert kept["email_address"]["permission_to_send"] == "explicit"
    assert kept["list_memberships"] == [parts["list"]]
    assert kept["taggings"] == [parts["tag"]]
    assert kept["custom_fields"] == [{"custom_field_id": parts["field"], "value": "gold"}]
    assert [(p["kind"], p["phone_number"]) for p in kept["phone_numbers"]] == [("home", "555-010-0200")]
    (address,) = kept["street_addresses"]
    assert {key: address[key] for key in WHOLE["street_addresses"][0]} == WHOLE["street_addresses"][0]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"notes": [{"content": "x"}]}, "notes"),
        ({"birthday_day": None}, "birthday"),
        ({"anniversary": "2015-02-30"}, "anniversary"),
        ({"phone_numbers": [{"phone_number": "1", "kind": "fax"}]}, "phone_numbers.kind"),
        ({"street_addresses": [{"kind": "mobile"}]}, "street_addresses.kind"),
        ({"custom_fields": [{"custom_field_id": "x", "value": "y"}]}, "custom_field_id"),
        ({"email_address": {"address": "a@example.com", "permission_to_send": "yes"}}, "permission_to_send"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(
    double: Double, parts: dict[str, str], change: dict[str, Any], named: str
) -> None:
    body = WHOLE | {"email_address": {"address": "a@example.com"}, "create_source": "Account"} | change
    answer = double.call("POST", "/contacts", json=body)

    assert answer.status_code == 400
    assert named in answer.json()[0]["error_message"]


def test_put_nulls_plain_properties_and_leaves_absent_subresources(
    double: Double, parts: dict[str, str]
) -> None:
    before = made(double, parts)
    body = {
        "email_address": {"address": "kari@example.com"},
        "first_name": "Kari Anne",
        "update_source": "Account",
        "phone_numbers": [{"phone_number": "555-010-0300", "kind": "work"}],
    }
    assert double.call("PUT", f"/contacts/{before['contact_id']}", json=body).status_code == 200
    kept = shown(double, before["contact_id"])

    assert kept["first_name"] == "Kari Anne"
    assert "last_name" not in kept
    assert [p["kind"] for p in kept["phone_numbers"]] == ["work"]
    assert kept["custom_fields"] == before["custom_fields"]
    assert kept["list_memberships"] == [parts["list"]]


def test_put_revives_a_deleted_contact_for_the_account_only(double: Double, parts: dict[str, str]) -> None:
    contact = made(double, parts)["contact_id"]
    double.call("DELETE", f"/contacts/{contact}")
    body = {"email_address": {"address": "kari@example.com"}, "update_source": "Contact"}

    assert double.call("PUT", f"/contacts/{contact}", json=body).status_code == 400
    revived = double.call("PUT", f"/contacts/{contact}", json=body | {"update_source": "Account"})
    assert revived.status_code == 200
    assert "deleted_at" not in revived.json()


def test_put_refuses_the_address_of_another_contact(double: Double, parts: dict[str, str]) -> None:
    made(double, parts, "first@example.com")
    second = made(double, parts, "second@example.com")["contact_id"]
    body = {"email_address": {"address": "first@example.com"}, "update_source": "Account"}

    assert double.call("PUT", f"/contacts/{second}", json=body).status_code == 409


def test_a_sign_up_creates_then_updates_and_is_explicit(double: Double, parts: dict[str, str]) -> None:
    body = {
        "email_address": "new@example.com",
        "first_name": "Nina",
        "phone_number": "555-010-0400",
        "list_memberships": [parts["list"]],
        "custom_fields": [{"custom_field_id": parts["field"], "value": "a"}],
        "street_address": {"kind": "home", "city": "Bergen"},
    }
    created = double.call("POST", "/contacts/sign_up_form", json=body)
    assert (created.status_code, created.json()["action"]) == (201, "created")
    body.pop("phone_number")
    updated = double.call("POST", "/contacts/sign_up_form", json=body | {"first_name": "Nora"})
    assert (updated.status_code, updated.json()["action"]) == (200, "updated")

    kept = shown(double, created.json()["contact_id"])
    assert kept["first_name"] == "Nora"
    assert kept["email_address"]["permission_to_send"] == "explicit"
    assert kept["phone_numbers"][0]["phone_number"] == "555-010-0400"
    assert kept["street_addresses"][0]["city"] == "Bergen"


def test_a_sign_up_waits_for_confirmation_where_the_account_asks_for_it(
    double: Double, parts: dict[str, str]
) -> None:
    double.admin("PATCH", "config", {"confirmed_opt_in": True})
    body = {"email_address": "new@example.com", "list_memberships": [parts["list"]]}
    contact = double.call("POST", "/contacts/sign_up_form", json=body).json()["contact_id"]

    assert shown(double, contact)["email_address"]["permission_to_send"] == "pending_confirmation"


def test_cross_references_stand_before_the_ids(double: Double, parts: dict[str, str]) -> None:
    contact = made(double, parts)["contact_id"]
    found = double.call("GET", "/contacts/contact_id_xrefs?sequence_ids=1,999999").json()["xrefs"]
    lists = double.call("GET", "/contact_lists/list_id_xrefs?sequence_ids=1").json()["xrefs"]

    assert {x["sequence_id"]: x["contact_id"] for x in found} == {"1": contact}
    assert lists == [{"sequence_id": "1", "list_id": parts["list"]}]


def test_account_addresses_are_listed_filtered_and_added(double: Double) -> None:
    double.connect(scope="contact_data account_read account_update offline_access")
    added = double.call("POST", "/account/emails", json={"email_address": "news@example.com"})
    assert (added.status_code, added.json()["confirm_status"]) == (201, "UNCONFIRMED")
    assert (
        double.call("POST", "/account/emails", json={"email_address": "news@example.com"}).status_code == 409
    )

    every = double.call("GET", "/account/emails").json()
    assert [e["confirm_status"] for e in every] == ["CONFIRMED", "UNCONFIRMED"]
    assert double.call("GET", "/account/emails?confirm_status=U").json() == every[1:]
    assert double.call("GET", "/account/emails?role_code=C").json() == every[:1]


def test_one_and_zero_are_true_and_false(double: Double) -> None:
    double.connect()

    assert "contacts_count" in double.call("GET", "/contacts?include_count=1&limit=1").json()
    assert "contacts_count" not in double.call("GET", "/contacts?include_count=0&limit=1").json()
    assert double.call("GET", "/contacts?include_count=2").status_code == 400


def test_a_slash_at_the_end_of_a_path_is_taken(double: Double) -> None:
    double.connect()

    assert double.call("GET", "/activities/").json() == double.call("GET", "/activities").json()
    assert double.call("GET", "/contact_lists/").status_code == 200


@pytest.mark.parametrize(("level", "status"), [("unqualified", 201), ("high", 201), ("none", 400)])
def test_engagement_levels_are_those_of_2024(
    double: Double, parts: dict[str, str], level: str, status: int
) -> None:
    body = {"source": {"engagement_level": level}, "list_ids": [parts["list"]]}
    assert double.call("POST", "/activities/add_list_memberships", json=body).status_code == status


def test_new_subscribers_are_a_source_of_list_jobs_unless_switched_off(
    double: Double, parts: dict[str, str]
) -> None:
    body = {"source": {"new_subscriber": True}, "list_ids": [parts["list"]]}
    assert double.call("POST", "/activities/add_list_memberships", json=body).status_code == 201
    double.admin("PATCH", "config", {"new_subscriber_source": False})
    assert double.call("POST", "/activities/add_list_memberships", json=body).status_code == 400


def test_an_export_leaves_out_whom_it_excludes(double: Double, parts: dict[str, str]) -> None:
    double.admin("PATCH", "config", {"activity_start_seconds": 0, "activity_overhead_seconds": 0})
    kept, left_out = (made(double, parts, f"{name}@example.com")["contact_id"] for name in ("kept", "out"))
    body = {"list_ids": [parts["list"]], "fields": ["email_address"], "exclude": {"contact_ids": [left_out]}}
    answer = double.call("POST", "/activities/contact_exports", json=body)
    assert answer.status_code == 201
    double.admin("POST", "clock", {"advance": 60})
    href = double.call("GET", f"/activities/{answer.json()['activity_id']}").json()["_links"]["results"][
        "href"
    ]
    text = double.call("GET", href.removeprefix("/v3")).text

    assert "kept@example.com" in text
    assert "out@example.com" not in text
    assert kept != left_out


def test_a_deleted_tag_is_off_every_contact(double: Double, parts: dict[str, str]) -> None:
    contact = made(double, parts)["contact_id"]
    double.admin("PATCH", "config", {"activity_start_seconds": 0, "activity_overhead_seconds": 0})
    renamed = double.call("PUT", f"/contact_tags/{parts['tag']}", json={"name": "Renamed"})
    assert renamed.json()["name"] == "Renamed"
    answer = double.call("POST", "/activities/contacts_tags_delete", json={"tag_ids": [parts["tag"]]})
    assert answer.status_code == 201
    double.admin("POST", "clock", {"advance": 60})

    assert double.call("GET", f"/contact_tags/{parts['tag']}").status_code == 404
    assert shown(double, contact)["taggings"] == []


def test_names_of_custom_fields_come_in_lower_case_where_so_configured(double: Double) -> None:
    double.connect()
    double.admin("PATCH", "config", {"field_name_case": "lower"})
    body = {"label": "Customer ID", "type": "string"}

    assert double.call("POST", "/contact_custom_fields", json=body).json()["name"] == "customer_id"


@pytest.mark.parametrize(
    "path", ["/contacts?limit=500", "/contact_lists", "/contact_tags", "/contact_custom_fields"]
)
def test_the_last_page_has_empty_links_where_so_configured(double: Double, path: str) -> None:
    double.connect()
    assert "_links" not in double.call("GET", path).json()
    double.admin("PATCH", "config", {"last_page_links": "empty"})
    assert double.call("GET", path).json()["_links"] == {}


def test_credentials_in_header_and_form_are_refused_unless_taken(double: Double) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": "http://127.0.0.1:8501/oauth/callback"}
    both = {"client_id": "demo", "client_secret": "demo-secret"}
    refused = double.token(**form, **both, code=double.code())
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    double.admin("PATCH", "config", {"several_credentials": "take", "token_requests_per_second": 0})

    assert double.token(**form, **both, code=double.code()).status_code == 200


def test_the_scope_of_bills_can_be_asked_for(double: Double) -> None:
    told = double.connect(scope="contact_data billing_data offline_access")
    assert "billing_data" in told["scope"]
