"""Before every endpoint: 13.2 of the fact sheet, traps 8 to 11 and 45."""

from collections.abc import Callable

import httpx
import pytest

from tests.sandbox.conftest import Double

UNAUTHORIZED = {"error_key": "unauthorized", "error_message": "Unauthorized"}


def test_an_unknown_token_is_unauthorized_as_an_object(double: Double) -> None:
    answer = double.call("GET", "/contact_lists", headers={"Authorization": "Bearer nobody"})

    assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


@pytest.mark.parametrize("path", ["/v3/nothing", "/v3/v3/contacts", "/nothing", "/v3/contacts//", "/"])
def test_an_unknown_path_is_forbidden_by_the_gateway(double: Double, path: str) -> None:
    answer = double.web.get(path, headers=double.headers)

    assert (answer.status_code, answer.json()) == (403, {"message": "Forbidden"})


def test_a_wrong_method_is_forbidden_by_the_gateway(double: Double) -> None:
    assert double.call("PATCH", "/contact_lists").status_code == 403


def test_no_token_at_all_is_the_gateways_business(make_double: Callable[..., Double]) -> None:
    double = make_double()
    assert double.call("GET", "/contact_lists").json() == {"message": "Forbidden"}

    double.config(missing_token_status=401)
    assert double.call("GET", "/contact_lists").json() == UNAUTHORIZED


def test_a_missing_scope_is_access_denied(make_double: Callable[..., Double]) -> None:
    double = make_double()
    double.connect(scope="contact_data")

    answer = double.call("GET", "/account/summary")
    assert (answer.status_code, answer.json()["error_key"]) == (403, "access_denied")
    assert double.call("GET", "/account/user/privileges").status_code == 200


def test_the_fifth_request_of_a_second_is_throttled(make_double: Callable[..., Double]) -> None:
    double = make_double(requests_per_second=4)
    double.connect()

    assert [double.call("GET", "/contact_lists").status_code for _ in range(4)] == [200] * 4
    answer = double.call("GET", "/contact_lists")
    assert answer.status_code == 429
    assert answer.json() == {"error_key": "throttled", "error_message": "Too Many Requests"}
    assert "retry-after" not in answer.headers
    assert not [name for name in answer.headers if "ratelimit" in name.lower()]


def test_the_window_slides(make_double: Callable[..., Double]) -> None:
    double = make_double(requests_per_second=4)
    double.connect()
    for _ in range(4):
        double.call("GET", "/contact_lists")
        double.advance(0.2)

    assert double.call("GET", "/contact_lists").status_code == 429
    double.advance(0.21)
    assert double.call("GET", "/contact_lists").status_code == 200
    assert double.call("GET", "/contact_lists").status_code == 429


def test_two_connections_of_one_application_share_the_window(make_double: Callable[..., Double]) -> None:
    double = make_double(requests_per_second=4)
    one, two = double.connect()["access_token"], double.connect()["access_token"]
    codes = [
        double.call("GET", "/contact_lists", headers={"Authorization": f"Bearer {token}"}).status_code
        for token in (one, two, one, two, one)
    ]

    assert codes == [200, 200, 200, 200, 429]


def test_the_day_ends_at_midnight_utc(make_double: Callable[..., Double]) -> None:
    double = make_double(requests_per_day=3)
    double.connect()
    for _ in range(3):
        double.get("/contact_lists")

    answer = double.call("GET", "/contact_lists")
    assert (
        answer.status_code,
        answer.json(),
    ) == (429, {"error_key": "quota_exceeded", "error_message": "Limit Exceeded"})
    double.advance(12 * 3_600 - 1)  # one second before midnight
    assert double.call("GET", "/contact_lists").status_code == 429
    double.advance(1.5)
    assert double.call("GET", "/contact_lists").status_code == 200


def test_retry_after_can_be_switched_on(make_double: Callable[..., Double]) -> None:
    double = make_double(requests_per_second=1, retry_after=True)
    double.connect()
    double.get("/contact_lists")

    assert double.call("GET", "/contact_lists").headers["retry-after"] == "1"


def test_an_injected_500_is_html_and_strikes_when_told(double: Double) -> None:
    double.admin(
        "POST",
        "faults",
        {"kind": "status", "status": 503, "path": "/v3/contact_lists", "skip": 1, "times": 2},
    )
    codes = [double.call("GET", "/contact_lists").status_code for _ in range(4)]

    assert codes == [200, 503, 503, 200]


def test_an_injected_500_may_be_empty(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "status", "status": 500, "body": ""})
    answer = double.call("GET", "/contact_lists")

    assert (answer.status_code, answer.content) == (500, b"")


def test_a_connection_dropped_before_the_effect_leaves_nothing(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "drop_before", "method": "POST"})
    with pytest.raises(httpx.RemoteProtocolError):
        double.import_json({"email": "a@example.com"})

    assert double.inspect("counters")["activities"] == 0


def test_a_connection_dropped_after_the_effect_has_it(double: Double) -> None:
    double.admin("POST", "faults", {"kind": "drop_after", "path": "*/contacts_json_import"})
    with pytest.raises(httpx.RemoteProtocolError):
        double.import_json({"email": "a@example.com"})
    assert double.import_json({"email": "a@example.com"}).status_code == 201

    assert double.inspect("counters")["activities"] == 2
    assert double.inspect("counters")["duplicate_bodies"] == 1
    assert [r["status"] for r in double.inspect("requests", path="*_import")["requests"]] == [None, 201]


def test_a_refresh_answer_can_be_lost_after_rotation(double: Double) -> None:
    token = double.connect()["refresh_token"]
    double.admin("POST", "faults", {"kind": "drop_after", "path": "*/token"})
    with pytest.raises(httpx.RemoteProtocolError):
        double.token(grant_type="refresh_token", refresh_token=token)

    assert double.token(grant_type="refresh_token", refresh_token=token).status_code == 400


def test_the_request_log_has_names_but_no_values(double: Double) -> None:
    double.get("/contacts", email="secret.person@example.com", limit=10)
    last = double.inspect("requests")["requests"][-1]

    assert (
        last["method"],
        last["path"],
        last["query_names"],
        last["status"],
        last["api_key"],
    ) == ("GET", "/v3/contacts", "email,limit", 200, "demo")
    assert "secret.person" not in str(double.inspect("requests"))


def test_rates_show_what_the_client_did(double: Double) -> None:
    for _ in range(3):
        double.get("/contact_lists")

    (key,) = double.inspect("rates")["keys"]
    assert (key["today"], key["most_in_a_second"], key["refused"]) == (3, 3, 0)


def test_only_requests_to_this_machine_by_name_are_answered(double: Double) -> None:
    assert double.web.get("/__sandbox__/healthz", headers={"Host": "evil.example:80"}).status_code == 403


def test_a_form_cannot_steer_the_admin_side(double: Double) -> None:
    answer = double.web.post("/__sandbox__/reset", content=b"{}", headers={"Content-Type": "text/plain"})

    assert answer.status_code == 415


def test_a_body_too_large_for_this_machine_is_413(make_double: Callable[..., Double]) -> None:
    double = make_double(max_body_bytes=10_000)
    double.connect()
    double.get("/contact_lists")

    big = double.call("POST", "/activities/contacts_json_import", content=b"x" * 20_000)
    assert big.status_code == 413
