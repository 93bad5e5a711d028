"""The device flow (api_guide/device_flow.html): a code for a person to type elsewhere.

Owns the device codes until they are polled. Must never issue a token.
"""

import secrets

from starlette.responses import Response

from ccexport.sandbox import oauth_page, tokens
from ccexport.sandbox.answers import oauth_error, reply
from ccexport.sandbox.call import Call
from ccexport.sandbox.oauth import NO_STORE, form_of, people_of

SECONDS = 600
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: no words by accident


def start(call: Call) -> Response:
    """POST device/authorize."""
    told = {**call.query, **form_of(call)}
    scopes = told.get("scope", "").split()
    if not scopes or any(scope not in oauth_page.SCOPES for scope in scopes):
        raise oauth_error("invalid_scope", "The scope is missing or names something unknown.")
    code, typed = secrets.token_urlsafe(32), "".join(secrets.choice(_LETTERS) for _ in range(8))
    with call.store.write() as db:
        if not db.execute(
            "SELECT 1 FROM clients WHERE client_id = ?", (told.get("client_id", ""),)
        ).fetchone():
            raise oauth_error("invalid_client", "Invalid value for 'client_id' parameter.", 401)
        db.execute(
            "INSERT INTO devices (digest, user_code, client_id, scope, expires_at) VALUES (?, ?, ?, ?, ?)",
            (tokens.digest(code), typed, told["client_id"], " ".join(scopes), call.now + SECONDS),
        )
    page = f"http://{call.headers.get('host', '127.0.0.1')}/oauth2/default/v1/activate"
    answer = {
        "device_code": code,
        "user_code": typed,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={typed}",
        "expires_in": SECONDS,
        "interval": 5,
    }
    return reply(answer, 200, NO_STORE)


def activate_page(call: Call) -> Response:
    """GET activate."""
    with call.store.read() as db:
        return oauth_page.device(call.query.get("user_code", ""), people_of(db, call.config))


def activate(call: Call) -> Response:
    """POST activate: what the person answered."""
    form = form_of(call)
    with call.store.write() as db:
        people = people_of(db, call.config)
        if form.get("person") not in {str(each[0]) for each in people}:
            return oauth_page.device(form.get("user_code", ""), people, "Choose who answers.")
        allowed = form.get("decision") == "allow"
        done = db.execute(
            "UPDATE devices SET person_no = ?, denied = ? WHERE user_code = ? AND expires_at > ?",
            (
                int(form["person"]) if allowed else None,
                not allowed,
                form.get("user_code", "").strip().upper(),
                call.now,
            ),
        ).rowcount
    return oauth_page.device("", people, "Done. Return to the device." if done else "That code is not known.")
