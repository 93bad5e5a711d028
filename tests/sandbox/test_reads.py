"""Reading contacts and exports: 13.6 of the fact sheet; traps 29, 31 to 34."""

import base64
import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.conftest import Double

EVERY_STATUS = (
    {"email": "explicit@example.com", "permission": "explicit"},
    {"email": "implicit@example.com", "permission": "implicit"},
    {"email": "unsubscribed@example.com", "permission": "unsubscribed"},
    {"email": "held@example.com", "permission": "temp_hold"},
    {"email": "pending@example.com", "permission": "pending_confirmation"},
    {"email": "deleted@example.com", "deleted": True},
    {"sms_number": "5551234567", "permission": "not_set"},
)


def plant(double: Double, *contacts: dict[str, Any]) -> list[str]:
    return double.admin("POST", "contacts", {"contacts": list(contacts)})["contacts"]


def names(page: dict[str, Any]) -> set[str]:
    return {
        each["email_address"]["address"].partition("@")[0] if "email_address" in each else "(none)"
        for each in page["contacts"]
    }


def every_page(double: Double, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
    page = double.get(path, **params)
    found = page[key]
    while "_links" in page:
        page = double.get(page["_links"]["next"]["href"])
        found += page[key]
    return found


@pytest.mark.parametrize(
    "status, expected",
    [
        (None, {"explicit", "implicit", "unsubscribed", "held", "pending", "(none)"}),
        ("all", {"explicit", "implicit", "unsubscribed", "held", "pending", "deleted", "(none)"}),
        ("active", {"explicit", "implicit"}),
        ("deleted", {"deleted"}),
        ("unsubscribed", {"unsubscribed"}),
        ("unsubscribed,temp_hold", {"unsubscribed", "held"}),
        ("not_set", {"(none)"}),
    ],
)
def test_the_default_hides_deleted_but_not_unsubscribed_contacts(
    double: Double, status: str | None, expected: set[str]
) -> None:
    plant(double, *EVERY_STATUS)

    assert expected == names(double.get("/contacts", **({"status": status} if status else {})))


def test_a_contact_without_an_address_has_none(double: Double) -> None:
    plant(double, {"sms_number": "5551234567"})
    (found,) = double.get("/contacts")["contacts"]

    assert "email_address" not in found
    assert found["sms_channel"]["sms_address"] == "5551234567"


def test_pages_follow_a_cursor_that_freezes_the_question(double: Double) -> None:
    plant(double, *({"email": f"p{n}@example.com", "lists": ["Newsletter"]} for n in range(7)), *EVERY_STATUS)
    page = double.get("/contacts", lists=double.list_id(), limit=3, include="list_memberships")
    href = page["_links"]["next"]["href"]
    assert href.startswith("/v3/contacts?cursor=")
    inside = base64.urlsafe_b64decode(double.web.build_request("GET", href).url.params["cursor"]).decode()
    assert "limit=3" in inside and "next=" in inside

    # Whatever else stands beside the cursor is not listened to.
    second = double.get(f"{href}&limit=500&status=deleted")
    assert len(second["contacts"]) == 3
    assert all(each["list_memberships"] == [double.list_id()] for each in second["contacts"])
    assert len(every_page(double, "/contacts", "contacts", lists=double.list_id(), limit=3)) == 7


def test_a_cursor_lost_starts_over(double: Double) -> None:
    plant(double, *({"email": f"p{n}@example.com"} for n in range(4)))

    assert double.get("/contacts", limit=2) == double.get("/contacts", limit=2)


def test_several_lists_are_joined_without_repetition(double: Double) -> None:
    (other,) = double.admin("POST", "lists", {"names": ["Other"]})["lists"]
    plant(
        double,
        {"email": "one@example.com", "lists": ["Newsletter"]},
        {"email": "both@example.com", "lists": ["Newsletter", "Other"]},
        {"email": "none@example.com"},
    )
    both = f"{double.list_id()},{other['list_id']}"

    page = double.get("/contacts", lists=both, include_count="true")
    assert (2, {"one", "both"}) == (page["contacts_count"], names(page))
    assert "contacts_count" not in double.get("/contacts", lists=both)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "-1"},
        {"limit": "1e2"},
        {"limit": "９"},
        {"status": "living"},
        {"include": "everything"},
        {"lists": "Newsletter"},
        {"lists": ",".join(["04fe9a97-a579-43c5-bb1a-58ed29bf0a6a"] * 26)},
        {"updated_after": "yesterday"},
        {"updated_after": "2026-99-01"},
        {"include_count": "perhaps"},
        {"cursor": "%00"},
        {"cursor": "bGltaXQ9MQ=="},
        {"segment_id": "x"},
    ],
    ids=str,
)
def test_a_wrong_question_is_400_with_an_array(double: Double, query: dict[str, str]) -> None:
    answer = double.call("GET", "/contacts", params=query)

    assert answer.status_code == 400
    assert "error_key" in answer.json()[0]


def test_an_address_with_a_plus_must_be_escaped(double: Double) -> None:
    plant(double, {"email": "a+b@example.com"})

    assert len(double.get("/contacts", email="A+b@example.com")["contacts"]) == 1
    assert len(double.get("/contacts?email=a+b@example.com")["contacts"]) == 0


def test_opt_outs_can_be_read_since_a_time(double: Double) -> None:
    plant(double, {"email": "a@example.com"}, {"email": "b@example.com"})
    double.admin("POST", "contacts/unsubscribe", {"email": "a@example.com", "reason": "Too many"})
    double.advance(7_200)
    double.admin("POST", "contacts/unsubscribe", {"email": "b@example.com"})

    page = double.get("/contacts", status="unsubscribed", optout_after="2026-08-01T13:00:00Z")
    assert {"b"} == names(page)
    email = double.get("/contacts", email="a@example.com")["contacts"][0]["email_address"]
    assert (
        email["permission_to_send"],
        email["opt_out_source"],
        email["opt_out_reason"],
    ) == ("unsubscribed", "Contact", "Too many")


def test_times_may_carry_an_offset(double: Double) -> None:
    plant(double, {"email": "a@example.com"})  # at 12:00 UTC

    assert {"a"} == names(double.get("/contacts", created_after="2026-08-01T13:59:00+02:00"))
    assert set() == names(double.get("/contacts", created_after="2026-08-01T14:00:00+02:00"))
    assert set() == names(double.get("/contacts?created_after=2026-08-01T14:00:00+02:00"))


def test_timestamps_come_in_several_forms_unless_configured(double: Double) -> None:
    plant(double, {"email": "a@example.com"})
    (found,) = double.get("/contacts")["contacts"]
    assert found["created_at"].endswith("Z")
    assert found["updated_at"].endswith("-05:00")

    double.config(timestamps="z")
    (found,) = double.get("/contacts")["contacts"]
    assert found["updated_at"].endswith("Z")


def test_a_segment_answers_202_once(double: Double) -> None:
    plant(double, *EVERY_STATUS)
    with double.store.write() as db:
        db.execute("INSERT INTO segments (account_no, name, created_at) VALUES (1, 'All', 0)")
    (segment,) = double.get("/segments")["segments"]

    assert double.call("GET", "/contacts", params={"segment_id": segment["segment_id"]}).status_code == 202
    page = double.get("/contacts", segment_id=segment["segment_id"])
    assert "explicit" in names(page) and "unsubscribed" not in names(page)
    assert double.call("GET", "/contacts", params={"segment_id": 99}).status_code == 404
    both = {"segment_id": segment["segment_id"], "status": "all"}
    assert double.call("GET", "/contacts", params=both).status_code == 400


def test_one_contact_with_all_its_parts(double: Double) -> None:
    double.admin("POST", "custom_fields", {"fields": [{"label": "Team"}]})
    row = {
        "email": "a@example.com",
        "cf:Team": "Red",
        "phone": "555-123-4567",
        "street": "1 Road",
        "street2": "Flat 2",
    }
    double.imported({**row, "zip": "0150", "birthday_month": 5, "birthday_day": 17})
    contact_id = double.contact("a@example.com")["contact_id"]
    include = "custom_fields,list_memberships,taggings,notes,phone_numbers,street_addresses"
    found = double.get(f"/contacts/{contact_id}", include=include)

    assert found["custom_fields"][0]["value"] == "Red"
    assert (
        found["phone_numbers"][0]["phone_number"],
        found["phone_numbers"][0]["kind"],
    ) == ("555-123-4567", "other")
    assert (
        found["street_addresses"][0]["street"],
        found["street_addresses"][0]["postal_code"],
    ) == ("1 Road Flat 2", "0150")
    assert (
        found["birthday_month"],
        found["birthday_day"],
        found["notes"],
        found["taggings"],
    ) == (5, 17, [], [])
    assert "custom_fields" not in double.get(f"/contacts/{contact_id}")


def test_contact_ids_are_two_way_and_belong_to_an_account(double: Double) -> None:
    first, second = plant(double, {"email": "a@example.com"}, {"email": "b@example.com"})

    assert double.get(f"/contacts/{second.upper()}")["email_address"]["address"] == "b@example.com"
    other = first[:8] + "-0002" + first[13:]
    assert double.call("GET", f"/contacts/{other}").status_code == 404
    answer = double.call("GET", "/contacts/17")
    assert (
        answer.status_code,
        answer.json()[0]["error_message"],
    ) == (400, "contact_id is in an invalid format.")


def test_posting_a_known_address_is_409_even_when_deleted(double: Double) -> None:
    (known,) = plant(double, {"email": "gone@example.com", "deleted": True})
    body = {"email_address": {"address": "Gone@example.com"}, "create_source": "Account"}
    answer = double.call("POST", "/contacts", json=body)

    assert (answer.status_code, answer.json()[0]["error_key"]) == (409, "contacts.api.conflict")
    assert f"Email already exists for contact {known}" == answer.json()[0]["error_message"]
    body["email_address"]["address"] = "new@example.com"
    assert double.call("POST", "/contacts", json=body).status_code == 201


def test_a_deleted_contact_leaves_every_list(double: Double) -> None:
    (one,) = plant(double, {"email": "a@example.com", "lists": ["Newsletter"]})

    assert double.call("DELETE", f"/contacts/{one}").status_code == 204
    assert double.call("DELETE", f"/contacts/{one}").status_code == 404
    assert double.get("/contacts", status="deleted")["contacts"][0]["deleted_at"] == "2026-08-01"
    assert double.contact("a@example.com")["lists"] == []


def test_counts_are_by_permission(double: Double) -> None:
    plant(double, *EVERY_STATUS)
    told = double.get("/contacts/counts")

    assert told == {"total": 6, "explicit": 1, "implicit": 1, "pending": 1, "unsubscribed": 1}
    assert double.get("/contacts/counts", include="new_subscriber")["new_subscriber"] == 6


def export(double: Double, **body: Any) -> list[dict[str, str]]:
    answer = double.call("POST", "/activities/contact_exports", json=body)
    assert answer.status_code == 201, answer.text
    assert double.settle(answer)["state"] == "completed"
    got = double.call("GET", answer.json()["_links"]["results"]["href"])
    assert got.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(got.content.decode("utf-8"), newline="")))


def test_an_export_is_a_file_of_humanised_columns_without_ids(double: Double) -> None:
    double.imported({"email": "a@example.com", "first_name": 'Åse "A", B', "home_phone": "555-123-4567"})
    (row,) = export(double, list_ids=[double.list_id()])

    assert (
        row["Email address"],
        row["First name"],
        row["Phone - home"],
    ) == ("a@example.com", 'Åse "A", B', "555-123-4567")
    assert (row["Email update source"], row["Email permission status"]) == ("Account", "implicit")
    assert not [name for name in row if "id" in name.lower().split()]
    assert row["Created At"] == "2026-08-01T12:00:00Z"


def test_an_export_of_addresses_only(double: Double) -> None:
    listed = [each if "deleted" in each else {**each, "lists": ["Newsletter"]} for each in EVERY_STATUS]
    plant(double, *listed)
    rows = export(double, list_ids=[double.list_id()], status="active", fields=["email_address"])

    assert {
        "explicit@example.com",
        "implicit@example.com",
        "held@example.com",
        "pending@example.com",
        "",
    } == {row["Email address"] for row in rows}
    gone = export(double, status="unsubscribed", fields=["email_address"])
    assert [row["Email address"] for row in gone] == ["unsubscribed@example.com"]
    assert [row["Email status"] for row in export(double, status="removed")] == ["Removed"]


def test_an_export_is_what_was_on_the_list_when_it_completed(double: Double) -> None:
    double.imported({"email": "a@example.com"})
    body = {"list_ids": [double.list_id()], "fields": ["email_address"]}
    answer = double.call("POST", "/activities/contact_exports", json=body)
    double.advance(5)
    double.imported({"email": "b@example.com"})

    got = double.call("GET", answer.json()["_links"]["results"]["href"]).text
    assert "a@example.com" in got and "b@example.com" not in got


def test_an_export_is_404_before_completion_and_after_ten_days(make_double: Callable[..., Double]) -> None:
    double = make_double(access_token_seconds=10**8)
    double.connect()
    answer = double.call("POST", "/activities/contact_exports", json={})
    href = answer.json()["_links"]["results"]["href"]
    assert double.call("GET", href).status_code == 404
    double.config(export_before_completion=202)
    assert double.call("GET", href).status_code == 202
    double.advance(60)
    assert double.call("GET", href).status_code == 200
    double.advance(10 * 86_400)
    assert double.call("GET", href).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"list_ids": "x"},
        {"list_ids": ["x"]},
        {"status": "all"},
        {"fields": ["contact_id"]},
        {"fields": "email_address"},
        {"fields": []},
        {"fields": [1]},
        {"fields": ["email_optout_date"]},
        {"segment_id": "x"},
        {"contact_ids": [], "list_ids": []},
    ],
    ids=str,
)
def test_a_wrong_export_is_400(double: Double, body: dict[str, Any]) -> None:
    assert double.call("POST", "/activities/contact_exports", json=body).status_code == 400
