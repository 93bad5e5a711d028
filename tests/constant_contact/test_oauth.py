"""Connecting without I/O: addresses, requests and answers."""

import base64
import hashlib
import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from ccexport.constant_contact.oauth import (
    OAuthApp,
    Tokens,
    authorize_url,
    challenge_of,
    exchange_request,
    make_state,
    make_verifier,
    missing_scopes,
    read_callback,
    read_token_answer,
    refresh_request,
)
from ccexport.constant_contact.wire import Answer, Lost
from ccexport.errors import ConstantContactDown, ReconnectNeeded, Refused, Throttled

from .fake_api import AUTH, NOW, tokens

BACK = "http://127.0.0.1:8501/oauth/callback"
WITH_SECRET = OAuthApp(AUTH, "the-client-id", "the-secret")
WITH_PKCE = OAuthApp(AUTH, "the-client-id")
GOOD = {
    "access_token": "eyJ.access",
    "refresh_token": "refresh-2",
    "expires_in": 86_400,
    "token_type": "Bearer",
    "scope": "contact_data account_read offline_access",
}


def got(status, body):
    """An answer of the token endpoint."""
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def test_the_consent_page_is_asked_for_what_we_need():
    """Scopes with %20 between them, the redirect to the letter, and the state."""
    url = authorize_url(AUTH, client_id="id 1", redirect_url=BACK, state="s+t")

    assert "scope=contact_data%20account_read%20offline_access" in url
    assert url.startswith(
        f"{AUTH}/authorize?client_id=id%201&redirect_uri=http%3A%2F%2F127.0.0.1%3A8501%2Foauth%2Fcallback&"
    )
    assert parse_qs(urlsplit(url).query)["state"] == ["s+t"]
    assert "code_challenge" not in url


def test_pkce_shows_the_challenge_and_never_the_verifier():
    """The example of RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    url = authorize_url(AUTH, client_id="id", redirect_url=BACK, state="s", verifier=verifier)

    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256" in url
    assert verifier not in url


def test_states_and_verifiers_are_long_and_safe_in_an_address():
    """43 to 128 characters of the unreserved set."""
    verifier = make_verifier(lambda n: b"\xff" * n)

    assert len(verifier) == 64
    assert set(verifier) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert make_state(lambda n: hashlib.sha256(b"a").digest()[:n]) != make_state(lambda n: bytes(n))


def test_a_secret_travels_in_basic_and_never_in_the_body():
    """Bodies are easier to log than headers."""
    request = exchange_request(WITH_SECRET, "the-code", redirect_url=BACK)

    form = parse_qs(request.body.decode())
    assert (
        request.headers["Authorization"] == "Basic " + base64.b64encode(b"the-client-id:the-secret").decode()
    )
    assert form == {"grant_type": ["authorization_code"], "code": ["the-code"], "redirect_uri": [BACK]}
    assert request.url == f"{AUTH}/token"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_without_a_secret_the_body_names_the_client():
    """PKCE: verifier in the exchange, client in both."""
    exchange = parse_qs(exchange_request(WITH_PKCE, "c", redirect_url=BACK, verifier="v").body.decode())
    refresh = refresh_request(WITH_PKCE, "refresh+1/=")

    assert (exchange["code_verifier"], exchange["client_id"]) == (["v"], ["the-client-id"])
    assert parse_qs(refresh.body.decode()) == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["refresh+1/="],
        "client_id": ["the-client-id"],
    }
    assert "Authorization" not in refresh.headers


def test_a_good_answer_becomes_tokens():
    """The lifetime is what the answer says."""
    read = read_token_answer(got(200, GOOD), NOW)

    assert (read.access_token, read.refresh_token) == ("eyJ.access", "refresh-2")
    assert read.expires_at == NOW + timedelta(days=1)
    assert missing_scopes(read) == ()


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(28_800, 28_800), ("600", 600), (None, 3_600), ("soon", 3_600), (NOW.timestamp() + 60, 60)],
    ids=["as-in-the-example", "text", "absent", "nonsense", "a-moment-as-the-specification-says"],
)
def test_lifetimes_are_what_the_answer_says(expires_in, seconds):
    """Never a constant, as long as there is something to read."""
    read = read_token_answer(got(200, GOOD | {"expires_in": expires_in}), NOW)

    assert read.expires_at == NOW + timedelta(seconds=seconds)


def test_a_long_lived_refresh_token_need_not_come_back():
    """A rotating one does, and replaces the old."""
    without = {k: v for k, v in GOOD.items() if k != "refresh_token"}

    assert read_token_answer(got(200, without), NOW, previous="refresh-1").refresh_token == "refresh-1"
    assert read_token_answer(got(200, GOOD), NOW, previous="refresh-1").refresh_token == "refresh-2"


TROUBLES = [
    pytest.param(
        400, {"error": "invalid_grant", "error_description": "x"}, ReconnectNeeded, id="invalid-grant"
    ),
    pytest.param(401, {"error": "invalid_client"}, ReconnectNeeded, id="invalid-client"),
    pytest.param(400, {"error": "unauthorized_client"}, ReconnectNeeded, id="unauthorized-client"),
    pytest.param(401, b"", ReconnectNeeded, id="empty-401"),
    pytest.param(400, {"errorCode": "E0000021", "errorSummary": "Bad request"}, Refused, id="okta"),
    pytest.param(400, b"<html>", Refused, id="html-400"),
    pytest.param(403, {"message": "Forbidden"}, Refused, id="gateway"),
    pytest.param(429, {"error": "too_many_requests"}, Throttled, id="once-a-second"),
    pytest.param(500, b"<html>", ConstantContactDown, id="html-500"),
    pytest.param(200, b"<html>", Refused, id="html-200"),
    pytest.param(200, {"access_token": ""}, Refused, id="no-access-token"),
]


@pytest.mark.parametrize(("status", "body", "meaning"), TROUBLES)
def test_every_refusal_says_what_to_do(status, body, meaning):
    """Reconnect, wait, or read on."""
    with pytest.raises(meaning) as caught:
        read_token_answer(got(status, body), NOW, previous="refresh-1")
    assert type(caught.value) is meaning
    assert "refresh-1" not in caught.value.log


def test_a_code_that_came_too_late_is_no_dead_connection():
    """There is none yet: begin again."""
    with pytest.raises(Refused, match="five minutes"):
        read_token_answer(got(400, {"error": "invalid_grant"}), NOW)


def test_a_lost_answer_of_the_token_endpoint_is_passing():
    """The keeper asks again."""
    with pytest.raises(ConstantContactDown):
        read_token_answer(Lost(True, "ReadTimeout"), NOW)


def test_the_reason_for_a_dead_secret_names_the_settings():
    """An operator must act, not the account's owner."""
    with pytest.raises(ReconnectNeeded, match="CCEXPORT_CC_CLIENT_SECRET"):
        read_token_answer(got(401, {"error": "invalid_client"}), NOW)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"state": "other", "code": "c"}, "does not belong"),
        ({"code": "c"}, "does not belong"),
        ({"state": "s", "error": "access_denied"}, "declined"),
        ({"state": "s", "error": "server_error", "code": "c"}, "no consent"),
        ({"state": "s"}, "no consent"),
    ],
    ids=["foreign-state", "no-state", "declined", "error", "no-code"],
)
def test_a_return_without_consent_is_refused(params, sentence):
    """A foreign state first of all: somebody else's consent must not become ours."""
    with pytest.raises(Refused, match=sentence):
        read_callback(params, state="s")


def test_the_code_comes_back_with_our_state():
    """Then it is good once, for five minutes."""
    assert read_callback({"state": "s", "code": "c"}, state="s") == "c"


def test_nothing_secret_is_in_a_repr():
    """Neither tokens nor the application's secret nor the code."""
    shown = (
        repr(tokens())
        + repr(WITH_SECRET)
        + repr(exchange_request(WITH_SECRET, "the-code", redirect_url=BACK))
    )

    for secret in ("access-1", "refresh-1", "the-secret", "the-code", "the-client-id"):
        assert secret not in shown


def test_tokens_survive_storing():
    """As JSON, to be sealed by the ledger."""
    kept = tokens("9")

    assert Tokens.from_json(json.loads(json.dumps(kept.as_json()))) == kept


def test_a_scope_that_was_not_given_is_named():
    """offline_access shows in the refresh token, not here."""
    narrow = read_token_answer(got(200, GOOD | {"scope": "account_read"}), NOW)

    assert missing_scopes(narrow) == ("contact_data",)
    assert missing_scopes(tokens()) == ()
