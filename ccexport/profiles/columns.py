"""Finds the type of each field of a source from all its values, never from a sample alone.

A text column becomes a number, date or boolean only when every value is one and can be nothing else. What
can be read in two ways is decided by the file's other fields, by the earlier snapshot or by a person, and
otherwise stays text. Must never change a value it cannot type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccexport.errors import BadInput
from ccexport.messages import word
from ccexport.model.reading import FieldReading, Remark, Sure
from ccexport.model.words import FieldType
from ccexport.profiles.candidates import candidates
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.doubts import Settled, settle
from ccexport.profiles.evidence import Found, Hints, measure
from ccexport.profiles.field_names import is_phone, stays_text
from ccexport.profiles.kinds import Kind, quoted

_SAMPLED = 500
_NEARLY = 0.8  # of the sampled values: from this share on it is reported how many do not fit
_LOST = r"\d(?:[.,]\d+)?[eE]\+?\d+"


@dataclass(frozen=True)
class Column:
    """One field of the staged table, the SQL expression of its stored value, and how it was read."""

    name: str
    type: FieldType
    sql: str
    reading: FieldReading | None = None
    remarks: tuple[Remark, ...] = ()


def text_columns(
    db: DuckDB, table: str, names: Sequence[str], *, id_field: str, hints: Hints
) -> list[Column]:
    """Return the typed columns of a table of text."""
    chosen = {n for n in (*hints.types, *hints.formats) if n != id_field}
    open_names = [n for n in names if n != id_field and (n in chosen or not stays_text(n))]
    sample = _sample(db, table, open_names)
    possible = {
        n: candidates(
            n,
            sample[n],
            type_=hints.types.get(n),
            format_=hints.formats.get(n),
            before=hints.before.get(n),
            only_dates=hints.only_dates,
        )
        for n in open_names
    }
    found = _found(db, table, possible, sample, chosen)
    _refuse_misfits(found, hints, possible)
    settled = settle(found, hints, sample)
    kept = [n for n in names if n not in open_names] if hints.scientific else []
    lost = _lost_digits(db, table, kept)
    columns = []
    for name in names:
        if name in settled:
            columns.append(_typed(db, table, settled[name], hints))
        else:
            columns.append(_text(name, hints, lost.get(name, 0)))
    return columns


def _sample(db: DuckDB, table: str, names: Sequence[str]) -> dict[str, set[str]]:
    """Return different values of the first rows, by field."""
    chosen = ", ".join(f"trim({quote_identifier(n)})" for n in names) or "NULL"
    rows = db.rows(f"SELECT {chosen} FROM {table} LIMIT {_SAMPLED}")
    return {name: {row[at] for row in rows} - {None, ""} for at, name in enumerate(names)}


def _found(
    db: DuckDB,
    table: str,
    possible: Mapping[str, Sequence[Kind]],
    sample: Mapping[str, set[str]],
    chosen: set[str],
) -> dict[str, Found]:
    """Return for each field the first kind that fits every filled value, with the rivals that fit as well.

    If no kind fits all values, return the kind with the fewest misfits.
    """
    left = _fitting_sample(db, table, possible, sample, chosen)
    found: dict[str, Found] = {}
    while left:
        measured = measure(db, table, [(n, k) for n, kinds in left.items() for k in _with_rivals(kinds)])
        for name, kinds in list(left.items()):
            kind = kinds.pop(0)
            counts = measured[name, kind.name]
            rivals = [k for k in kinds if k.name in kind.rivals and measured[name, k.name].holds]
            if name not in found or counts.holds or counts.misfits < found[name].counts.misfits:
                found[name] = Found(name, kind, counts, tuple(rivals))
            if counts.holds or counts.filled == 0 or not kinds:
                del left[name]
    return found


def _fitting_sample(
    db: DuckDB,
    table: str,
    possible: Mapping[str, Sequence[Kind]],
    sample: Mapping[str, set[str]],
    chosen: set[str],
) -> dict[str, list[Kind]]:
    """Return the kinds that fit every sampled value, which excludes most before SQL checks every row.

    If none does, return the kind that nearly all values fit, so that the misfits can be counted.
    """
    first = f"(FROM {table} LIMIT {_SAMPLED})"
    counts = measure(db, first, [(n, k) for n, kinds in possible.items() if sample[n] for k in kinds])
    left: dict[str, list[Kind]] = {}
    for name, kinds in possible.items():
        left[name] = [k for k in kinds if not sample[name] or counts[name, k.name].holds]
        if not left[name] and kinds:
            best = min(kinds, key=lambda k: counts[name, k.name].misfits)
            of = counts[name, best.name]
            if name in chosen or of.misfits <= of.filled * (1 - _NEARLY):
                left[name] = [best]
    return {n: kinds for n, kinds in left.items() if kinds}


def _with_rivals(kinds: Sequence[Kind]) -> list[Kind]:
    return [kinds[0], *(k for k in kinds[1:] if k.name in kinds[0].rivals)]


def _refuse_misfits(found: Mapping[str, Found], hints: Hints, possible: Mapping[str, Sequence[Kind]]) -> None:
    """Refuse a person's choice when some values do not fit, with their number. An empty field always fits."""
    for name in possible:
        wanted = hints.formats.get(name) or hints.types.get(name)
        if wanted is None or wanted is FieldType.TEXT:
            continue
        if not possible[name]:
            raise BadInput(
                "The field '{name}' cannot be taken as {wanted}.", name=name, wanted=word(wanted), field=name
            )
        counts = found[name].counts
        if not counts.holds:
            raise BadInput(
                "The field '{name}' cannot be taken as {wanted}: {misfits} of its {filled} filled "
                "values are none. Choose text, or mend the source.",
                name=name,
                wanted=word(wanted),
                misfits=counts.misfits,
                filled=counts.filled,
                field=name,
            )


def _lost_digits(db: DuckDB, table: str, names: Sequence[str]) -> dict[str, int]:
    """Return, for fields that stay text, how many values a spreadsheet wrote as 4.79E+10."""
    if not names:
        return {}
    counts = ", ".join(
        f"count(*) FILTER (contains({c}, 'E+') AND regexp_full_match({c}, {quoted(_LOST)}))"
        for c in map(quote_identifier, names)
    )
    return {n: int(c) for n, c in zip(names, db.row(f"SELECT {counts} FROM {table}"), strict=True) if c}


def _text(name: str, hints: Hints, lost: int) -> Column:
    """Return a column that stays text. A phone number that has lost digits is dropped: it is wrong."""
    sql = text_sql(name)
    if lost and is_phone(name):
        sql = f"CASE WHEN NOT regexp_full_match({quote_identifier(name)}, {quoted(_LOST)}) THEN {sql} END"
    remarks = (Remark("lost_digits", lost, name),) if lost else ()
    stripped = {"lost_digits": lost} if lost else {}
    sure = Sure.CHOSEN if hints.types.get(name) is FieldType.TEXT else Sure.CERTAIN
    reading = FieldReading(name, FieldType.TEXT, hints.source, sure=sure, stripped=stripped)
    return Column(name, FieldType.TEXT, sql, reading, remarks)


def _typed(db: DuckDB, table: str, settled: Settled, hints: Hints) -> Column:
    kind, name, counts = settled.kind, settled.found.name, settled.found.counts
    if kind is None:
        reading = FieldReading(
            name,
            FieldType.TEXT,
            hints.source,
            sure=settled.sure,
            filled=counts.filled,
            nearly=settled.found.kind.type if counts.misfits else None,
            misfits=counts.misfits,
        )
        return Column(name, FieldType.TEXT, text_sql(name), reading, settled.remarks)
    value = kind.read(f"nullif(trim({quote_identifier(name)}), '')")
    if kind.type is FieldType.NUMBER and not kind.exact:
        value = f"CAST({value} AS {decimal(db, table, value)})"
    reading = FieldReading(
        name,
        kind.type,
        hints.source,
        format=kind.format,
        sure=settled.sure,
        filled=counts.filled,
        stripped=counts.stripped,
    )
    return Column(name, kind.type, value, reading, settled.remarks)


def decimal(db: DuckDB, table: str, value: str) -> str:
    """Return an exact decimal wide enough for every value, or DOUBLE when there is none."""
    digits, scale, scientific = db.row(
        f"""SELECT max(length(split_part(v, '.', 1))), max(length(split_part(v, '.', 2))),
              bool_or(contains(lower(v), 'e')) FROM (SELECT {value} AS v FROM {table})"""
    )
    exact = not scientific and (digits or 1) + (scale or 0) <= 18
    return f"DECIMAL(18, {scale or 0})" if exact else "DOUBLE"


def text_sql(name: str) -> str:
    """SQL: the unchanged text; null where it is empty or blank."""
    text = f"CAST({quote_identifier(name)} AS VARCHAR)"
    return (
        f"CASE WHEN {text} = '' OR (starts_with({text}, ' ') AND trim({text}) = '') THEN NULL ELSE {text} END"
    )
