"""Ingest: what a source becomes, and what a damaged one costs."""

import gzip
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccexport.errors import BadInput, Conflict
from ccexport.model.profiles import IngestReport
from ccexport.model.words import FieldType
from ccexport.profiles.store import ProfileStore

T = FieldType


def _write(tmp_path: Path, text: str | bytes, name: str = "people.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def _values(store: ProfileStore, report: IngestReport, *fields: str) -> list[Any]:
    with store.open(report.snapshot) as db:
        chosen = ", ".join(f'"{f}"' for f in fields)
        rows = db.rows(f"SELECT {chosen} FROM s.profiles ORDER BY _row")
    return [r[0] for r in rows] if len(fields) == 1 else rows


def _column(
    store: ProfileStore, tmp_path: Path, values: Sequence[str], delimiter: str = ","
) -> tuple[T, Any]:
    """The type and values that one column of text becomes."""
    quoted = ['"' + v.replace('"', '""') + '"' for v in values]
    lines = [f"id{delimiter}x", *(f"a{n}{delimiter}{v}" for n, v in enumerate(quoted))]
    report = store.ingest([_write(tmp_path, "\n".join(lines))], accept_changes=True)
    field = report.snapshot.field("x")
    assert field
    return field.type, _values(store, report, "x")


SHARED = Path(__file__).parents[3] / "shared" / "data" / "customers-10000.csv"


@pytest.mark.skipif(
    not SHARED.exists(), reason="../shared/data/customers-10000.csv is not beside the checkout"
)
def test_ten_thousand_customers(store: ProfileStore) -> None:
    """A file from outside: day-first dates, phone numbers, commas in quotes."""
    report = store.ingest([SHARED])
    snapshot = report.snapshot
    assert (report.rows_read, snapshot.profiles, snapshot.rejects) == (10_000, 10_000, 0)
    assert (snapshot.id_field, snapshot.address_fields) == ("Customer Id", ("Email",))
    assert {f.name: f.type for f in snapshot.fields} == {
        **dict.fromkeys((f.name for f in snapshot.fields), T.TEXT),
        "Index": T.NUMBER,
        "Subscription Date": T.DATE,
    }
    second = _values(store, report, "Company", "Subscription Date", "Phone 1")[1]
    assert second == ("Horn, Shepard and Watson", date(2020, 4, 27), "932-062-1802")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1252"]
)
def test_delimiter_and_encoding_are_found(
    store: ProfileStore, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    """Every spreadsheet writes another CSV."""
    rows = [["id", "name", "note"], ["1", "Åse Ødegård", "café – “nei”"], ["2", "Bjørn", "a,b;c"]]
    text = "\r\n".join(delimiter.join(f'"{v}"' for v in row) for row in rows) + "\r\n"
    report = store.ingest([_write(tmp_path, text, encoding=encoding)])
    assert _values(store, report, "name", "note") == [("Åse Ødegård", "café – “nei”"), ("Bjørn", "a,b;c")]


def test_quotes_commas_and_line_breaks_stay_in_their_field(store: ProfileStore, tmp_path: Path) -> None:
    """An embedded line break is part of the value, not a new row."""
    text = 'id,name,note\n1,"a ""b"", c","two\nlines"\n2,d,"e\r\nf"\n3,,\n'
    report = store.ingest([_write(tmp_path, text)])
    assert _values(store, report, "name", "note") == [
        ('a "b", c', "two\nlines"),
        ("d", "e\r\nf"),
        (None, None),
    ]
    assert report.rejects_path is None


def test_damaged_lines_are_rejected_one_by_one(store: ProfileStore, tmp_path: Path) -> None:
    """An unterminated quote costs its own line, never the lines after it."""
    good = [f"{n},name {n},x" for n in range(10, 40)]
    text = "\n".join(
        [
            "id,name,note",
            "1,a,b",
            '2,"never closed,b',
            "3,c",
            '4,"two\nlines",d',
            "5,e,f,g",
            *good,
            '6,"x"y,z',
        ]
    )
    report = store.ingest([_write(tmp_path, text)])
    assert (report.snapshot.profiles, report.rows_read) == (32, 36)
    assert report.reasons == {"fields": 2, "quote": 2}
    assert report.rejects_path
    rejects = pq.read_table(report.rejects_path).to_pylist()
    assert [(r["line"], r["reason"]) for r in rejects] == [
        (3, "quote"),
        (4, "fields"),
        (7, "fields"),
        (38, "quote"),
    ]
    assert rejects[0]["raw"] == '2,"never closed,b'
    assert rejects[1]["detail"] == "the line has 2 fields where the header has 3"
    assert _values(store, report, "name")[1] == "two\nlines"


def test_bytes_that_are_not_utf8_cost_their_line_only(store: ProfileStore, tmp_path: Path) -> None:
    """One damaged line does not make the whole file windows-1252."""
    lines = [f"{n},Åse Ødegård".encode() for n in range(50)]
    lines[20] = b"20,\xc5se"
    report = store.ingest([_write(tmp_path, b"\n".join([b"id,name", *lines]))])
    assert report.reasons == {"encoding": 1}
    assert _values(store, report, "name")[20] == "Åse Ødegård"


def test_a_zero_byte_in_a_value_is_not_another_encoding(store: ProfileStore, tmp_path: Path) -> None:
    """Half of UTF-16 is zeros; programs that pad their values leave one here and there."""
    report = store.ingest([_write(tmp_path, b"id,name\n1,A\0nn\n2,Bob\n")])
    assert _values(store, report, "name") == ["A\0nn", "Bob"]


@pytest.mark.parametrize("before", ["\n", "\r\n \n", "sep=;\n", '"sep=;"\r\n'])
def test_what_stands_before_the_header_is_no_profile(
    store: ProfileStore, tmp_path: Path, before: str
) -> None:
    """Blank lines, and the line with which Excel is told the delimiter."""
    report = store.ingest([_write(tmp_path, f"{before}id;name\n1;Ann\n2;Bob;x\n3;Cy\n")])
    assert _values(store, report, "name") == ["Ann", "Cy"]
    assert report.rejects_path
    assert pq.read_table(report.rejects_path).to_pylist()[0]["line"] == 3 + before.count("\n")


def test_a_line_without_an_end_costs_itself_only(store: ProfileStore, tmp_path: Path) -> None:
    """DuckDB stops at a line beyond its limit."""
    report = store.ingest([_write(tmp_path, f"id,name\n1,a\n2,{'x' * 5_000_000}\n3,{'y' * 1_900_000}\n")])
    assert (report.snapshot.profiles, report.reasons) == (2, {"too_long": 1})
    assert report.rejects_path
    kept = pq.read_table(report.rejects_path).to_pylist()[0]
    assert (kept["line"], kept["detail"]) == (3, "the line is longer than 2,000,000 bytes")


def test_repeated_and_empty_ids_are_rejected_with_their_lines(store: ProfileStore, tmp_path: Path) -> None:
    """The first of each id stays; lines count the breaks within values."""
    text = 'nr,name\na,"one\ntwo"\nb,x\na,y\n,z\nc," "\nb,again\nd,\n'
    report = store.ingest([_write(tmp_path, text)], id_field="NR")
    assert _values(store, report, "_row", "_id", "name") == [
        (0, "a", "one\ntwo"),
        (1, "b", "x"),
        (2, "c", None),
        (3, "d", None),
    ]
    assert report.rejects_path
    found = [(r["line"], r["reason"]) for r in pq.read_table(report.rejects_path).to_pylist()]
    assert found == [(5, "repeated_id"), (6, "empty_id"), (8, "repeated_id")]
    assert report.rows_read == 7


def test_files_are_stacked_and_lines_are_each_files_own(store: ProfileStore, tmp_path: Path) -> None:
    """Columns may come in another order."""
    first = _write(tmp_path, "id,name\n1,a\n2,b\n", "first.csv")
    second = _write(tmp_path, "name;id\nc;3\nd;1\n", "second.csv")
    report = store.ingest([first, second])
    assert _values(store, report, "_id", "name") == [("1", "a"), ("2", "b"), ("3", "c")]
    assert report.rejects_path
    (reject,) = pq.read_table(report.rejects_path).to_pylist()
    assert (reject["file"], reject["line"]) == ("second.csv", 3)
    assert report.snapshot.sources == ("first.csv", "second.csv")


DAY, NOON = date(2020, 8, 26), datetime(2020, 8, 26, 12, 30)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        pytest.param(["0150", "5003"], T.TEXT, ["0150", "5003"], id="leading zeros"),
        pytest.param(["+4722334455", "22"], T.TEXT, ["+4722334455", "22"], id="phone with plus"),
        pytest.param(
            ["22 333 444", "91 234 567"], T.TEXT, ["22 333 444", "91 234 567"], id="phone with blanks"
        ),
        pytest.param(["1", "-20", " 3 "], T.NUMBER, [1, -20, 3], id="integers"),
        pytest.param(["12345678901234567890"], T.TEXT, ["12345678901234567890"], id="20 digits"),
        pytest.param(["1.5", "-2", "0.25"], T.NUMBER, [Decimal("1.50"), -2, Decimal("0.25")], id="point"),
        pytest.param(["1 234,50", "7,5", "8"], T.NUMBER, [Decimal("1234.50"), Decimal("7.5"), 8], id="comma"),
        pytest.param(
            ["1.234,5", "1.000.000,25"], T.NUMBER, [Decimal("1234.5"), Decimal("1000000.25")], id="German"
        ),
        pytest.param(["1,234.50", "12"], T.NUMBER, [Decimal("1234.50"), 12], id="English"),
        pytest.param(["1,234", "5,678"], T.NUMBER, [1234, 5678], id="thousands when commas separate fields"),
        pytest.param(["1e3", "2.5E-1"], T.NUMBER, [1000.0, 0.25], id="scientific"),
        pytest.param(["1", "n/a"], T.TEXT, ["1", "n/a"], id="one that is no number"),
        pytest.param(["yes", "NO", ""], T.BOOLEAN, [True, False, None], id="yes and no"),
        pytest.param(["ja", "nei"], T.BOOLEAN, [True, False], id="ja and nei"),
        pytest.param(["true", "maybe"], T.TEXT, ["true", "maybe"], id="not all boolean"),
        pytest.param(["1", "0"], T.NUMBER, [1, 0], id="one and zero stay numbers"),
        pytest.param(["2020-08-26", ""], T.DATE, [DAY, None], id="ISO date"),
        pytest.param(["2020/08/26"], T.DATE, [DAY], id="ISO with slashes"),
        pytest.param(["26-08-2020", "01-02-2020"], T.DATE, [DAY, date(2020, 2, 1)], id="day first, dashes"),
        pytest.param(["26/08/2020"], T.DATE, [DAY], id="day first, slashes"),
        pytest.param(["26.8.2020"], T.DATE, [DAY], id="day first, dots"),
        pytest.param(["01/02/2020", "8/26/2020"], T.DATE, [date(2020, 1, 2), DAY], id="month first"),
        pytest.param(["26/08/2020", "08/26/2020"], T.TEXT, ["26/08/2020", "08/26/2020"], id="both at once"),
        pytest.param(["31-02-2020"], T.TEXT, ["31-02-2020"], id="no such day"),
        pytest.param(["29-02-2020"], T.DATE, [date(2020, 2, 29)], id="29 February"),
        pytest.param(["29-02-2021"], T.TEXT, ["29-02-2021"], id="29 February in another year"),
        pytest.param(["2020-08-26 12:30", "2020-08-26T12:30:00"], T.TIMESTAMP, [NOON, NOON], id="ISO time"),
        pytest.param(
            ["2020-08-26T14:30:00+02:00", "2020-08-26T12:30Z"], T.TIMESTAMP, [NOON] * 2, id="offsets"
        ),
        pytest.param(
            ["26.08.2020 12:30", "26.08.2020 12:30:00"], T.TIMESTAMP, [NOON] * 2, id="day first time"
        ),
        pytest.param(["", " "], T.TEXT, [None, None], id="nothing filled"),
        pytest.param([" a "], T.TEXT, [" a "], id="blanks around text are kept"),
    ],
)
def test_types(store: ProfileStore, tmp_path: Path, values: list[str], kind: T, expected: list[Any]) -> None:
    """A column has a type only when every value has it."""
    assert (kind, expected) == _column(store, tmp_path, values)


def test_a_comma_is_a_decimal_where_semicolons_separate(store: ProfileStore, tmp_path: Path) -> None:
    """A Norwegian spreadsheet writes 1,234 for one and a bit."""
    assert _column(store, tmp_path, ["1,234", "5,678"], ";") == (
        T.NUMBER,
        [Decimal("1.234"), Decimal("5.678")],
    )


def test_a_late_value_that_is_no_number_keeps_the_column_text(store: ProfileStore, tmp_path: Path) -> None:
    """Types come from all values, not from a sample."""
    assert _column(store, tmp_path, [*(str(n) for n in range(2000)), "n/a"])[0] is T.TEXT


def test_a_late_time_with_an_offset_is_read_with_it(store: ProfileStore, tmp_path: Path) -> None:
    values = ["2020-08-26 12:30:00"] * 600 + ["2020-08-26T14:30:00+02:00"]
    assert _column(store, tmp_path, values) == (T.TIMESTAMP, [NOON] * 601)


def test_phones_and_postal_codes_stay_text_by_name(store: ProfileStore, tmp_path: Path) -> None:
    """Nobody adds two postal codes."""
    report = store.ingest(
        [_write(tmp_path, "id,Phone 1,postnr,zip_code,tlf\n1,22334455,5003,94103,99887766\n")]
    )
    assert {f.type for f in report.snapshot.fields} == {T.TEXT}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"people\.csv is empty"),
        ("\n\n", r"people\.csv is empty"),
        ("id,name\n", "no rows besides its header"),
        ("1,kari@example.com\n2,ola@example.com\n", "has no header: its first line holds values"),
        (
            "name,city\nkari,oslo\n",
            r"No field was recognised as the profile id: .* Choose it; .*'name', 'city'",
        ),
        ("id,name\n1\n2\n3,x\n", r"2 of 3 lines are damaged, the first at line 2"),
    ],
)
def test_a_bad_file_gets_one_sentence(store: ProfileStore, tmp_path: Path, text: str, sentence: str) -> None:
    """It names the file, the line or the field, and what to do."""
    with pytest.raises(BadInput, match=sentence):
        store.ingest([_write(tmp_path, text)])
    assert store.current() is None
    assert list(store.temp_dir.iterdir()) == []


def test_missing_files_and_unknown_formats_are_named(store: ProfileStore, tmp_path: Path) -> None:
    """Nothing is half read."""
    with pytest.raises(BadInput, match=r"gone\.csv is not there"):
        store.ingest([tmp_path / "gone.csv"])
    with pytest.raises(BadInput, match=r"people\.docx cannot be read: give CSV"):
        store.ingest([_write(tmp_path, "x", "people.docx")])
    with pytest.raises(BadInput, match=r"p\.parquet is not a whole Parquet file"):
        store.ingest([_write(tmp_path, "x", "p.parquet")])


def test_a_wrong_id_field_is_refused(store: ProfileStore, tmp_path: Path) -> None:
    """A field that is mostly repeated is not an id."""
    file = _write(tmp_path, "id,country\n" + "\n".join(f"{n},no" for n in range(10)))
    with pytest.raises(
        BadInput, match="'country' cannot be the profile id: it is empty or repeated on 9 of 10"
    ):
        store.ingest([file], id_field="country")
    with pytest.raises(BadInput, match="no field 'nope'; its fields are 'id', 'country'"):
        store.ingest([file], id_field="nope")


def test_names_this_store_uses_itself_are_renamed(store: ProfileStore, tmp_path: Path) -> None:
    """MongoDB calls its id `_id`."""
    report = store.ingest([_write(tmp_path, "_id,_row,name\nx1,7,a\nx2,8,b\n")])
    assert [f.name for f in report.snapshot.fields] == ["source_id", "source_row", "name"]
    assert _values(store, report, "_row", "_id", "source_row") == [(0, "x1", 7), (1, "x2", 8)]


def test_odd_file_and_field_names(store: ProfileStore, tmp_path: Path) -> None:
    """Uploads are called `customers [1] 'x'.csv`, and fields anything at all."""
    name = "customers [1] *?'x'.csv"
    text = 'id,"a""b; DROP TABLE profiles",e’é,select\n1,x,y,z\n'
    report = store.ingest([_write(tmp_path, text, name)])
    assert _values(store, report, 'a""b; DROP TABLE profiles', "e’é", "select") == [("x", "y", "z")]


def test_parquet_keeps_its_types(store: ProfileStore, tmp_path: Path) -> None:
    """Lists stay lists, structures become JSON text."""
    table = pa.table(
        {
            "id": [1, 2],
            "tags": [["a", "b"], None],
            "at": pa.array([NOON, None], pa.timestamp("us", tz="Europe/Oslo")),
            "score": [1.5, None],
            "born": [DAY, None],
            "ok": [True, None],
            "more": [{"k": 1}, None],
            "name": ["", "b"],
        }
    )
    path = tmp_path / "p.parquet"
    pq.write_table(table, path)
    report = store.ingest([path])
    kinds = [T.TEXT, T.LIST, T.TIMESTAMP, T.NUMBER, T.DATE, T.BOOLEAN, T.TEXT, T.TEXT]
    assert [f.type for f in report.snapshot.fields] == kinds
    row = _values(store, report, "_id", "tags", "at", "score", "born", "ok", "more", "name")[0]
    assert row == ("1", ["a", "b"], NOON, 1.5, DAY, True, '{"k":1}', None)


def test_json_lines_with_a_damaged_line(store: ProfileStore, tmp_path: Path) -> None:
    """The damaged line is a reject with its number."""
    lines = [json.dumps({"id": n, "name": f"n{n}", "tags": ["a"]}) for n in range(5)]
    lines[2] = '{"id": 2, "name": '
    report = store.ingest([_write(tmp_path, "\n".join(lines), "p.jsonl")])
    assert (report.snapshot.profiles, report.reasons) == (4, {"json": 1})
    assert report.rejects_path
    assert pq.read_table(report.rejects_path).to_pylist()[0]["line"] == 3
    assert report.snapshot.field("tags").type is T.LIST  # type: ignore[union-attr]
    assert report.snapshot.field("_line") is None


def test_texts_beside_numbers_are_what_stands_in_their_quotes(store: ProfileStore, tmp_path: Path) -> None:
    """Programs write an id with a leading zero as a text and the next one as a number."""
    lines = [
        '{"id": 1, "zip": 150, "more": {"a": 1}}',
        '{"id": "02", "zip": "0150", "more": "x"}',
        '{"id": "c"}',
    ]
    report = store.ingest([_write(tmp_path, "\n".join(lines), "p.jsonl")])
    rows = [("1", "150", '{"a":1}'), ("02", "0150", "x"), ("c", None, None)]
    assert _values(store, report, "_id", "zip", "more") == rows


def test_no_number_in_a_parquet_file_is_empty(store: ProfileStore, tmp_path: Path) -> None:
    """JSON has no word for it, and it would be more than any number."""
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table({"id": [1, 2, 3], "x": [float("nan"), float("inf"), 1.5]}), path)
    report = store.ingest([path])
    assert _values(store, report, "x") == [None, None, 1.5]


def test_whole_numbers_that_came_as_floating_point_are_whole(store: ProfileStore, tmp_path: Path) -> None:
    """Tools without an empty integer write ids and counts so; beyond 2**53 nobody knows what it was."""
    path = tmp_path / "p.parquet"
    columns = {"id": [7.0, 8.0], "orders": [float("nan"), 3.0], "score": [1.0, 1.5], "big": [1e20, 1.0]}
    pq.write_table(pa.table(columns), path)
    rows = _values(store, store.ingest([path]), "_id", "id", "orders", "score", "big")
    assert rows == [("7", "7", None, 1.0, 1e20), ("8", "8", 3, 1.5, 1.0)]


def test_gzip_is_unpacked(store: ProfileStore, tmp_path: Path) -> None:
    """`.csv.gz`, as exports often are."""
    report = store.ingest([_write(tmp_path, gzip.compress(b"id,name\n1,a\n"), "people.csv.gz")])
    assert _values(store, report, "name") == ["a"]


def test_address_and_updated_fields_are_found(store: ProfileStore, tmp_path: Path) -> None:
    """By name in several languages, or by what is in them."""
    header = "kundenr,E-post,privat epost,Kontakt,email_status,newsletter,sist_endret,created\n"
    row = "a1,x@example.com,,y@example.com,active,yes,2020-01-01 10:00,2019-01-01\n"
    report = store.ingest([_write(tmp_path, header + row)])
    assert report.snapshot.address_fields == ("E-post", "privat epost", "Kontakt")
    assert (report.snapshot.id_field, report.snapshot.updated_field) == ("kundenr", "sist_endret")


def test_address_columns(store: ProfileStore, tmp_path: Path) -> None:
    """Judged once, when the snapshot is made."""
    text = "id,email\n" + "\n".join(
        f'{n},"{a}"'
        for n, a in enumerate(
            ["A@example.com", "a@example.com ", "", "bad", "x@bücher.de", f"{'b' * 50}@x.no"]
        )
    )
    report = store.ingest([_write(tmp_path, text)])
    found = _values(store, report, "email#code", "email#shared")
    assert found == [(0, True), (0, True), (1, False), (2, False), (4, False), (3, False)]
    with store.open(report.snapshot) as db:
        forms = db.rows("SELECT * FROM s.address_forms")
        assert forms == [("email", "x@bücher.de", "x@xn--bcher-kva.de", 0)]
        assert db.row('SELECT count("email#hash") FROM s.profiles') == (3,)


def test_a_source_that_lost_something_stops(store: ProfileStore, tmp_path: Path) -> None:
    """A broken nightly file must not empty a list; a person can release it."""
    old = store.ingest(
        [_write(tmp_path, "id,name,n\n" + "\n".join(f"{n},x,{n}" for n in range(10)))]
    ).snapshot
    worse = _write(tmp_path, "id,n\n" + "\n".join(f"{n},a{n}" for n in range(4)), "worse.csv")
    with pytest.raises(Conflict) as caught:
        store.ingest([worse])
    for part in ("'name' is gone", "'n' was number and is text now", "4 profiles where there were 10"):
        assert part in str(caught.value)
    assert store.current() == old
    assert len(store.snapshots()) == 1
    assert store.ingest([worse], accept_changes=True).snapshot == store.current()


def test_growth_and_new_fields_do_not_stop(store: ProfileStore, tmp_path: Path) -> None:
    """Only losses surprise."""
    store.ingest([_write(tmp_path, "id,name\n1,a\n2,b\n")])
    report = store.ingest([_write(tmp_path, "id,name,city\n1,a,x\n3,c,y\n4,d,z\n")])
    assert store.current() == report.snapshot


def test_fields_may_have_the_names_of_our_own_tables(store: ProfileStore, tmp_path: Path) -> None:
    """A street address beside an e-mail address is usual."""
    text = "id,email,address,code,raw,field,h\n1, A@Example.com,Road 1,x,y,z,w\n2,b@ex ample,Road 2,x,y,z,w\n"
    report = store.ingest([_write(tmp_path, text)])
    assert _values(store, report, "email#code", "address") == [(0, "Road 1"), (2, "Road 2")]
