"""Lists, custom fields, tags, account: 13.8 of the fact sheet; traps 36, 37 and 40."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import Double


def test_a_list_name_is_used_once_whatever_its_case(double: Double) -> None:
    made = double.call(
        "POST", "/contact_lists", json={"name": "Årsmøte", "description": "d", "favorite": True}
    )
    assert (
        made.status_code,
        *(made.json()[key] for key in ("name", "description", "favorite")),
    ) == (201, "Årsmøte", "d", True)
    again = double.call("POST", "/contact_lists", json={"name": "ÅRSMØTE"})
    assert (again.status_code, again.json()[0]["error_key"]) == (409, "contacts.api.conflict")

    double.config(list_names_ignore_case=False)
    assert double.call("POST", "/contact_lists", json={"name": "ÅRSMØTE"}).status_code == 201


def test_the_name_of_a_deleted_list_is_free_unless_configured(double: Double) -> None:
    double.settle(double.call("DELETE", f"/contact_lists/{double.list_id()}"))
    double.config(deleted_list_names_free=False)
    assert double.call("POST", "/contact_lists", json={"name": "Newsletter"}).status_code == 409

    double.config(deleted_list_names_free=True)
    assert double.call("POST", "/contact_lists", json={"name": "Newsletter"}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": "  "}, {"name": 5}, {"name": "x" * 256}, {"name": "x", "favorite": "yes"}],
)
def test_a_wrong_list_is_400(double: Double, body: dict[str, Any]) -> None:
    assert double.call("POST", "/contact_lists", json=body).status_code == 400


def test_an_account_has_a_limited_number_of_lists(make_double: Callable[..., Double]) -> None:
    double = make_double(lists_max=2)
    double.connect()

    assert double.call("POST", "/contact_lists", json={"name": "B"}).status_code == 201
    assert double.call("POST", "/contact_lists", json={"name": "C"}).status_code == 400


def test_replacing_a_list_loses_what_is_left_out(double: Double) -> None:
    made = double.call("POST", "/contact_lists", json={"name": "B", "description": "d"}).json()
    path = f"/contact_lists/{made['list_id']}"

    assert double.call("PUT", path, json={"name": "newsletter"}).status_code == 409
    assert "description" not in double.call("PUT", path, json={"name": "b"}).json()
    assert double.call("PUT", f"/contact_lists/{uuid.uuid4()}", json={"name": "x"}).status_code == 404


def test_lists_are_found_counted_and_paged(double: Double) -> None:
    double.admin("POST", "lists", {"names": ["B", "C"]})
    double.admin("POST", "contacts", {"contacts": [{"email": "a@example.com", "lists": ["B"]}]})

    assert [each["name"] for each in double.get("/contact_lists", name="B")["lists"]] == ["B"]
    page = double.get("/contact_lists", limit=2, include_count="true", include_membership_count="active")
    assert (page["lists_count"], [each["membership_count"] for each in page["lists"]]) == (3, [0, 1])
    rest = double.get(page["_links"]["next"]["href"])
    assert [each["name"] for each in rest["lists"]] == ["C"]
    assert "_links" not in rest
    assert "membership_count" not in double.get("/contact_lists")["lists"][0]


def test_membership_counts_can_leave_out_those_not_mailable(double: Double) -> None:
    people = [{"email": "a@example.com"}, {"email": "b@example.com", "permission": "unsubscribed"}]
    double.admin("POST", "contacts", {"contacts": [{**each, "lists": ["Newsletter"]} for each in people]})
    path = f"/contact_lists/{double.list_id()}"

    assert double.get(path, include_membership_count="all")["membership_count"] == 2
    assert double.get(path, include_membership_count="active")["membership_count"] == 1


def test_a_wrong_membership_count_has_the_documented_error(double: Double) -> None:
    answer = double.call("GET", "/contact_lists", params={"include_membership_count": "some"})

    expected = {
        "error_key": "contacts.api.validation.error",
        "error_message": "include_membership_count does not have a valid value",
    }
    assert (400, [expected]) == (answer.status_code, answer.json())


def test_the_largest_page_of_lists_follows_the_text_or_the_schema(double: Double) -> None:
    assert double.call("GET", "/contact_lists", params={"limit": 1000}).status_code == 400

    double.config(lists_page_max=1000)
    assert double.call("GET", "/contact_lists", params={"limit": 1000}).status_code == 200


def test_a_custom_field_gets_a_name_from_its_label(double: Double) -> None:
    body = {"label": "Customer since", "type": "date"}
    made = double.call("POST", "/contact_custom_fields", json=body)

    assert (made.status_code, made.json()["name"], made.json()["version"]) == (201, "Customer_since", 2)
    assert double.call("POST", "/contact_custom_fields", json=body).status_code == 409
    assert (
        double.call("POST", "/contact_custom_fields", json={**body, "label": "customer_since"}).status_code
        == 409
    )
    assert [made.json()] == double.get("/contact_custom_fields")["custom_fields"]
    path = f"/contact_custom_fields/{made.json()['custom_field_id']}"
    assert made.json() == double.get(path)
    assert double.call("DELETE", path).status_code == 204
    assert double.call("GET", path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"label": "x"},
        {"label": "x", "type": "blob"},
        {"label": "x" * 51, "type": "string"},
        {"type": "string"},
        {"label": None, "type": "string"},
        {"label": "x", "type": "single_select"},
        {"label": "x", "type": "single_select", "choices": [1]},
        {"label": "x", "type": "string", "version": "2"},
    ],
    ids=str,
)
def test_a_wrong_custom_field_is_400(double: Double, body: dict[str, Any]) -> None:
    assert double.call("POST", "/contact_custom_fields", json=body).status_code == 400


def test_an_account_has_a_hundred_custom_fields(double: Double) -> None:
    double.admin("POST", "custom_fields", {"fields": [{"label": f"F{n}"} for n in range(100)]})

    assert (
        double.call("POST", "/contact_custom_fields", json={"label": "x", "type": "string"}).status_code
        == 400
    )
    assert len(double.get("/contact_custom_fields")["custom_fields"]) == 50
    assert len(double.get("/contact_custom_fields", limit=100)["custom_fields"]) == 100
    assert double.call("GET", "/contact_custom_fields", params={"limit": 101}).status_code == 400


def test_tags_are_unique_and_plain(double: Double) -> None:
    assert double.call("POST", "/contact_tags", json={"name": "VIP"}).status_code == 201
    assert double.call("POST", "/contact_tags", json={"name": "vip"}).status_code == 409
    assert double.call("POST", "/contact_tags", json={"name": "<b>"}).status_code == 400
    assert [each["name"] for each in double.get("/contact_tags")["tags"]] == ["VIP"]


def test_the_account_tells_its_name_but_no_plan(double: Double) -> None:
    told = double.get("/account/summary")

    assert (told["organization_name"], told["encoded_account_id"]) == ("Nordlys Demo AS", "p07nordlysdemo")
    assert not {"plan", "tier", "limit", "physical_address"} & set(told)
    assert (
        double.get("/account/summary", extra_fields="physical_address")["physical_address"]["city"]
        == "Tromsø"
    )
    assert double.call("GET", "/account/summary", params={"extra_fields": "plan"}).status_code == 400


def test_the_owner_holds_every_privilege(double: Double) -> None:
    names = {each["privilege_name"] for each in double.get("/account/user/privileges")}

    assert {
        "contacts:read",
        "contacts:write",
        "contacts:lists:read",
        "contacts:lists:write",
        "account:read",
    } <= names


def test_the_high_water_of_active_contacts_never_falls(double: Double) -> None:
    double.imported(*({"email": f"p{n}@example.com"} for n in range(5)))
    double.settle(double.call("POST", "/activities/contact_delete", json={"list_ids": [double.list_id()]}))

    assert tuple(double.inspect("counters")[key] for key in ("contacts", "active_high_water")) == (0, 5)


def test_the_demonstration_account_is_ready_to_use(make_double: Callable[..., Double]) -> None:
    double = make_double(empty=False)
    double.connect()
    names = [each["name"] for each in double.get("/contact_lists", include_membership_count="all")["lists"]]
    counts = double.get("/contacts/counts")

    assert names == ["Newsletter", "Customers", "Events", "Season ticket holders"]
    assert {"string", "date"} == {
        each["type"] for each in double.get("/contact_custom_fields")["custom_fields"]
    }
    assert counts["total"] == 240
    assert counts["unsubscribed"] >= 10
    domains = {each["email"].partition("@")[2] for each in double.inspect("contacts")["contacts"]}
    assert {"example.com", "example.org"} == domains
