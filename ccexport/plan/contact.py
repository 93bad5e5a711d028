"""Makes the JSON text of a contact in SQL: every row in one pass, exactly as it is sent.

Owns how a value is cleaned, checked and written. Must never cut a value: a value that does not fit is left
out with a warning, and only a bad address excludes the contact.

Most profiles need no cleaning, and cleaning costs more than everything else. So a draft of the text is made
from the raw values (`draft`), and one check of all of them tells whether the draft is already the result
(`plain`), unless the snapshot knows this of the profile. Only the other rows are made again, field by field,
in a query of their own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccexport.model.words import FieldType
from ccexport.plan.fields import Shape
from ccexport.plan.mapping import Target
from ccexport.plan.template import template_sql
from ccexport.plan.transforms import DATE, cleaned, transform_sql
from ccexport.profiles.clean_text import all_clean_sql
from ccexport.profiles.database import quote_identifier, quote_text

_DAYS = (FieldType.DATE, FieldType.TIMESTAMP)
_ISO = quote_text(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?$")
_YEARLESS = quote_text(r"--\d{2}-\d{2}")
# Letters below U+0300 need no NFC; the no-break space and the C1 controls are excluded.
_TRIMMED = quote_text(r"[!-~\x{a1}-\x{2ff}](?:[ -~\x{a1}-\x{2ff}]*[!-~\x{a1}-\x{2ff}])?")
# Ten digits as 3-3-4, optionally with the country code 1 and an extension: "International phone numbers are
# currently not supported", https://developer.constantcontact.com/api_reference/index.html (contacts_json_import)
_NATIONAL = quote_text(
    r"(?:(?:\+|00)?1[-. ]*)?\(?\d{3}\)?[-. ]*\d{3}[-. ]*\d{4}(?: *(?:x|ext\.?|#) *\d{1,6})?"
)


@dataclass(frozen=True)
class ContactSql:
    """The mapping as SQL: the texts, the nested select lists to add in this order, and the results on top.

    `texts` by name read the columns of alias `p`; `contact`, the JSON object, needs `address`;
    `warnings` are codes joined by `;`, or null.
    """

    texts: Mapping[str, str]
    levels: tuple[tuple[str, ...], ...]
    contact: str
    warnings: str


@dataclass(frozen=True)
class DraftSql(ContactSql):
    """The SQL that makes the contact from raw values, and `plain`: whether that draft is correct.

    `plain` reads `known_clean`: whether it is already known that every text of the profile is clean.
    """

    plain: str


@dataclass(frozen=True)
class _Column:
    """One mapped field; its columns in the query are t, c, v and d followed by its number."""

    n: int
    target: Target
    latest_year: int

    @property
    def as_it_stands(self) -> bool:
        """Whether the text of the profile is the value, if it is clean."""
        mapped = self.target.mapped
        return (
            mapped.source is not None
            and not mapped.transforms
            and not mapped.default
            and self.target.field.shape in (Shape.TEXT, Shape.PHONE)
            and self.target.type in (FieldType.TEXT, FieldType.BOOLEAN)
        )

    @property
    def is_written(self) -> bool:
        """Whether that value is also what is written; a phone number has to be checked first."""
        return self.as_it_stands and self.target.field.shape is Shape.TEXT

    @property
    def is_day(self) -> bool:
        """Whether a date is written without passing through text."""
        mapped = self.target.mapped
        return (
            self.target.type in _DAYS
            and not mapped.transforms
            and not mapped.default
            and self.target.field.shape in (Shape.DATE, Shape.BIRTHDAY)
        )

    @property
    def fitting(self) -> str:
        """SQL: the value if it is short enough, else null."""
        return f"CASE WHEN length(v{self.n}) <= {self.target.field.length} THEN v{self.n} END"


def drafts(targets: Sequence[Target], *, latest_year: int) -> DraftSql:
    """Return the SQL that drafts rows from raw values. Anniversaries are valid from 1901 to `latest_year`."""
    columns = _columns(targets, latest_year)
    straight = [c for c in columns if c.as_it_stands]
    others = [c for c in columns if not c.is_written]
    parts = ", ".join(p for c in columns if (p := _drafted(c)))
    return DraftSql(
        texts=_texts(columns),
        levels=_levels(columns, others, straight),
        contact=f"concat('{{\"email\":\"', address, '\"'{', ' if parts else ''}{parts}, '}}')",
        plain=_plain(straight),
        warnings=_warnings(others),
    )


def careful(targets: Sequence[Target], *, latest_year: int) -> ContactSql:
    """Return the SQL of a resolved mapping for any row: every value is cleaned, checked and escaped."""
    columns = _columns(targets, latest_year)
    parts = ", ".join(
        ["'{\"email\":' || to_json(address)::VARCHAR", *(p for c in columns if (p := _piece(c)))]
    )
    return ContactSql(
        texts=_texts(columns),
        levels=_levels(columns, columns, ()),
        contact=f"concat({parts}, '}}')",
        warnings=_warnings(columns),
    )


def _columns(targets: Sequence[Target], latest_year: int) -> list[_Column]:
    return [_Column(n, t, latest_year) for n, t in enumerate(targets)]


def _texts(columns: Sequence[_Column]) -> dict[str, str]:
    return {f"t{c.n}": _text(c) for c in columns}


def _levels(
    columns: Sequence[_Column], valued: Sequence[_Column], straight: Sequence[_Column]
) -> tuple[tuple[str, ...], ...]:
    """SQL: each step as a level of its own, so that no expression is written (and planned) several times."""
    return (
        tuple(f"{_cleaned(c)} AS c{c.n}" for c in valued if not c.is_day and c not in straight),
        tuple(f"{f't{c.n}' if c in straight else _value(c)} AS v{c.n}" for c in valued),
        tuple(f"{sql} AS d{c.n}" for c in columns if (sql := _checked(c)) is not None),
    )


def _plain(straight: Sequence[_Column]) -> str:
    """SQL: whether `contact` has nothing to clean or escape and no value that is too long."""
    values = [f"t{c.n}" for c in straight]
    # A usable address is clean; a contact without one is not sent.
    clean = f"CASE WHEN known_clean THEN true ELSE {all_clean_sql(values)} END"
    if not straight:
        return clean
    excess = ", ".join(f"strlen(t{c.n}) - {c.target.field.length}" for c in straight)
    return f"greatest({excess}, 0) <= 0 AND {clean}"


def _text(column: _Column) -> str:
    """SQL: the source as text."""
    target = column.target
    if target.parts:
        return template_sql(target.parts, lambda name: _field_text(name, target.types[name]))
    if target.mapped.source is None:
        return quote_text(target.mapped.constant or "")
    if column.is_day:
        source = f"p.{quote_identifier(target.mapped.source)}"
        return f"CASE WHEN isfinite({source}) THEN {source}::DATE END"
    return _field_text(target.mapped.source, target.type)


def _field_text(name: str, type_: FieldType) -> str:
    """SQL: a field of the profile as text."""
    source = f"p.{quote_identifier(name)}"
    match type_:
        case FieldType.DATE | FieldType.TIMESTAMP:
            return f"CASE WHEN isfinite({source}) THEN strftime({source}, '%Y-%m-%d') END"
        case FieldType.NUMBER:
            return f"regexp_replace({source}::VARCHAR, '\\.0+$', '')"
        case FieldType.LIST:
            return f"array_to_string({source}, ', ')"
        case _:
            return f"{source}::VARCHAR"


def _cleaned(column: _Column) -> str:
    """SQL: the text, cleaned; empty when nothing is left."""
    text = f"t{column.n}"
    return f"CASE WHEN regexp_full_match({text}, {_TRIMMED}) THEN {text} ELSE {cleaned(text)} END"


def _value(column: _Column) -> str:
    """SQL: the transformed value, or the default when it is empty; null when there is neither."""
    n, mapped = column.n, column.target.mapped
    if column.is_day:
        return f"t{n}"
    value = f"c{n}"
    for transform in mapped.transforms:
        value = transform_sql(transform, f"({value})")
    if mapped.default:
        # The default is only for empty values: a date that cannot be read is left out, not replaced.
        return f"CASE WHEN coalesce(c{n}, '') = '' THEN {quote_text(mapped.default)} ELSE {value} END"
    return f"nullif({value}, '')"


def _date(column: _Column) -> str:
    if column.is_day:
        return f"v{column.n}"
    return f"CASE WHEN regexp_matches(v{column.n}, {_ISO}) THEN try_cast(v{column.n} AS DATE) END"


def _day_of_year(column: _Column) -> str:
    """SQL: a date, or a day without its year as `--05-17`."""
    if column.is_day:
        return _date(column)
    text = f"v{column.n}"
    without_year = f"try_cast('2000' || substr({text}, 2) AS DATE)"
    return f"CASE WHEN regexp_full_match({text}, {_YEARLESS}) THEN {without_year} ELSE {_date(column)} END"


def _checked(column: _Column) -> str | None:
    """SQL: what is sent of a value that is not text, or null."""
    match column.target.field.shape:
        case Shape.DATE:
            # Other years are refused with the whole row (after 1900, at most ten years ahead):
            # https://v2.developer.constantcontact.com/docs/bulk_activities_api/bulk-activities-import-contacts.html
            date = _date(column)
            years = f"BETWEEN 1901 AND {column.latest_year}"
            return f"CASE WHEN year({date}) {years} THEN strftime({date}, '%Y-%m-%d') END"
        case Shape.BIRTHDAY:
            return _birthday(_day_of_year(column))
        case Shape.MONTH:
            # The day is the next field: a mapping has both or neither, in a fixed order.
            month, day = (f"regexp_extract(v{n}, '^[0-9]{{1,2}}$')" for n in (column.n, column.n + 1))
            return _birthday(f"try_cast('2000-' || {month} || '-' || {day} AS DATE)")
        case Shape.PHONE:
            return f"CASE WHEN regexp_full_match(v{column.n}, {_NATIONAL}) THEN v{column.n} END"
        case _:
            return None


def _birthday(date: str) -> str:
    # Without a year: 29 February is valid.
    return f'strftime({date}, \',"birthday_month":%-m,"birthday_day":%-d\')'


def _key(column: _Column) -> str:
    return "," + json.dumps(column.target.field.name, ensure_ascii=False) + ":"


def _drafted(column: _Column) -> str | None:
    """SQL: the same as `_piece` while the value needs no cleaning, in a fraction of the time."""
    if not column.as_it_stands:
        return _piece(column)
    text = f"t{column.n}" if column.is_written else f"d{column.n}"
    # Three parts and no ||: `concat` copies each value only once.
    before, after = (
        f"CASE WHEN {text} IS NOT NULL THEN {quote_text(each)} END" for each in (_key(column) + '"', '"')
    )
    return f"{before}, {text}, {after}"


def _piece(column: _Column) -> str | None:
    """SQL: `,"name":value`, or null; None for the second half of a pair."""
    shape, n = column.target.field.shape, column.n
    if shape is Shape.DAY:
        return None
    if shape in (Shape.BIRTHDAY, Shape.MONTH):
        return f"d{n}"
    value = f"d{n}" if shape in (Shape.DATE, Shape.PHONE) else column.fitting
    return f"{quote_text(_key(column))} || to_json({value})::VARCHAR"


def _problems(column: _Column) -> list[tuple[str, str]]:
    """Return every warning code of one field with the SQL condition for it."""
    n, shape = column.n, column.target.field.shape
    problems = []
    if shape is Shape.TEXT:
        problems.append(("too_long", f"length(v{n}) > {column.target.field.length}"))
    elif shape is Shape.MONTH:
        problems.append(("malformed", f"d{n} IS NULL AND coalesce(v{n}, v{n + 1}) IS NOT NULL"))
    elif shape is Shape.PHONE:
        problems.append(("international", f"v{n} IS NOT NULL AND d{n} IS NULL"))
    elif shape is not Shape.DAY:
        problems.append(("malformed", f"v{n} IS NOT NULL AND d{n} IS NULL"))
    if any(t.startswith(DATE) for t in column.target.mapped.transforms):
        problems.append(("malformed", f"v{n} IS NULL AND c{n} <> ''"))
    return problems


def _warnings(columns: Sequence[_Column]) -> str:
    """SQL: the codes of the problems in these fields, joined by `;`, or null."""
    words = [
        f"CASE WHEN {sql} THEN {quote_text(f'{c.target.field.name}:{code}')} END"
        for c in columns
        for code, sql in _problems(c)
    ]
    if not words:
        return "NULL::VARCHAR"
    return words[0] if len(words) == 1 else f"nullif(concat_ws(';', {', '.join(words)}), '')"
