"""What an address is: the corpus, and SQL and Python agreeing on anything at all."""

import csv
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccexport.profiles.addresses import (
    FORMS,
    OTHER_FORM,
    REASONS,
    USABLE,
    address_in_cell,
    address_sql,
    addresses_in_cell,
    annotate,
    normalise_address,
    reason_text,
)
from ccexport.profiles.database import DuckDB, session

CORPUS = Path(__file__).with_name("address_corpus.csv")


def _written(text: str) -> str:
    r"""`{a:64}` is 64 times a; `\t`, `\n`, `\r`, `\\` and `\uXXXX` are as in JSON."""
    text = re.sub(r"\{(.):(\d+)\}", lambda m: m[1] * int(m[2]), text)
    plain = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}
    return re.sub(
        r"\\(u[0-9a-f]{4}|[tnr\\])",
        lambda m: plain.get(m[1]) or chr(int(m[1][1:], 16)),
        text,
    )


def _corpus() -> list[tuple[str, str | None, str | None, str]]:
    with CORPUS.open(newline="", encoding="utf-8") as file:
        return [
            (_written(r["address"]), _written(r["normal_form"]) or None, r["reason"] or None, r["why"])
            for r in csv.DictReader(file)
        ]


def _by_sql(db: DuckDB, texts: list[str | None]) -> list[tuple[str | None, str | None]]:
    """The verdicts of `annotate`: normal form or reason, as a plan would read them."""
    table = pa.table({"_row": list(range(len(texts))), "e": pa.array(texts, pa.string())})
    for name in ("p", "found", FORMS):
        db.run(f"DROP TABLE IF EXISTS {name}")
    with db.given("_given", table):
        db.run("CREATE TABLE p AS SELECT * FROM _given")
    annotate(db, "p", "e", "found")
    found = db.rows(
        f"""SELECT "e#code", if("e#code" = {OTHER_FORM}, f.address, {address_sql("e")}), "e#hash" IS NOT NULL
            FROM found JOIN p USING (_row) LEFT JOIN {FORMS} f ON f.field = 'e' AND f.raw = e ORDER BY _row"""
    )
    assert all(hashed == (code in (USABLE, OTHER_FORM)) for code, _, hashed in found)
    return [(None, REASONS[code].value) if code in REASONS else (form, None) for code, form, _ in found]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory):
    with session(memory_limit="256MB", temp_dir=tmp_path_factory.mktemp("t")) as opened:
        yield opened


@pytest.mark.parametrize(("address", "form", "reason", "why"), _corpus(), ids=lambda v: None)
def test_corpus(address: str, form: str | None, reason: str | None, why: str) -> None:
    """Every hard case has its written verdict."""
    found, found_reason, sentence = normalise_address(address)
    assert (form, reason) == (found, found_reason), f"{why}: {sentence}"
    assert bool(sentence) == bool(reason)


CELLS = [
    ("mailto:a@example.com", ["a@example.com"]),
    ("MAILTO: a@example.com?subject=Hi", ["a@example.com"]),
    ("Bo Ek <bo@example.com>", ["bo@example.com"]),
    ('"Ek, Bo" <Bo@Example.com>', ["bo@example.com"]),
    ("Åge Müller (age@example.com)", ["age@example.com"]),
    ("<e@example.com>", ["e@example.com"]),
    ("'o'hara@example.com'", ["o'hara@example.com"]),
    ("[m@example.com](mailto:m@example.com)", ["m@example.com"]),
    ("a@example.com <a@example.com>", ["a@example.com"]),
    ("c1@example.com; c2@example.com", ["c1@example.com", "c2@example.com"]),
    ("d1@example.com, d2@example.com", ["d1@example.com", "d2@example.com"]),
    ("l@example.com\nl2@example.com", ["l@example.com", "l2@example.com"]),
    ("x@example.com / y@example.com", ["x@example.com", "y@example.com"]),
    ("bo.x@example.com ::: bo.y@example.com", ["bo.x@example.com", "bo.y@example.com"]),
    ("<a@example.com>, Bo <b@example.com>", ["a@example.com", "b@example.com"]),
    ("a@example.com b@example.com", ["a@example.com", "b@example.com"]),
    ("a@example.com (old: b@example.com)", ["a@example.com"]),
    ("ann@localhost ; ann@example.com", ["ann@example.com"]),
    ("g@example.com.", ["g@example.com"]),
    ("g@example.com,", ["g@example.com"]),
    ("ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", ["ann@example.com"]),
    ("ann＠example.com", ["ann@example.com"]),
    ("a\u200bnn@exam\u00adple.com", ["ann@example.com"]),
    ("E-mail: kari@blåbær.no", ["kari@xn--blbr-roah.no"]),
    # What is no address for certain is refused, never guessed.
    ("h@example", []),
    ("i @example.com", []),
    ("anna maria@example.com", []),
    ("ka,ri@example.com", []),
    ("ka;ri@example.com", []),
    ("k(at)example.com", []),
    ("a@b..no", []),
    ("see our page", []),
    ("", []),
]


@pytest.mark.parametrize(("cell", "addresses"), CELLS, ids=[repr(c) for c, _ in CELLS])
def test_the_addresses_in_a_cell(db: DuckDB, cell: str, addresses: list[str]) -> None:
    """As people and tools write them; the first is the profile's, in Python and in the snapshot."""
    assert addresses == list(addresses_in_cell(cell))
    first = addresses[0] if addresses else None
    assert first == address_in_cell(cell)[0]
    ((form, _),) = _by_sql(db, [cell])
    assert first == form
    others = db.rows(f"SELECT others FROM {FORMS}")
    assert [n for (n,) in others if n] == ([len(addresses) - 1] if len(addresses) > 1 else [])


def test_corpus_in_sql(db: DuckDB) -> None:
    """The same verdicts come out of the snapshot's columns, but for what may stand around an address."""
    corpus = _corpus()
    assert len(corpus) >= 120
    found = _by_sql(db, [address for address, *_ in corpus])
    differ = [why for (_, form, reason, why), got in zip(corpus, found, strict=True) if got != (form, reason)]
    assert differ == [
        *(
            "zero-width space inside",
            "zero-width space inside the domain",
            "header injection",
            "trailing dot",
        ),
        *("display name", "angle brackets", "mailto", "two addresses", "two with a semicolon"),
        *("trailing semicolon", "full-width at", "right-to-left override"),
    ]


_pieces = st.sampled_from(
    [
        "a",
        "B",
        "æ",
        "İ",
        "ß",
        ".",
        "..",
        "@",
        "-",
        "--",
        "xn--",
        "_",
        " ",
        "\t",
        "\u00a0",
        "\u200b",
        '"',
        "example",
        ".com",
        ".test",
        "bücher",
        "．",
        "é",
        "e\u0301",
        "1",
        "(",
        ")",
        "[",
        "'",
        ",",
        "a" * 45,
    ]
)
_likely = st.tuples(st.lists(_pieces, max_size=5), st.lists(_pieces, max_size=5)).map(
    lambda t: "".join(t[0]) + "@" + "".join(t[1]) + ".com"
)
_texts = st.one_of(st.lists(_pieces, max_size=8).map("".join), _likely, st.emails(), st.text(max_size=20))


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(_texts | st.none(), max_size=40))
def test_sql_and_python_agree(db: DuckDB, texts: list[str | None]) -> None:
    """A plan decides in SQL and a person reads the reason from Python."""
    texts = [t.replace("\0", "") if t is not None else None for t in texts]
    expected = [address_in_cell(t)[:2] for t in texts]
    assert expected == _by_sql(db, texts)


def test_shared_marks_addresses_that_are_one_after_normalising(db: DuckDB) -> None:
    """Only shared addresses can be duplicates."""
    for name in ("p", "found", FORMS):
        db.run(f"DROP TABLE IF EXISTS {name}")
    db.run(
        """CREATE TABLE p AS SELECT * FROM (VALUES (0, 'A@example.com'), (1, ' a@EXAMPLE.com'),
        (2, NULL), (3, 'b@example.com'), (4, 'x@bücher.de'), (5, 'x@xn--bcher-kva.de'),
        (6, 'bad'), (7, 'bad')) t(_row, e)"""
    )
    annotate(db, "p", "e", "found")
    assert db.rows('SELECT _row FROM found WHERE "e#shared" ORDER BY 1') == [(0,), (1,), (4,), (5,)]


def test_a_number_field_can_be_annotated(db: DuckDB) -> None:
    """A mapping may name any field; nothing of it is an address then."""
    for name in ("p", "found"):
        db.run(f"DROP TABLE IF EXISTS {name}")
    db.run("CREATE TABLE p AS SELECT i::INTEGER AS _row, i * 2 AS e FROM range(3) t(i)")
    annotate(db, "p", "e", "found")
    assert db.rows('SELECT DISTINCT "e#code" FROM found') == [(2,)]


def test_a_reason_is_a_sentence() -> None:
    """Shown beside the row in the preview."""
    assert reason_text("kari@example.com") is None
    assert str(reason_text("kari")) == "It has no @-sign."
    assert "51 characters" in str(reason_text("a" * 39 + "@example.com"))
