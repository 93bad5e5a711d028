"""A text that is called clean is sent as it stands: nothing to trim, to compose, to drop or to escape."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccexport.profiles.clean_text import CLEAN, all_clean_sql
from ccexport.profiles.database import quote_identifier, session
from ccexport.profiles.store import ProfileStore

TEXT = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.text('aåé\u0301~ \t"\\\\\x00\x7f\x85\u00a0\u00a1\u02ff\u0300\ufeff', max_size=6),
)


def judged(folder: Path, rows: list[tuple[str | None, ...]]) -> list[bool]:
    values = [f"v{n}" for n in range(len(rows[0]))]
    with session(memory_limit="64MB", temp_dir=folder / "temp") as db:
        columns = ", ".join(f"{v} VARCHAR" for v in values)
        db.run(f"CREATE TABLE given ({columns}, n INTEGER)")
        for n, row in enumerate(rows):
            db.run(f"INSERT INTO given VALUES ({'?, ' * len(row)}?)", [*row, n])
        return [yes for (yes,) in db.rows(f"SELECT {all_clean_sql(values)} FROM given ORDER BY n")]


@settings(max_examples=40)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=40))
def test_a_clean_text_is_sent_as_it_stands(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, ...]]
) -> None:
    for row, yes in zip(rows, judged(tmp_path_factory.mktemp("clean"), rows), strict=True):
        for text in row if yes else ():
            assert text is None or (text and text == text.strip() == unicodedata.normalize("NFC", text))
            assert text is None or json.dumps(text, ensure_ascii=False) == f'"{text}"'
            assert not any(unicodedata.category(c) == "Cc" for c in text or "")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        *((t, True) for t in (None, "Kari", "Bjørn Åse", "é", "O'Brien & Søn", "a~b", "x" * 300)),
        *(
            (t, False)
            for t in ("", "~", " Kari", "Kari ", "Kari\u00a0", "e\u0301", "two\nlines", '"', "\\\\", "a ~b")
        ),
    ],
)
def test_what_is_clean(tmp_path: Path, text: str | None, clean: bool) -> None:
    assert judged(tmp_path, [(text, "x")]) == [clean]
    assert judged(tmp_path, [("x", text)]) == [clean]


def test_a_snapshot_knows_it_of_all_texts_of_a_profile(store: ProfileStore, tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text('id,email,name,age\n1,a@example.com,Kari,30\n2,b@example.com,"a ""b""",31\n3,,,\n')
    snapshot = store.ingest([file], id_field="id").snapshot
    with store.open(snapshot) as db:
        found = db.rows(f"SELECT _id, {quote_identifier(CLEAN)} FROM s.profiles ORDER BY _row")
    assert found == [("1", True), ("2", False), ("3", True)]
