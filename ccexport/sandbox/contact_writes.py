"""Writing one contact: POST /contacts, PUT and DELETE /contacts/{contact_id}, POST /contacts/sign_up_form.

Owns what each of them accepts, keeps and overwrites (spec of the four). Must never drop a known property in
silence: what cannot be kept is refused by name.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from ccexport.sandbox import apply
from ccexport.sandbox.answers import conflict, invalid, not_found, reply
from ccexport.sandbox.call import Call, text, uuids
from ccexport.sandbox.contact_properties import Subresources, plain_properties, subresources
from ccexport.sandbox.contacts import number_asked, one
from ccexport.sandbox.ids import contact_id
from ccexport.sandbox.imports import live_lists
from ccexport.sandbox.rows import EMAIL
from ccexport.sandbox.store import note

PERMISSIONS = ("explicit", "implicit", "not_set", "pending_confirmation", "temp_hold", "unsubscribed")
_SOURCES = ("Account", "Contact")


def post_contact(call: Call) -> Response:
    """POST /contacts: 409 when the address exists, even on a deleted contact one cannot see."""
    told = call.json()
    address, permission = _email(told)
    if told.get("create_source") not in _SOURCES:
        raise invalid("create_source is missing, it must be Account or Contact")
    plain = plain_properties(told)
    with call.store.write() as db:
        known = _known(db, call, address)
        if known is not None:
            raise conflict(f"Email already exists for contact {contact_id(call.account_no, known)}")
        sub = subresources(db, call, told)
        fields = {**plain, **sub.fields}
        no = _insert(db, call, address, permission or "implicit", told["create_source"], fields)
        _keep(db, call, no, sub, replace=False)
        apply.raise_high_water(db, call.account_no)
    return reply(one(call, no), 201)


def put_contact(call: Call) -> Response:
    """PUT /contacts/{contact_id}: plain properties that are left out become null; subresources stay.

    A deleted contact is revived, for which `update_source` has to be `Account`.
    """
    no, told = number_asked(call), call.json()
    if told.get("update_source") not in _SOURCES:
        raise invalid("update_source is missing, it must be Account or Contact")
    address, permission = _email(told)
    plain = plain_properties(told)
    with call.store.write() as db:
        sql = "SELECT fields, permission, deleted_at FROM contacts WHERE no = ? AND account_no = ?"
        row = db.execute(sql, (no, call.account_no)).fetchone()
        if row is None:
            raise not_found("contact_id was not found.")
        if row[2] is not None and told["update_source"] != "Account":
            raise invalid("update_source must be Account to restore a deleted contact")
        other = _known(db, call, address)
        if other not in (None, no):
            raise conflict(f"Email already exists for contact {contact_id(call.account_no, other or 0)}")
        sub = subresources(db, call, told)
        kept = {
            key: value for key, value in orjson.loads(row[0]).items() if key in ("cf", "phone", "address")
        }
        fields = {**kept, **plain, **sub.fields}
        _overwrite(db, call, no, address, permission or row[1], told["update_source"], fields)
        _keep(db, call, no, sub, replace=True)
        apply.raise_high_water(db, call.account_no)
    return reply(one(call, no))


def delete_contact(call: Call) -> Response:
    """DELETE /contacts/{contact_id}: off every list, but still stored."""
    no = number_asked(call)
    with call.store.write() as db:
        sql = "UPDATE contacts SET deleted_at = ? WHERE no = ? AND account_no = ? AND deleted_at IS NULL"
        if db.execute(sql, (call.now, no, call.account_no)).rowcount == 0:
            raise not_found("contact_id was not found.")
        db.execute("DELETE FROM memberships WHERE contact_no = ?", (no,))
    return Response(status_code=204)


def post_sign_up(call: Call) -> Response:
    """POST /contacts/sign_up_form: an explicit consent by the contact, so it also brings back who had left."""
    told = call.json()
    address = _address(told.get("email_address"), "email_address", most=50)
    uuids(told.get("list_memberships"), "list_memberships", most=call.config.lists_per_contact)
    plain = plain_properties(told)
    kind = "pending_confirmation" if call.config.confirmed_opt_in else "explicit"
    with call.store.write() as db:
        known = _known(db, call, address)
        sub = subresources(db, call, _as_resource(told), custom_fields_most=50)
        if known is None:
            no = _insert(db, call, address, kind, "Contact", {**plain, **sub.fields})
        else:
            no = known
            sql = "SELECT fields FROM contacts WHERE no = ?"
            held = orjson.loads(db.execute(sql, (no,)).fetchone()[0])
            fields = _merged(held, {**plain, **sub.fields})
            _overwrite(db, call, no, address, "explicit", "Contact", fields)
        _keep(db, call, no, sub, replace=False)
        note(db, call.now, "sign_up_form_used", contact_id=contact_id(call.account_no, no))
        apply.raise_high_water(db, call.account_no)
    action = {"contact_id": contact_id(call.account_no, no), "action": "updated" if known else "created"}
    return reply(action, 200 if known else 201)


def _as_resource(told: Mapping[str, Any]) -> dict[str, Any]:
    """The flat body of a sign-up as the properties of the contact resource."""
    made = dict(told)
    if told.get("phone_number") is not None:
        made["phone_numbers"] = [{"phone_number": told["phone_number"], "kind": "other"}]
    if told.get("street_address") is not None:
        made["street_addresses"] = [told["street_address"]]
    return made


def _merged(held: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`held` with what is new; what is inside `cf`, `phone` and `address` is added to, not replaced."""
    for key, value in new.items():
        held[key] = {**(held.get(key) or {}), **value} if isinstance(value, dict) else value
    return held


def _email(told: Mapping[str, Any]) -> tuple[str, str | None]:
    email = told.get("email_address")
    inside: Mapping[str, Any] = email if isinstance(email, dict) else {}
    permission = inside.get("permission_to_send")
    if permission is not None and permission not in PERMISSIONS:
        raise invalid("email_address.permission_to_send does not have a valid value")
    return _address(inside.get("address"), "email_address.address", most=80), permission


def _address(value: object, name: str, *, most: int) -> str:
    address = str(text(value, name, most=most, required=True)).lower()
    if EMAIL.fullmatch(address) is None:
        raise invalid(f"{name} does not have a valid value")
    return address


def _known(db: sqlite3.Connection, call: Call, address: str) -> int | None:
    sql = "SELECT no FROM contacts WHERE account_no = ? AND email = ?"
    row = db.execute(sql, (call.account_no, address)).fetchone()
    return int(row[0]) if row else None


def _insert(
    db: sqlite3.Connection, call: Call, address: str, permission: str, source: str, fields: Mapping[str, Any]
) -> int:
    made = db.execute(
        "INSERT INTO contacts (account_no, email, permission, opt_in_source, create_source,"
        " update_source, created_at, updated_at, fields) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (call.account_no, address, permission, source, source, source, call.now, call.now, _packed(fields)),
    )
    return int(made.lastrowid or 0)


def _overwrite(
    db: sqlite3.Connection,
    call: Call,
    no: int,
    address: str,
    permission: str,
    source: str,
    fields: Mapping[str, Any],
) -> None:
    db.execute(
        "UPDATE contacts SET email = ?, permission = ?, update_source = ?, updated_at = ?, fields = ?,"
        " deleted_at = NULL, opt_out_at = CASE WHEN ? = 'unsubscribed' THEN coalesce(opt_out_at, ?) END"
        " WHERE no = ?",
        (address, permission, source, call.now, _packed(fields), permission, call.now, no),
    )


def _packed(fields: Mapping[str, Any]) -> str:
    return orjson.dumps({key: value for key, value in fields.items() if value is not None}).decode()


def _keep(db: sqlite3.Connection, call: Call, no: int, sub: Subresources, *, replace: bool) -> None:
    """Store memberships and taggings. With `replace` the arrays given are all there is from now on."""
    if sub.list_ids is not None:
        lists = live_lists(db, call.account_no, sub.list_ids)
        if len(lists) < len(sub.list_ids):
            raise invalid("list_memberships names an unknown list")
        if replace:
            db.execute("DELETE FROM memberships WHERE contact_no = ?", (no,))
        db.executemany(
            "INSERT INTO memberships (list_no, contact_no, shown_from) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET shown_until = NULL, shown_from = excluded.shown_from"
            " WHERE shown_until IS NOT NULL",
            [(list_no, no, call.now) for list_no in lists.values()],
        )
        # Joining by own hand ends what is known of having left.
        db.execute(
            "DELETE FROM list_opt_outs WHERE contact_no = ? AND list_no IN (SELECT value FROM json_each(?))",
            (no, orjson.dumps(list(lists.values())).decode()),
        )
    if sub.tag_numbers is not None:
        if replace:
            db.execute("DELETE FROM taggings WHERE contact_no = ?", (no,))
        db.executemany("INSERT OR IGNORE INTO taggings VALUES (?, ?)", [(tag, no) for tag in sub.tag_numbers])
