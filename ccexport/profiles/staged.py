"""What the loaders share: one loaded part, the staged table they make together, and the names of its fields.

Must never read a source itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ccexport.errors import BadInput
from ccexport.messages import message, word
from ccexport.model.reading import FileReading
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.spreadsheet_guards import take_off_guards
from ccexport.profiles.tolerant_reader import LINE, SURROUNDINGS, Reject

STAGED = "staging._staged"
NUMERIC_TEXT = "NUMERIC AS TEXT"  # exact numbers that a database returns as text
_RESERVED = {"_row": "source_row", "_id": "source_id", LINE: "source_line", "rowid": "source_rowid"}


@dataclass(frozen=True)
class Part:
    """One loaded file or query: its temporary table, fields, and the line of its first row."""

    name: str
    table: str
    types: tuple[tuple[str, str], ...]
    rows: int
    first_line: int
    rejects: tuple[Reject, ...] = ()
    semicolons: bool = False
    text: bool = False
    json: bool = False
    guarded: bool = True  # a value may begin with a spreadsheet's mark
    scientific: bool = True  # a number may be written as 4.79E+10
    reading: FileReading | None = None


@dataclass(frozen=True)
class Staged:
    """The staged table `_staged`: fields, where its rows came from, and what was rejected."""

    types: tuple[tuple[str, str], ...]
    text: bool
    decimal_comma: bool
    parts: tuple[tuple[str, int, int], ...]  # file, first rowid, line of that row
    rejects: list[Reject] = field(default_factory=list)
    rows: int = 0
    json: bool = False
    scientific: bool = True
    files: tuple[FileReading, ...] = ()
    guards: Mapping[str, int] = field(default_factory=dict)  # field → how many marks were removed

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.types)


def stack(db: DuckDB, parts: list[Part]) -> Staged:
    """Stack the parts, in their order, into the one table `_staged`."""
    if len(parts) == 1:
        db.run(f"ALTER TABLE {parts[0].table} RENAME TO _staged")
    else:
        union = " UNION ALL BY NAME ".join(f"SELECT * FROM {p.table}" for p in parts)
        db.run(f"CREATE TABLE {STAGED} AS {union}")
        for part in parts:
            db.run(f"DROP TABLE {part.table}")
    starts, rows = [], 0
    for part in parts:
        starts.append((part.name, rows, part.first_line))
        rows += part.rows
    if rows == 0:
        raise BadInput("{file} has no rows besides its header.", file=parts[0].name)
    rejects = [r for p in parts for r in p.rejects]
    guarded = parts[0].text and any(p.guarded for p in parts)
    return Staged(
        parts[0].types,
        parts[0].text,
        any(p.semicolons for p in parts),
        tuple(starts),
        rejects,
        rows,
        json=parts[0].json,
        files=tuple(p.reading for p in parts if p.reading is not None),
        scientific=any(p.scientific for p in parts),
        guards=take_off_guards(db, STAGED, [n for n, _ in parts[0].types]) if guarded else {},
    )


def check_alike(first: Part, other: Part) -> None:
    """Raise `BadInput` unless both have the same fields of the same types."""
    ours, theirs = dict(first.types), dict(other.types)
    lacking = [n for n in ours if n not in theirs]
    extra = [n for n in theirs if n not in ours]
    if lacking or extra:
        what = (
            message("has no field '{name}'", name=lacking[0])
            if lacking
            else message("has a field '{name}' more", name=extra[0])
        )
        raise BadInput(
            "{other} {what}; files given together need the same fields as {first}.",
            other=other.name,
            what=what,
            first=first.name,
        )
    for name, declared in ours.items():
        if theirs[name] != declared:
            raise BadInput(
                "The field '{name}' is {theirs} in {other} and {declared} in {first}; files given "
                "together need the same types.",
                name=name,
                theirs=word(theirs[name]),
                other=other.name,
                declared=word(declared),
                first=first.name,
            )


def field_names(found: Sequence[str], name: str) -> tuple[str, ...]:
    """Return unique names: a repeated name gets a number, and a field without a name is named by its position.

    A name that collides with our own columns is changed.
    """
    given = {n.casefold() for n in found}
    names: list[str] = []
    taken: set[str] = set()
    for place, wanted in enumerate(found, 1):
        named = wanted or f"column_{place}"
        renamed = _RESERVED.get(named.casefold(), named)
        if renamed != named and renamed in given:
            raise BadInput(
                "{file}: rename the field {field}, which is a name this store uses itself.",
                file=name,
                field=wanted,
            )
        number = 2
        while renamed.casefold() in taken or (number > 2 and renamed.casefold() in given):
            renamed, number = f"{named} {number}", number + 1
        taken.add(renamed.casefold())
        names.append(renamed)
    return tuple(names)


def renamed_fields(found: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return the names that differ from those in the file, each with the original."""
    return {new: old for old, new in zip(found, names, strict=True) if old and new != old}


def drop_empty(db: DuckDB, table: str, header: Sequence[str], fields: Sequence[str]) -> tuple[str, ...]:
    """Drop the fields that have neither a name nor a value from the table; return the others."""
    unnamed = [f for old, f in zip(header, fields, strict=True) if not old]
    if not unnamed or len(unnamed) == len(fields):
        return tuple(fields)
    counts = ", ".join(f"count(*) FILTER (trim({quote_identifier(f)}) <> '')" for f in unnamed)
    empty = [f for f, n in zip(unnamed, db.row(f"SELECT {counts} FROM {table}"), strict=True) if not n]
    for each in empty:
        db.run(f"ALTER TABLE {table} DROP COLUMN {quote_identifier(each)}")
    return tuple(f for f in fields if f not in empty)


def refuse_damaged(part: Part) -> Part:
    """Raise `BadInput` when more than half of a file is unreadable; lines around the table do not count."""
    damaged = [r for r in part.rejects if r.reason not in SURROUNDINGS]
    if len(damaged) > part.rows:
        first = damaged[0]
        raise BadInput(
            "{file} cannot be read: {bad} of {lines} lines are damaged, the first at line {line}: {why}.",
            file=part.name,
            bad=len(damaged),
            lines=len(damaged) + part.rows,
            line=str(first.line),
            why=first.detail,
        )
    return part


def breaks_within(db: DuckDB, table: str, fields: Sequence[str]) -> int:
    """Return how many line breaks the text values hold."""
    counts = " + ".join(
        f"if(contains({c}, chr(10)), length({c}) - length(replace({c}, chr(10), '')), 0)"
        for c in (f"coalesce({quote_identifier(f)}, '')" for f in fields)
    )
    (found,) = db.row(f"SELECT coalesce(sum({counts}), 0) FROM {table}")
    return int(found)
