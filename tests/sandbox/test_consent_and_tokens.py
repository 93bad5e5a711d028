"""The authorisation server: 13.1 of the fact sheet, traps 12 to 18."""

import base64
import hashlib
from collections.abc import Callable

import httpx
import pytest

from tests.sandbox.conftest import AUTH, BACK, Double

HTML = {"accept": "text/html"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "nobody"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": ""},
        {"response_type": "token"},
        {"state": ""},
        {"scope": ""},
        {"scope": "contact_data everything"},
        {"code_challenge": "x", "code_challenge_method": "plain"},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_a_wrong_authorisation_request_gets_a_page_and_no_redirect(
    double: Double, wrong: dict[str, str]
) -> None:
    answer = double.authorize(**wrong)

    assert (answer.status_code, answer.headers.get("location")) == (400, None)
    assert answer.headers["content-type"].startswith("text/html")


def test_a_client_without_html_is_sent_back_with_a_code_at_once(double: Double) -> None:
    back = httpx.URL(double.authorize(state="a b&c").headers["location"])

    assert back.params["state"] == "a b&c"
    assert back.params["code"]


def test_a_browser_sees_who_asks_and_nothing_from_elsewhere(double: Double) -> None:
    asked = {"client_id": "demo", "redirect_uri": BACK, "response_type": "code", "scope": "contact_data"}
    page = double.web.get(f"{AUTH}/authorize", params={**asked, "state": '"><script>'}, headers=HTML)

    assert page.status_code == 200
    assert "Nordlys Demo AS" in page.text and "Allow" in page.text and "Deny" in page.text
    assert "<script" not in page.text and "http://" not in page.text.replace(BACK, "")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:8501" in page.headers["content-security-policy"]


def test_denying_goes_back_with_access_denied(double: Double) -> None:
    form = {"client_id": "demo", "redirect_uri": BACK, "response_type": "code", "scope": "contact_data"}
    answer = double.web.post(f"{AUTH}/authorize", data={**form, "state": "s", "decision": "deny"})

    assert httpx.URL(answer.headers["location"]).params["error"] == "access_denied"


def test_a_code_works_once(double: Double) -> None:
    form = {"grant_type": "authorization_code", "code": double.code(), "redirect_uri": BACK}

    assert double.token(**form).status_code == 200
    again = double.token(**form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_a_code_dies_after_five_minutes(double: Double) -> None:
    form = {"grant_type": "authorization_code", "code": double.code(), "redirect_uri": BACK}
    double.advance(300)

    assert double.token(**form).json()["error"] == "invalid_grant"


def test_a_code_is_bound_to_its_redirect_address(double: Double) -> None:
    form = {"grant_type": "authorization_code", "code": double.code(), "redirect_uri": "http://localhost"}

    assert double.token(**form).json()["error"] == "invalid_grant"


def test_a_wrong_secret_is_invalid_client(double: Double) -> None:
    answer = double.token("wrong", grant_type="authorization_code", code=double.code(), redirect_uri=BACK)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_credentials_in_the_body_work_too(double: Double) -> None:
    form = {"grant_type": "authorization_code", "code": double.code(), "redirect_uri": BACK}
    form |= {"client_id": "demo", "client_secret": "demo-secret"}

    assert double.web.post(f"{AUTH}/token", data=form).status_code == 200


def test_a_json_body_gets_the_okta_shape(double: Double) -> None:
    answer = double.web.post(f"{AUTH}/token", json={"grant_type": "refresh_token"})

    assert answer.json()["errorCode"] == "E0000021"


def _pkce(double: Double, verifier: str, proof: str) -> httpx.Response:
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    code = double.code(code_challenge=hashed, code_challenge_method="S256")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": "demo"}
    return double.web.post(f"{AUTH}/token", data={**form, "code_verifier": proof})


def test_pkce_needs_the_verifier_and_no_secret(double: Double) -> None:
    assert _pkce(double, "v" * 43, "v" * 43).status_code == 200
    assert _pkce(double, "v" * 43, "w" * 43).json()["error"] == "invalid_grant"
    assert _pkce(double, "v" * 42, "v" * 42).json()["error"] == "invalid_grant"


def test_neither_secret_nor_verifier_gets_nothing(double: Double) -> None:
    form = {"grant_type": "authorization_code", "code": double.code(), "redirect_uri": BACK}
    answer = double.web.post(f"{AUTH}/token", data={**form, "client_id": "demo"})

    assert answer.json()["error"] == "invalid_grant"


def test_the_token_answer_has_the_documented_shape(double: Double) -> None:
    told = double.exchange()

    assert {"access_token", "token_type", "expires_in", "scope", "refresh_token"} == set(told)
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 86_400)
    assert 1_000 <= len(told["access_token"]) <= 1_200
    assert told["access_token"].count(".") == 2


def test_without_offline_access_there_is_silently_no_refresh_token(double: Double) -> None:
    assert "refresh_token" not in double.exchange(scope="contact_data")


def test_an_access_token_ends_when_it_said(make_double: Callable[..., Double]) -> None:
    double = make_double(access_token_seconds=60)
    double.connect()
    double.advance(59)
    assert double.call("GET", "/contact_lists").status_code == 200
    double.advance(1)

    answer = double.call("GET", "/contact_lists")
    assert (
        answer.status_code,
        answer.json(),
    ) == (401, {"error_key": "unauthorized", "error_message": "Unauthorized"})


def test_rotation_gives_a_new_token_and_kills_the_family_on_reuse(double: Double) -> None:
    first = double.connect()["refresh_token"]
    second = double.token(grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    assert first != second

    reused = double.token(grant_type="refresh_token", refresh_token=first)
    assert reused.status_code == 400
    words = {"error": "invalid_grant", "error_description": "The refresh token is invalid or expired."}
    assert words == reused.json()
    assert double.token(grant_type="refresh_token", refresh_token=second).status_code == 400
    assert double.call("GET", "/contact_lists").status_code == 401
    assert double.inspect("counters")["refresh_token_reuse"] == 1


def test_the_family_survives_reuse_when_so_configured(make_double: Callable[..., Double]) -> None:
    double = make_double(reuse_revokes_family=False)
    first = double.connect()["refresh_token"]
    second = double.token(grant_type="refresh_token", refresh_token=first).json()["refresh_token"]
    double.token(grant_type="refresh_token", refresh_token=first)

    assert double.token(grant_type="refresh_token", refresh_token=second).status_code == 200


def test_a_long_lived_token_comes_back_unchanged(make_double: Callable[..., Double]) -> None:
    double = make_double(refresh_mode="long_lived")
    first = double.connect()["refresh_token"]

    for _ in range(2):
        assert first == double.token(grant_type="refresh_token", refresh_token=first).json()["refresh_token"]


def test_a_refresh_token_dies_after_half_a_year_unused(double: Double) -> None:
    token = double.connect()["refresh_token"]
    double.advance(181 * 86_400)

    assert double.token(grant_type="refresh_token", refresh_token=token).status_code == 400


def test_the_token_endpoint_takes_one_request_a_second(make_double: Callable[..., Double]) -> None:
    double = make_double(token_requests_per_second=1)
    told = double.connect()
    form = {"grant_type": "refresh_token", "refresh_token": told["refresh_token"]}

    hasty = double.token(**form)
    assert (hasty.status_code, hasty.json()["errorCode"]) == (429, "E0000047")
    double.advance(1.01)
    assert double.token(**form).status_code == 200


def test_a_new_secret_ends_the_old_one(double: Double) -> None:
    token = double.connect()["refresh_token"]
    double.admin("POST", "clients", {"client_id": "demo", "secret": "new"})

    assert double.token(grant_type="refresh_token", refresh_token=token).status_code == 401
    assert double.token("new", grant_type="refresh_token", refresh_token=token).status_code == 200


def test_a_person_can_disconnect_the_application(double: Double) -> None:
    token = double.connect()["refresh_token"]
    double.admin("POST", "revoke", {})

    assert double.call("GET", "/contact_lists").status_code == 401
    assert double.token(grant_type="refresh_token", refresh_token=token).status_code == 400


def test_access_tokens_alone_can_be_ended(double: Double) -> None:
    token = double.connect()["refresh_token"]
    double.admin("POST", "revoke", {"access_only": True})

    assert double.call("GET", "/contact_lists").status_code == 401
    assert double.token(grant_type="refresh_token", refresh_token=token).status_code == 200


def test_a_campaign_creator_connects_and_is_then_denied(double: Double) -> None:
    double.connect_as("campaign_creator")

    answer = double.call("GET", "/contact_lists")
    assert (answer.status_code, answer.json()["error_key"]) == (403, "access_denied")
    names = {each["privilege_name"] for each in double.get("/account/user/privileges")}
    assert "campaign:create" in names and "contacts:write" not in names


def test_a_private_application_is_for_the_owner_only(make_double: Callable[..., Double]) -> None:
    double = make_double(private_app=True)
    form = {"client_id": "demo", "redirect_uri": BACK, "response_type": "code", "scope": "contact_data"}
    form |= {"state": "s", "decision": "allow"}

    assert double.web.post(f"{AUTH}/authorize", data={**form, "person": "2"}).status_code == 400
    assert double.web.post(f"{AUTH}/authorize", data={**form, "person": "1"}).status_code == 302


def test_another_account_can_be_connected_and_is_told_apart(double: Double) -> None:
    before = double.get("/account/summary")["encoded_account_id"]
    made = double.admin("POST", "accounts", {"organization_name": "Elsewhere AS"})
    person = double.inspect("accounts")["accounts"][1]["people"][0]["person"]
    form = {"client_id": "demo", "redirect_uri": BACK, "response_type": "code", "scope": "account_read"}
    answer = double.web.post(
        f"{AUTH}/authorize", data={**form, "state": "s", "decision": "allow", "person": str(person)}
    )
    code = httpx.URL(answer.headers["location"]).params["code"]
    told = double.token(grant_type="authorization_code", code=code, redirect_uri=BACK).json()
    double.headers = {"Authorization": f"Bearer {told['access_token']}"}

    assert made["encoded_account_id"] == double.get("/account/summary")["encoded_account_id"] != before


def test_the_device_flow_waits_for_a_person(double: Double) -> None:
    told = double.web.post(
        f"{AUTH}/device/authorize", data={"client_id": "demo", "scope": "contact_data"}
    ).json()
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": told["device_code"]}

    assert double.token(**form).json()["error"] == "authorization_pending"
    assert double.token(**form).json()["error"] == "slow_down"
    double.web.post(
        f"{AUTH}/activate", data={"user_code": told["user_code"], "person": "1", "decision": "allow"}
    )
    assert "access_token" in double.token(**form).json()


def test_no_token_is_written_down_anywhere(double: Double) -> None:
    told = double.connect()
    with double.store.read() as db:
        dumped = "\n".join(db.iterdump())

    assert told["access_token"] not in dumped
    assert told["refresh_token"] not in dumped
