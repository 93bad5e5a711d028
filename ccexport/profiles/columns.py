"""The type of each field of a source: found from all its values, never from a sample alone.

A text column becomes a number, date or boolean only when every value is one; identifiers with
leading zeros, phone numbers and postal codes stay text. Must never change a value it cannot type.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ccexport.model.words import FieldType
from ccexport.profiles.database import DuckDB, quote_identifier

_KEPT_TEXT = re.compile(
    r"phone|\btel\b|telefon|telephone|tlf|mobil|cellular|\bfax|postal|\bzip|post(nr|nummer|code)|\bplz\b|\bssn\b|\bkid\b"
)
_SAMPLED = 5_000
_OFFSET = r"(Z|[+-]\d{2}(:?\d{2})?)?"
_TIME = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_DASHED = "translate({t}, '/.', '--')"


@dataclass(frozen=True)
class Column:
    """One field of the staged table and the SQL expression of its stored value."""

    name: str
    type: FieldType
    sql: str


@dataclass(frozen=True)
class _Kind:
    """A way to read text: whether a value is one (`test`), and the value (`cast`); `{t}` is the text."""

    name: str
    type: FieldType
    test: str
    cast: str


def _dates(name: str, shape: str, form: str) -> _Kind:
    test = f"regexp_full_match({{t}}, '{shape}') AND try_strptime({_DASHED}, '{form}') IS NOT NULL"
    return _Kind(name, FieldType.DATE, test, f"CAST(strptime({_DASHED}, '{form}') AS DATE)")


def _times(name: str, shape: str, forms: str) -> _Kind:
    test = f"regexp_full_match({{t}}, '{shape} {_TIME}') AND try_strptime({_DASHED}, {forms}) IS NOT NULL"
    return _Kind(name, FieldType.TIMESTAMP, test, f"strptime({_DASHED}, {forms})")


_SHORT = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
# Order is preference: ISO before day first before month first.
_KINDS = (
    _Kind(
        "boolean",
        FieldType.BOOLEAN,
        "lower({t}) IN ('yes', 'no', 'true', 'false', 'ja', 'nei')",
        "lower({t}) IN ('yes', 'true', 'ja')",
    ),
    _Kind(
        "integer", FieldType.NUMBER, r"regexp_full_match({t}, '-?(0|[1-9]\d{0,17})')", "CAST({t} AS BIGINT)"
    ),
    _Kind(
        "point",
        FieldType.NUMBER,
        r"regexp_full_match({t}, '-?(0|[1-9]\d*)?(\.\d+)?([eE][+-]?\d{1,2})?')"
        r" AND TRY_CAST({t} AS DOUBLE) IS NOT NULL",
        "{t}",
    ),
    _Kind(
        "comma",
        FieldType.NUMBER,
        r"regexp_full_match({t}, '-?(0|[1-9]\d*|[1-9]\d{0,2}([ .\x{a0}\x{202f}]\d{3})+)(,\d+)?')",
        "replace(translate({t}, ' .\u00a0\u202f', ''), ',', '.')",
    ),
    _Kind(
        "thousands",
        FieldType.NUMBER,
        r"regexp_full_match({t}, '-?(0|[1-9]\d{0,2}(,\d{3})*)(\.\d+)?')",
        "replace({t}, ',', '')",
    ),
    _dates("iso date", r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}", "%Y-%m-%d"),
    _Kind(
        "iso time",
        FieldType.TIMESTAMP,
        rf"regexp_full_match({{t}}, '\d{{4}}-\d{{2}}-\d{{2}}[T ]{_TIME}{_OFFSET}')"
        " AND TRY_CAST({t} AS TIMESTAMPTZ) IS NOT NULL",
        "CAST({t} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'",
    ),
    _dates("day first", _SHORT, "%d-%m-%Y"),
    _dates("month first", _SHORT, "%m-%d-%Y"),
    _times("day first time", _SHORT, "['%d-%m-%Y %H:%M:%S', '%d-%m-%Y %H:%M']"),
    _times("month first time", _SHORT, "['%m-%d-%Y %H:%M:%S', '%m-%d-%Y %H:%M']"),
)


_NEED_COMMA = ("comma", "thousands")


def text_columns(
    db: DuckDB, table: str, names: Sequence[str], *, id_field: str, decimal_comma: bool
) -> list[Column]:
    """The typed columns of a table of text."""
    open_names = [n for n in names if n != id_field and not _KEPT_TEXT.search(n.lower().replace("_", " "))]
    left = {n: list(_KINDS) for n in open_names}
    left = _surviving(db, f"(FROM {table} LIMIT {_SAMPLED})", left)
    left = _surviving(db, table, {n: kinds for n, kinds in left.items() if kinds})
    chosen = {n: _prefer(db, table, n, kinds, decimal_comma) for n, kinds in left.items() if kinds}
    return [_typed(db, table, n, chosen.get(n)) for n in names]


def native_columns(types: Sequence[tuple[str, str]], *, id_field: str) -> list[Column]:
    """The columns of a table that came with types (Parquet, JSON)."""
    return [
        Column(n, FieldType.TEXT, _text_sql(n)) if n == id_field else _native(n, declared.upper())
        for n, declared in types
    ]


def _surviving(db: DuckDB, table: str, left: dict[str, list[_Kind]]) -> dict[str, list[_Kind]]:
    """The kinds that hold for every filled value, in one pass over the table."""
    asked = [(name, kind) for name, kinds in left.items() for kind in kinds]
    if not asked:
        return {}
    aliases = {name: f"t{number}" for number, name in enumerate(left)}
    inner = ", ".join(f"trim({quote_identifier(n)}) AS {a}" for n, a in aliases.items())
    outer = ", ".join(
        f"bool_and({_fill(kind.test, aliases[name])}) FILTER ({aliases[name]} <> '')" for name, kind in asked
    )
    answers = db.row(f"SELECT {outer} FROM (SELECT {inner} FROM {table})")
    kept: dict[str, list[_Kind]] = {name: [] for name in left}
    for (name, kind), answer in zip(asked, answers, strict=True):
        if answer is not False:
            kept[name].append(kind)
    return {n: k for n, k in kept.items() if len(k) < len(_KINDS)}  # nothing filled: every kind survives


def _prefer(db: DuckDB, table: str, name: str, kinds: list[_Kind], decimal_comma: bool) -> _Kind | None:
    """The first one; `1,234` everywhere is a decimal only where semicolons separate the fields."""
    names = [k.name for k in kinds]
    if names[0] in _NEED_COMMA:
        (some,) = db.row(f"SELECT bool_or(contains({quote_identifier(name)}, ',')) FROM {table}")
        if not some:  # `22 333 444` may be a phone number
            return next((k for k in kinds if k.name not in _NEED_COMMA), None)
    if names[0] == "comma" and "thousands" in names and not decimal_comma:
        return kinds[names.index("thousands")]
    return kinds[0]


def _typed(db: DuckDB, table: str, name: str, kind: _Kind | None) -> Column:
    if kind is None:
        return Column(name, FieldType.TEXT, _text_sql(name))
    text = f"nullif(trim({quote_identifier(name)}), '')"
    cast = _fill(kind.cast, text)
    if kind.type is FieldType.NUMBER and kind.name != "integer":
        cast = f"CAST({cast} AS {_decimal(db, table, cast)})"
    elif kind.type is FieldType.BOOLEAN:
        cast = f"CASE WHEN {text} IS NOT NULL THEN {cast} END"
    return Column(name, kind.type, cast)


def _decimal(db: DuckDB, table: str, cast: str) -> str:
    """An exact decimal wide enough for every value, or DOUBLE when none is."""
    digits, scale, scientific = db.row(
        f"""SELECT max(length(split_part(v, '.', 1))), max(length(split_part(v, '.', 2))),
              bool_or(contains(lower(v), 'e')) FROM (SELECT {cast} AS v FROM {table})"""
    )
    exact = not scientific and digits + scale <= 18
    return f"DECIMAL(18, {scale})" if exact else "DOUBLE"


def _text_sql(name: str) -> str:
    text = f"CAST({quote_identifier(name)} AS VARCHAR)"
    return f"CASE WHEN trim({text}) <> '' THEN {text} END"


def _fill(template: str, text: str) -> str:
    return template.replace("{t}", text)


def _native(name: str, declared: str) -> Column:
    column = quote_identifier(name)
    if declared.endswith("]"):
        scalar = not declared.startswith(("STRUCT", "MAP", "JSON"))
        cast = f"CAST({column} AS VARCHAR[])" if scalar else f"CAST(to_json({column}) AS VARCHAR)"
        return Column(name, FieldType.LIST if scalar else FieldType.TEXT, cast)
    if declared.startswith(("STRUCT", "MAP", "UNION")):
        return Column(name, FieldType.TEXT, f"CAST(to_json({column}) AS VARCHAR)")
    if declared == "TIMESTAMP WITH TIME ZONE":
        return Column(name, FieldType.TIMESTAMP, f"{column} AT TIME ZONE 'UTC'")
    if declared.startswith("TIMESTAMP"):
        return Column(name, FieldType.TIMESTAMP, f"CAST({column} AS TIMESTAMP)")
    if declared in ("DATE", "BOOLEAN"):
        return Column(name, FieldType(declared.lower()), column)
    if declared.startswith(("DECIMAL", "DOUBLE", "FLOAT")) or declared.endswith(("INT", "INTEGER")):
        return Column(name, FieldType.NUMBER, column)
    return Column(name, FieldType.TEXT, _text_sql(name))
