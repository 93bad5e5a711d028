"""Sources joined by a key give what a plain loop over their rows gives, whatever the rows are."""

import csv
import itertools
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccexport.model.sources import Given
from ccexport.model.words import FieldType
from ccexport.profiles.store import ProfileStore
from tests.profiles.conftest import NOW

KEYS = st.sampled_from(["a", "b", " b", "Ann@x.no", "ann@X.no ", "", "c'; DROP", '"d"'])
VALUES = st.sampled_from(["", "Oslo", "Moss", "O'Hara", "x,y", "ÅÆØ", '"q"'])
NAMES = st.permutations(["city", "Tier", 'we"ird; --', "note"])
ROWS = st.lists(st.tuples(KEYS, VALUES, VALUES), min_size=1, max_size=8)
SOURCES = st.lists(st.tuples(ROWS, NAMES, st.booleans()), min_size=2, max_size=3)
_number = itertools.count()


def _key(text: str) -> str:
    trimmed = text.strip()
    return trimmed.lower() if "@" in trimmed else trimmed


def _joined(sources: list[Any]) -> list[dict[str, str | None]]:
    """The rule as docs/ingest.md states it, in a few lines."""
    people: dict[str, list[dict[str, str]]] = {}
    for number, (rows, names, _) in enumerate(sources):
        seen = set()
        for key, *values in rows:
            if (k := _key(key)) and k not in seen:
                seen.add(k)
                found = people.setdefault(k, [{} for _ in sources])
                found[number] = {n.casefold(): v for n, v in zip(names[:2], values, strict=True)}
    fields = list(dict.fromkeys(n.casefold() for _, names, _ in sources for n in names[:2]))
    first = next((n for n, (_, _, wins) in enumerate(sources) if wins), None)
    order = sorted(range(len(sources)), key=lambda n: n != first)
    told = []
    for key, parts in people.items():
        row: dict[str, str | None] = {"id": key}
        for field in fields:
            ranks = order if field == _won(sources, first) else range(len(sources))
            row[field] = next((parts[n][field] for n in ranks if parts[n].get(field)), None)
        told.append(row)
    return told


def _won(sources: list[Any], first: int | None) -> str | None:
    return None if first is None else str(sources[first][1][0]).casefold()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SOURCES)
def test_the_join_is_the_plain_loop(tmp_path: Path, sources: list[Any]) -> None:
    if any(2 * len({_key(k) for k, *_ in rows} - {""}) < len(rows) for rows, *_ in sources):
        return  # such a key is refused, which has a test of its own
    folder = tmp_path / str(next(_number))
    folder.mkdir()
    first = next((n for n, (_, _, wins) in enumerate(sources) if wins), None)
    asked = []
    for number, (rows, names, _) in enumerate(sources):
        path = folder / f"{number}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["id", *names[:2]], *rows])
        won = (names[0].upper(),) if number == first else ()
        types = dict.fromkeys(names[:2], FieldType.TEXT)
        asked.append(Given(f"s{number}", files=(path,), key="ID", first_in=won, types=types))
    store = ProfileStore(folder / "store", memory_limit="256MB", clock=lambda: NOW)
    report = store.ingest_sources(asked)
    found = [
        {n.casefold(): v for n, v in row.items() if n != "_id"}
        for row in store.page(report.snapshot, limit=99)
    ]
    assert found == _joined(sources)
    assert report.rows_read == sum(len(rows) for rows, *_ in sources)
    store.close()
