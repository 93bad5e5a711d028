"""The type of each field of a source: found from all its values, never from a sample alone.

A text column becomes a number, date or boolean only when every value is one; identifiers with
leading zeros, phone numbers and postal codes stay text. Must never change a value it cannot type.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccexport.errors import BadInput
from ccexport.model.words import FieldType
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.staged import NUMERIC_TEXT

_KEPT_TEXT = re.compile(
    r"phone|\btel\b|telefon|telephone|tlf|mobil|cellular|\bfax|postal|\bzip|post(nr|nummer|code)|\bplz\b|\bssn\b|\bkid\b"
)
_SAMPLED = 500
_OFFSET = r"(Z|[+-]\d{2}(:?\d{2})?)?"
_TIME = r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
_THOUSANDS = " .\u00a0\u202f"
_DASHED = "translate({t}, '/.', '--')"


@dataclass(frozen=True)
class Column:
    """One field of the staged table and the SQL expression of its stored value."""

    name: str
    type: FieldType
    sql: str


@dataclass(frozen=True)
class _Kind:
    """A way to read text: the shape of a value (a regexp, the same for Python and RE2), what else must
    hold, and the value; `{t}` is the text.
    """

    name: str
    type: FieldType
    shape: str
    cast: str
    also: str = "true"


def _dates(name: str, shape: str, form: str) -> _Kind:
    valid = f"try_strptime({_DASHED}, '{form}') IS NOT NULL"
    return _Kind(name, FieldType.DATE, shape, f"CAST(strptime({_DASHED}, '{form}') AS DATE)", valid)


def _times(name: str, shape: str, forms: str) -> _Kind:
    valid = f"try_strptime({_DASHED}, {forms}) IS NOT NULL"
    return _Kind(name, FieldType.TIMESTAMP, f"{shape} {_TIME}", f"strptime({_DASHED}, {forms})", valid)


_SHORT = r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"
# Order is preference: ISO before day first before month first.
_KINDS = (
    _Kind(
        "boolean",
        FieldType.BOOLEAN,
        "(?i:yes|no|true|false|ja|nei)",
        "lower({t}) IN ('yes', 'true', 'ja')",
    ),
    _Kind("integer", FieldType.NUMBER, r"-?(0|[1-9]\d{0,17})", "CAST({t} AS BIGINT)"),
    _Kind(
        "point",
        FieldType.NUMBER,
        r"-?(0|[1-9]\d{0,17})?(\.\d+)?([eE][+-]?\d{1,2})?",
        "{t}",
        "TRY_CAST({t} AS DOUBLE) IS NOT NULL",
    ),
    _Kind(
        "comma",
        FieldType.NUMBER,
        f"-?(0|[1-9]\\d*|[1-9]\\d{{0,2}}([{_THOUSANDS}]\\d{{3}})+)(,\\d+)?",
        f"replace(translate({{t}}, '{_THOUSANDS}', ''), ',', '.')",
    ),
    _Kind("thousands", FieldType.NUMBER, r"-?(0|[1-9]\d{0,2}(,\d{3})*)(\.\d+)?", "replace({t}, ',', '')"),
    _Kind(
        "iso date",
        FieldType.DATE,
        r"\d{4}-\d{2}-\d{2}",
        "CAST({t} AS DATE)",
        "TRY_CAST({t} AS DATE) IS NOT NULL",
    ),
    _dates("year first", r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}", "%Y-%m-%d"),
    _Kind(
        "iso time without offset",
        FieldType.TIMESTAMP,
        rf"\d{{4}}-\d{{2}}-\d{{2}}([T ]{_TIME})?",
        "CAST({t} AS TIMESTAMP)",
        "TRY_CAST({t} AS TIMESTAMP) IS NOT NULL",
    ),
    _Kind(
        "iso time",
        FieldType.TIMESTAMP,
        rf"\d{{4}}-\d{{2}}-\d{{2}}([T ]{_TIME}{_OFFSET})?",
        "CAST({t} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'",
        "TRY_CAST({t} AS TIMESTAMPTZ) IS NOT NULL",
    ),
    _dates("day first", _SHORT, "%d-%m-%Y"),
    _dates("month first", _SHORT, "%m-%d-%Y"),
    _times("day first time", _SHORT, "['%d-%m-%Y %H:%M:%S', '%d-%m-%Y %H:%M']"),
    _times("month first time", _SHORT, "['%m-%d-%Y %H:%M:%S', '%m-%d-%Y %H:%M']"),
)
# Only when a person says that it is a number: by itself, leading zeros make a text.
_CHOSEN_KINDS = (*_KINDS, _Kind("any digits", FieldType.NUMBER, r"-?\d{1,18}", "CAST({t} AS BIGINT)"))
_EXACT = ("integer", "any digits")
_NEED_COMMA = ("comma", "thousands")


def text_columns(
    db: DuckDB,
    table: str,
    names: Sequence[str],
    *,
    id_field: str,
    decimal_comma: bool,
    wanted: Mapping[str, FieldType] | None = None,
) -> list[Column]:
    """The typed columns of a table of text; `wanted` are types a person chose for some of them."""
    asked = {n: t for n, t in (wanted or {}).items() if n != id_field}
    free = [n for n in names if n != id_field and n not in asked]
    open_names = [n for n in free if not _KEPT_TEXT.search(n.lower().replace("_", " "))]
    possible = _possible(db, table, open_names)
    wanted_kinds = {n: [k for k in _CHOSEN_KINDS if k.type is t] for n, t in asked.items()}
    possible |= {n: kinds for n, kinds in wanted_kinds.items() if kinds}
    chosen: dict[str, _Kind | None] = dict(_first_that_holds(db, table, possible))
    for name, kind in list(chosen.items()):
        if kind and kind.name in _NEED_COMMA:
            chosen[name] = _which_comma(db, table, name, possible[name], kind, decimal_comma)
    for name, type_ in asked.items():
        if type_ is not FieldType.TEXT and chosen.get(name) is None:
            chosen[name] = _kind_all_the_same(db, table, name, type_)
    return [_typed(db, table, n, chosen.get(n)) for n in names]


def native_columns(
    db: DuckDB,
    table: str,
    types: Sequence[tuple[str, str]],
    *,
    id_field: str,
    wanted: Mapping[str, FieldType] | None = None,
) -> list[Column]:
    """The columns of a table that came with types (Parquet, JSON, a query)."""
    asked = wanted or {}
    found = []
    for name, declared in types:
        column = _native(db, table, name, declared.upper())
        type_ = FieldType.TEXT if name == id_field else asked.get(name, column.type)
        found.append(column if type_ is column.type else _changed(db, table, column, type_))
    return found


def _changed(db: DuckDB, table: str, column: Column, type_: FieldType) -> Column:
    """A column that came with one type as another, when that loses nothing."""
    if type_ is FieldType.TEXT:
        return Column(column.name, type_, _text_sql(column.name))
    if column.type is FieldType.TEXT:
        names = [column.name]
        return text_columns(db, table, names, id_field="", decimal_comma=False, wanted={column.name: type_})[
            0
        ]
    raise BadInput(
        f"The field '{column.name}' is a {column.type} in the source and cannot be taken as {type_}.",
        field=column.name,
    )


def _kind_all_the_same(db: DuckDB, table: str, name: str, type_: FieldType) -> _Kind:
    """What a person chose although some values do not fit: refused, with how many. An empty field fits."""
    kinds = [k for k in _CHOSEN_KINDS if k.type is type_]
    text = f"trim({quote_identifier(name)})"
    fits = "regexp_full_match(t, '{shape}') AND {also}"
    misfits = ["count(t)"] * (not kinds) + [
        f"count(*) FILTER (t <> '' AND NOT coalesce({_test(fits, k)}, false))" for k in kinds
    ]
    filled, *wrong = db.row(
        f"SELECT count(*) FILTER (t <> ''), {', '.join(misfits)} FROM (SELECT {text} AS t FROM {table})"
    )
    if filled and min(wrong):
        raise BadInput(
            f"The field '{name}' cannot be taken as {type_}: {min(wrong):,} of its {filled:,} filled values "
            "are none. Choose text, or mend the source.",
            field=name,
        )
    if not kinds:
        raise BadInput(f"The field '{name}' cannot be taken as {type_}.", field=name)
    return kinds[wrong.index(min(wrong))]


def _possible(db: DuckDB, table: str, names: Sequence[str]) -> dict[str, list[_Kind]]:
    """The kinds whose shape fits a sample: most fields are out before SQL is asked about every row."""
    chosen = ", ".join(f"trim({quote_identifier(n)})" for n in names) or "NULL"
    sample = db.rows(f"SELECT {chosen} FROM {table} LIMIT {_SAMPLED}")
    possible: dict[str, list[_Kind]] = {}
    for number, name in enumerate(names):
        values = {row[number] for row in sample} - {None, ""}
        kinds = [k for k in _KINDS if all(re.fullmatch(k.shape, v) for v in values)]
        if kinds:
            possible[name] = kinds
    return possible


def _first_that_holds(db: DuckDB, table: str, possible: dict[str, list[_Kind]]) -> dict[str, _Kind]:
    """For each field the first kind that every filled value is, in one pass per round of guesses."""
    chosen: dict[str, _Kind] = {}
    left = {name: list(kinds) for name, kinds in possible.items()}
    while left:
        answers = _holds(db, table, {name: kinds[0] for name, kinds in left.items()})
        for name, holds in answers.items():
            kind = left[name].pop(0)
            if holds:
                chosen[name] = kind
            if holds is not False or not left[name]:  # None: nothing is filled, so it stays text
                del left[name]
    return chosen


def _test(template: str, kind: _Kind, text: str = "t") -> str:
    return _fill(template.replace("{shape}", kind.shape).replace("{also}", kind.also), text)


def _holds(db: DuckDB, table: str, asked: dict[str, _Kind]) -> dict[str, bool | None]:
    inner = ", ".join(f"trim({quote_identifier(n)}) AS t{at}" for at, n in enumerate(asked))
    test = "bool_and(regexp_full_match({t}, '{shape}') AND {also}) FILTER ({t} <> '')"
    outer = ", ".join(_test(test, kind, f"t{at}") for at, kind in enumerate(asked.values()))
    answers = db.row(f"SELECT {outer} FROM (SELECT {inner} FROM {table})")
    return dict(zip(asked, answers, strict=True))


def _which_comma(
    db: DuckDB, table: str, name: str, possible: list[_Kind], kind: _Kind, decimal_comma: bool
) -> _Kind | None:
    """`22 333 444` may be a phone number; `1,234` everywhere is a decimal only beside semicolons."""
    (some,) = db.row(f"SELECT bool_or(contains({quote_identifier(name)}, ',')) FROM {table}")
    if not some:
        return None
    thousands = next((k for k in possible if k.name == "thousands"), None)
    if (
        kind.name == "comma"
        and thousands
        and not decimal_comma
        and _holds(db, table, {name: thousands})[name]
    ):
        return thousands
    return kind


def _typed(db: DuckDB, table: str, name: str, kind: _Kind | None) -> Column:
    if kind is None:
        return Column(name, FieldType.TEXT, _text_sql(name))
    text = f"nullif(trim({quote_identifier(name)}), '')"
    cast = _fill(kind.cast, text)
    if kind.type is FieldType.NUMBER and kind.name not in _EXACT:
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
    exact = not scientific and (digits or 1) + (scale or 0) <= 18
    return f"DECIMAL(18, {scale or 0})" if exact else "DOUBLE"


def _text_sql(name: str) -> str:
    text = f"CAST({quote_identifier(name)} AS VARCHAR)"
    return (
        f"CASE WHEN {text} = '' OR (starts_with({text}, ' ') AND trim({text}) = '') THEN NULL ELSE {text} END"
    )


def _fill(template: str, text: str) -> str:
    return template.replace("{t}", text)


def _native(db: DuckDB, table: str, name: str, declared: str) -> Column:
    column = quote_identifier(name)
    if declared == NUMERIC_TEXT:
        text = f"CASE WHEN {column} NOT IN ('NaN', 'Infinity', '-Infinity') THEN {column} END"
        return Column(name, FieldType.NUMBER, f"CAST({text} AS {_decimal(db, table, text)})")
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
    if declared in ("DOUBLE", "FLOAT"):  # what is not a number is empty, and infinity is none
        return Column(name, FieldType.NUMBER, f"CASE WHEN isfinite({column}) THEN {column} END")
    if declared.startswith("DECIMAL") or declared.endswith(("INT", "INTEGER")):
        return Column(name, FieldType.NUMBER, column)
    return Column(name, FieldType.TEXT, _text_sql(name))
