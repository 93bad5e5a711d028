"""What stands before every endpoint: tokens, limits, faults and the request log.

Owns the order in which a request can be refused. Must never keep a token, a query value or a body.
"""

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ccexport.sandbox import faults, roles
from ccexport.sandbox.answers import (
    Refused,
    access_denied,
    forbidden,
    okta_error,
    quota_exceeded,
    throttled,
    unauthorized,
)
from ccexport.sandbox.call import Call
from ccexport.sandbox.config import Config
from ccexport.sandbox.store import Store, config_of
from ccexport.sandbox.tokens import digest

DAY = 86_400.0


@dataclass(frozen=True)
class Admission:
    """The gateway's verdict: a call to handle, or a refusal, and a fault to act out."""

    call: Call
    request_no: int
    began: float
    refusal: Refused | None
    fault: faults.Fault | None


@dataclass(frozen=True)
class Need:
    """What an endpoint asks of the token. `place` is 'api', 'token' or 'auth'."""

    place: str = "api"
    scope: str = "contact_data"
    privilege: str = "contacts:read"


def admit(store: Store, need: Need, call_facts: Mapping[str, Any], client_id: str | None) -> Admission:
    """Log the request and decide whether it goes on; in one transaction, so that processes share limits."""
    with store.write() as db:
        config = config_of(db)
        call = Call(store=store, config=config, now=store.now(db), **call_facts)
        refusal: Refused | None = None
        key = client_id
        if need.place == "api":
            call, key, refusal = _identify(db, call)
        limited = _limit(db, config, need.place, key, call.now) if key else None
        refusal = limited or refusal or _entitle(db, call, need)
        counted = key is not None and (limited is None or config.refused_requests_count)
        fault = None if refusal else faults.pick(db, call.method, call.path)
        no = _log(db, call, need, key, counted, fault)
    return Admission(call, no, time.perf_counter(), refusal, fault)


def finish(admission: Admission, status: int | None) -> None:
    """Complete the log row. `status` is None when the connection was dropped."""
    with admission.call.store.write() as db:
        taken = time.perf_counter() - admission.began
        db.execute(
            "UPDATE requests SET status = ?, seconds = ? WHERE no = ?",
            (status, taken, admission.request_no),
        )


def note_unknown(store: Store, method: str, path: str) -> None:
    """Log a request for a path that is not there; it counts towards no limit."""
    with store.write() as db:
        db.execute(
            "INSERT INTO requests (at, place, method, path, query_names, body_bytes, counted, status)"
            " VALUES (?, 'nowhere', ?, ?, '', 0, 0, 403)",
            (store.now(db), method, path[:500]),
        )


def _identify(db: sqlite3.Connection, call: Call) -> tuple[Call, str | None, Refused | None]:
    told = call.headers.get("authorization")
    if told is None:
        return call, None, forbidden() if call.config.missing_token_status == 403 else unauthorized()
    scheme, _, token = told.partition(" ")
    row = db.execute(
        "SELECT t.client_id, t.scope, t.expires_at, t.revoked_at, p.no AS person, p.account_no"
        " FROM access_tokens t JOIN persons p ON p.no = t.person_no WHERE t.digest = ?",
        (digest(token.strip()),),
    ).fetchone()
    if scheme.lower() != "bearer" or row is None:
        return call, None, unauthorized()
    client_id, scope, expires_at, revoked_at, person, account = row
    known = replace(
        call, client_id=client_id, scope=frozenset(scope.split()), person_no=person, account_no=account
    )
    refused = unauthorized() if revoked_at is not None or expires_at <= call.now else None
    return known, client_id, refused


def _entitle(db: sqlite3.Connection, call: Call, need: Need) -> Refused | None:
    # Both gates apply: the token's scope and the authorising person's own privileges
    # (api_guide/scopes.html, api_guide/user_privileges.html).
    if need.place != "api":
        return None
    if need.scope and need.scope not in call.scope:
        return access_denied()
    if need.privilege and need.privilege not in roles.privileges(db, call.person_no):
        return access_denied()
    return None


def _limit(db: sqlite3.Connection, config: Config, place: str, key: str, now: float) -> Refused | None:
    if place == "token":
        # One request per second, said vendor support; the answer is the authorisation server's own.
        if config.token_requests_per_second and _since(db, key, place, now - 1.0, now) >= (
            config.token_requests_per_second
        ):
            return okta_error("E0000047", "API call exceeded rate limit due to too many requests.", 429)
        return None
    if place != "api":
        return None
    midnight = now - now % DAY  # the day of the quota is the UTC day (api_guide/rate_limits.html)
    if config.requests_per_day and _since(db, key, place, midnight, now) >= config.requests_per_day:
        return quota_exceeded(midnight + DAY - now, retry_after=config.retry_after)
    if config.requests_per_second and _since(db, key, place, now - 1.0, now) >= config.requests_per_second:
        return throttled(retry_after=config.retry_after)
    return None


def _since(db: sqlite3.Connection, key: str, place: str, start: float, now: float) -> int:
    sql = (
        "SELECT count(*) FROM requests WHERE counted = 1 AND api_key = ? AND place = ? AND at > ? AND at <= ?"
    )
    return int(db.execute(sql, (key, place, start, now)).fetchone()[0])


def _log(
    db: sqlite3.Connection, call: Call, need: Need, key: str | None, counted: bool, fault: faults.Fault | None
) -> int:
    done = db.execute(
        "INSERT INTO requests (at, api_key, place, method, path, query_names, body_bytes, counted, fault_no)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            call.now,
            key,
            need.place,
            call.method,
            call.path[:500],
            ",".join(call.query)[:500],
            len(call.body),
            counted,
            fault.no if fault else None,
        ),
    )
    return int(done.lastrowid or 0)
