"""Joins several sources about the same people by a key: each field comes from the first source that
has a value.

Owns the rule of precedence: the order of the sources, except in fields for which one source comes first. An
empty value never wins. Must never drop a person whom only one source has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.messages import message
from ccexport.model.profiles import ProfileField, SourcePart
from ccexport.model.reading import FieldReading, FileReading, Remark
from ccexport.model.sources import Given
from ccexport.model.words import FieldType
from ccexport.profiles.columns import Column, text_columns, text_sql
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.evidence import Hints
from ccexport.profiles.identify import find_id_field, refuse_wrong_id
from ccexport.profiles.loading import Loading
from ccexport.profiles.native_columns import native_columns
from ccexport.profiles.rejects import reject_unusable_ids
from ccexport.profiles.sources import stage
from ccexport.profiles.staged import STAGED, Staged
from ccexport.profiles.tolerant_reader import LINE

_KEY = "_key"


@dataclass(frozen=True)
class Unified:
    """The staged table of all people, and what it was made of."""

    staged: Staged
    id_name: str
    reasons: Mapping[str, int]
    parts: tuple[SourcePart, ...]
    conflicts: Mapping[str, int]
    readings: tuple[FieldReading, ...]
    files: tuple[FileReading, ...]
    type_conflicts: tuple[tuple[str, tuple[str, ...]], ...]  # field, its types


@dataclass(frozen=True)
class _Read:
    """One source with its types: first its table as loaded, then the typed table."""

    given: Given
    table: str
    key: str
    columns: tuple[Column, ...]
    part: SourcePart
    files: tuple[FileReading, ...]

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name.casefold() == name.casefold()), None)


def columns_of(db: DuckDB, staged: Staged, id_name: str, given: Given) -> list[Column]:
    """Return the typed columns of the staged table, with the types and formats a person chose."""
    hints = Hints(
        types={_found(staged, n, given): t for n, t in given.types.items()},
        formats={_found(staged, n, given): f for n, f in given.formats.items()},
        before=given.before,
        semicolons=staged.decimal_comma,
        source=given.name,
        scientific=staged.scientific,
        only_dates=staged.json,
    )
    if not staged.text:
        return native_columns(db, STAGED, staged.types, id_field=id_name, hints=hints)
    columns = text_columns(db, STAGED, staged.fields, id_field=id_name, hints=hints)
    return [_with_guards(c, staged.guards.get(c.name, 0)) for c in columns]


def _with_guards(column: Column, count: int) -> Column:
    """Add the number of removed marks to the column's reading and remarks."""
    if not count or column.reading is None:
        return column
    stripped = {"guard": count, **column.reading.stripped}
    remarks = (Remark("guard", count, column.name), *column.remarks)
    return replace(column, reading=replace(column.reading, stripped=stripped), remarks=remarks)


def readings_of(columns: Sequence[Column]) -> tuple[FieldReading, ...]:
    """Return how each column was read."""
    return tuple(replace(c.reading, type=c.type) for c in columns if c.reading is not None)


def refuse_questions(columns: Sequence[Column]) -> None:
    """Raise `BadInput` when a person has to choose the order of day and month in some dates."""
    asked = [c.name for c in columns for r in c.remarks if r.code == "ask_order"]
    if asked:
        raise BadInput(
            "The dates in {fields} can be day first or month first, and nothing in the file proves one: say "
            "it for one of them (the format day_first or month_first).",
            fields=asked,
        )


def _found(staged: Staged, name: str, given: Given) -> str:
    found = next((f for f in staged.fields if f.casefold() == name.casefold()), None)
    if found is None:
        where = message("The source {name}", name=given.name) if given.name else message("The source")
        raise BadInput(
            "{where} has no field '{name}', for which a type or format was chosen.",
            where=where,
            name=name,
            field=name,
        )
    return found


def unify(loading: Loading, sources: Sequence[Given], folder: Path) -> Unified:
    """Read every source and join them by their keys into the staged table."""
    reasons: dict[str, int] = {}
    read: list[_Read] = []
    for number, given in enumerate(sources):
        one, found = _read(loading, given, number, folder)
        read.append(one)
        for reason, count in found.items():
            reasons[reason] = reasons.get(reason, 0) + count
    loading.say("joining")
    db = loading.db
    differing = _differing(db, read)
    read = [_typed(db, one, differing) for one in read]
    columns = [_merged(db, read, name) for name in _names(read)]
    conflicts = _conflicts(db, read, columns)
    rows = _join(db, read, columns)
    types = tuple((n, t) for n, t, *_ in db.rows(f"DESCRIBE {STAGED}") if n != LINE)
    staged = Staged(types, text=False, decimal_comma=False, parts=(("", 0, 1),), rows=rows)
    return Unified(
        staged,
        read[0].key,
        reasons,
        tuple(r.part for r in read),
        conflicts,
        tuple(reading for r in read for reading in readings_of(r.columns)),
        tuple(file for r in read for file in r.files),
        tuple((name, tuple(sorted(map(str, types)))) for name, types in differing.items()),
    )


def _read(loading: Loading, given: Given, number: int, folder: Path) -> tuple[_Read, Mapping[str, int]]:
    db, table = loading.db, f"_from{number}"
    staged = stage(loading, given, folder)
    loading.say("checking", what=given.name)
    key_name = find_id_field(db, STAGED, staged.fields, given.key)
    key = _key_sql(key_name)
    reasons = reject_unusable_ids(db, staged, key_name, key)
    refuse_wrong_id(staged.rows, key_name, reasons)
    columns = columns_of(db, staged, key_name, given)
    refuse_questions(columns)
    rows = int(db.row(f"SELECT count(*) FROM {STAGED}")[0])
    db.run(f"ALTER TABLE {STAGED} RENAME TO {table}")
    part = SourcePart(given.name, rows, ())
    return _Read(given, f"staging.{table}", key_name, tuple(columns), part, staged.files), reasons


def _differing(db: DuckDB, read: Sequence[_Read]) -> dict[str, set[FieldType]]:
    """Return the fields that sources have as different types without a common type."""
    keys = {r.key.casefold() for r in read}
    types: dict[str, tuple[str, set[FieldType]]] = {}
    for source in read:
        for column in source.columns:
            folded = column.name.casefold()
            if folded not in keys and _has_any(db, source.table, column.name):
                types.setdefault(folded, (column.name, set()))[1].add(column.type)
    days = {FieldType.DATE, FieldType.TIMESTAMP}
    return {name: found for name, found in types.values() if len(found) > 1 and found != days}


def _typed(db: DuckDB, read: _Read, differing: Mapping[str, object]) -> _Read:
    """Make the typed table of a source. Differing fields keep the original text, not the text of a value."""
    as_text = {name.casefold() for name in differing}
    columns = tuple(
        replace(c, type=FieldType.TEXT, sql=text_sql(c.name)) if c.name.casefold() in as_text else c
        for c in read.columns
    )
    chosen = ", ".join(f"{c.sql} AS {quote_identifier(c.name)}" for c in columns)
    table = f"{read.table}_typed"
    key = _key_sql(read.key)
    db.run(f"CREATE TABLE {table} AS SELECT {key} AS {_KEY}, {chosen} FROM {read.table} ORDER BY rowid")
    db.run(f"DROP TABLE {read.table}")
    fields = tuple(ProfileField(c.name, c.type) for c in columns)
    return replace(read, table=table, columns=columns, part=replace(read.part, fields=fields))


def _key_sql(name: str) -> str:
    """SQL: the key without spaces around it; addresses in lower case."""
    text = f"trim(CAST({quote_identifier(name)} AS VARCHAR))"
    return f"if(contains({text}, '@'), lower({text}), {text})"


def _names(read: Sequence[_Read]) -> list[str]:
    """Return every field, in the order of the sources; the keys are one field, named as in the first source."""
    names: dict[str, str] = {}
    for source in read:
        for column in source.columns:
            if column.name.casefold() != source.key.casefold() or source is read[0]:
                names.setdefault(column.name.casefold(), column.name)
    return list(names.values())


def _merged(db: DuckDB, read: Sequence[_Read], name: str) -> Column:
    """Return the SQL of a field over the tables f0, f1 …: the first value that is not empty."""
    if name == read[0].key:
        return Column(name, FieldType.TEXT, f"k.{_KEY}")
    found = [(n, s.column(name)) for n, s in enumerate(read)]
    there = [
        (n, c) for n, c in found if c is not None and (n == 0 or c.name.casefold() != read[n].key.casefold())
    ]
    first = [n for n, _ in there if name.casefold() in {f.casefold() for f in read[n].given.first_in}]
    there.sort(key=lambda pair: pair[0] not in first)
    filled = [(n, c) for n, c in there if len(there) == 1 or _has_any(db, read[n].table, c.name)] or there[:1]
    type_ = _common({c.type for _, c in filled})
    values = [_as(f"f{n}.{quote_identifier(c.name)}", c.type, type_) for n, c in filled]
    return Column(name, type_, values[0] if len(values) == 1 else f"coalesce({', '.join(values)})")


def _has_any(db: DuckDB, table: str, name: str) -> bool:
    """Return whether the field has any value: an empty field says nothing about its type in another source."""
    column = quote_identifier(name)
    return bool(db.row(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} IS NOT NULL)")[0])


def _common(types: set[FieldType]) -> FieldType:
    if len(types) == 1:
        return next(iter(types))
    return FieldType.TIMESTAMP if types == {FieldType.DATE, FieldType.TIMESTAMP} else FieldType.TEXT


def _as(sql: str, type_: FieldType, wanted: FieldType) -> str:
    if type_ is wanted:
        return sql
    return f"CAST({sql} AS {'TIMESTAMP' if wanted is FieldType.TIMESTAMP else 'VARCHAR'})"


def _joined(read: Sequence[_Read]) -> str:
    """SQL: everybody once, in the order in which the sources first name them."""
    each = " UNION ALL ".join(
        f"SELECT {_KEY}, {n} AS s, rowid AS r FROM {s.table}" for n, s in enumerate(read)
    )
    people = f"(SELECT {_KEY}, min(s * 4294967296 + r) AS place FROM ({each}) GROUP BY {_KEY}) k"
    joins = " ".join(f"LEFT JOIN {s.table} f{n} ON f{n}.{_KEY} = k.{_KEY}" for n, s in enumerate(read))
    return f"{people} {joins}"


def _conflicts(db: DuckDB, read: Sequence[_Read], columns: Sequence[Column]) -> dict[str, int]:
    """Return for how many people the sources disagree, by field."""
    several = [c for c in columns if c.sql.startswith("coalesce(")]
    if not several:
        return {}
    counts = ", ".join(
        f"count(*) FILTER (len(list_distinct([{c.sql.removeprefix('coalesce(').removesuffix(')')}])) > 1)"
        for c in several
    )
    found = db.row(f"SELECT {counts} FROM {_joined(read)}")
    return {c.name: int(n) for c, n in zip(several, found, strict=True) if n}


def _join(db: DuckDB, read: Sequence[_Read], columns: Sequence[Column]) -> int:
    chosen = ", ".join(f"{c.sql} AS {quote_identifier(c.name)}" for c in columns)
    db.run(
        f"CREATE TABLE {STAGED} AS SELECT {chosen}, CAST(NULL AS BIGINT) AS {LINE} FROM {_joined(read)} "
        "ORDER BY k.place"
    )
    for source in read:
        db.run(f"DROP TABLE {source.table}")
    return int(db.row(f"SELECT count(*) FROM {STAGED}")[0])
