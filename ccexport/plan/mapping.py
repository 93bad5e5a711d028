"""From a saved mapping to the SQL that makes the contact.

Owns the checks of a mapping and the JSON text of a contact. Must never cut a value: what does not
fit is left out with a warning, and only the address can cost the contact.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ccexport.errors import BadInput
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
from ccexport.plan.transforms import check_transform, cleaned, quote_text, transform_sql
from ccexport.profiles.database import quote_identifier

_ISO = quote_text(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?$")


@dataclass(frozen=True)
class Target:
    """One mapped field with the property it fills and the type of its source."""

    field: ContactField
    mapped: MappedField
    type: FieldType


def check_mapping(config: ExportConfig, snapshot: Snapshot, custom_fields: Mapping[str, str]) -> None:
    """Refuse a mapping that cannot be carried out, naming the field and the nearest match."""
    resolve(config, snapshot, custom_fields)


def resolve(config: ExportConfig, snapshot: Snapshot, custom_fields: Mapping[str, str]) -> tuple[Target, ...]:
    """The mapped fields in the order in which they are written, whatever order they were saved in."""
    _profile_field(config.email, snapshot, "The e-mail address")
    if config.consent:
        _profile_field(config.consent.field, snapshot, "The consent rule")
    if config.newest_by:
        _profile_field(config.newest_by, snapshot, "“Newest by”")
    targets = [_target(mapped, snapshot, custom_fields) for mapped in config.fields]
    _check_together(targets)
    order = list(CONTACT_FIELDS)
    return tuple(
        sorted(
            targets,
            key=lambda t: (order.index(t.field.name) if t.field.name in order else len(order), t.field.name),
        )
    )


def _target(mapped: MappedField, snapshot: Snapshot, custom_fields: Mapping[str, str]) -> Target:
    field = _contact_field(mapped.target, custom_fields)
    if (mapped.source is None) == (mapped.constant is None):
        raise BadInput(f"{field.label}: map either a profile field or a constant.", field=mapped.target)
    for transform in mapped.transforms:
        check_transform(transform, field.label)
    for text in (mapped.constant, mapped.default):
        if text is not None and len(text) > field.length:
            raise BadInput(
                f"{field.label} takes {field.length} characters; “{text[:20]}…” has {len(text)}.",
                field=mapped.target,
            )
    if mapped.source is None:
        return Target(field, mapped, FieldType.TEXT)
    return Target(field, mapped, _profile_field(mapped.source, snapshot, field.label).type)


def _contact_field(target: str, custom_fields: Mapping[str, str]) -> ContactField:
    if target.startswith(CUSTOM):
        name = custom_fields.get(target.removeprefix(CUSTOM))
        if name is None:
            # An unknown name would be dropped by Constant Contact without any error.
            raise BadInput(
                f"The custom field {target.removeprefix(CUSTOM)} is not there at Constant Contact any "
                "more; choose another or take it out of the mapping.",
                field=target,
            )
        return custom_field(name)
    if target == EMAIL:
        raise BadInput("The e-mail address is mapped by itself, not among the other fields.", field=target)
    if target not in CONTACT_FIELDS:
        raise BadInput(
            f"There is no contact field “{target}”.{_nearest(target, CONTACT_FIELDS)}", field=target
        )
    return CONTACT_FIELDS[target]


def _profile_field(name: str, snapshot: Snapshot, what: str) -> ProfileField:
    field = snapshot.field(name)
    if field is None:
        near = _nearest(name, [f.name for f in snapshot.fields])
        raise BadInput(f"{what}: the profiles have no field “{name}”.{near}", field=name)
    return field


def _nearest(name: str, names: Iterable[str]) -> str:
    by_folded = {n.casefold(): n for n in names}
    near = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.5)
    return f" Did you mean “{by_folded[near[0]]}”?" if near else ""


def _check_together(targets: Sequence[Target]) -> None:
    names = Counter(t.field.name for t in targets)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise BadInput(f"“{twice[0]}” is mapped more than once.", field=twice[0])
    parts = {BIRTHDAY_MONTH, BIRTHDAY_DAY} & set(names)
    if len(parts) == 1 or (parts and BIRTHDAY in names):
        raise BadInput(
            "A birthday is mapped from one date, or from its month and its day together.", field=BIRTHDAY
        )
    counts = (
        (sum(n.startswith(CUSTOM) for n in names), MOST_CUSTOM_FIELDS, "custom fields"),
        (sum(t.field.phone for t in targets), MOST_PHONES, "phone numbers"),
        (len({t.field.address for t in targets} - {None}), MOST_ADDRESSES, "addresses"),
    )
    for count, most, what in counts:
        if count > most:
            raise BadInput(f"A contact takes at most {most} {what}; {count} are mapped.")


@dataclass(frozen=True)
class ContactSql:
    """The mapping as three nested select lists, innermost first, and the two results on top.

    `texts` reads the columns of alias `p`; `values` the texts; `checked` the values; `contact` (the
    JSON object) and `warnings` (text or null) read all of them and `address`.
    """

    texts: tuple[str, ...]
    values: tuple[str, ...]
    checked: tuple[str, ...]
    contact: str
    warnings: str


def contact_sql(targets: Sequence[Target], *, latest_year: int) -> ContactSql:
    """The SQL of a resolved mapping. Anniversaries are taken from 1901 to `latest_year`."""
    numbered = list(enumerate(targets))
    pieces = ["'{\"email\":' || to_json(address)::VARCHAR"]
    pieces += [_piece(i, t) for i, t in numbered if t.field.shape is not Shape.DAY]
    conditions = [(f"{t.field.name}:{code}", sql) for i, t in numbered for code, sql in _problems(i, t)]
    return ContactSql(
        texts=tuple(f"{_text(t)} AS t{i}" for i, t in numbered),
        values=tuple(f"{_value(i, t)} AS v{i}" for i, t in numbered),
        checked=tuple(
            f"{sql} AS d{i}" for i, t in numbered if (sql := _checked(i, t, targets, latest_year)) is not None
        ),
        contact=" || ".join([*pieces, "'}'"]),
        warnings=_warnings(conditions),
    )


def _text(target: Target) -> str:
    """SQL: the source as text, trimmed of plain blanks."""
    if target.mapped.source is None:
        return quote_text((target.mapped.constant or "").strip())
    column = f"p.{quote_identifier(target.mapped.source)}"
    match target.type:
        case FieldType.DATE | FieldType.TIMESTAMP:
            return f"strftime({column}, '%Y-%m-%d')"
        case FieldType.NUMBER:
            return f"regexp_replace({column}::VARCHAR, '\\.0+$', '')"
        case FieldType.LIST:
            return f"trim(array_to_string({column}, ', '))"
        case _:
            return f"trim({column}::VARCHAR)"


def _value(i: int, target: Target) -> str:
    """SQL: cleaned, transformed, the default when empty; null when there is nothing."""
    text = f"t{i}"
    if target.type in (FieldType.TEXT, FieldType.LIST):
        # JSON of plain ASCII without anything to escape is two quotes longer than the text: then
        # there is nothing to clean, which spares most values the regular expressions.
        plain = f"strlen(to_json({text})::VARCHAR) = length({text}) + 2 AND NOT contains({text}, chr(127))"
        text = f"CASE WHEN {plain} THEN {text} ELSE {cleaned(text)} END"
    value = text
    for transform in target.mapped.transforms:
        value = transform_sql(transform, f"({value})")
    value = f"nullif({value}, '')"
    if target.mapped.default:
        # Only for what is empty: a date that cannot be read is left out, not replaced.
        value = (
            f"CASE WHEN coalesce({text}, '') = '' THEN {quote_text(target.mapped.default)} ELSE {value} END"
        )
    return value


def _date(i: int) -> str:
    return f"CASE WHEN regexp_matches(v{i}, {_ISO}) THEN try_cast(v{i} AS DATE) END"


def _checked(i: int, target: Target, targets: Sequence[Target], latest_year: int) -> str | None:
    """SQL: what is sent of a value that is not text, as text or null."""
    match target.field.shape:
        case Shape.DATE:
            # Years outside of this are refused with the whole row (years after 1900, ten ahead):
            # https://v2.developer.constantcontact.com/docs/bulk_activities_api/bulk-activities-import-contacts.html
            date = _date(i)
            return (
                f"CASE WHEN year({date}) BETWEEN 1901 AND {latest_year} THEN strftime({date}, '%Y-%m-%d') END"
            )
        case Shape.BIRTHDAY:
            return _birthday(_date(i))
        case Shape.MONTH:
            day = next(n for n, t in enumerate(targets) if t.field.shape is Shape.DAY)
            return _birthday(f"try_cast('2000-' || {_number(i)} || '-' || {_number(day)} AS DATE)")
        case _:
            return None


def _number(i: int) -> str:
    return f"regexp_extract(v{i}, '^[0-9]{{1,2}}$')"


def _birthday(date: str) -> str:
    # 2000 is a leap year, so 29 February is a day here.
    return f'strftime({date}, \',"birthday_month":%-m,"birthday_day":%-d\')'


def _piece(i: int, target: Target) -> str:
    """SQL: `,"name":value`, or nothing."""
    if target.field.shape in (Shape.BIRTHDAY, Shape.MONTH):
        return f"coalesce(d{i}, '')"
    key = quote_text("," + json.dumps(target.field.name, ensure_ascii=False) + ":")
    fits = (
        f"d{i}"
        if target.field.shape is Shape.DATE
        else f"CASE WHEN length(v{i}) <= {target.field.length} THEN v{i} END"
    )
    return f"coalesce({key} || to_json({fits})::VARCHAR, '')"


def _problems(i: int, target: Target) -> list[tuple[str, str]]:
    """Every warning code of one field with the SQL condition for it."""
    if target.field.shape is Shape.TEXT:
        problems = [("too_long", f"length(v{i}) > {target.field.length}")]
    elif target.field.shape is Shape.DAY:
        problems = []
    elif target.field.shape is Shape.MONTH:
        problems = [("malformed", f"d{i} IS NULL AND (t{i} <> '' OR t{i + 1} <> '')")]
    else:
        problems = [("malformed", f"v{i} IS NOT NULL AND d{i} IS NULL")]
    if any(t.startswith("date:") for t in target.mapped.transforms):
        problems.append(("malformed", f"v{i} IS NULL AND t{i} <> ''"))
    return problems


def _warnings(conditions: Sequence[tuple[str, str]]) -> str:
    if not conditions:
        return "NULL::VARCHAR"
    any_of = " OR ".join(f"({sql})" for _, sql in conditions)
    words = ", ".join(f"CASE WHEN {sql} THEN {quote_text(code)} END" for code, sql in conditions)
    return f"CASE WHEN {any_of} THEN concat_ws(';', {words}) END"
