"""The admin API, and that its documentation is complete."""

from pathlib import Path

import pytest

from ccexport.sandbox.admin import ACTIONS
from ccexport.sandbox.config import BadConfig, checked, defaults, describe
from tests.sandbox.conftest import Double

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", [each["key"] for each in describe()])
def test_every_configuration_key_is_documented_with_its_default(key: str) -> None:
    (told,) = [each for each in describe() if each["key"] == key]
    default = str(told["default"]).lower() if isinstance(told["default"], bool) else told["default"]
    guess = "yes" if told["guess"] else ""

    assert f"| `{key}` | `{default}` | {guess} |" in DOCUMENT


@pytest.mark.parametrize("path", sorted({path for _, path, _ in ACTIONS}))
def test_every_admin_path_is_documented(path: str) -> None:
    assert f"`{path}`" in DOCUMENT or f"/{path}" in DOCUMENT


@pytest.mark.parametrize(
    "wrong",
    [
        {"nothing": 1},
        {"requests_per_second": "4"},
        {"requests_per_second": -1},
        {"refresh_mode": "never"},
        [],
        None,
        {"private_app": 1},
        {"rows_per_second": float("nan")},
        {"code_seconds": True},
    ],
    ids=str,
)
def test_a_wrong_configuration_is_refused(wrong: object) -> None:
    with pytest.raises(BadConfig):
        checked(wrong)


def test_a_whole_number_will_do_for_seconds() -> None:
    assert checked({"rows_per_second": 5}) == {"rows_per_second": 5.0}


def test_configuration_is_read_changed_and_described(double: Double) -> None:
    double.config(requests_per_day=77)

    assert double.admin("GET", "config")["requests_per_day"] == 77
    assert {each["key"] for each in double.admin("GET", "config?describe=true")} == set(defaults())
    answer = double.web.patch("/__sandbox__/config", json={"requests_per_day": "x"})
    assert (answer.status_code, "requests_per_day" in answer.json()["error"]) == (400, True)


def test_time_stands_still_moves_and_runs_on(double: Double) -> None:
    frozen = double.admin("GET", "healthz")["clock"]
    assert double.admin("POST", "clock", {"advance": 90})["clock"] == frozen + 90
    assert double.admin("POST", "clock", {"freeze": False})["clock"] == frozen + 90
    assert double.web.post("/__sandbox__/clock", json={"advance": -1}).status_code == 400


def test_a_contact_can_be_changed_behind_the_clients_back(double: Double) -> None:
    double.imported({"email": "a@example.com", "first_name": "Ada"})
    change = {"email": "a@example.com", "fields": {"first_name": "Eve"}, "permission": "temp_hold"}
    double.admin("POST", "contacts/edit", {**change, "new_email": "B@example.com"})
    assert (double.contact("b@example.com")["fields"], double.contact("b@example.com")["permission"]) == (
        {"first_name": "Eve"},
        "temp_hold",
    )

    double.admin("POST", "contacts/edit", {"email": "b@example.com", "deleted": True})
    assert double.contact("b@example.com")["lists"] == []


def test_many_contacts_can_be_made_up_at_once(double: Double) -> None:
    assert double.admin("POST", "contacts", {"generate": 5_000, "lists": ["Newsletter"]}) == {
        "contacts": 5_000
    }
    assert double.get("/contacts/counts")["total"] == 5_000


@pytest.mark.parametrize(
    "path, body",
    [
        ("contacts", {"contacts": [{"email": "a@example.com", "lists": ["Nowhere"]}]}),
        ("contacts", {"contacts": "all"}),
        ("contacts", {"generate": "many"}),
        ("contacts/unsubscribe", {"email": "nobody@example.com"}),
        ("contacts/leave_list", {}),
        ("contacts/edit", {"email": "x", "permission": "perhaps"}),
        ("faults", {"kind": "earthquake"}),
        ("faults", {"kind": "status", "status": "500"}),
        ("faults", {"kind": "status", "times": -1}),
        ("faults", []),
        ("lists", {"names": "x"}),
        ("custom_fields", {"fields": [{}]}),
        ("accounts", {"organization_name": "x", "people": [{"role": "king"}]}),
        ("redirect_urls", {"url": "http://localhost/x", "client_id": "nobody"}),
        ("clients", {"client_id": 5}),
        ("clock", {"freeze": "yes"}),
    ],
    ids=str,
)
def test_a_wish_that_makes_no_sense_is_400_and_changes_nothing(
    double: Double, path: str, body: object
) -> None:
    before = double.inspect("counters")
    answer = double.web.post(f"/__sandbox__/{path}", json=body)

    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert double.inspect("counters") == before


def test_faults_are_listed_and_cleared(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "status", "times": 0})
    double.call("GET", "/contact_lists")
    (fault,) = double.inspect("faults")["faults"]
    assert (fault["struck"], fault["over"]) == (1, False)

    assert double.admin("DELETE", "faults") == {"cleared": 1}
    assert double.call("GET", "/contact_lists").status_code == 200


def test_a_fault_by_chance_strikes_the_same_way_each_time(double: Double) -> None:
    def run() -> list[int]:
        double.admin("DELETE", "faults")
        double.admin("POST", "faults", {"kind": "status", "times": 0, "chance": 0.5})
        return [double.call("GET", "/contact_lists").status_code for _ in range(20)]

    first = run()
    assert set(first) == {200, 500}
    assert run() == first


def test_a_redirect_address_can_be_added(double: Double) -> None:
    assert double.authorize(redirect_uri="http://127.0.0.1:9/x").status_code == 400
    double.admin("POST", "redirect_urls", {"url": "http://127.0.0.1:9/x"})
    assert double.authorize(redirect_uri="http://127.0.0.1:9/x").status_code == 302


def test_reset_begins_again_but_keeps_the_applications(double: Double) -> None:
    double.imported({"email": "a@example.com"})
    double.admin("POST", "reset", {})

    assert double.inspect("counters")["activities"] == 0
    assert double.inspect("counters")["contacts"] == 240
    assert double.call("GET", "/contact_lists").status_code == 401
    assert double.authorize().status_code == 302


def test_latency_delays_the_answer(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "latency", "seconds": 0.2})

    assert double.call("GET", "/contact_lists").elapsed.total_seconds() >= 0.2
