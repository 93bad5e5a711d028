"""What is ingested can be written out and ingested again, and no spreadsheet takes a text of it for a formula."""

import csv
import io
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccexport.errors import BadInput
from ccexport.profiles.csv_cells import SIGNS, csv_line, guarded, guarded_sql
from ccexport.profiles.database import session
from ccexport.profiles.snapshot_file import FORMATS
from ccexport.profiles.store import ProfileStore
from ccexport.profiles.workbook_writer import write_workbook

PEOPLE = [
    {
        "id": "0001",
        "name": "Åse",
        "note": "=1+1",
        "n": "1.50",
        "day": "2026-02-28",
        "at": "2026-02-28 10:11:12",
    },
    {
        "id": "0002",
        "name": 'say "hi"',
        "note": "a;=b\t@c,-d",
        "n": "-3",
        "day": "1899-12-31",
        "at": "2026-03-01",
    },
    {"id": "0003", "name": "two\nlines", "note": "\uff1dsum", "n": "", "day": "", "at": ""},
    {
        "id": "0004",
        "name": "  blanks ",
        "note": "it's; fine",
        "n": "12345678901234567",
        "day": "",
        "at": "",
    },
    {
        "id": "0005",
        "name": "O'Hara",
        "note": "-'",
        "n": "0",
        "day": "2000-01-01",
        "at": "2000-01-01 00:00:00",
    },
]


def _file(path: Path, rows: list[dict[str, str]]) -> Path:
    """As another tool would write it: quoted, without any marks."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_ingested_is_written_and_ingested_again(
    store: ProfileStore, tmp_path: Path, form: str
) -> None:
    """To the same digest: numbers, days, leading zeros, quotes, line breaks and marks."""
    first = store.ingest([_file(tmp_path / "people.csv", PEOPLE)]).snapshot
    out = tmp_path / f"out.{form}"
    store.write(first, out, form)
    again = store.ingest([out], id_field="id").snapshot
    assert store.digest(first) == store.digest(again)
    assert [(f.name, f.type) for f in first.fields] == [(f.name, f.type) for f in again.fields]
    with store.open(again) as db:
        assert db.rows("SELECT note FROM s.profiles ORDER BY _row") == [(p["note"],) for p in PEOPLE]
        assert db.row("SELECT day FROM s.profiles WHERE id = '0002'") == (date(1899, 12, 31),)


def test_a_digest_is_of_the_values(store: ProfileStore, tmp_path: Path) -> None:
    """Another value, order or name makes another; another file of the same does not."""
    rows = [{"id": "a", "x": "1"}, {"id": "b", "x": "2"}]
    changed = [{"id": "a", "x": "1"}, {"id": "b", "x": "3"}]
    renamed = [{"id": r["id"], "y": r["x"]} for r in rows]
    digests = [
        store.digest(store.ingest([_file(tmp_path / "p.csv", each)], accept_changes=True).snapshot)
        for each in (rows, rows, changed, rows[::-1], renamed)
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 4
    lines = tmp_path / "p.jsonl"
    lines.write_text("\n".join(json.dumps({"id": r["id"], "x": int(r["x"])}) for r in rows))
    assert digests[0] == store.digest(store.ingest([lines], accept_changes=True).snapshot)


_TEXT = st.text(
    st.one_of(
        st.sampled_from([*SIGNS, *";,\t\n\"' ", *"0123aB"]),
        st.characters(codec="utf-8", exclude_categories=["C"]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(_TEXT, min_size=1, max_size=6), form=st.sampled_from(FORMATS))
def test_any_text_comes_back(store: ProfileStore, tmp_path: Path, notes: list[str], form: str) -> None:
    """What the first ingest kept, the second keeps; a plain reader sees each text behind its marks."""
    rows = [{"id": f"P{n}", "note": note} for n, note in enumerate(notes)]
    first = store.ingest([_file(tmp_path / "any.csv", rows)], accept_changes=True).snapshot
    out = tmp_path / f"any.{form}"
    store.write(first, out, form)
    again = store.ingest([out], id_field="id", accept_changes=True).snapshot
    assert store.digest(first) == store.digest(again)


def _cells(line: str, delimiter: str) -> list[str]:
    """The cells as a spreadsheet of some locale splits the text, with and without heed to the quotes."""
    parts = re.split(f"[{delimiter}\r\n]", line)
    return [p.strip('" ') for p in parts] + next(csv.reader(io.StringIO(line), delimiter=delimiter))


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(_TEXT, min_size=1, max_size=4))
def test_no_cell_begins_like_a_formula_however_the_line_is_split(texts: list[str]) -> None:
    """By comma, semicolon or tab."""
    line = csv_line(texts)
    for delimiter in ",;\t":
        assert [c for c in _cells(line, delimiter) if c[:1] in SIGNS and c and not c.startswith('="')] == []


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(_TEXT, min_size=1, max_size=20))
def test_sql_and_python_mark_alike(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """The large files are written by SQL, the small ones by Python."""
    with session(memory_limit="64MB", temp_dir=tmp_path_factory.mktemp("t")) as db:
        found = [db.row(f"SELECT {guarded_sql('t')} FROM (SELECT ? AS t)", [text])[0] for text in texts]
    assert [guarded(text) for text in texts] == found


def test_a_workbook_says_what_it_cannot_hold(tmp_path: Path) -> None:
    """And leaves nothing half written."""
    with pytest.raises(BadInput, match="32,767 characters"):
        write_workbook(tmp_path / "x.xlsx", ["a"], [["x" * 40_000]], temp_dir=tmp_path)
    assert list(tmp_path.glob("*.xlsx*")) == []
