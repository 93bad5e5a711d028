"""The activity engine: 13.5 of the fact sheet; traps 3, 4, 7, 38, 39 and 44."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Double


def some(count: int, prefix: str = "p") -> list[dict[str, str]]:
    return [{"email": f"{prefix}{n}@example.com"} for n in range(count)]


def state(double: Double, answer: httpx.Response) -> dict[str, Any]:
    return double.get(f"/activities/{answer.json()['activity_id']}")


def test_an_activity_goes_from_initialized_over_processing_to_completed(
    make_double: Callable[..., Double],
) -> None:
    double = make_double(rows_per_second=100, activity_start_seconds=2, activity_overhead_seconds=0)
    double.connect()
    answer = double.import_json(*some(400))
    double.advance(1.9)
    assert state(double, answer)["state"] == "initialized"

    double.advance(1.1)
    half = state(double, answer)
    assert (half["state"], half["percent_done"], half["status"]["person_count"]) == ("processing", 25, 100)
    assert "started_at" in half and "completed_at" not in half
    assert double.inspect("counters")["contacts"] == 0

    double.advance(3)
    done = state(double, answer)
    assert (done["state"], done["percent_done"]) == ("completed", 100)
    assert done["completed_at"] == "2026-08-01T12:00:06.000Z"
    assert double.inspect("counters")["contacts"] == 400


def test_a_bounded_number_runs_at_once(make_double: Callable[..., Double]) -> None:
    double = make_double(
        rows_per_second=1, activity_start_seconds=0, activity_overhead_seconds=0, concurrent_activities=2
    )
    double.connect()
    answers = [double.import_json(*some(10, f"n{n}-")) for n in range(3)]
    double.advance(5)
    assert [state(double, each)["state"] for each in answers] == ["processing", "processing", "initialized"]

    double.advance(10)
    assert [state(double, each)["state"] for each in answers] == ["completed", "completed", "processing"]


def test_a_short_job_overtakes_a_long_one(make_double: Callable[..., Double]) -> None:
    double = make_double(rows_per_second=1, activity_start_seconds=0)
    double.connect()
    double.admin("POST", "contacts", {"contacts": [{"email": "p1@example.com"}]})
    (contact,) = double.get("/contacts", email="p1@example.com")["contacts"]
    double.import_json(*some(30))
    body = {"source": {"contact_ids": [contact["contact_id"]]}, "list_ids": [double.list_id()]}
    double.call("POST", "/activities/remove_list_memberships", json=body)
    double.advance(60)

    # The removal was asked for last, ended first, and so removed nobody.
    assert double.contact("p1@example.com")["lists"] == ["Newsletter"]


def test_members_show_a_while_after_completion(make_double: Callable[..., Double]) -> None:
    double = make_double(visibility_seconds=5)
    double.connect()
    answer = double.import_json(*some(3))
    double.advance(2)
    assert state(double, answer)["state"] == "completed"
    query = {"include_membership_count": "all"}
    assert double.get("/contact_lists", **query)["lists"][0]["membership_count"] == 0
    assert double.get("/contacts", lists=double.list_id())["contacts"] == []

    double.advance(5)
    assert double.get("/contact_lists", **query)["lists"][0]["membership_count"] == 3
    assert len(double.get("/contacts", lists=double.list_id())["contacts"]) == 3


@pytest.mark.parametrize("kind", ["failed", "timed_out", "cancelled"])
def test_an_activity_can_end_badly_without_effect(double: Double, kind: str) -> None:
    double.admin("POST", "faults", {"kind": kind, "activity": "contacts_json_import", "skip": 1})
    assert double.imported(*some(2, "a"))["state"] == "completed"
    done = double.imported(*some(2, "b"))

    assert (kind, 0) == (done["state"], done["status"]["person_count"])
    assert double.inspect("counters")["contacts"] == 2


def test_an_activity_can_be_stuck_for_ever(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "stuck"})
    answer = double.import_json(*some(2, "a"))
    double.advance(80_000)
    assert state(double, answer)["state"] == "processing"
    assert double.imported(*some(2, "b"))["state"] == "completed"


def test_an_activity_can_fail_half_way(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "partial_failed"})

    assert double.imported(*some(10))["state"] == "failed"
    assert double.inspect("counters")["contacts"] == 5


def test_an_activity_can_complete_short(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "short"})
    done = double.imported(*some(10))

    assert (
        done["state"],
        done["status"]["person_count"],
        done["status"]["items_total_count"],
    ) == ("completed", 5, 11)


def test_an_activity_can_have_a_state_nobody_knows(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "unknown_state"})
    answer = double.import_json(*some(2))
    double.advance(0.3)
    assert state(double, answer)["state"] == "queued"

    double.advance(1)
    assert state(double, answer)["state"] == "completed"


def test_the_collection_pages_through_everything_once_in_no_useful_order(double: Double) -> None:
    made = [double.import_json(*some(1, f"n{n}-")).json()["activity_id"] for n in range(7)]
    page = double.get("/activities", limit=3)
    seen = [each["activity_id"] for each in page["activities"]]
    while "_links" in page:
        href = page["_links"]["next"]["href"]
        assert href.startswith("/v3/activities?cursor=")
        page = double.get(href)
        seen += [each["activity_id"] for each in page["activities"]]

    assert sorted(made) == sorted(seen)
    assert seen not in (made, made[::-1])


def test_the_collection_is_filtered_by_state(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "failed"})
    double.imported(*some(1, "a"))
    double.imported(*some(1, "b"))
    double.import_json(*some(1, "c"))

    counted = {
        state: len(double.get("/activities", state=state)["activities"])
        for state in ("processing", "completed", "failed", "cancelled", "timed_out")
    }
    assert counted == {"processing": 0, "completed": 1, "failed": 1, "cancelled": 0, "timed_out": 0}
    assert double.call("GET", "/activities", params={"state": "initialized"}).status_code == 400


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "501"}, {"limit": "x"}, {"cursor": "x"}, {"cursor": ""}]
)
def test_a_wrong_page_is_400(double: Double, query: dict[str, str]) -> None:
    answer = double.call("GET", "/activities", params=query)

    assert answer.status_code == 400
    assert isinstance(answer.json(), list)


def test_an_activity_vanishes_after_ten_days(double: Double) -> None:
    answer = double.import_json(*some(1))
    double.advance(10 * 86_400 + 1)
    double.connect()

    assert double.call("GET", f"/activities/{answer.json()['activity_id']}").status_code == 404
    assert double.get("/activities")["activities"] == []


def test_an_unknown_activity_is_404_and_a_malformed_id_400(double: Double) -> None:
    assert double.call("GET", "/activities/04fe9a97-a579-43c5-bb1a-58ed29bf0a6a").status_code == 404
    assert double.call("GET", "/activities/nothing").status_code == 400


def test_activities_of_another_account_are_not_shown(double: Double) -> None:
    answer = double.import_json(*some(1))
    with double.store.write() as db:
        db.execute("UPDATE activities SET account_no = 2")

    assert double.call("GET", f"/activities/{answer.json()['activity_id']}").status_code == 404
