"""Sources besides plain files: workbooks, queries, and several about the same people."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from ccexport.errors import BadInput, Conflict, StoreTrouble
from ccexport.model.profiles import IngestReport
from ccexport.model.sources import Given, Progress, Source
from ccexport.model.words import FieldType
from ccexport.profiles.store import ProfileStore
from tests.profiles.conftest import NOW
from tests.profiles.workbook import write_workbook

T = FieldType
at = datetime.fromisoformat
HEADER = ["Customer Id", "Name", "Born", "Seen", "Score", "VIP", "Code"]
Made = Callable[..., Given]


def _values(store: ProfileStore, report: IngestReport, *fields: str) -> list[Any]:
    with store.open(report.snapshot) as db:
        chosen = ", ".join(f'"{f}"' for f in fields)
        return db.rows(f"SELECT {chosen} FROM s.profiles ORDER BY _row")


# -- workbooks ---------------------------------------------------------------------------------


def test_a_workbook_becomes_profiles_with_the_types_its_cells_have(
    store: ProfileStore, tmp_path: Path
) -> None:
    """A title row, a blank row and a column of dates with and without a time of day."""
    rows: list[list[Any]] = [
        [],
        HEADER,
        [1, "Åse", date(1996, 2, 29), at("2026-01-01 00:00"), 1.5, True, "0150"],
        [],
        [2, "Bo & co <x>", date(1995, 3, 1), at("2026-01-01 12:30"), 2, False, None],
    ]
    report = store.ingest([write_workbook(tmp_path / "people.xlsx", {"People": rows, "Empty": []})])
    assert {f.name: f.type for f in report.snapshot.fields} == dict(
        zip(HEADER, [T.TEXT, T.TEXT, T.DATE, T.TIMESTAMP, T.NUMBER, T.BOOLEAN, T.TEXT], strict=True)
    )
    assert _values(store, report, *HEADER) == [
        ("1", "Åse", date(1996, 2, 29), at("2026-01-01 00:00"), Decimal("1.5"), True, "0150"),
        ("2", "Bo & co <x>", date(1995, 3, 1), at("2026-01-01 12:30"), Decimal("2.0"), False, None),
    ]


def test_a_row_of_a_workbook_that_cannot_be_taken_has_its_number(store: ProfileStore, tmp_path: Path) -> None:
    """Its number in the sheet, which is what the person sees."""
    rows: list[list[Any]] = [["id", "x"], [1, "a"], [], [2, "b", "beyond"], [3, "c"], [3, "again"]]
    report = store.ingest([write_workbook(tmp_path / "people.xlsx", {"S": rows})])
    assert report.rejects_path
    found = pq.read_table(report.rejects_path).to_pylist()
    assert [(r["line"], r["reason"]) for r in found] == [(4, "fields"), (6, "repeated_id")]
    assert (report.rows_read, report.snapshot.profiles) == (4, 2)


def test_the_sheet_is_asked_for_when_there_are_several(store: ProfileStore, tmp_path: Path) -> None:
    """A hidden sheet and an empty one do not count."""
    two = {"People": [["id"], [1]], "Old": [["id"], [2], [3]]}
    book = write_workbook(tmp_path / "two.xlsx", two)
    with pytest.raises(BadInput, match=r"two\.xlsx has the sheets 'People', 'Old': choose one"):
        store.ingest([book])
    with pytest.raises(BadInput, match=r"has no sheet 'New'; its sheets are 'People', 'Old'"):
        store.ingest([book], sheet="New")
    assert store.ingest([book], sheet="old").snapshot.profiles == 2
    one = write_workbook(tmp_path / "one.xlsx", {**two, "Empty": []}, hidden=["Old"])
    assert store.ingest([one], accept_changes=True).snapshot.profiles == 1
    assert store.preview(Given(files=(book,))).sheets == ("People", "Old")


@pytest.mark.parametrize("content", [b"PK\x03\x04 no zip", b"id,name\n1,a\n"])
def test_what_only_calls_itself_a_workbook_is_refused(
    store: ProfileStore, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "people.xlsx").write_bytes(content)
    with pytest.raises(
        BadInput, match=r"people\.xlsx is (not a workbook|a text, not a workbook) that can be read"
    ):
        store.ingest([tmp_path / "people.xlsx"])


# -- types that a person chose, and the preview ------------------------------------------------


def test_a_chosen_type_holds_or_is_refused_with_the_count(store: ProfileStore, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("id,zip,score,joined\n1,0150,1,01/02/2026\n2,5003,n/a,03/04/2026\n")
    report = store.ingest([path], types={"ZIP": T.NUMBER, "score": T.TEXT, "joined": T.TEXT})
    assert _values(store, report, "zip", "score", "joined")[0] == (150, "1", "01/02/2026")
    with pytest.raises(BadInput, match=r"'score' cannot be taken as number: 1 of its 2 filled values"):
        store.ingest([path], types={"score": T.NUMBER})
    with pytest.raises(BadInput, match="'score' cannot be taken as list"):
        store.ingest([path], types={"score": T.LIST})
    with pytest.raises(BadInput, match="no field 'nope'"):
        store.ingest([path], types={"nope": T.TEXT})


def test_a_preview_shows_the_first_rows_and_keeps_nothing(store: ProfileStore, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text(
        "id;name;born\n" + "".join(f"{n};Åse {n};28.02.199{n % 10}\n" for n in range(3000)), "cp1252"
    )
    found = store.preview(Given(files=(path,)))
    assert found.fields == {"id": T.TEXT, "name": T.TEXT, "born": T.DATE}
    assert (found.id_field, len(found.rows), found.rows[1]["name"]) == ("id", 20, "Åse 1")
    assert store.current() is None
    assert not list(store.temp_dir.glob("work-*"))


def test_progress_is_bytes_and_rows_of_a_total(store: ProfileStore, tmp_path: Path) -> None:
    """Every step says what it counts; nothing goes beyond its total."""
    path = tmp_path / "people.csv"
    path.write_text("id,name\n" + "".join(f"{n},name {n}\n" for n in range(150_000)))
    told: list[Progress] = []
    store.ingest([path], progress=told.append)
    assert [p.step for p in told][-1] == "done"
    assert all(p.total is None or 0 <= p.done <= p.total for p in told)
    assert {p.total for p in told if p.unit == "bytes"} <= {path.stat().st_size}


def test_an_ingest_ends_when_the_one_who_is_told_gives_up(store: ProfileStore, tmp_path: Path) -> None:
    """A refresh that loses its lease stops in the middle of a statement."""

    class GaveUp(Exception):
        pass

    def told(progress: Progress) -> None:
        raise GaveUp

    path = tmp_path / "people.csv"
    path.write_text("id,name\n" + "".join(f"{n},name {n}\n" for n in range(150_000)))
    with pytest.raises(GaveUp):
        store.ingest([path], progress=told)
    assert store.current() is None


# -- queries -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def database(postgres: str) -> Iterator[str]:
    """A database with people, and one who needs a password."""
    with closing(psycopg.connect(f"{postgres}/postgres", autocommit=True)) as admin:
        admin.execute("CREATE DATABASE crm")
    with closing(psycopg.connect(f"{postgres}/crm", autocommit=True)) as crm:
        crm.execute(
            """CREATE TABLE people AS SELECT 'p' || i AS id, 'p' || i || '@example.com' AS email,
                 (i * 1.25)::numeric(12, 2) AS spent, date '2020-01-01' + i AS born,
                 timestamptz '2026-01-01 01:00+01' AS seen, i = 1 AS vip, ARRAY['a', 'b'] AS tags,
                 '{"a": 1}'::jsonb AS doc, '00000000-0000-0000-0000-00000000000' || i AS code
               FROM generate_series(1, 3) i"""
        )
        crm.execute(
            """CREATE FUNCTION taken_away() RETURNS text LANGUAGE plpgsql AS
               $$BEGIN DELETE FROM people; RETURN 'x'; END$$"""
        )
    yield f"{postgres}/crm"


def _query(database: str, query: str, **more: Any) -> Given:
    return Given("crm", database=database, query=query, **more)


def test_a_query_keeps_the_types_of_the_database(store: ProfileStore, database: str) -> None:
    report = store.ingest_sources(
        [_query(database, "SELECT *, code::uuid AS u FROM people ORDER BY id -- all")]
    )
    row = _values(store, report, "spent", "born", "seen", "vip", "tags", "doc", "u")[0]
    assert row == (
        Decimal("1.25"),
        date(2020, 1, 2),
        at("2026-01-01 00:00"),
        True,
        ["a", "b"],
        '{"a": 1}',
        "00000000-0000-0000-0000-000000000001",
    )
    assert report.snapshot.address_fields == ("email",)
    assert report.snapshot.sources == ("crm: a query",)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM people RETURNING id", "does not begin with SELECT"),
        ("WITH x AS (DELETE FROM people RETURNING id) SELECT * FROM x", r"would write \(DELETE\)"),
        ("WITH x AS (SELECT 1) UPDATE people SET id = 'x' RETURNING id", r"would write \(UPDATE\)"),
        ("WITH x AS (SELECT 1) INSERT INTO people SELECT * FROM people", r"would write \(INSERT\)"),
        ("SELECT 1 AS id; DELETE FROM people", "more than one statement"),
        ("SELECT 1) TO STDOUT; DELETE FROM people; --", "more than one statement"),
        ("SELECT 1) q; --", "closes what was not opened"),
        ("SELECT 1) AS q, (SELECT 2", "closes what was not opened"),
        ("SELECT (1", "a bracket in it is not closed"),
        ("SELECT 'a", "a quotation mark in it is not closed"),
        ("SELECT 1 /* /* */", "a comment in it is not closed"),
        ("SELECT E'a' \n '\\') q; DELETE FROM people --'", "without U&"),
        ("SELECT U&\"\\0070g_read_file\"('/etc/passwd')", "without U&"),
        ("SELECT $a$ ) $b$ $a$ AS id) q; --", "closes what was not opened"),
        ("SET transaction_read_only = off", "write one SELECT"),
        ("COPY (SELECT 1) TO PROGRAM 'true'", "write one SELECT"),
        ("/* one SELECT */ DO $$BEGIN DELETE FROM people; END$$", "write one SELECT"),
        ("SELECT * INTO taken FROM people", r"would write \(INTO\)"),
        ("EXPLAIN ANALYZE DELETE FROM people", "write one SELECT"),
        ("SELECT pg_read_file('/etc/passwd')", "pg_read_file, which does more than read"),
        ("SELECT pg_catalog.\"lo_export\" (1, '/tmp/x')", "lo_export, which does more than read"),
        ("SELECT query_to_xml('DELETE FROM people', true, true, '')", "query_to_xml, which does more"),
        ("SELECT set_config('transaction_read_only', 'off', true)", "set_config, which does more"),
        ("SELECT taken_away() AS id", "read-only transaction"),
        ("SELECT id FROM people FOR UPDATE", "read-only transaction"),
        ("SELECT id FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT id, '\\x00'::bytea AS b FROM people", r"'b' of the source crm is bytea; write CAST"),
        ("SELECT id FROM people WHERE false", "finds no rows"),
        ("SELECT id, 1 / (length(id) - 2) AS x FROM people", "division by zero"),
        ("SELECT id, email::int AS x FROM people", "invalid input syntax for type integer: …"),
    ],
)
def test_a_query_writes_nothing_and_says_what_is_wrong(
    store: ProfileStore, database: str, query: str, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        store.ingest_sources([_query(database, query)])
    with closing(psycopg.connect(database)) as crm:
        assert crm.execute("SELECT count(*) FROM people").fetchone() == (3,)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("(SELECT id FROM people) UNION ALL (SELECT 'q') ;\n; -- the end", 4),
        ("SELECT id FROM (VALUES ('a;b'), (E'c\\'d'), ($x$ ; ' -- $x$)) AS v (id)", 3),
        ("TABLE people", 3),
        (
            'WITH x AS (SELECT id AS "update; (" FROM people) SELECT "update; (" AS id, 1 AS "delete" FROM x',
            3,
        ),
        ("SELECT id, id AS update /* ; /* ) */ */ FROM people WHERE id <> 'DELETE FROM people'", 3),
    ],
)
def test_every_query_that_only_reads_is_read(
    store: ProfileStore, database: str, query: str, rows: int
) -> None:
    assert store.ingest_sources([_query(database, query)]).snapshot.profiles == rows


def test_a_query_may_find_so_many_rows_and_no_more(tmp_path: Path, database: str) -> None:
    store = ProfileStore(tmp_path / "store", memory_limit="256MB", clock=lambda: NOW, query_rows=2)
    with pytest.raises(
        BadInput, match="source crm finds more than 2 rows; narrow it, or raise CCEXPORT_QUERY_ROWS"
    ):
        store.ingest_sources([_query(database, "SELECT id FROM people")])
    assert store.ingest_sources([_query(database, "SELECT id FROM people LIMIT 2")]).snapshot.profiles == 2


def test_a_query_has_limits_and_is_read_by_one_at_a_time(store: ProfileStore, database: str) -> None:
    """What it may use is what the server says inside it."""
    names = (
        "transaction_read_only",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
    )
    shown = ", ".join(f"current_setting('{n}') AS {n}" for n in names)
    locks = "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted) AS locks"
    report = store.ingest_sources([_query(database, f"SELECT 'a' AS id, {shown}, {locks}")])
    assert _values(store, report, *names, "locks") == [("on", "30min", "30s", "5min", 1)]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ada:secret@host/crm",
        "postgresql://ada%3Asecret@host/crm",
        "postgresql://ada@host/crm?password=secret",
        "postgresql://ada@host/crm?%70assword=secret",
        "postgresql://ada@host/crm?%2570assword=secret",
        "postgresql://ada@host/crm?PASSWORD%3Dsecret",
        "postgresql://ada@host/crm?sslmode=require&sslpassword=secret",
        "postgresql://ada@host/crm?passfile=/tmp/x",
        "postgresql://ada@host/crm%3Fpassword%3Dsecret",
        "postgresql://ada@host/crm?options=-c%20password%3Dsecret",
        "postgresql://ada@host/crm#password=secret",
    ],
)
def test_a_password_hides_nowhere_in_an_address(address: str) -> None:
    with pytest.raises(ValueError, match="leave the password out"):
        Source(name="crm", database=address, query="SELECT 1")


def test_a_password_is_in_no_error(store: ProfileStore) -> None:
    nobody = Given("crm", database="postgresql://ada@127.0.0.1:1/crm", query="SELECT 1", password="se/kr@t")
    with pytest.raises(StoreTrouble, match="Connection refused") as told:
        store.ingest_sources([nobody])
    assert "kr" not in f"{told.value}{told.value.log}{nobody!r}"
    assert told.value.__cause__ is None
    with pytest.raises(ValueError, match="leave the password out"):
        Source(name="crm", database="postgresql://ada:secret@host/crm", query="SELECT 1")


# -- several sources ---------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A source of CSV text."""

    def make(name: str, text: str, **more: Any) -> Given:
        path = tmp_path / f"{name}.csv"
        path.write_text(text)
        return Given(name, files=(path,), **more)

    return make


def test_sources_become_one_profile_each_by_their_key(store: ProfileStore, made: Made) -> None:
    """First non-empty wins in the order given, except where a source is put first; worked out by hand."""
    crm = made("crm", "Id,name,city,score,born\na,Ann,Oslo,1,1990-01-01\nb,Bo,,2,\nc,Cy,Bergen,,\n", key="Id")
    shop = made(
        "shop",
        "customer,City,score,orders\nb,Tromsø,2.5,7\nd,Drammen,4,1\na,Moss,1,\n,Nowhere,1,1\na,Again,1,1\n",
        key="customer",
        first_in=("CITY",),
    )
    report = store.ingest_sources([crm, shop])
    assert _values(store, report, "_id", "Id", "name", "city", "score", "born", "orders") == [
        ("a", "a", "Ann", "Moss", 1, date(1990, 1, 1), None),
        ("b", "b", "Bo", "Tromsø", 2, None, 7),
        ("c", "c", "Cy", "Bergen", None, None, None),
        ("d", "d", None, "Drammen", 4, None, 1),
    ]
    assert report.snapshot.conflicts == (("city", 1), ("score", 1))
    assert [(p.name, p.rows) for p in report.snapshot.parts] == [("crm", 3), ("shop", 3)]
    assert (report.rows_read, dict(report.reasons)) == (8, {"empty_id": 1, "repeated_id": 1})
    assert store.current() == report.snapshot


def test_types_of_sources_that_differ_become_one_that_holds_both(store: ProfileStore, made: Made) -> None:
    """A date and a time are a time; a number and a text are text; an empty field has no say."""
    one = made("one", "id,seen,code,none\na,2026-01-01,1,\n")
    two = made("two", "id,seen,code,none\nb,2026-01-02 10:00,x,5\n")
    report = store.ingest_sources([one, two])
    assert [f.type for f in report.snapshot.fields] == [T.TEXT, T.TIMESTAMP, T.TEXT, T.NUMBER]
    assert _values(store, report, "seen", "code", "none") == [
        (at("2026-01-01 00:00"), "1", None),
        (at("2026-01-02 10:00"), "x", 5),
    ]


def test_an_address_joins_whatever_its_case(store: ProfileStore, made: Made) -> None:
    one = made("one", "email,a\nAnn@Example.com,1\n", key="email")
    two = made("two", "mail,b\n ann@example.COM ,2\n", key="mail")
    assert _values(store, store.ingest_sources([one, two]), "_id", "a", "b") == [("ann@example.com", 1, 2)]


def test_a_file_and_a_query_are_joined(store: ProfileStore, made: Made, database: str) -> None:
    crm = made("crm", "id,spent\np1,9\np9,1\n")
    report = store.ingest_sources([crm, _query(database, "SELECT id, spent, vip FROM people ORDER BY id")])
    assert _values(store, report, "_id", "spent", "vip") == [
        ("p1", 9, True),
        ("p9", 1, None),
        ("p2", Decimal("2.50"), False),
        ("p3", Decimal("3.75"), False),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,city\na,Moss\n", "the field 'score' is gone in the source shop"),
        (
            "id,score,city\na,x,Moss\nb,y,\nc,z,\n",
            "the field 'score' was number and is text now in the source shop",
        ),
        ("id,score,city\na,1,Moss\n", "shop has 1 row where it had 3"),
    ],
)
def test_one_source_that_is_not_what_it_was_stops_all(
    store: ProfileStore, made: Made, text: str, said: str
) -> None:
    """The whole has as many profiles and fields as before: only the source lost something."""
    crm = "id,score\na,1\nb,2\nc,3\n"
    store.ingest_sources([made("crm", crm), made("shop", "id,score,city\na,1,Moss\nb,2,\nc,3,\n")])
    before = store.current()
    sources = [made("crm", crm), made("shop", text)]
    with pytest.raises(Conflict, match=said):
        store.ingest_sources(sources)
    assert store.current() == before
    assert store.ingest_sources(sources, accept_changes=True).snapshot.profiles == 3
