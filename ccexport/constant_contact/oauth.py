"""Connecting an account, without I/O: the consent page's address, the token requests, their answers.

Tokens, codes and secrets must never reach a repr, a message or an address, except the code
challenge and the state, which are made for it.
https://developer.constantcontact.com/api_guide/server_flow.html
https://developer.constantcontact.com/api_guide/pkce_flow.html
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from ccexport.constant_contact.answers import Complaint, read_complaint, retry_after
from ccexport.constant_contact.wire import Answer, Lost, Request, url_of
from ccexport.errors import ConstantContactDown, ConstantContactError, ReconnectNeeded, Refused, Throttled
from ccexport.messages import message

# Without offline_access no refresh token is returned, without an error:
# https://developer.constantcontact.com/api_guide/scopes.html
SCOPES = ("contact_data", "account_read", "offline_access")
# `expires_in` is a number of seconds, whatever the specification says; this default is only for
# an answer without one. https://developer.constantcontact.com/api_guide/auth_overview.html
_UNSAID_LIFETIME = 3600
# Other processes wait for the lock that a refresh holds.
_TIMEOUT = 10.0
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(frozen=True, repr=False)
class OAuthApp:
    """The application as registered in the vendor's portal. Without a secret it must use PKCE."""

    auth_url: str
    client_id: str
    client_secret: str = ""

    def __repr__(self) -> str:
        return f"<application {self.client_id[:4]}… at {self.auth_url}>"


@dataclass(frozen=True, repr=False)
class Tokens:
    """A pair of tokens. `lifetime` is the access token's lifetime in seconds when it was issued."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    lifetime: float
    scope: str = ""

    def __repr__(self) -> str:
        return f"<tokens until {self.expires_at:%Y-%m-%d %H:%M:%S} UTC>"

    def as_json(self) -> dict[str, Any]:
        """Return everything, to be encrypted and stored; never to be shown."""
        return {**vars(self), "expires_at": self.expires_at.isoformat()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Tokens":
        """Read the tokens from what `as_json` returned."""
        return cls(**{**raw, "expires_at": datetime.fromisoformat(raw["expires_at"])})


def make_state(random: Callable[[int], bytes]) -> str:
    """Return a value that ties the browser's return to the page it left from."""
    return _url_safe(random(24))


def make_verifier(random: Callable[[int], bytes]) -> str:
    """Return a PKCE code verifier: 64 characters of the 43 to 128 allowed."""
    return _url_safe(random(48))


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    return _url_safe(hashlib.sha256(verifier.encode()).digest())


def authorize_url(
    auth_url: str, *, client_id: str, redirect_url: str, state: str, verifier: str | None = None
) -> str:
    """Return where to send the browser. Spaces are `%20`: the server does not read `%2B` as a space.

    `redirect_url` must be registered for the application, to the letter.
    """
    params = {
        "client_id": client_id,
        "redirect_uri": redirect_url,
        "response_type": "code",
        "scope": " ".join(SCOPES),
        "state": state,
    }
    if verifier:
        params |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    return f"{url_of(auth_url, '/authorize')}?{urlencode(params, quote_via=quote)}"


def read_callback(params: Mapping[str, str], *, state: str) -> str:
    """Return the code in the query the browser came back with; it works once, for five minutes."""
    if not hmac.compare_digest(params.get("state", "").encode(), state.encode()):
        raise Refused("This answer does not belong to the connection begun here. Begin connecting again.")
    if params.get("error") == "access_denied":
        raise Refused("The consent was declined at Constant Contact. Begin again and allow the access.")
    code = params.get("code", "")
    if params.get("error") or not code:
        raise Refused("Constant Contact gave no consent. Begin connecting again.", key=params.get("error"))
    return code


def exchange_request(app: OAuthApp, code: str, *, redirect_url: str, verifier: str | None = None) -> Request:
    """Return the request that turns the code into tokens. All of it is in the body, so none of it gets into a log."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_url}
    return _token_request(app, form | ({"code_verifier": verifier} if verifier else {}))


def refresh_request(app: OAuthApp, refresh_token: str) -> Request:
    """Return the request for new tokens. With rotating tokens it makes this refresh token invalid."""
    return _token_request(app, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def _token_request(app: OAuthApp, form: Mapping[str, str]) -> Request:
    """Return the token request. A secret goes into Basic; without one the body names the client."""
    headers = dict(_FORM)
    if app.client_secret:
        pair = f"{app.client_id}:{app.client_secret}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
    else:
        form = {**form, "client_id": app.client_id}
    url = url_of(app.auth_url, "/token")
    return Request("POST", url, headers=headers, body=urlencode(form).encode(), timeout=_TIMEOUT)


def read_token_answer(got: Answer | Lost, now: datetime, *, previous: str | None = None) -> Tokens:
    """Return the tokens in an answer.

    `previous` is the refresh token that was used: the answer may leave out a long-lived one, but always has a
    rotating one. Raises `ReconnectNeeded` when only a person can help,
    `Throttled` or `ConstantContactDown` when repeating may help, `Refused` otherwise.
    """
    if isinstance(got, Lost) or got.status != 200:
        raise _trouble(got, exchanging=previous is None)
    raw = got.json()
    raw = raw if isinstance(raw, dict) else {}
    access, refresh = raw.get("access_token"), raw.get("refresh_token") or previous
    if not isinstance(access, str) or not access:
        raise Refused("Constant Contact's authorisation server gave no token. Begin connecting again.")
    if not isinstance(refresh, str) or not refresh:
        raise ReconnectNeeded(
            "Constant Contact gave no refresh token, so the connection would end within a day. "
            "Allow the scope offline_access for the application, then connect again."
        )
    lifetime = _lifetime(raw.get("expires_in"), now)
    scope = raw.get("scope") if isinstance(raw.get("scope"), str) else ""
    return Tokens(access, refresh, now + timedelta(seconds=lifetime), lifetime, scope or "")


def missing_scopes(tokens: Tokens) -> tuple[str, ...]:
    """Return scopes that were requested but not granted; none when the answer did not say."""
    given = set(tokens.scope.replace("+", " ").split())
    return tuple(s for s in SCOPES if s not in given and s != "offline_access") if given else ()


def _lifetime(raw: Any, now: datetime) -> float:
    try:
        seconds = float(raw)
    except (TypeError, ValueError):
        return _UNSAID_LIFETIME
    # The specification calls it "seconds after the UNIX epoch"; no real lifetime is thirty years.
    return seconds - now.astimezone(UTC).timestamp() if seconds > 1e9 else seconds


def _trouble(got: Answer | Lost, *, exchanging: bool) -> ConstantContactError:
    if isinstance(got, Lost):
        return ConstantContactDown(
            "Constant Contact's authorisation server cannot be reached. Check the network and try again.",
            what=got.what,
            sent=got.sent,
        )
    complaint = read_complaint(got)
    evidence: dict[str, Any] = {"status": got.status, "key": complaint.key, "asked": "POST token"}
    if got.status == 429:
        wait = retry_after(got)
        return Throttled("Constant Contact asks for fewer token requests.", retry_after=wait, **evidence)
    if got.status >= 500:
        return ConstantContactDown(
            "Constant Contact's authorisation server is in trouble. Try again later.", **evidence
        )
    if exchanging and complaint.key == "invalid_grant":
        return Refused(
            "The consent came too late or twice: its code is good once, for five minutes. "
            "Begin connecting again.",
            **evidence,
        )
    return _terminal(complaint, evidence)


def _terminal(complaint: Complaint, evidence: Mapping[str, Any]) -> ConstantContactError:
    if complaint.key == "invalid_grant":
        return ReconnectNeeded(
            "The consent given at Constant Contact has ended: it was withdrawn, not used for 180 days, "
            "or its refresh token was already used. Connect the account again.",
            **evidence,
        )
    if complaint.key in {"invalid_client", "unauthorized_client"} or evidence["status"] == 401:
        return ReconnectNeeded(
            "Constant Contact does not accept the application's id and secret. Check CCEXPORT_CC_CLIENT_ID "
            "and CCEXPORT_CC_CLIENT_SECRET (a secret generated anew ends the old one), then connect the "
            "account again.",
            **evidence,
        )
    if complaint.text:
        refused = message(
            "Constant Contact's authorisation server refused the request: “{text}”.", text=complaint.text
        )
    else:
        refused = message("Constant Contact's authorisation server refused the request.")
    return Refused(refused, log=str(refused), **evidence)


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
