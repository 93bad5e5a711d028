"""The demo: sample profiles, segments, a connection to the sandbox, two exports, three people.

It is set up once in an empty data directory while the sandbox is on; every step can be repeated after a
crash. Must never run against a real account.
"""

import json
import secrets
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from ccexport.errors import Conflict, ConstantContactDown
from ccexport.files import published
from ccexport.messages import NOTHING, Message, message
from ccexport.model.exports import Actor, ConsentRule, MappedField
from ccexport.model.words import Mode, Role
from ccexport.profiles.sample import write_profiles

if TYPE_CHECKING:
    from ccexport.services.context import Services

PROFILES = 20_000
SEED = 1
CONNECTION = "Sandbox"
ACTOR = Actor("demo", Role.ADMINISTRATOR)
SEGMENTS: dict[str, dict[str, Any]] = {
    "Newsletter readers": {"field": "newsletter_consent", "op": "is_true"},
    "Norway": {"field": "country", "op": "is", "value": "Norway"},
    "Good customers": {
        "any": [
            {"field": "tier", "op": "is_any_of", "value": ["gold", "platinum"], "ignore_case": True},
            {"field": "lifetime_value", "op": "at_least", "value": 1000},
        ]
    },
}
FIELDS = (
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("street", "street"),
    ("city", "city"),
    ("zip", "postal_code"),
    ("country", "country"),
    ("birthday", "birth_date"),
)


@dataclass(frozen=True)
class DemoAccount:
    """One account that the sign-in page shows; its password is unique to this data directory."""

    name: str
    role: Role
    password: str


@dataclass(frozen=True)
class Demo:
    """The accounts and exports that the demo has set up."""

    accounts: tuple[DemoAccount, ...]
    exports: tuple[str, ...]


def demo_accounts(services: "Services") -> tuple[DemoAccount, ...]:
    """Return the accounts to show on the sign-in page; none outside the demo."""
    path = _notes(services)
    if not services.settings.sandbox_on or not path.exists():
        return ()
    kept = json.loads(path.read_text("utf-8"))
    return tuple(DemoAccount(a["name"], Role(a["role"]), a["password"]) for a in kept)


def disable_demo_accounts(services: "Services") -> Message:
    """Outside the demo, disable its accounts, because their passwords were shown.

    Returns a sentence about it, or nothing when there were none.
    """
    path = _notes(services)
    if services.settings.sandbox_on or not path.exists():
        return NOTHING
    names = [account["name"] for account in json.loads(path.read_text("utf-8"))]
    there = [p for p in services.ledger.people.all() if p.name in names and not p.disabled]
    for person in there:
        services.ledger.people.change(person.name, disabled=True)
        services.ledger.audit.add(
            ACTOR.name, "person disabled", person.name, {"why": "an account of the demo"}
        )
    if not there:
        return NOTHING
    return message(
        "This data directory was used for the demo: its accounts are disabled, because their passwords were shown. "
        "Enable one on the People page after setting a new password, or use another CCEXPORT_DATA_DIR."
    )


def ensure_demo(services: "Services") -> Demo:
    """Set up what is missing of the demo. Raises `Conflict` when the sandbox is off."""
    if not services.settings.sandbox_on:
        raise Conflict("The demo needs the sandbox, and it is off (CCEXPORT_SANDBOX).")
    accounts = ensure_demo_people(services)
    _profiles(services)
    _segments(services)
    _connection(services)
    return Demo(accounts, _exports(services))


def ensure_demo_people(services: "Services") -> tuple[DemoAccount, ...]:
    """Make only the three accounts, which is quick, so that the sign-in page can show them at once."""
    path = _notes(services)
    if not path.exists():
        made = [{"name": str(role), "role": str(role), "password": secrets.token_urlsafe(9)} for role in Role]
        with published(path) as part:
            part.touch(0o600)
            part.write_text(json.dumps(made))
    accounts = demo_accounts(services)
    for account in accounts:
        if services.ledger.people.find(account.name) is None:
            services.people.add(ACTOR, account.name, role=account.role, password=account.password)
    return accounts


def _notes(services: "Services") -> Path:
    return services.settings.data_dir / "demo.json"


def _profiles(services: "Services") -> None:
    if services.profile_store.current() is None:
        path = services.settings.data_dir / "sample-profiles.csv"
        write_profiles(path, PROFILES, SEED)
        services.profiles.ingest(ACTOR, [path], id_field="customer_id")


def _segments(services: "Services") -> None:
    there = {s.name for s in services.ledger.segments.all()}
    if "Everybody" not in there:
        services.segments.create(ACTOR, "Everybody", everybody=True, description="All profiles")
    for name, rule in SEGMENTS.items():
        if name not in there:
            services.segments.create(ACTOR, name, rule=rule)


def _connection(services: "Services") -> None:
    if any(c.name == CONNECTION for c in services.ledger.connections.all()):
        return
    begun = services.connections.begin(ACTOR, CONNECTION, agree=True, share=Role.CONTRIBUTOR)
    answer = _consent(begun.url)
    draft = services.connections.finish(
        ACTOR, state=answer.get("state", ""), bind=begun.bind, code=answer.get("code", "")
    )
    services.connections.save(ACTOR, draft.key)


def _consent(url: str) -> dict[str, str]:
    """Allow the access on the sandbox's consent page, as a person does in the browser."""

    address = urlsplit(url)
    client = HTTPConnection(address.netloc, timeout=20)
    try:
        client.request("GET", f"{address.path}?{address.query}", headers={"Accept": "*/*"})
        location = client.getresponse().headers.get("Location", "")
    finally:
        client.close()
    if not location:
        raise ConstantContactDown("The sandbox did not send the browser back; start again.")
    return dict(parse_qsl(urlsplit(location).query))


def _exports(services: "Services") -> tuple[str, ...]:
    there = {e.name for e in services.ledger.exports.all()}
    fields = [MappedField(target=target, source=source) for target, source in FIELDS]
    if "Newsletter" not in there:
        services.exports.create(
            ACTOR,
            "Newsletter",
            connection=CONNECTION,
            contact_list="Newsletter",
            segments=["Newsletter readers"],
            email="email",
            fields=fields,
            consent=ConsentRule(field="newsletter_consent"),
            newest_by="updated_at",
        )
    if "Good customers" not in there:
        services.exports.create(
            ACTOR,
            "Good customers",
            connection=CONNECTION,
            contact_list="Customers",
            segments=["Good customers", "Norway"],
            email="email",
            fields=fields[:2],
            mode=Mode.MIRROR,
            consent=ConsentRule(field="newsletter_consent"),
            newest_by="updated_at",
        )
    return ("Newsletter", "Good customers")
