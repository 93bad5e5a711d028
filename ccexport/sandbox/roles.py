"""What a Constant Contact person may do, by role.

Owns the table of privileges (api_guide/user_privileges.html). Must never look at scopes.
"""

import sqlite3

_ALL = (
    (3, "account:read"),
    (4, "account:update"),
    (10, "contacts:read"),
    (11, "contacts:write"),
    (12, "contacts:lists:read"),
    (13, "contacts:lists:write"),
    (30, "campaign:create"),
    (31, "campaign:read"),
    (32, "campaign:update"),
    (33, "campaign:send"),
)
_CREATOR = tuple(each for each in _ALL if each[1].startswith("campaign:") and each[1] != "campaign:send")

ROLES = {"owner": _ALL, "manager": _ALL, "campaign_creator": _CREATOR}
TITLES = {
    "owner": "Account Owner",
    "manager": "Account Manager",
    "campaign_creator": "Campaign Creator (no access to contacts)",
}


def listing(db: sqlite3.Connection, person_no: int) -> list[dict[str, object]]:
    """The privileges of a person as `GET /account/user/privileges` shows them."""
    row = db.execute("SELECT role FROM persons WHERE no = ?", (person_no,)).fetchone()
    held = ROLES.get(row[0], ()) if row else ()
    return [{"privilege_id": no, "privilege_name": name} for no, name in held]


def privileges(db: sqlite3.Connection, person_no: int) -> frozenset[str]:
    """The names of a person's privileges."""
    return frozenset(str(each["privilege_name"]) for each in listing(db, person_no))
