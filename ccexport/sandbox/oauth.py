"""The authorisation server: authorize, token.

Owns what is checked before consent and before tokens are given (api_guide/server_flow.html,
api_guide/pkce_flow.html). Must never redirect to an address that is not registered.
"""

import base64
import binascii
import hashlib
import re
import secrets
import sqlite3
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import RedirectResponse, Response

from ccexport.sandbox import oauth_page, tokens
from ccexport.sandbox.answers import Refused, oauth_error, okta_error, reply
from ccexport.sandbox.call import Call
from ccexport.sandbox.config import Config

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
FORM = "application/x-www-form-urlencoded"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_ASKED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)


class Untrusted(Exception):
    """An authorisation request that earns a 400 page and no redirect."""


def authorize_page(call: Call) -> Response:
    """GET authorize: the consent page; or, for a client that asks for no HTML, consent at once."""
    try:
        with call.store.read() as db:
            scopes = _trusted(db, call.config, call.query)
            people = people_of(db, call.config)
            name = db.execute("SELECT name FROM clients WHERE client_id = ?", (call.query["client_id"],))
            app_name = str(name.fetchone()[0])
        if not people:
            raise Untrusted("There is nobody who could consent.")
        if "text/html" not in call.headers.get("accept", ""):
            return _allowed(call, call.query, people[0][0])
        told = {key: call.query[key] for key in _ASKED if key in call.query}
        return oauth_page.consent(app_name, scopes, people, told)
    except Untrusted as refused:
        return oauth_page.refusal(str(refused))


def authorize_decision(call: Call) -> Response:
    """POST authorize: what the person answered."""
    form = form_of(call)
    try:
        with call.store.read() as db:
            _trusted(db, call.config, form)
            people = {str(each[0]) for each in people_of(db, call.config)}
        if form.get("decision") != "allow":
            denied = {"error": "access_denied", "error_description": "The resource owner denied the request."}
            return _back(form, denied)
        if form.get("person") not in people:
            raise Untrusted("Choose who answers.")
        return _allowed(call, form, int(form["person"]))
    except Untrusted as refused:
        return oauth_page.refusal(str(refused))


def token(call: Call) -> Response:
    """POST token: exchange a code, refresh, or poll for a device."""
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise okta_error(
            "E0000021",
            "Bad request.  Accept and/or Content-Type headers likely do not match supported values.",
            415,
        )
    told = {**call.query, **form_of(call)}
    client_id = _client(call, told)
    grants = {
        "authorization_code": _exchange,
        "refresh_token": _refresh,
        DEVICE_GRANT: _device,
    }
    grant = grants.get(told.get("grant_type", ""))
    if grant is None:
        raise oauth_error("unsupported_grant_type", "The authorization grant type is not supported.")
    # The refusal is raised after the transaction: what it wrote (a used code, a dead family) must stay.
    with call.store.write() as db:
        answer = grant(db, call, client_id, told)
    if isinstance(answer, Refused):
        raise answer
    return reply(answer, 200, NO_STORE)


def people_of(db: sqlite3.Connection, config: Config) -> list[tuple[int, str, str, str]]:
    """Who may answer: everybody, or only owners while the application is private."""
    rows = db.execute(
        "SELECT p.no, p.name, p.role, json_extract(a.details, '$.organization_name')"
        " FROM persons p JOIN accounts a ON a.no = p.account_no"
        " WHERE ? = 0 OR p.no = (SELECT min(no) FROM persons WHERE role = 'owner') ORDER BY p.no",
        (config.private_app,),
    )
    return [(no, name, role, organisation) for no, name, role, organisation in rows]


def form_of(call: Call) -> dict[str, str]:
    """The body as form fields; what is no form is empty."""
    pairs = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=None)
    return dict(pairs)


def client_named(headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> tuple[str, str | None]:
    """The client id and secret a token request carries, from Basic or from the fields."""
    scheme, _, packed = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(packed.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", None
        return client_id, secret
    told = {**query, **dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))}
    return told.get("client_id", ""), told.get("client_secret")


def _trusted(db: sqlite3.Connection, config: Config, told: Mapping[str, str]) -> list[str]:
    client = told.get("client_id", "")
    if db.execute("SELECT 1 FROM clients WHERE client_id = ?", (client,)).fetchone() is None:
        raise Untrusted("The client_id is not known.")
    # Must equal a registered address exactly (api_guide/server_flow.html).
    known = "SELECT 1 FROM redirect_urls WHERE client_id = ? AND url = ?"
    if db.execute(known, (client, told.get("redirect_uri", ""))).fetchone() is None:
        raise Untrusted("The redirect_uri is not one of the application's registered addresses.")
    if told.get("response_type") != "code":
        raise Untrusted("The response_type must be code.")
    if not told.get("state"):
        raise Untrusted("The state is missing.")
    scopes = told.get("scope", "").split()
    if not scopes or any(scope not in oauth_page.SCOPES for scope in scopes):
        raise Untrusted("The scope is missing or names something unknown.")
    _trusted_challenge(config, told)
    return scopes


def _trusted_challenge(config: Config, told: Mapping[str, str]) -> None:
    challenge = told.get("code_challenge")
    if challenge is None and config.client_flow != "pkce":
        return
    if told.get("code_challenge_method") != "S256" or not re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge or ""):
        raise Untrusted("PKCE needs a code_challenge with code_challenge_method S256.")


def _allowed(call: Call, told: Mapping[str, str], person_no: int) -> Response:
    code = secrets.token_urlsafe(24)
    row = (
        tokens.digest(code),
        told["client_id"],
        person_no,
        told["redirect_uri"],
        " ".join(told["scope"].split()),
        told.get("code_challenge"),
        call.now + call.config.code_seconds,
    )
    with call.store.write() as db:
        db.execute("INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", row)
    return _back(told, {"code": code})


def _back(told: Mapping[str, str], answer: dict[str, str]) -> Response:
    url = told["redirect_uri"]
    joint = "&" if "?" in url else "?"
    query = urlencode({**answer, "state": told["state"]}, quote_via=quote)
    return RedirectResponse(f"{url}{joint}{query}", 302, {"Cache-Control": "no-store"})


def _client(call: Call, told: Mapping[str, str]) -> str:
    client_id, secret = client_named(call.headers, call.query, call.body)
    if call.config.several_credentials == "refuse" and _named_twice(call):
        raise oauth_error("invalid_request", "Cannot supply multiple client credentials.")
    with call.store.read() as db:
        row = db.execute("SELECT secret FROM clients WHERE client_id = ?", (client_id,)).fetchone()
    if row is None:
        raise oauth_error("invalid_client", "Invalid value for 'client_id' parameter.", 401)
    if secret is not None and call.config.client_flow != "pkce":
        if not secrets.compare_digest(secret.encode(), str(row[0]).encode()):
            raise oauth_error(
                "invalid_client", "The client secret supplied for a confidential client is invalid.", 401
            )
    elif call.config.client_flow == "secret":
        raise oauth_error("invalid_client", "Client authentication failed.", 401)
    return client_id


def _named_twice(call: Call) -> bool:
    """Credentials in the header and in the form as well, which Okta is said to refuse (RFC 6749, 2.3)."""
    basic = call.headers.get("authorization", "").lower().startswith("basic ")
    return basic and "client_secret" in {**call.query, **form_of(call)}


def _exchange(
    db: sqlite3.Connection, call: Call, client_id: str, told: Mapping[str, str]
) -> dict[str, object] | Refused:
    wrong = oauth_error("invalid_grant", "The authorization code is invalid or has expired.")
    row = db.execute(
        "SELECT digest, client_id, person_no, redirect_url, scope, challenge, expires_at, used_at"
        " FROM codes WHERE digest = ?",
        (tokens.digest(told.get("code", "")),),
    ).fetchone()
    if row is None or row[1] != client_id or row[7] is not None or row[6] <= call.now:
        return wrong
    db.execute("UPDATE codes SET used_at = ? WHERE digest = ?", (call.now, row[0]))
    if row[3] != told.get("redirect_uri"):
        return oauth_error(
            "invalid_grant",
            "The 'redirect_uri' does not match the redirection URI used in the authorization request.",
        )
    if not _proved(call, row[5], told):
        return oauth_error("invalid_grant", "PKCE verification failed.")
    return tokens.issue(db, call.config, call.now, client_id=client_id, person_no=row[2], scope=row[4])


def _proved(call: Call, challenge: str | None, told: Mapping[str, str]) -> bool:
    # Either the secret or the verifier: a code without either could be used by anybody who saw it.
    if challenge is None:
        return client_named(call.headers, call.query, call.body)[1] is not None
    verifier = told.get("code_verifier", "")
    hashed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return bool(_VERIFIER.fullmatch(verifier)) and secrets.compare_digest(hashed, challenge)


def _refresh(
    db: sqlite3.Connection, call: Call, client_id: str, told: Mapping[str, str]
) -> dict[str, object] | Refused:
    answer = tokens.refresh(db, call.config, call.now, client_id, told.get("refresh_token", ""))
    # The exact words seen in the field (phpfui/ConstantContact#19).
    return answer or oauth_error("invalid_grant", "The refresh token is invalid or expired.")


def _device(
    db: sqlite3.Connection, call: Call, client_id: str, told: Mapping[str, str]
) -> dict[str, object] | Refused:
    row = db.execute(
        "SELECT digest, scope, expires_at, polled_at, person_no, denied FROM devices"
        " WHERE digest = ? AND client_id = ?",
        (tokens.digest(told.get("device_code", "")), client_id),
    ).fetchone()
    if row is None:
        return oauth_error("invalid_grant", "The device code is invalid.")
    if row[2] <= call.now:
        return oauth_error("expired_token", "The device code has expired.")
    if row[5]:
        return oauth_error("access_denied", "The resource owner denied the request.")
    db.execute("UPDATE devices SET polled_at = ? WHERE digest = ?", (call.now, row[0]))
    if row[4] is None:
        hasty = row[3] is not None and call.now - row[3] < 5
        return oauth_error(
            "slow_down" if hasty else "authorization_pending", "The device authorization is pending."
        )
    db.execute("DELETE FROM devices WHERE digest = ?", (row[0],))
    return tokens.issue(db, call.config, call.now, client_id=client_id, person_no=row[4], scope=row[1])
