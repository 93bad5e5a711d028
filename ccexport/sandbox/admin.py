"""The admin API under /__sandbox__: configure, seed, break, move time, and start over.

Owns everything a test or a demonstration may do to the other side. Looking is in `inspection`. Must
never be reachable from another machine; the app sees to that.
"""

import json
import sqlite3
from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ccexport.sandbox import apply, faults, inspection, seed, tokens
from ccexport.sandbox.answers import reply
from ccexport.sandbox.config import BadConfig, describe
from ccexport.sandbox.engine import Engine
from ccexport.sandbox.ids import contact_id
from ccexport.sandbox.store import Store, config_of, note

Told = dict[str, Any]
Action = Callable[[Store, Engine, Told], Any]
PERMISSIONS = ("explicit", "implicit", "not_set", "pending_confirmation", "temp_hold", "unsubscribed")


class BadWish(ValueError):
    """An admin request that makes no sense; the text says why."""


def healthz(store: Store, engine: Engine, told: Told) -> Any:
    """Whether the double answers, and what it calls itself."""
    with store.read() as db:
        return {"ok": True, "clock": store.now(db), "accounts": _one(db, "SELECT count(*) FROM accounts")}


def config_get(store: Store, engine: Engine, told: Told) -> Any:
    """The configuration in force, and with ?describe=true what every key means."""
    if told.get("describe") == "true":
        return describe()
    with store.read() as db:
        return vars(config_of(db))


def config_patch(store: Store, engine: Engine, told: Told) -> Any:
    """Change configuration keys."""
    return vars(store.configure(told))


def clock(store: Store, engine: Engine, told: Told) -> Any:
    """{"advance": seconds, "freeze": true|false}: move time; due activities are worked off at once."""
    advance, freeze = told.get("advance", 0), told.get("freeze")
    if type(advance) not in (int, float) or not 0 <= advance < 1e10 or freeze not in (None, True, False):
        raise BadWish("advance must be a number of seconds, freeze true or false.")
    now = store.set_clock(advance=float(advance), frozen=freeze)
    engine.catch_up()
    return {"clock": now}


def fault_add(store: Store, engine: Engine, told: Told) -> Any:
    """Inject a fault; see docs/sandbox.md for the kinds."""
    with store.write() as db:
        return {"no": faults.inject(db, told)}


def fault_clear(store: Store, engine: Engine, told: Told) -> Any:
    """Forget every fault."""
    with store.write() as db:
        return {"cleared": db.execute("DELETE FROM faults").rowcount}


def reset(store: Store, engine: Engine, told: Told) -> Any:
    """Back to the first start: seeded data, default configuration; clients and redirect addresses stay."""
    with store.write() as db:
        tables = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('clients', 'redirect_urls')"
        )
        for (name,) in db.execute(tables).fetchall():
            db.execute(f'DELETE FROM "{name}"')
        seed.plant(db, store.now(db), empty=bool(told.get("empty", False)))
    return {"ok": True}


def redirect_url(store: Store, engine: Engine, told: Told) -> Any:
    """{"url": ..., "client_id": ...}: register another redirect address."""
    url = _text(told, "url")
    with store.write() as db:
        clients = [row[0] for row in db.execute("SELECT client_id FROM clients")]
        wanted = [told["client_id"]] if "client_id" in told else clients
        if not wanted or any(each not in clients for each in wanted):
            raise BadWish("There is no such client_id.")
        for each in wanted:
            db.execute("INSERT OR IGNORE INTO redirect_urls VALUES (?, ?)", (each, url))
    return {"client_ids": wanted, "url": url}


def client(store: Store, engine: Engine, told: Told) -> Any:
    """{"client_id", "secret", "name"?}: add an application, or give one a new secret."""
    with store.write() as db:
        seed.client(
            db, _text(told, "client_id"), _text(told, "secret"), str(told.get("name", "Another application"))
        )
    return {"ok": True}


def revoke(store: Store, engine: Engine, told: Told) -> Any:
    """{"access_only": true}: end access tokens now; otherwise every grant, as when a person disconnects."""
    with store.write() as db:
        now = store.now(db)
        db.execute("UPDATE access_tokens SET expires_at = min(expires_at, ?)", (now,))
        if not told.get("access_only", False):
            for (family,) in db.execute("SELECT DISTINCT family FROM refresh_tokens").fetchall():
                tokens.revoke_family(db, now, family)
    return {"ok": True}


def seed_account(store: Store, engine: Engine, told: Told) -> Any:
    """{"organization_name", "people"?}: another account, with its own owner."""
    with store.write() as db:
        return seed.account(db, _text(told, "organization_name"), told.get("people"))


def seed_lists(store: Store, engine: Engine, told: Told) -> Any:
    """{"names": [...], "account": no}: lists."""
    names = told.get("names")
    if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        raise BadWish("names must be a list of texts.")
    with store.write() as db:
        return {"lists": [seed.a_list(db, _account(told), name, store.now(db)) for name in names]}


def seed_fields(store: Store, engine: Engine, told: Told) -> Any:
    """{"fields": [{"label", "type"}]}: custom fields."""
    wanted = told.get("fields")
    if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
        raise BadWish("fields must be a list of objects.")
    with store.write() as db:
        now = store.now(db)
        return {
            "fields": [
                seed.a_field(db, _account(told), str(each["label"]), str(each.get("type", "string")), now)
                for each in wanted
            ]
        }


def seed_contacts(store: Store, engine: Engine, told: Told) -> Any:
    """{"contacts": [{"email", "permission"?, "lists"?, "fields"?}]}, or {"generate": n, "lists"?}."""
    with store.write() as db:
        now = store.now(db)
        if "generate" in told:
            return {
                "contacts": seed.generate(
                    db, _account(told), int(told["generate"]), told.get("lists", []), now
                )
            }
        wanted = told.get("contacts")
        if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
            raise BadWish("contacts must be a list of objects.")
        made = [seed.a_contact(db, _account(told), each, now) for each in wanted]
        apply.raise_high_water(db, _account(told))
        return {"contacts": [contact_id(_account(told), no) for no in made]}


def unsubscribe(store: Store, engine: Engine, told: Told) -> Any:
    """{"email"}: the contact unsubscribes by own hand, from everything."""
    with store.write() as db:
        no, now = _contact(db, told), store.now(db)
        db.execute(
            "UPDATE contacts SET permission = 'unsubscribed', opt_out_source = 'Contact', opt_out_at = ?,"
            " opt_out_reason = ?, update_source = 'Contact', updated_at = ? WHERE no = ?",
            (now, str(told.get("reason", "")), now, no),
        )
        db.execute("DELETE FROM memberships WHERE contact_no = ?", (no,))
    return {"ok": True}


def leave(store: Store, engine: Engine, told: Told) -> Any:
    """{"email", "list"}: the contact leaves one list by own hand (the Update Profile page)."""
    with store.write() as db:
        no, now = _contact(db, told), store.now(db)
        list_no = seed.list_number(db, _account(told), told.get("list"))
        if list_no is None:
            raise BadWish("There is no such list.")
        db.execute("INSERT OR REPLACE INTO list_opt_outs VALUES (?, ?, ?)", (list_no, no, now))
        db.execute("DELETE FROM memberships WHERE list_no = ? AND contact_no = ?", (list_no, no))
        db.execute("UPDATE contacts SET update_source = 'Contact', updated_at = ? WHERE no = ?", (now, no))
    return {"ok": True}


def join(store: Store, engine: Engine, told: Told) -> Any:
    """{"email", "list"}: a contact that is there already joins one list by own hand."""
    with store.write() as db:
        no, now = _contact(db, told), store.now(db)
        list_no = seed.list_number(db, _account(told), told.get("list"))
        if list_no is None:
            raise BadWish("There is no such list.")
        db.execute("DELETE FROM list_opt_outs WHERE list_no = ? AND contact_no = ?", (list_no, no))
        db.execute(
            "INSERT OR REPLACE INTO memberships (list_no, contact_no, shown_from) VALUES (?, ?, ?)",
            (list_no, no, now),
        )
        db.execute("UPDATE contacts SET update_source = 'Contact', updated_at = ? WHERE no = ?", (now, no))
    return {"ok": True}


def edit(store: Store, engine: Engine, told: Told) -> Any:
    """{"email", "fields"?, "permission"?, "deleted"?, "new_email"?}: a change made at the other side."""
    fields, permission = told.get("fields", {}), told.get("permission")
    if not isinstance(fields, dict) or permission not in (None, *PERMISSIONS):
        raise BadWish(f"fields must be an object and permission one of {', '.join(PERMISSIONS)}.")
    with store.write() as db:
        no, now = _contact(db, told), store.now(db)
        patch = json.dumps(seed.stored_fields(db, _account(told), fields))
        db.execute(
            "UPDATE contacts SET fields = json_patch(fields, ?), updated_at = ? WHERE no = ?",
            (patch, now, no),
        )
        if permission is not None:
            db.execute("UPDATE contacts SET permission = ? WHERE no = ?", (permission, no))
        if "new_email" in told:
            db.execute("UPDATE contacts SET email = ? WHERE no = ?", (str(told["new_email"]).lower(), no))
        if "deleted" in told:
            db.execute(
                "UPDATE contacts SET deleted_at = ? WHERE no = ?", (now if told["deleted"] else None, no)
            )
            db.execute("DELETE FROM memberships WHERE contact_no = ? AND ?", (no, bool(told["deleted"])))
        note(db, now, "edited_by_hand", email=told.get("email"))
    return {"ok": True}


ACTIONS: tuple[tuple[str, str, Action], ...] = (
    ("GET", "healthz", healthz),
    ("GET", "config", config_get),
    ("PATCH", "config", config_patch),
    ("POST", "clock", clock),
    ("POST", "faults", fault_add),
    ("DELETE", "faults", fault_clear),
    ("POST", "reset", reset),
    ("POST", "redirect_urls", redirect_url),
    ("POST", "clients", client),
    ("POST", "revoke", revoke),
    ("POST", "accounts", seed_account),
    ("POST", "lists", seed_lists),
    ("POST", "custom_fields", seed_fields),
    ("POST", "contacts", seed_contacts),
    ("POST", "contacts/unsubscribe", unsubscribe),
    ("POST", "contacts/leave_list", leave),
    ("POST", "contacts/join_list", join),
    ("POST", "contacts/edit", edit),
    *inspection.VIEWS,
)


def routes(store: Store, engine: Engine) -> list[BaseRoute]:
    """Every admin path."""
    return [
        Route(f"/__sandbox__/{path}", _endpoint(store, engine, action), methods=[method])
        for method, path, action in ACTIONS
    ]


def _endpoint(store: Store, engine: Engine, action: Action) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        told: Any = dict(request.query_params)
        # Demanding JSON keeps a stray web page's form from steering the double.
        if body and "json" not in request.headers.get("content-type", ""):
            return reply({"error": "The body must be application/json."}, 415)
        try:
            told = told | orjson.loads(body) if body else told
            return reply(await run_in_threadpool(action, store, engine, told))
        except (BadWish, BadConfig, faults.BadFault, seed.BadSeed) as refused:
            return reply({"error": str(refused)}, 400)
        except (ValueError, TypeError, LookupError, sqlite3.Error) as error:
            return reply({"error": f"That cannot be done: {error!r}"}, 400)

    return endpoint


def _one(db: sqlite3.Connection, sql: str) -> Any:
    return db.execute(sql).fetchone()[0]


def _account(told: Told) -> int:
    return int(told.get("account", 1))


def _text(told: Told, name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise BadWish(f"{name} must be a text.")
    return value


def _contact(db: sqlite3.Connection, told: Told) -> int:
    sql = "SELECT no FROM contacts WHERE account_no = ? AND email = ?"
    row = db.execute(sql, (_account(told), _text(told, "email").lower())).fetchone()
    if row is None:
        raise BadWish("There is no contact with this address.")
    return int(row[0])
