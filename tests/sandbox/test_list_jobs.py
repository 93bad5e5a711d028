"""Bulk activities over known contacts: 13.7 of the fact sheet; traps 23 to 26."""

import uuid
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Double

REMOVE = "/activities/remove_list_memberships"
ADD = "/activities/add_list_memberships"


def plant(double: Double, count: int = 3, **more: Any) -> list[str]:
    contacts = [{"email": f"p{n}@example.com", "lists": ["Newsletter"], **more} for n in range(count)]
    return double.admin("POST", "contacts", {"contacts": contacts})["contacts"]


def send(double: Double, path: str, source: Any, **more: Any) -> httpx.Response:
    return double.call("POST", path, json={"source": source, "list_ids": [double.list_id()], **more})


def members(double: Double, name: str = "Newsletter") -> set[str]:
    return {each["email"] for each in double.inspect("contacts", list=name)["contacts"]}


def test_contacts_are_removed_by_id(double: Double) -> None:
    ids = plant(double)
    done = double.settle(send(double, REMOVE, {"contact_ids": ids[:2]}))

    assert {"p2@example.com"} == members(double)
    assert done["status"] == {"items_total_count": 2, "items_completed_count": 2, "list_count": 1}
    assert double.inspect("counters")["contacts"] == 3


def test_unknown_ids_are_ignored_or_refused(double: Double) -> None:
    plant(double)
    source = {"contact_ids": [str(uuid.uuid4())]}
    assert double.settle(send(double, REMOVE, source))["state"] == "completed"
    assert len(members(double)) == 3

    double.config(removal_unknown_ids="reject")
    assert send(double, REMOVE, source).status_code == 400


def test_members_of_another_list_are_removed_with_exceptions(double: Double) -> None:
    ids = plant(double)
    (temp,) = double.admin("POST", "lists", {"names": ["Temp"]})["lists"]
    double.settle(
        double.call("POST", ADD, json={"source": {"contact_ids": ids}, "list_ids": [temp["list_id"]]})
    )
    source = {"list_ids": [temp["list_id"]]}
    double.settle(send(double, REMOVE, source, exclude={"contact_ids": [ids[1]]}))

    assert {"p1@example.com"} == members(double)
    assert len(members(double, "Temp")) == 3


def test_all_active_contacts_are_removed(double: Double) -> None:
    plant(double)
    double.settle(send(double, REMOVE, {"all_active_contacts": True}))

    assert set() == members(double)


@pytest.mark.parametrize(
    "source",
    [
        None,
        {},
        [],
        "all",
        {"email_addresses": ["a@example.com"]},
        {"contact_ids": ["a@example.com"]},
        {"contact_ids": []},
        {"contact_ids": [str(uuid.UUID(int=n)) for n in range(501)]},
        {"list_ids": [str(uuid.UUID(int=n)) for n in range(51)]},
        {"contact_ids": [str(uuid.UUID(int=1))], "all_active_contacts": True},
        {"engagement_level": "huge"},
        {"all_active_contacts": "yes"},
        {"segment_id": 1},
    ],
    ids=lambda source: str(source)[:40],
)
def test_a_wrong_source_is_400(double: Double, source: Any) -> None:
    assert send(double, REMOVE, source).status_code == 400


def test_five_hundred_ids_are_fine(double: Double) -> None:
    assert send(double, REMOVE, {"contact_ids": [str(uuid.uuid4()) for _ in range(500)]}).status_code == 201


def test_exceptions_go_with_lists_only(double: Double) -> None:
    ids = plant(double)

    assert send(double, REMOVE, {"contact_ids": ids}, exclude={"contact_ids": ids}).status_code == 400
    assert send(double, REMOVE, {"all_active_contacts": True}, exclude=[]).status_code == 400


def test_an_unknown_target_list_is_404(double: Double) -> None:
    ids = plant(double)
    body = {"source": {"contact_ids": ids}, "list_ids": [str(uuid.uuid4())]}

    assert double.call("POST", REMOVE, json=body).status_code == 404


def test_removed_members_show_a_while_longer(double: Double) -> None:
    double.config(visibility_seconds=10)
    ids = plant(double)
    send(double, REMOVE, {"contact_ids": ids})
    double.advance(5)
    assert len(double.get("/contacts", lists=double.list_id())["contacts"]) == 3
    double.advance(10)
    assert len(double.get("/contacts", lists=double.list_id())["contacts"]) == 0


def test_adding_keeps_unsubscribed_ones_off_and_revives_deleted_ones(double: Double) -> None:
    made = [
        {"email": "out@example.com", "permission": "unsubscribed"},
        {"email": "gone@example.com", "deleted": True},
        {"email": "left@example.com", "lists": ["Newsletter"]},
    ]
    ids = double.admin("POST", "contacts", {"contacts": made})["contacts"]
    double.admin("POST", "contacts/leave_list", {"email": "left@example.com", "list": "Newsletter"})
    double.settle(send(double, ADD, {"contact_ids": ids}))

    assert {"gone@example.com", "left@example.com"} == members(double)
    assert double.inspect("counters")["consent_violations"] == 1


def test_contact_delete_takes_contacts_from_the_account_and_is_noted(double: Double) -> None:
    plant(double)
    body = {"list_ids": [double.list_id()]}
    double.settle(double.call("POST", "/activities/contact_delete", json=body))

    assert double.inspect("counters")["deleted_contacts"] == 3
    assert double.inspect("counters")["contact_delete_used"] == 1


def test_deleting_a_list_is_accepted_done_later_and_spares_the_contacts(double: Double) -> None:
    plant(double)
    list_id = double.list_id()
    answer = double.call("DELETE", f"/contact_lists/{list_id}")
    assert (202, f"/v3/activities/{answer.json()['activity_id']}") == (
        answer.status_code,
        answer.headers["location"],
    )
    assert "deleted_at" not in double.get(f"/contact_lists/{list_id}")

    assert double.settle(answer)["state"] == "completed"
    assert "deleted_at" in double.get(f"/contact_lists/{list_id}")
    assert double.get("/contact_lists")["lists"] == []
    assert double.inspect("counters")["contacts"] == 3
    assert double.call("DELETE", f"/contact_lists/{list_id}").status_code == 404
    assert double.import_json({"email": "a@example.com"}, lists=[list_id]).status_code == 400


def test_a_whole_list_is_tagged_and_untagged(double: Double) -> None:
    plant(double)
    tag = double.call("POST", "/contact_tags", json={"name": "VIP"}).json()
    body = {"source": {"list_ids": [double.list_id()]}, "tag_ids": [tag["tag_id"]]}
    double.settle(double.call("POST", "/activities/contacts_taggings_add", json=body))
    path = f"/contact_tags/{tag['tag_id']}"
    assert double.get(path, include_count="true")["contacts_count"] == 3
    assert len(double.get("/contacts", tags=tag["tag_id"], include="taggings")["contacts"]) == 3

    double.settle(double.call("POST", "/activities/contacts_taggings_remove", json=body))
    assert double.get(path, include_count="true")["contacts_count"] == 0
    body["tag_ids"] = [str(uuid.uuid4())]
    assert double.call("POST", "/activities/contacts_taggings_add", json=body).status_code == 404
