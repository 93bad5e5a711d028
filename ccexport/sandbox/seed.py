"""What stands in the double at its first start, and planting more.

Owns the demonstration account. Everything is made up, at example domains, and the same each time.
"""

import json
import random
import secrets
import sqlite3
from typing import Any

from ccexport.sandbox import apply, custom_fields, roles
from ccexport.sandbox.ids import new_id, stable_id

DAY = 86_400.0
LISTS = ("Newsletter", "Customers", "Events", "Season ticket holders")
FIELDS = (
    ("Loyalty level", "string"),
    ("Customer since", "date"),
    ("Preferred store", "string"),
    ("Last purchase", "date"),
)
_FIRST = (
    "Ada", "Åse", "Bjørn", "Camille", "David", "Elif", "Fredrik", "Grace", "Håkon", "Ingrid", "João", "Kari",
    "Liam", "Maja", "Nils", "Olga", "Per", "Quentin", "Ragnhild", "Søren", "Tuva", "Ulrik", "Vera",
    "Wanda", "Zoë",
)  # fmt: skip
_LAST = (
    "Aasen", "Berg", "Costa", "Dahl", "Eide", "Fossum", "Grønli", "Haugen", "Iversen", "Johansen", "Kowalski",
    "Lund", "Moe", "Nguyen", "O'Brien", "Pettersen", "Quist", "Rasmussen", "Smith", "Tveit", "Ulvestad",
    "Vik",
)  # fmt: skip
_TABLE = str.maketrans("åæøëãö'", "aeoeao-")


class BadSeed(ValueError):
    """Something that cannot be planted; the text says why."""


def plant(db: sqlite3.Connection, now: float, *, empty: bool = False) -> None:
    """The first account, unless there is one; without contacts when `empty`."""
    if db.execute("SELECT 1 FROM accounts").fetchone():
        return
    people = [
        {"name": "Ingrid Dahl", "role": "owner"},
        {"name": "Marius Berg", "role": "manager"},
        {"name": "Camille Costa", "role": "campaign_creator"},
    ]
    no = account(db, "Nordlys Demo AS", people, encoded="p07nordlysdemo")["account"]
    for name in LISTS[: 1 if empty else None]:
        a_list(db, no, name, now - 200 * DAY, stable_id(f"list:{name}"))
    if empty:
        return
    for label, kind in FIELDS:
        a_field(db, no, label, kind, now - 200 * DAY, stable_id(f"field:{label}"))
    for name in ("VIP", "Newsletter reader"):
        row = (stable_id(f"tag:{name}"), no, name, now - 200 * DAY, now - 200 * DAY)
        db.execute(
            "INSERT INTO tags (tag_id, account_no, name, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", row
        )
    db.execute(
        "INSERT INTO segments (account_no, name, created_at) VALUES (?, 'Everybody active', ?)", (no, now)
    )
    generate(db, no, 240, list(LISTS[:3]), now, unsubscribed_share=0.08)


def client(db: sqlite3.Connection, client_id: str, secret: str, name: str) -> None:
    """An application, as registered in the portal; an existing one gets the new secret."""
    db.execute("INSERT OR REPLACE INTO clients VALUES (?, ?, ?)", (client_id, secret, name))
    for url in ("http://localhost", "https://localhost"):  # the portal's own defaults
        db.execute("INSERT OR IGNORE INTO redirect_urls VALUES (?, ?)", (client_id, url))


def account(
    db: sqlite3.Connection, organisation: str, people: Any = None, encoded: str = ""
) -> dict[str, Any]:
    """An account with its people; an owner when none is named."""
    people = people or [{"name": f"Owner of {organisation}", "role": "owner"}]
    if not isinstance(people, list) or any(
        not isinstance(each, dict) or each.get("role") not in roles.ROLES for each in people
    ):
        raise BadSeed(f"people must be objects with name and role, one of {', '.join(roles.ROLES)}.")
    encoded = encoded or f"p07{secrets.token_hex(5)}"
    first, _, last = str(people[0].get("name", "Owner")).partition(" ")
    details = {
        "contact_email": "owner@nordlys.example.com",
        "contact_phone": "5550100200",
        "country_code": "NO",
        "first_name": first,
        "last_name": last or "Owner",
        "organization_name": organisation,
        "organization_phone": "555-010-0200",
        "time_zone_id": "Europe/Oslo",
        "website": "https://www.example.com",
        "physical_address": {
            "address_line1": "Storgata 1",
            "city": "Tromsø",
            "postal_code": "9008",
            "country_code": "NO",
        },
    }
    row = (encoded, json.dumps(details))
    no = int(
        db.execute("INSERT INTO accounts (encoded_account_id, details) VALUES (?, ?)", row).lastrowid or 0
    )
    for each in people:
        name = str(each.get("name", each["role"]))
        email = f"{name.lower().translate(_TABLE).replace(' ', '.')}@nordlys.example.com"
        sql = "INSERT INTO persons (account_no, name, email, role) VALUES (?, ?, ?, ?)"
        db.execute(sql, (no, name, email, each["role"]))
    return {"account": no, "encoded_account_id": encoded}


def a_list(
    db: sqlite3.Connection, account_no: int, name: str, now: float, list_id: str = ""
) -> dict[str, str]:
    """A list."""
    list_id = list_id or new_id()
    sql = (
        "INSERT INTO lists (list_id, account_no, name, favorite, created_at, updated_at)"
        " VALUES (?, ?, ?, 0, ?, ?)"
    )
    db.execute(sql, (list_id, account_no, name, now, now))
    return {"list_id": list_id, "name": name}


def a_field(
    db: sqlite3.Connection, account_no: int, label: str, kind: str, now: float, field_id: str = ""
) -> dict[str, str]:
    """A custom field."""
    field_id = field_id or new_id()
    extra: dict[str, Any] = {"version": 1}
    if kind == "date":
        extra = {"version": 2, "metadata": {"display_format": "YYYY-MM-DD"}}
    custom_fields.add(db, account_no, label, kind, extra, now, field_id)
    return {"custom_field_id": field_id, "name": custom_fields.name_for(label)}


def a_contact(db: sqlite3.Connection, account_no: int, wanted: dict[str, Any], now: float) -> int:
    """A contact with address, permission, lists (names or ids) and fields; returns its number."""
    email, permission = wanted.get("email"), str(wanted.get("permission", "implicit"))
    if email is not None and not isinstance(email, str):
        raise BadSeed("email must be a text.")
    out = permission == "unsubscribed"
    fields = json.dumps(stored_fields(db, account_no, wanted.get("fields", {})))
    no = db.execute(
        "INSERT INTO contacts (account_no, email, sms_number, permission, opt_in_source, opt_out_source,"
        " opt_out_at, create_source, update_source, created_at, updated_at, deleted_at, fields)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, 'Account', 'Account', ?, ?, ?, ?)",
        (
            account_no, email.lower() if email else None, wanted.get("sms_number"), permission,
            wanted.get("opt_in_source", "Account"), "Contact" if out else None, now if out else None, now,
            now,
            now if wanted.get("deleted") else None, fields,
        ),
    ).lastrowid  # fmt: skip
    for each in wanted.get("lists", []):
        list_no = list_number(db, account_no, each)
        if list_no is None:
            raise BadSeed(f"There is no list {each!r}.")
        db.execute(
            "INSERT OR IGNORE INTO memberships (list_no, contact_no, shown_from) VALUES (?, ?, ?)",
            (list_no, no, now),
        )
    return int(no or 0)


def stored_fields(db: sqlite3.Connection, account_no: int, fields: Any) -> dict[str, Any]:
    """Fields by their API names (`cf:` for custom ones) as the contact table keeps them."""
    if not isinstance(fields, dict):
        raise BadSeed("fields must be an object.")
    numbers = dict(
        db.execute("SELECT name, no FROM custom_fields WHERE account_no = ?", (account_no,)).fetchall()
    )
    stored: dict[str, Any] = {}
    for key, value in fields.items():
        if key.startswith("cf:"):
            if key[3:] not in numbers:
                raise BadSeed(f"There is no custom field {key[3:]!r}.")
            stored.setdefault("cf", {})[str(numbers[key[3:]])] = value
        else:
            stored[key] = value
    return stored


def list_number(db: sqlite3.Connection, account_no: int, told: Any) -> int | None:
    """The number of a list by id or name."""
    sql = "SELECT no FROM lists WHERE account_no = ? AND (list_id = ? OR name = ?) AND deleted_at IS NULL"
    row = db.execute(sql, (account_no, str(told), str(told))).fetchone()
    return int(row[0]) if row else None


def generate(
    db: sqlite3.Connection,
    account_no: int,
    count: int,
    lists: list[Any],
    now: float,
    *,
    unsubscribed_share: float = 0.0,
) -> int:
    """That many made-up contacts, some on each list; the same ones each time. Returns how many."""
    dice = random.Random(20_260_801)  # noqa: S311 - made-up people, not secrets
    start = int(db.execute("SELECT coalesce(max(no), 0) FROM contacts").fetchone()[0])
    numbers = [list_number(db, account_no, each) for each in lists]
    if None in numbers or not 0 < count <= 2_000_000:
        raise BadSeed("Name lists that exist and a count up to two million.")
    contacts, memberships = [], []
    for no in range(start + 1, start + 1 + count):
        first, last = dice.choice(_FIRST), dice.choice(_LAST)
        address = f"{first}.{last}.{no}".lower().translate(_TABLE)
        out = dice.random() < unsubscribed_share
        at = now - dice.random() * 180 * DAY
        fields = json.dumps({"first_name": first, "last_name": last})
        domain = dice.choice(("example.com", "example.org"))
        permission = "unsubscribed" if out else dice.choice(("implicit", "implicit", "explicit"))
        left = ("Contact", at) if out else (None, None)
        contacts.append((no, account_no, f"{address}@{domain}", permission, *left, at, at, fields))
        if not out:
            memberships += [(each, no, at) for each in numbers if dice.random() < 0.6]
    db.executemany(
        "INSERT INTO contacts (no, account_no, email, permission, opt_out_source, opt_out_at, opt_in_source,"
        " create_source, update_source, created_at, updated_at, fields)"
        " VALUES (?, ?, ?, ?, ?, ?, 'Account', 'Account', 'Account', ?, ?, ?)",
        contacts,
    )
    db.executemany("INSERT INTO memberships (list_no, contact_no, shown_from) VALUES (?, ?, ?)", memberships)
    apply.raise_high_water(db, account_no)
    return count
