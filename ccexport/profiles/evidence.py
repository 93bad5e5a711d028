"""What is known about the fields of a table of text: earlier choices, and how many values are of which
kind. Must never decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ccexport.model.reading import FieldReading
from ccexport.model.words import FieldType
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.kinds import ZERO_SQL, Kind, filled


@dataclass(frozen=True)
class Hints:
    """What a person or the earlier snapshot said about fields. `semicolons`: they separate the fields of the file."""

    types: Mapping[str, FieldType] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, FieldReading] = field(default_factory=dict)
    semicolons: bool = False
    source: str = ""
    scientific: bool = True  # a number may be written as 4.79E+10
    only_dates: bool = (
        False  # only dates are looked for, in texts of a format that has its own numbers and booleans
    )


@dataclass(frozen=True)
class Counts:
    """How many values are filled, how many of them are not of a kind, and what reading the kind leaves out."""

    filled: int
    misfits: int
    whole: bool
    stripped: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether every filled value is of the kind; also true without any value."""
        return self.misfits == 0 and self.whole


@dataclass(frozen=True)
class Found:
    """The kind a field fits best, and its rivals that also fit every value."""

    name: str
    kind: Kind
    counts: Counts
    rivals: tuple[Kind, ...] = ()


def measure(db: DuckDB, table: str, pairs: Sequence[tuple[str, Kind]]) -> dict[tuple[str, str], Counts]:
    """Count every pair of field and kind, in one pass."""
    if not pairs:
        return {}
    found = {}
    counts = iter(_counted(db, table, [(n, x) for n, k in pairs for x in _measures(k)]))
    for name, kind in pairs:
        some, misfits, whole = next(counts), next(counts), next(counts)
        stripped = {code: int(next(counts)) for code, _ in _stripped(kind)}
        found[name, kind.name] = Counts(some, misfits, some == 0 or bool(whole), stripped)
    # Dates that mean "none" are not misfits; few fields have any, so only fields with misfits are checked for them.
    doubtful = [(n, k) for n, k in pairs if _has_zero(k) and found[n, k.name].misfits]
    zeros = _counted(db, table, [(n, f"count(*) FILTER ({ZERO_SQL})") for n, _ in doubtful])
    for (name, kind), zero in zip(doubtful, zeros, strict=True):
        found[name, kind.name] = _without_zeros(found[name, kind.name], int(zero))
    return {
        pair: replace(c, stripped={k: n for k, n in c.stripped.items() if n}) for pair, c in found.items()
    }


def _without_zeros(counts: Counts, zero: int) -> Counts:
    return replace(
        counts,
        filled=counts.filled - zero,
        misfits=counts.misfits - zero,
        stripped={"zero_date": zero, **counts.stripped},
    )


def _counted(db: DuckDB, table: str, asked: Sequence[tuple[str, str]]) -> Sequence[int]:
    """Return the aggregates, each over the trimmed text `{t}` of its field, in one pass."""
    if not asked:
        return []
    names = list(dict.fromkeys(n for n, _ in asked))
    inner = ", ".join(f"trim({quote_identifier(n)}) AS t{at}" for at, n in enumerate(names))
    outer = ", ".join(filled(x, f"t{names.index(n)}") for n, x in asked)
    return db.row(f"SELECT {outer} FROM (SELECT {inner} FROM {table})")


def _has_zero(kind: Kind) -> bool:
    return any(code == "zero_date" for code, _ in kind.stripped)


def _stripped(kind: Kind) -> list[tuple[str, str]]:
    return [(code, condition) for code, condition in kind.stripped if code != "zero_date"]


def _measures(kind: Kind) -> list[str]:
    return [
        "count(*) FILTER ({t} <> '')",
        f"count(*) FILTER ({{t}} <> '' AND NOT coalesce({kind.test('{t}')}, false))",
        kind.whole,
        *(f"count(*) FILTER ({condition})" for _, condition in _stripped(kind)),
    ]
