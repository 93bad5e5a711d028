"""What is known about the fields of a table of text: what was said before, and how many values are of which
kind. Must never decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ccexport.model.reading import FieldReading
from ccexport.model.words import FieldType
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.kinds import ZERO_SQL, Kind, filled


@dataclass(frozen=True)
class Hints:
    """What a person or the snapshot before said about fields; `semicolons` separate the fields of the file."""

    types: Mapping[str, FieldType] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, FieldReading] = field(default_factory=dict)
    semicolons: bool = False
    source: str = ""
    only_dates: bool = False  # of texts in a format that has numbers and booleans of its own


@dataclass(frozen=True)
class Counts:
    """How many values are filled, how many of them are not of a kind, and what reading it leaves out."""

    filled: int
    misfits: int
    whole: bool
    stripped: Mapping[str, int]

    @property
    def holds(self) -> bool:
        """Whether every filled value is of the kind; also when there is none."""
        return self.misfits == 0 and self.whole


@dataclass(frozen=True)
class Found:
    """The kind a field fits best, and its rivals that every value is as well."""

    name: str
    kind: Kind
    counts: Counts
    rivals: tuple[Kind, ...] = ()


def measure(db: DuckDB, table: str, pairs: Sequence[tuple[str, Kind]]) -> dict[tuple[str, str], Counts]:
    """Every pair of field and kind, in one pass."""
    if not pairs:
        return {}
    names = list(dict.fromkeys(n for n, _ in pairs))
    inner = ", ".join(f"trim({quote_identifier(n)}) AS t{at}" for at, n in enumerate(names))
    outer = [x for n, k in pairs for x in _measures(f"t{names.index(n)}", k)]
    answers = iter(db.row(f"SELECT {', '.join(outer)} FROM (SELECT {inner} FROM {table})"))
    found = {}
    for name, kind in pairs:
        some, misfits, whole = next(answers), next(answers), next(answers)
        stripped = {code: int(next(answers)) for code, _ in kind.stripped}
        found[name, kind.name] = Counts(
            some, misfits, some == 0 or bool(whole), {c: n for c, n in stripped.items() if n}
        )
    return found


def _measures(text: str, kind: Kind) -> list[str]:
    empty = any(code == "zero_date" for code, _ in kind.stripped)
    real = f"{text} <> ''" + (f" AND NOT {filled(ZERO_SQL, text)}" if empty else "")
    return [
        f"count(*) FILTER ({real})",
        f"count(*) FILTER ({real} AND NOT coalesce({kind.test(text)}, false))",
        filled(kind.whole, text),
        *(f"count(*) FILTER ({filled(condition, text)})" for _, condition in kind.stripped),
    ]
