"""Issuing, rotating and revoking tokens.

Owns the token tables. Tokens are kept as digests only. Must never be asked about HTTP.
"""

import base64
import hashlib
import json
import secrets
import sqlite3
from typing import Any

from ccexport.sandbox.config import Config
from ccexport.sandbox.store import note

DAY = 86_400


def digest(token: str) -> str:
    """What is stored in place of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def issue(
    db: sqlite3.Connection,
    config: Config,
    now: float,
    *,
    client_id: str,
    person_no: int,
    scope: str,
    family: str = "",
    refresh: str | None = None,
) -> dict[str, Any]:
    """A fresh answer of the token endpoint. `refresh` is a refresh token to hand back unchanged."""
    family = family or secrets.token_hex(8)
    access = _access_token(config, client_id, person_no, scope, now)
    db.execute(
        "INSERT INTO access_tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
        (digest(access), family, client_id, person_no, scope, now, now + config.access_token_seconds),
    )
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "expires_in": config.access_token_seconds,
        "access_token": access,
        "scope": scope,
    }
    # Without offline_access there is silently no refresh token (api_guide/scopes.html).
    if "offline_access" in scope.split():
        answer["refresh_token"] = refresh or _refresh_token(db, family, client_id, person_no, scope, now)
    if config.id_token:
        answer["id_token"] = _access_token(config, client_id, person_no, "openid", now)
    return answer


def refresh(
    db: sqlite3.Connection, config: Config, now: float, client_id: str, token: str
) -> dict[str, Any] | None:
    """The answer to a refresh, or None when the token is invalid or expired."""
    row = db.execute(
        "SELECT family, client_id, person_no, scope, used_at, rotated_at, revoked_at"
        " FROM refresh_tokens WHERE digest = ?",
        (digest(token),),
    ).fetchone()
    if row is None or row[1] != client_id:
        return None
    family, _, person_no, scope, used_at, rotated_at, revoked_at = row
    if rotated_at is not None:
        _reused(db, config, now, family)
        return None
    if revoked_at is not None or now - used_at > config.refresh_idle_days * DAY:
        return None
    rotating = config.refresh_mode == "rotating"
    column = "rotated_at" if rotating else "used_at"
    db.execute(f"UPDATE refresh_tokens SET {column} = ? WHERE digest = ?", (now, digest(token)))
    given_back = None if rotating else token
    return issue(
        db,
        config,
        now,
        client_id=client_id,
        person_no=person_no,
        scope=scope,
        family=family,
        refresh=given_back,
    )


def revoke_family(db: sqlite3.Connection, now: float, family: str) -> None:
    """Kill every token that came from one consent."""
    for table in ("access_tokens", "refresh_tokens"):
        db.execute(
            f"UPDATE {table} SET revoked_at = ? WHERE family = ? AND revoked_at IS NULL", (now, family)
        )


def _reused(db: sqlite3.Connection, config: Config, now: float, family: str) -> None:
    note(db, now, "refresh_token_reused", family=family, revoked=config.reuse_revokes_family)
    if config.reuse_revokes_family:
        revoke_family(db, now, family)


def _refresh_token(
    db: sqlite3.Connection, family: str, client_id: str, person_no: int, scope: str, now: float
) -> str:
    token = secrets.token_urlsafe(32)
    db.execute(
        "INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
        (digest(token), family, client_id, person_no, scope, now, now),
    )
    return token


def _access_token(config: Config, client_id: str, person_no: int, scope: str, now: float) -> str:
    # A JWT in form only: nobody may verify it, and a client must not need to.
    header = {"kid": "sandbox", "alg": "RS256"}
    claims: dict[str, Any] = {
        "ver": 1,
        "jti": f"AT.{secrets.token_urlsafe(24)}",
        "iss": "https://identity.constantcontact.com/oauth2/default",
        "aud": "https://api.cc.email/v3",
        "iat": int(now),
        "exp": int(now) + config.access_token_seconds,
        "cid": client_id,
        "uid": f"00u{person_no:08d}",
        "scp": scope.split(),
        "sub": f"person{person_no}",
    }
    body = f"{_b64(json.dumps(header).encode())}.{_b64(json.dumps(claims).encode())}."
    return body + _b64(secrets.token_bytes(max(32, (config.access_token_chars - len(body)) * 3 // 4)))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
