"""Custom fields (api_guide/custom_fields.html).

Owns labels, names and their limits. A renamed field has another `name`: imports by the old one are
dropped in silence.
"""

import json
import re
import sqlite3
from typing import Any

from starlette.responses import Response

from ccexport.sandbox.answers import conflict, invalid, not_found, reply
from ccexport.sandbox.call import Call, text
from ccexport.sandbox.ids import is_uuid, new_id, seconds
from ccexport.sandbox.paging import link_page, next_link, page_of
from ccexport.sandbox.store import config_of

TYPES = (
    "string", "date", "datetime", "single_select", "multi_select", "currency", "text_area", "number",
    "boolean",
)  # fmt: skip
_COLUMNS = "no, custom_field_id, label, name, type, extra, created_at, updated_at"


def name_for(label: str, case: str = "keep") -> str:
    """The API name of a label: blanks become underscores; `case` is the store's `field_name_case`."""
    name = re.sub(r"\s", "_", label)
    return name.lower() if case == "lower" else name


def get_custom_fields(call: Call) -> Response:
    """GET /contact_custom_fields."""
    told, after = page_of(call)
    limit = told.limit(most=call.config.custom_fields_page_max)
    sql = f"SELECT {_COLUMNS} FROM custom_fields WHERE account_no = ? AND no > ? ORDER BY no LIMIT ?"
    with call.store.read() as db:
        found = db.execute(sql, (call.account_no, after, limit + 1)).fetchall()
    page: dict[str, Any] = {"custom_fields": [_view(row) for row in found[:limit]]}
    more = len(found) > limit
    links = next_link("/v3/contact_custom_fields", told.query, limit, found[limit - 1][0]) if more else None
    return reply(link_page(call, page, links))


def get_custom_field(call: Call) -> Response:
    """GET /contact_custom_fields/{custom_field_id}."""
    with call.store.read() as db:
        return reply(_view(_row(db, call)))


def post_custom_field(call: Call) -> Response:
    """POST /contact_custom_fields."""
    told = call.json()
    label = _label(told)
    if told.get("type") not in TYPES:
        raise invalid("type does not have a valid value")
    extra = _extra(told)
    with call.store.write() as db:
        _free(db, call, label, besides=0)
        held = "SELECT count(*) FROM custom_fields WHERE account_no = ?"
        if db.execute(held, (call.account_no,)).fetchone()[0] >= call.config.custom_fields_max:
            raise invalid("The account has the maximum number of custom fields.")
        no = add(db, call.account_no, label, told["type"], extra, call.now)
        row = db.execute(f"SELECT {_COLUMNS} FROM custom_fields WHERE no = ?", (no,)).fetchone()
    return reply(_view(row), 201)


def put_custom_field(call: Call) -> Response:
    """PUT /contact_custom_fields/{custom_field_id}: may rename, and so break a stored mapping."""
    label = _label(call.json())
    with call.store.write() as db:
        row = _row(db, call)
        _free(db, call, label, besides=row[0])
        sql = "UPDATE custom_fields SET label = ?, name = ?, updated_at = ? WHERE no = ?"
        db.execute(sql, (label, name_for(label, call.config.field_name_case), call.now, row[0]))
        return reply(_view(_row(db, call)))


def delete_custom_field(call: Call) -> Response:
    """DELETE /contact_custom_fields/{custom_field_id}."""
    with call.store.write() as db:
        db.execute("DELETE FROM custom_fields WHERE no = ?", (_row(db, call)[0],))
    return Response(status_code=204)


def add(
    db: sqlite3.Connection,
    account: int,
    label: str,
    kind: str,
    extra: dict[str, Any],
    now: float,
    field_id: str = "",
) -> int:
    """Store a custom field; returns its number."""
    name = name_for(label, config_of(db).field_name_case)
    row = (field_id or new_id(), account, label, name, kind, json.dumps(extra), now, now)
    return int(
        db.execute(
            "INSERT INTO custom_fields (custom_field_id, account_no, label, name, type, extra, created_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        ).lastrowid
        or 0
    )


def _label(told: dict[str, Any]) -> str:
    label = str(text(told.get("label"), "label", least=1, most=50, required=True))
    if not label.strip():
        raise invalid("label is missing or does not have a valid value")
    return label


def _extra(told: dict[str, Any]) -> dict[str, Any]:
    version = told.get("version", 2 if told["type"] in ("date", "datetime") else 1)
    if version not in (1, 2) or type(version) is not int:
        raise invalid("version does not have a valid value")
    extra: dict[str, Any] = {"version": version}
    if told["type"] == "date":
        extra["metadata"] = {"display_format": "YYYY-MM-DD"}
    if told["type"] in ("single_select", "multi_select"):
        extra["choices"] = _choices(told.get("choices"))
    return extra


def _choices(told: Any) -> list[dict[str, Any]]:
    if not isinstance(told, list) or not 1 <= len(told) <= 100:
        raise invalid("choices must have between 1 and 100 entries")
    return [
        {
            "choice_id": order,
            "choice_label": text(
                each.get("choice_label") if isinstance(each, dict) else None,
                "choice_label", least=1, most=255, required=True,
            ),
            "display_order": order,
        }
        for order, each in enumerate(told, start=1)
    ]  # fmt: skip


def _free(db: sqlite3.Connection, call: Call, label: str, *, besides: int) -> None:
    rows = db.execute(
        "SELECT label, name FROM custom_fields WHERE account_no = ? AND no <> ?", (call.account_no, besides)
    )
    for held, name in rows:
        if label.casefold() == held.casefold() or name_for(label).casefold() == name.casefold():
            raise conflict("The custom field label is already in use.")


def _row(db: sqlite3.Connection, call: Call) -> Any:
    asked = call.path_values["custom_field_id"]
    if not is_uuid(asked):
        raise not_found("custom_field_id is in an invalid format.")
    sql = f"SELECT {_COLUMNS} FROM custom_fields WHERE custom_field_id = ? AND account_no = ?"
    row = db.execute(sql, (asked.lower(), call.account_no)).fetchone()
    if row is None:
        raise not_found("custom_field_id was not found.")
    return row


def _view(row: Any) -> dict[str, Any]:
    _, field_id, label, name, kind, extra, created_at, updated_at = row
    return {
        "custom_field_id": field_id,
        "label": label,
        "name": name,
        "type": kind,
        **json.loads(extra),
        "updated_at": seconds(updated_at),
        "created_at": seconds(created_at),
    }
