"""One row for each setting of an export; a setting without a row fails `test_every_setting`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccexport.model.export_drafts import ExportDraft, FieldDraft
from ccexport.model.exports import Guards


@dataclass(frozen=True)
class Row:
    """Two values of a setting, as YAML says them and as options; `unset` are the options that unset it."""

    values: tuple[Any, Any]
    options: tuple[Sequence[str], Sequence[str]]
    unset: Sequence[str] = ()


EMAIL = ("--map", "email=email")
ROWS: Mapping[str, Row] = {
    "name": Row(("One", "Two"), (("--new-name", "One"), ("--new-name", "Two"))),
    "connection": Row(("Main", "Other"), (("--connection", "Main"), ("--connection", "Other"))),
    "list": Row(("Newsletter", "Events"), (("--list", "Newsletter"), ("--list", "Events"))),
    "segments": Row(
        (["Norway"], ["Everybody", "Norway"]),
        (("--segment", "Norway"), ("--segment", "Everybody", "--segment", "Norway")),
    ),
    "exclude": Row(
        (["Norway"], ["Everybody", "Norway"]),
        (("--exclude", "Norway"), ("--exclude", "Everybody", "--exclude", "Norway")),
        ("--no-exclude",),
    ),
    "yields_to": Row(
        (["News"], ["First", "News"]),
        (("--yields-to", "News"), ("--yields-to", "First", "--yields-to", "News")),
        ("--no-yields-to",),
    ),
    "email": Row(("email", "customer_id"), (EMAIL, ("--map", "email=customer_id"))),
    "fields": Row(
        (
            {"first_name": "first_name"},
            {"city": {"constant": "Oslo"}, "cf:Tier": {"source": "country", "transforms": ["trim", "title"]}},
        ),
        (
            (*EMAIL, "--map", "first_name=first_name"),
            (
                *EMAIL,
                *("--map", 'city={"constant": "Oslo"}'),
                *("--map", 'cf:Tier={"source": "country", "transforms": ["trim", "title"]}'),
            ),
        ),
        EMAIL,
    ),
    "mode": Row(
        ("mirror", "update_only"),
        (("--mode", "mirror"), ("--mode", "update_only")),
        ("--mode", "add_and_update"),
    ),
    "resend_unchanged": Row(
        (True, False), (("--resend-unchanged",), ("--skip-unchanged",)), ("--skip-unchanged",)
    ),
    "consent": Row(
        (
            {"field": "consent", "values": ["yes"]},
            {"field": "country", "values": ["Norway", "Sweden"]},
        ),
        (("--consent", "consent=yes"), ("--consent", "country=Norway, Sweden")),
        ("--no-consent",),
    ),
    "refusals": Row(
        (
            [{"field": "country", "values": ["Denmark", "Finland"]}],
            [{"field": "consent", "values": ["no"]}, {"field": "country", "values": ["Denmark"]}],
        ),
        (
            ("--refusal", "country=Denmark, Finland"),
            ("--refusal", "consent=no", "--refusal", "country=Denmark"),
        ),
        ("--no-refusals",),
    ),
    "newest_by": Row(
        ("updated_at", "customer_id"),
        (("--newest-by", "updated_at"), ("--newest-by", "customer_id")),
        ("--no-newest-by",),
    ),
    "international_phones": Row(
        (True, False),
        (("--international-phones",), ("--no-international-phones",)),
        ("--no-international-phones",),
    ),
    "moved": Row(("take_off", "leave"), (("--moved", "take_off"), ("--moved", "leave")), ("--no-moved",)),
    "guards": Row(
        ({"removals_percent": 10.0}, {"removals_percent": None, "contacts_maximum": 7}),
        (
            ("--guard", "removals_percent=10"),
            ("--guard", "removals_percent=off", "--guard", "contacts_maximum=7"),
        ),
        ("--guard", "removals_percent=default", "--guard", "contacts_maximum=default"),
    ),
}
GUARDS = tuple(Guards.model_fields)
FIELD_PARTS = tuple(FieldDraft.model_fields)
REQUIRED = frozenset(name for name, field in ExportDraft.model_fields.items() if field.is_required())
NOT_UNSET = REQUIRED | {"connection"}  # without a connection an export is detached, which has its own command
