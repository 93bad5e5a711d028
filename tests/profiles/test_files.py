# ruff: noqa: E501
"""Files as tools write them: what is read, what is left out, and what is no table."""

import gzip
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccexport.errors import BadInput
from ccexport.model.profiles import IngestReport
from ccexport.model.sources import Given
from ccexport.profiles.encodings import judge
from ccexport.profiles.store import ProfileStore

PEOPLE = [("1", "a@example.com", "A"), ("2", "b@example.com", "B"), ("3", "c@example.com", "C")]


def _write(tmp_path: Path, content: str | bytes, name: str = "people.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def _rows(store: ProfileStore, report: IngestReport, *fields: str) -> list[Any]:
    with store.open(report.snapshot) as db:
        chosen = ", ".join(f'"{f}"' for f in fields)
        return db.rows(f"SELECT {chosen} FROM s.profiles ORDER BY _row")


HEADER = "id,email,first name\n"
ROWS = "1,a@example.com,A\n2,b@example.com,B\n3,c@example.com,C\n"


@pytest.mark.parametrize(
    ("text", "counts", "reasons"),
    [
        pytest.param(HEADER + ROWS, {}, {}, id="plain"),
        pytest.param("Customer report\nGenerated 2026-11-30\n\n" + HEADER + ROWS, {"title_lines": 2}, {}, id="title"),
        pytest.param("Customer report,,\nGenerated,2026-11-30,\n,,\n" + HEADER + ROWS, {"title_lines": 2}, {}, id="padded"),
        pytest.param(HEADER + ROWS.replace("\n", ",\n"), {}, {}, id="trailing delimiters"),
        pytest.param(HEADER.replace("\n", ",\n") + ROWS.replace("\n", ",\n"), {"empty_fields": 1}, {}, id="empty column"),
        pytest.param((HEADER + ROWS).replace("\n", "\r"), {}, {}, id="carriage returns"),
        pytest.param(HEADER + "--,-----,----------\n" + ROWS + "\n(3 rows affected)\n", {}, {"units": 1, "after_table": 1}, id="SQL Server"),
        pytest.param(HEADER + "(number),(text),(text)\n" + ROWS, {}, {"units": 1}, id="units"),
        pytest.param(HEADER + ROWS + "Total,,3\n", {}, {"total": 1}, id="total"),
        pytest.param(HEADER + ROWS + "Summe,,3\n,,\n", {}, {"total": 1, "empty_id": 1}, id="Summe and a blank row"),
        pytest.param(HEADER + ROWS + "\n\n\"Grand Totals (3 records)\"\n\n\"Confidential, do not share\"\n", {}, {"after_table": 2}, id="footer"),
        pytest.param("|".join(HEADER.split(",")) + ROWS.replace(",", "|"), {}, {}, id="bars"),
    ],
)  # fmt: skip
def test_the_table_inside_of_a_file(
    store: ProfileStore, tmp_path: Path, text: str, counts: Mapping[str, int], reasons: Mapping[str, int]
) -> None:
    """Nothing before, behind or under the header is a profile, and everything left out is counted."""
    report = store.ingest([_write(tmp_path, text)])
    assert _rows(store, report, "id", "email", "first name") == PEOPLE
    assert (report.snapshot.files[0].counts, report.reasons) == (counts, reasons)


def test_lines_to_skip_can_be_said(store: ProfileStore, tmp_path: Path) -> None:
    file = _write(tmp_path, "a,b,c\nx,y,z\n" + HEADER + ROWS)
    report = store.ingest([file], skip_rows=2)
    assert _rows(store, report, "id", "email", "first name") == PEOPLE
    assert report.snapshot.files[0].header_line == 3


def test_names_of_fields(store: ProfileStore, tmp_path: Path) -> None:
    """A year is a name; a name that was there before gets a number."""
    report = store.ingest([_write(tmp_path, "id,2023,2024,Name,name,\n1,5,6,a,b,c\n2,7,8,d,e,f\n")])
    assert [f.name for f in report.snapshot.fields] == ["id", "2023", "2024", "Name", "name 2", "column_6"]
    assert report.snapshot.files[0].renamed == {"name 2": "name"}


NORSE, POLISH = ["Åse Müller", "Tromsø", "Bjørn Ærlig"], ["Łukasz", "Łódź", "Żaneta Świętosława"]
CZECH, RUSSIAN = ["Jiří Nováček", "Ústí", "Zdeněk Dvořák"], ["Иван", "Москва", "Наталья"]
TURKISH, JAPANESE = ["Çağla Öz", "İzmir", "Işık Şahin"], ["山田太郎", "東京都", "さくら"]
WORDS = [
    *((NORSE, e) for e in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman", "cp850")),
    *((POLISH, e) for e in ("cp1250", "iso8859_2", "utf-16")),
    *((CZECH, "cp1250"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (TURKISH, "cp1254")),
    *((JAPANESE, "cp932"), (JAPANESE, "utf-8"), (JAPANESE, "utf-16-le")),
]  # fmt: skip


@pytest.mark.parametrize(("words", "encoding"), WORDS)
@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_letters_are_what_they_were(
    store: ProfileStore, tmp_path: Path, words: list[str], encoding: str, form: str
) -> None:
    """In every encoding that tools write, in CSV and in JSON."""
    rows = [{"id": str(n), "name": word} for n, word in enumerate(words)]
    text = {
        "csv": "id,name\n" + "".join(f"{r['id']},{r['name']}\n" for r in rows),
        "jsonl": "\n".join(json.dumps(r, ensure_ascii=False) for r in rows),
        "json": json.dumps(rows, ensure_ascii=False, indent=1),
    }[form]
    report = store.ingest([_write(tmp_path, text.encode(encoding), f"people.{form}")])
    assert [r[0] for r in _rows(store, report, "name")] == words


@pytest.mark.parametrize(
    ("text", "encoding", "sure"),
    [("Bjørn", "cp1252", False), ("Dvořák", "cp1250", False), ("Łódź, Kraków", "cp1250", True)],
)  # fmt: skip
def test_a_doubtful_encoding_is_said(text: str, encoding: str, sure: bool) -> None:
    """With the words to compare."""
    found = judge(text.encode(encoding))
    assert found.name in (encoding, f"windows-{encoding[2:]}")
    assert (found.sure != "unsure") is sure
    assert text.split(",", maxsplit=1)[0].split()[0] in found.samples


def test_an_encoding_can_be_said(store: ProfileStore, tmp_path: Path) -> None:
    file = _write(tmp_path, "id,name\n1,Bjřrn\n".encode("cp1250"))
    report = store.ingest([file], encoding="cp1250")
    assert _rows(store, report, "name") == [("Bjřrn",)]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_bad_byte_costs_its_line(store: ProfileStore, tmp_path: Path, form: str) -> None:
    """Nothing becomes a question mark, and no field is invented."""
    lines = [
        f'{{"id": "{n}", "name": "Åse Ærlig"}}' if form == "jsonl" else f"{n},Åse Ærlig" for n in range(9)
    ]
    raw = [line.encode() for line in lines]
    raw[4] = raw[4].replace("Åse".encode(), b"\xc5se")
    header = [b"id,name"] if form == "csv" else []
    report = store.ingest([_write(tmp_path, b"\n".join([*header, *raw]), f"people.{form}")])
    assert report.reasons == {"encoding": 1}
    assert _rows(store, report, "name") == [("Åse Ærlig",)] * 8
    assert [f.name for f in report.snapshot.fields] == ["id", "name"]
    assert report.rejects_path
    assert pq.read_table(report.rejects_path)["line"].to_pylist() == [5 + len(header)]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_nothing_is_taken_when_more_than_half_is_damaged(
    store: ProfileStore, tmp_path: Path, form: str
) -> None:
    text = '{"id": 1}\n{"id": 2,\n[3]\n' if form == "jsonl" else "id,name\n1,a\n2\n3\n4,b\n5\n"
    with pytest.raises(BadInput, match="lines are damaged, the first at line"):
        store.ingest([_write(tmp_path, text, f"people.{form}")])


OBJECTS = [{"id": i, "email": e, "first name": n} for i, e, n in PEOPLE]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(json.dumps(OBJECTS), id="a list"),
        pytest.param("\ufeff" + json.dumps(OBJECTS, indent=2), id="a list with a mark"),
        pytest.param(json.dumps({"customers": OBJECTS}), id="wrapped"),
        pytest.param(
            json.dumps({"data": {"customers": OBJECTS}, "next": None, "ids": [1]}, indent=2), id="deep"
        ),
        pytest.param("\r\n".join(map(json.dumps, OBJECTS)), id="lines"),
    ],
)
@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
def test_shapes_of_json(store: ProfileStore, tmp_path: Path, document: str, packed: str) -> None:
    file = _packed(tmp_path, document.encode(), "people.json", packed)
    assert _rows(store, store.ingest([file]), "id", "email", "first name") == PEOPLE


def _packed(tmp_path: Path, content: bytes, name: str, packed: str) -> Path:
    path = tmp_path / (name + packed if packed != ".zip" else "people.zip")
    if packed == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"export/{name}", content)
            archive.writestr(f"__MACOSX/._{name}", b"x")
            archive.writestr("export/readme.md", b"hello")
    else:
        path.write_bytes(gzip.compress(content) if packed else content)
    return path


def test_a_json_object_with_several_tables_is_asked_about(store: ProfileStore, tmp_path: Path) -> None:
    file = _write(tmp_path, json.dumps({"customers": OBJECTS, "orders": [{"id": 1}]}), "people.json")
    with pytest.raises(BadInput, match="holds the tables customers, orders: say which one"):
        store.ingest([file])
    assert _rows(store, store.ingest([file], member="customers"), "id", "email", "first name") == PEOPLE


def test_a_zip_with_several_tables_is_asked_about(store: ProfileStore, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", HEADER + ROWS)
        archive.writestr("orders.csv", "id\n1\n")
    with pytest.raises(BadInput, match=r"all\.zip holds people\.csv, orders\.csv: say which one"):
        store.ingest([path])
    assert store.preview(Given(files=(path,))).members == ("people.csv", "orders.csv")
    report = store.ingest([path], member="PEOPLE.csv")
    assert _rows(store, report, "id", "email", "first name") == PEOPLE
    assert report.snapshot.files[0].member == "people.csv"


def test_texts_of_json_are_not_made_into_something_else(store: ProfileStore, tmp_path: Path) -> None:
    row = {
        "id": "1",
        "time": "14:05",
        "uuid": "6F9619FF-8B86-D011-B42D-00C04FC964FF",
        "in": {"at": "2021-11-15T19:42:23Z"},
    }
    report = store.ingest([_write(tmp_path, json.dumps([row]), "people.json")])
    assert _rows(store, report, "time", "uuid", "in") == [
        (row["time"], row["uuid"], '{"at":"2021-11-15T19:42:23Z"}')
    ]


def test_parquet_of_every_kind(store: ProfileStore, tmp_path: Path) -> None:
    """Maps, texts that are not marked as such, bytes, nanoseconds, decimals, the index of pandas."""
    table = pa.table(
        {
            "id": pa.array([b"1", b"2"], pa.binary()),
            "name": pa.array(["Åse".encode(), b"Bo"], pa.binary()),
            "tags": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
            "seen": pa.array([1_000_000_000, None], pa.timestamp("ns")),
            "sum": pa.array(["12.50", None], pa.string()).cast(pa.decimal128(9, 2)),
            "__index_level_0__": pa.array([7, 8]),
        }
    ).replace_schema_metadata({"pandas": json.dumps({"index_columns": ["__index_level_0__"]})})
    pq.write_table(table, tmp_path / "people.parquet")
    report = store.ingest([tmp_path / "people.parquet"])
    assert [f.name for f in report.snapshot.fields] == ["id", "name", "tags", "seen", "sum"]
    assert _rows(store, report, "id", "name", "tags")[0] == ("1", "Åse", '{"a":1}')
    assert report.snapshot.files[0].counts == {"index": 1}


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("people.xls", b"<html><body><table><tr><td>id</td></tr></table>", "a web page"),
        ("people.csv", b"<!DOCTYPE html><html>", "a web page"),
        ("people.csv", b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "a file of vCards"),
        ("people.vcf", b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "a file of vCards"),
        ("people.csv", b"%PDF-1.7\n", "a PDF"),
        ("people.json", b"<?xml version='1.0'?><people/>", "XML"),
        ("people.xlsx", b"id,name\n1,a\n", "a text, not a workbook"),
        ("people.docx", b"hello", "cannot be read: give CSV"),
        (
            "people.csv.gz",
            gzip.compress(gzip.compress(b"id\n1\n", mtime=0), mtime=0),
            "packed more than once",
        ),
    ],
)
def test_what_is_no_table_is_named(
    store: ProfileStore, tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    with pytest.raises(BadInput, match=what):
        store.ingest([_write(tmp_path, content, name)])
