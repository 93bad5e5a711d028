"""What the loaders share: one loaded part, the staged table they make together, the names of its fields.

Must never read a source itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ccexport.errors import BadInput
from ccexport.model.reading import FileReading
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.spreadsheet_guards import take_off_guards
from ccexport.profiles.tolerant_reader import LINE, Reject

STAGED = "staging._staged"
NUMERIC_TEXT = "NUMERIC AS TEXT"  # exact numbers that a database hands over as text
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
    files: tuple[FileReading, ...] = ()
    guards: Mapping[str, int] = field(default_factory=dict)  # field → how many were taken off

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.types)


def stack(db: DuckDB, parts: list[Part]) -> Staged:
    """The parts, in their order, as the one table `_staged`."""
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
        raise BadInput(f"{parts[0].name} has no rows besides its header.", file=parts[0].name)
    rejects = [r for p in parts for r in p.rejects]
    return Staged(
        parts[0].types,
        parts[0].text,
        any(p.semicolons for p in parts),
        tuple(starts),
        rejects,
        rows,
        json=parts[0].json,
        files=tuple(p.reading for p in parts if p.reading is not None),
        guards=take_off_guards(db, STAGED, [n for n, _ in parts[0].types]) if parts[0].text else {},
    )


def check_alike(first: Part, other: Part) -> None:
    """Raise `BadInput` unless both have the same fields of the same types."""
    ours, theirs = dict(first.types), dict(other.types)
    lacking = [n for n in ours if n not in theirs]
    extra = [n for n in theirs if n not in ours]
    if lacking or extra:
        what = f"has no field '{lacking[0]}'" if lacking else f"has a field '{extra[0]}' more"
        raise BadInput(f"{other.name} {what}; files given together need the same fields as {first.name}.")
    for name, declared in ours.items():
        if theirs[name] != declared:
            raise BadInput(
                f"The field '{name}' is {theirs[name]} in {other.name} and {declared} in {first.name}; "
                "files given together need the same types."
            )


def field_names(found: Sequence[str], name: str) -> tuple[str, ...]:
    """The names, none twice; what would collide with our own columns gets another name."""
    given = {n.casefold() for n in found}
    names: list[str] = []
    for wanted in found:
        renamed = _RESERVED.get(wanted.casefold(), wanted)
        if renamed != wanted and renamed in given:
            raise BadInput(f"{name}: rename the field '{wanted}', which is a name this store uses itself.")
        if renamed.casefold() in {n.casefold() for n in names}:
            raise BadInput(
                f"{name}: the header names the field '{wanted}' twice; rename one of them.", file=name, line=1
            )
        names.append(renamed)
    return tuple(names)


def breaks_within(db: DuckDB, table: str, fields: Sequence[str]) -> int:
    """How many line breaks the text values hold."""
    counts = " + ".join(
        f"if(contains({c}, chr(10)), length({c}) - length(replace({c}, chr(10), '')), 0)"
        for c in (f"coalesce({quote_identifier(f)}, '')" for f in fields)
    )
    (found,) = db.row(f"SELECT coalesce(sum({counts}), 0) FROM {table}")
    return int(found)
