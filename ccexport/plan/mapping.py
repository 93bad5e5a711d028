"""Checks a saved mapping against the profiles and the contact fields before anything is planned.

Owns what a mapping may say. Must never look at a value: `contact` makes the SQL for values.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from ccexport.errors import BadInput
from ccexport.messages import Message, mark, message
from ccexport.model.exports import ExportConfig, MappedField
from ccexport.model.profiles import ProfileField, Snapshot
from ccexport.model.words import FieldType
from ccexport.plan.fields import (
    BIRTHDAY,
    BIRTHDAY_DAY,
    BIRTHDAY_MONTH,
    CONTACT_FIELDS,
    CUSTOM,
    EMAIL,
    MOST_ADDRESSES,
    MOST_CUSTOM_FIELDS,
    MOST_PHONES,
    ContactField,
    Shape,
    custom_field,
)
from ccexport.plan.template import TemplateField, parts_of
from ccexport.plan.transforms import check_transform


@dataclass(frozen=True)
class Target:
    """One mapped field with the property it fills and the type of its source."""

    field: ContactField
    mapped: MappedField
    type: FieldType
    parts: tuple[str | TemplateField, ...] = ()
    types: Mapping[str, FieldType] = dataclasses.field(default_factory=dict)


def check_mapping(config: ExportConfig, snapshot: Snapshot, custom_fields: Mapping[str, str]) -> None:
    """Refuse a mapping that cannot be executed, naming the field and the nearest match."""
    resolve(config, snapshot, custom_fields)


def resolve(config: ExportConfig, snapshot: Snapshot, custom_fields: Mapping[str, str]) -> tuple[Target, ...]:
    """Return the mapped fields in the order in which they are written, whatever order they were saved in."""
    _profile_field(config.email, snapshot, "The e-mail address")
    if config.consent:
        _profile_field(config.consent.field, snapshot, "The consent rule")
    for refusal in config.refusals:
        _profile_field(refusal.field, snapshot, "The refusal")
        if not any(value.strip() for value in refusal.values):
            raise BadInput("The refusal by “{field}” names no value that means no.", field=refusal.field)
    if config.newest_by:
        _profile_field(config.newest_by, snapshot, "“Newest by”")
    targets = [_target(mapped, snapshot, custom_fields) for mapped in config.fields]
    if config.international_phones:
        targets = [_any_phone(target) for target in targets]
    _check_together(targets)
    order = list(CONTACT_FIELDS)
    return tuple(
        sorted(
            targets,
            key=lambda t: (order.index(t.field.name) if t.field.name in order else len(order), t.field.name),
        )
    )


def _any_phone(target: Target) -> Target:
    return replace(target, field=replace(target.field, shape=Shape.TEXT)) if target.field.phone else target


def _target(mapped: MappedField, snapshot: Snapshot, custom_fields: Mapping[str, str]) -> Target:
    field = _contact_field(mapped.target, custom_fields)
    if sum(given is not None for given in (mapped.source, mapped.constant, mapped.template)) != 1:
        raise BadInput(
            "{label}: map a profile field, a constant or a template.", label=field.label, field=mapped.target
        )
    for transform in mapped.transforms:
        check_transform(transform, field.label)
    for text in (mapped.constant, mapped.default):
        if text is not None and len(text) > field.length:
            raise BadInput(
                "{label} takes {length} characters; “{text}…” has {count}.",
                label=field.label,
                length=field.length,
                text=text[:20],
                count=len(text),
                field=mapped.target,
            )
    if mapped.template is not None:
        parts = parts_of(mapped.template, str(field.label))
        named = [part.name for part in parts if isinstance(part, TemplateField)]
        types = {name: _profile_field(name, snapshot, field.label).type for name in named}
        return Target(field, mapped, FieldType.TEXT, parts, types)
    if mapped.source is None:
        return Target(field, mapped, FieldType.TEXT)
    return Target(field, mapped, _profile_field(mapped.source, snapshot, field.label).type)


def _contact_field(target: str, custom_fields: Mapping[str, str]) -> ContactField:
    if target.startswith(CUSTOM):
        name = custom_fields.get(target.removeprefix(CUSTOM))
        if name is None:
            # Constant Contact would drop an unknown name without an error.
            raise BadInput(
                "The custom field {name} is not there at Constant Contact any more; choose another "
                "or take it out of the mapping.",
                name=target.removeprefix(CUSTOM),
                field=target,
            )
        return custom_field(name)
    if target == EMAIL:
        raise BadInput("The e-mail address is mapped by itself, not among the other fields.", field=target)
    if target not in CONTACT_FIELDS:
        raise BadInput(
            "There is no contact field “{target}”.{nearest}",
            target=target,
            nearest=_nearest(target, CONTACT_FIELDS),
            field=target,
        )
    return CONTACT_FIELDS[target]


def _profile_field(name: str, snapshot: Snapshot, what: str) -> ProfileField:
    field = snapshot.field(name)
    if field is None:
        near = _nearest(name, [f.name for f in snapshot.fields])
        raise BadInput(
            "{what}: the profiles have no field “{name}”.{near}", what=what, name=name, near=near, field=name
        )
    return field


def _nearest(name: str, names: Iterable[str]) -> Message | str:
    by_folded = {n.casefold(): n for n in names}
    near = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.5)
    return message(" Did you mean “{name}”?", name=by_folded[near[0]]) if near else ""


def _check_together(targets: Sequence[Target]) -> None:
    names = Counter(t.field.name for t in targets)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise BadInput("“{twice}” is mapped more than once.", twice=twice[0], field=twice[0])
    parts = {BIRTHDAY_MONTH, BIRTHDAY_DAY} & set(names)
    if len(parts) == 1 or (parts and BIRTHDAY in names):
        raise BadInput(
            "A birthday is mapped from one date, or from its month and its day together.", field=BIRTHDAY
        )
    counts = (
        (sum(n.startswith(CUSTOM) for n in names), MOST_CUSTOM_FIELDS, mark("custom fields")),
        (sum(t.field.phone for t in targets), MOST_PHONES, mark("phone numbers")),
        (len({t.field.address for t in targets} - {None}), MOST_ADDRESSES, mark("addresses")),
    )
    for count, most, what in counts:
        if count > most:
            raise BadInput(
                "A contact takes at most {most} {what}; {count} are mapped.",
                most=most,
                what=what,
                count=count,
            )
