"""The JSON text of a contact, in SQL: every row in one pass, and exactly as it is sent.

Owns how a value is cleaned, checked and written. Must never cut a value: what does not fit is left
out with a warning, and only the address can cost the contact.

Most profiles need no cleaning, and cleaning costs more than all the rest. So the text is first made
from the values as they stand (`draft`), and one look at all of them, put together (`raw`), tells whether
that is already the result (`plain`); only the other rows are made again, field by field, with care.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ccexport.model.words import FieldType
from ccexport.plan.fields import Shape
from ccexport.plan.mapping import Target
from ccexport.plan.transforms import DATE, cleaned, quote_text, transform_sql
from ccexport.profiles.database import quote_identifier

_DAYS = (FieldType.DATE, FieldType.TIMESTAMP)
_ISO = quote_text(r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T].*)?$")
# Letters below U+0300 need no NFC; the no-break space and the C1 controls are not among them.
_TRIMMED = quote_text(r"[!-~\x{a1}-\x{2ff}](?:[ -~\x{a1}-\x{2ff}]*[!-~\x{a1}-\x{2ff}])?")
# Ten digits as 3-3-4, with or without the country code 1 and an extension: "International phone numbers are
# currently not supported", https://developer.constantcontact.com/api_reference/index.html (contacts_json_import)
_NATIONAL = quote_text(
    r"(?:(?:\+|00)?1[-. ]*)?\(?\d{3}\)?[-. ]*\d{3}[-. ]*\d{4}(?: *(?:x|ext\.?|#) *\d{1,6})?"
)
# Between the values in `raw`. It may stand inside of a value: that counts as two values then, and if each
# half is clean, so is the whole.
_BETWEEN = "~"
# What is written as it stands: trimmed and composed, without controls, quotes and escapes.
_INK = r"[!#-\[\]-}\x{a1}-\x{2ff}]"
_CLEAN = rf"{_INK}(?:[ !#-\[\]-}}\x{{a1}}-\x{{2ff}}]*{_INK})?"
# The point at the start makes an empty value visible even if it is the only one.
_START = "."
_ALL_CLEAN = quote_text(rf"\.(?:{_BETWEEN}{_CLEAN})*")


@dataclass(frozen=True)
class ContactSql:
    """The mapping as nested select lists, to be added in this order, and the two results on top.

    `texts` reads the columns of alias `p`; `draft` needs `address`; `plain` needs `raw`; `careful` needs
    `plain`. `draft` is JSON only where `plain`.
    `contact` is the JSON object, `warnings` its warning codes joined by `;` or null.
    """

    texts: tuple[str, ...]
    values: tuple[str, ...]
    checked: tuple[str, ...]
    draft: str
    raw: str
    plain: str
    careful: str
    contact: str
    warnings: str


@dataclass(frozen=True)
class _Column:
    """One mapped field; its columns in the query are t, v and d with its number."""

    n: int
    target: Target
    latest_year: int

    @property
    def as_it_stands(self) -> bool:
        """Whether the text of the profile is the value, if it happens to be clean."""
        mapped = self.target.mapped
        return (
            mapped.source is not None
            and not mapped.transforms
            and not mapped.default
            and self.target.field.shape is Shape.TEXT
            and self.target.type in (FieldType.TEXT, FieldType.BOOLEAN)
        )

    @property
    def is_day(self) -> bool:
        """Whether a date goes to a date without passing through text."""
        mapped = self.target.mapped
        return (
            self.target.type in _DAYS
            and not mapped.transforms
            and not mapped.default
            and self.target.field.shape in (Shape.DATE, Shape.BIRTHDAY)
        )

    @property
    def fitting(self) -> str:
        """SQL: the value if it is short enough."""
        return f"CASE WHEN length({self.value}) <= {self.target.field.length} THEN {self.value} END"

    @property
    def cleaned(self) -> str:
        """SQL: the text of the profile, cleaned; null when nothing is left."""
        text = f"t{self.n}"
        return (
            f"CASE WHEN regexp_full_match({text}, {_TRIMMED}) THEN {text} "
            f"ELSE nullif({cleaned(text)}, '') END"
        )

    @property
    def value(self) -> str:
        """SQL: the value to be sent, before its length is looked at."""
        return f"careful.v{self.n}" if self.as_it_stands else f"v{self.n}"


def contact_sql(targets: Sequence[Target], *, latest_year: int) -> ContactSql:
    """The SQL of a resolved mapping. Anniversaries are taken from 1901 to `latest_year`."""
    columns = [_Column(n, t, latest_year) for n, t in enumerate(targets)]
    straight = [c for c in columns if c.as_it_stands]
    email = "'{\"email\":' || to_json(address)::VARCHAR"
    draft = ", ".join([email, *(p for c in columns if (p := _drafted(c))), "'}'"])
    careful = ", ".join([email, *(p for c in columns if (p := _piece(c))), "'}'"])
    problems = [(c, code, sql) for c in columns for code, sql in _problems(c)]
    return ContactSql(
        texts=tuple(f"{_text(c)} AS t{c.n}" for c in columns),
        values=tuple(f"{_value(c)} AS v{c.n}" for c in columns if not c.as_it_stands),
        checked=tuple(f"{sql} AS d{c.n}" for c in columns if (sql := _checked(c)) is not None),
        draft=f"concat({draft})",
        raw=_raw(straight),
        plain=_plain(straight),
        careful=_careful(straight),
        contact=f"CASE WHEN plain THEN draft ELSE concat({careful}) END" if straight else "draft",
        warnings=_warnings(problems),
    )


def _raw(straight: Sequence[_Column]) -> str:
    """SQL: all values as they stand, in one text."""
    values = "".join(f", t{c.n}" for c in straight)
    return f"concat_ws({quote_text(_BETWEEN)}, {quote_text(_START)}{values})"


def _plain(straight: Sequence[_Column]) -> str:
    """SQL: whether `draft` holds nothing to clean or to escape and no value that is too long."""
    if not straight:
        return "true"
    excess = ", ".join(f"strlen(t{c.n}) - {c.target.field.length}" for c in straight)
    return f"greatest({excess}, 0) <= 0 AND regexp_full_match(raw, {_ALL_CLEAN})"


def _careful(straight: Sequence[_Column]) -> str:
    """SQL: the cleaned values of a row that is not plain, as one struct."""
    values = ", ".join(f"'v{c.n}': {c.cleaned}" for c in straight)
    return f"CASE WHEN NOT plain THEN {{{values}}} END" if straight else "NULL"


def _text(column: _Column) -> str:
    """SQL: the source as text."""
    target = column.target
    if target.mapped.source is None:
        return quote_text(target.mapped.constant or "")
    source = f"p.{quote_identifier(target.mapped.source)}"
    match target.type:
        case FieldType.DATE | FieldType.TIMESTAMP if column.is_day:
            return f"CASE WHEN isfinite({source}) THEN {source}::DATE END"
        case FieldType.DATE | FieldType.TIMESTAMP:
            return f"CASE WHEN isfinite({source}) THEN strftime({source}, '%Y-%m-%d') END"
        case FieldType.NUMBER:
            return f"regexp_replace({source}::VARCHAR, '\\.0+$', '')"
        case FieldType.LIST:
            return f"array_to_string({source}, ', ')"
        case _:
            return f"{source}::VARCHAR"


def _value(column: _Column) -> str:
    """SQL: cleaned, transformed, the default when empty; null when there is nothing."""
    if column.is_day:
        return f"t{column.n}"
    target, text = column.target, column.cleaned
    value = text
    for transform in target.mapped.transforms:
        value = transform_sql(transform, f"({value})")
    if target.mapped.default:
        # Only for what is empty: a date that cannot be read is left out, not replaced.
        return f"CASE WHEN {text} IS NULL THEN {quote_text(target.mapped.default)} ELSE {value} END"
    return f"nullif({value}, '')"


def _date(column: _Column) -> str:
    if column.is_day:
        return f"v{column.n}"
    return f"CASE WHEN regexp_matches(v{column.n}, {_ISO}) THEN try_cast(v{column.n} AS DATE) END"


def _checked(column: _Column) -> str | None:
    """SQL: what is sent of a value that is not text, or null."""
    match column.target.field.shape:
        case Shape.DATE:
            # Years outside of this are refused with the whole row (after 1900, at most ten ahead):
            # https://v2.developer.constantcontact.com/docs/bulk_activities_api/bulk-activities-import-contacts.html
            date = _date(column)
            years = f"BETWEEN 1901 AND {column.latest_year}"
            return f"CASE WHEN year({date}) {years} THEN strftime({date}, '%Y-%m-%d') END"
        case Shape.BIRTHDAY:
            return _birthday(_date(column))
        case Shape.MONTH:
            # The day is the next field: a mapping has both or none, and they are in a fixed order.
            month, day = (f"regexp_extract(v{n}, '^[0-9]{{1,2}}$')" for n in (column.n, column.n + 1))
            return _birthday(f"try_cast('2000-' || {month} || '-' || {day} AS DATE)")
        case Shape.PHONE:
            return f"CASE WHEN regexp_full_match(v{column.n}, {_NATIONAL}) THEN v{column.n} END"
        case _:
            return None


def _birthday(date: str) -> str:
    # Without its year: 29 February is a day.
    return f'strftime({date}, \',"birthday_month":%-m,"birthday_day":%-d\')'


def _key(column: _Column) -> str:
    return "," + json.dumps(column.target.field.name, ensure_ascii=False) + ":"


def _drafted(column: _Column) -> str | None:
    """SQL: the same as `_piece` as long as the value needs no care, in a fraction of the time."""
    if not column.as_it_stands:
        return _piece(column)
    text = f"t{column.n}"
    # Three parts and no ||: `concat` then copies each value once.
    before, after = (
        f"CASE WHEN {text} IS NOT NULL THEN {quote_text(each)} END" for each in (_key(column) + '"', '"')
    )
    return f"{before}, {text}, {after}"


def _piece(column: _Column) -> str | None:
    """SQL: `,"name":value`, or null; nothing for the second half of a pair."""
    shape, n = column.target.field.shape, column.n
    if shape is Shape.DAY:
        return None
    if shape in (Shape.BIRTHDAY, Shape.MONTH):
        return f"d{n}"
    value = f"d{n}" if shape in (Shape.DATE, Shape.PHONE) else column.fitting
    return f"{quote_text(_key(column))} || to_json({value})::VARCHAR"


def _problems(column: _Column) -> list[tuple[str, str]]:
    """Every warning code of one field with the SQL condition for it."""
    n, shape = column.n, column.target.field.shape
    problems = []
    if shape is Shape.TEXT:
        problems.append(("too_long", f"length({column.value}) > {column.target.field.length}"))
    elif shape is Shape.MONTH:
        problems.append(("malformed", f"d{n} IS NULL AND coalesce(v{n}, v{n + 1}) IS NOT NULL"))
    elif shape is Shape.PHONE:
        problems.append(("international", f"v{n} IS NOT NULL AND d{n} IS NULL"))
    elif shape is not Shape.DAY:
        problems.append(("malformed", f"v{n} IS NOT NULL AND d{n} IS NULL"))
    if any(t.startswith(DATE) for t in column.target.mapped.transforms):
        problems.append(("malformed", f"v{n} IS NULL AND {column.cleaned} IS NOT NULL"))
    return problems


def _warnings(problems: Sequence[tuple[_Column, str, str]]) -> str:
    """SQL: the codes of what is wrong. Values as they stand can only be wrong in a row that is not plain."""
    if not problems:
        return "NULL::VARCHAR"
    always = [each for each in problems if not each[0].as_it_stands]
    if not always:
        return f"CASE WHEN NOT plain THEN {_codes(problems)} END"
    return f"CASE WHEN plain THEN {_codes(always)} ELSE {_codes(problems)} END"


def _codes(problems: Sequence[tuple[_Column, str, str]]) -> str:
    """SQL: the code of each condition that holds, joined by `;`, or null."""
    words = [
        f"CASE WHEN {sql} THEN {quote_text(f'{c.target.field.name}:{code}')} END" for c, code, sql in problems
    ]
    return words[0] if len(words) == 1 else f"nullif(concat_ws(';', {', '.join(words)}), '')"
