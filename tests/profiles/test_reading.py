"""How values are read: what each text becomes, what stays text, and what is said about it."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ccexport.errors import BadInput
from ccexport.model.profiles import IngestReport
from ccexport.model.reading import FieldReading, Sure
from ccexport.model.sources import Given
from ccexport.model.words import FieldType
from ccexport.profiles.store import ProfileStore

T = FieldType


def _csv(
    tmp_path: Path, fields: dict[str, list[str]], delimiter: str = ",", name: str = "people.csv"
) -> Path:
    """A file of these columns, with an id before them."""
    lines = [delimiter.join(["id", *fields])]
    for at, row in enumerate(zip(*fields.values(), strict=True)):
        quoted = ['"' + v.replace('"', '""') + '"' for v in row]
        lines.append(delimiter.join([f"a{at}", *quoted]))
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _column(store: ProfileStore, report: IngestReport, name: str) -> tuple[T, list[Any]]:
    field = report.snapshot.field(name)
    assert field
    with store.open(report.snapshot) as db:
        return field.type, [r[0] for r in db.rows(f'SELECT "{name}" FROM s.profiles ORDER BY _row')]


def _reading(report: IngestReport, name: str) -> FieldReading:
    return next(r for r in report.snapshot.readings if r.field == name)


FIRST, LAST = date(1980, 5, 17), date(2008, 12, 31)
TIMES = [datetime(1980, 5, 17, 14, 5), datetime(2008, 12, 31, 9, 0)]  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "values", "kind", "expected"),
    [
        # booleans
        ("country", ["NO", "NO", "no"], T.TEXT, ["NO", "NO", "no"]),
        ("agreed", ["yes", "Yes", ""], T.TEXT, ["yes", "Yes", None]),
        ("agreed", ["yes", "nei"], T.TEXT, ["yes", "nei"]),
        ("agreed", ["TRUE", "FALSE", ""], T.BOOLEAN, [True, False, None]),
        # ids and leading zeros
        ("store id", ["1", "2"], T.TEXT, ["1", "2"]),
        ("Kundennr.", ["12", "13"], T.TEXT, ["12", "13"]),
        ("member no", ["42", "43"], T.TEXT, ["42", "43"]),
        ("loyalty card", ["4111111111111111", "1"], T.TEXT, ["4111111111111111", "1"]),
        ("seen", ["1234567890123456", "1"], T.TEXT, ["1234567890123456", "1"]),
        ("points", ["012", "12"], T.TEXT, ["012", "12"]),
        ("mobile", ["4.79123E+10", "4791234567"], T.TEXT, [None, "4791234567"]),
        # guards
        ("zip", ["'0150", "'1234AB"], T.TEXT, ["0150", "1234AB"]),
        ("mobile", ["'+31612345678", ""], T.TEXT, ["+31612345678", None]),
        ("member", ['="00042"', '="42"'], T.TEXT, ["00042", "42"]),
        ("points", ["'-5", "7"], T.NUMBER, [-5, 7]),
        ("name", ["'t Hooft", "O'Hara", "'123'"], T.TEXT, ["'t Hooft", "O'Hara", "'123'"]),
        # dates
        ("day", ["5/17/80", "12/31/08"], T.DATE, [FIRST, LAST]),
        ("day", ["17.05.80", "31.12.08"], T.DATE, [FIRST, LAST]),
        ("day", ["17-May-1980", "31-Dec-2008"], T.DATE, [FIRST, LAST]),
        ("day", ["17. mai 1980", "31. desember 2008"], T.DATE, [FIRST, LAST]),
        ("day", ["17. Mai 1980", "31. Dezember 2008"], T.DATE, [FIRST, LAST]),
        ("day", ["17 mai 1980", "31 décembre 2008"], T.DATE, [FIRST, LAST]),
        ("day", ["17 de mayo de 1980", "31 de diciembre de 2008"], T.DATE, [FIRST, LAST]),
        ("day", ["17 maj 1980", "31 december 2008"], T.DATE, [FIRST, LAST]),
        ("day", ["May 17, 1980", "Dec 31, 2008"], T.DATE, [FIRST, LAST]),
        ("day", ["17 toukokuuta 1980", "31 joulukuuta 2008"], T.DATE, [FIRST, LAST]),
        ("day", ["May 17, 1980 2:05 PM", "Dec 31, 2008 9:00 AM"], T.TIMESTAMP, TIMES),
        ("day", ["17.5.1980", "31.12.2008"], T.DATE, [FIRST, LAST]),
        ("day", ["19800517", "20081231"], T.DATE, [FIRST, LAST]),
        ("day", ["05/17/1980 14:05", "12/31/2008 09:00"], T.TIMESTAMP, TIMES),
        ("day", ["5/17/1980 2:05 PM", "12/31/2008 9:00 AM"], T.TIMESTAMP, TIMES),
        ("day", ["5/17/1980, 2:05:00 p.m.", "12/31/2008, 9:00:00 a.m."], T.TIMESTAMP, TIMES),
        ("day", ["1980-05-17 14:05:00 +0000", "2008-12-31 10:00:00 +0100"], T.TIMESTAMP, TIMES),
        ("day", ["1980-05-17 14:05:00 UTC", "2008-12-31 09:00:00 UTC"], T.TIMESTAMP, TIMES),
        ("day", ["0000-00-00", "2008-12-31"], T.DATE, [None, LAST]),
        ("day", ["0/0/00", "5/17/1980"], T.DATE, [None, FIRST]),
        ("day", ["17/05/1980", "05/17/1980"], T.TEXT, ["17/05/1980", "05/17/1980"]),
        ("day", ["01.02.2020", "03.04.2020"], T.DATE, [date(2020, 2, 1), date(2020, 4, 3)]),
        ("birthday", ["29358", "39813"], T.DATE, [FIRST, date(2008, 12, 31)]),
        ("points", ["29358", "39813"], T.NUMBER, [29358, 39813]),
        ("birthday", ["05/17", "2/29"], T.TEXT, ["--05-17", "--02-29"]),
        ("birthday", ["17.05.", "31.12."], T.TEXT, ["--05-17", "--12-31"]),
        ("birthday", ["1980-05-17", "--12-31"], T.TEXT, ["1980-05-17", "--12-31"]),
        # numbers
        ("sum", ["$1,234.50", "$-5.00", "($7.25)"], T.NUMBER, [Decimal("1234.50"), -5, Decimal("-7.25")]),
        ("sum", ["1.234,50 €", "99,90 €"], T.NUMBER, [Decimal("1234.50"), Decimal("99.90")]),
        ("sum", ["kr 1 234,50", "kr 5,-"], T.NUMBER, [Decimal("1234.50"), 5]),
        ("sum", ["NOK 1\u202f234,50", "NOK 7,50"], T.NUMBER, [Decimal("1234.50"), Decimal("7.50")]),
        ("sum", ["1'234.50", "12"], T.NUMBER, [Decimal("1234.50"), 12]),
        ("sum", ["1’234", "12"], T.NUMBER, [1234, 12]),
        ("sum", ["5,25-", "3,5"], T.NUMBER, [Decimal("-5.25"), Decimal("3.50")]),
        ("sum", ["(12)", "7"], T.NUMBER, [-12, 7]),
        ("sum", ["\u22125.5", "7"], T.NUMBER, [Decimal("-5.5"), 7]),
        ("rate", ["12%", "7.5 %"], T.NUMBER, [Decimal("12.0"), Decimal("7.5")]),
        ("rate", ["12%", "7.5"], T.TEXT, ["12%", "7.5"]),
        ("sum", ["$5.00", "€5.00"], T.TEXT, ["$5.00", "€5.00"]),
        ("sum", ["1.000", "2.500"], T.TEXT, ["1.000", "2.500"]),
        ("sum", ["-5,25-", "3,25"], T.TEXT, ["-5,25-", "3,25"]),
    ],
)
def test_what_a_column_becomes(
    store: ProfileStore, tmp_path: Path, name: str, values: list[str], kind: T, expected: list[Any]
) -> None:
    """Certain values are read; everything else stays as it was."""
    report = store.ingest([_csv(tmp_path, {name: values})])
    assert _column(store, report, name) == (kind, expected)


def test_what_was_taken_off_is_counted(store: ProfileStore, tmp_path: Path) -> None:
    """A change of a value is never silent."""
    fields = {
        "zip": ["'0150", "'5003", "7"],
        "day": ["0000-00-00", "2008-12-31", ""],
        "sum": ["$5.00", "($6.10)", "7.10"],
        "mobile": ["4.79E+10", "22", ""],
        "mostly": ["1", "2", "x"],
        "mostly day": ["2020-01-01", "2020-01-02", ""],
    }
    report = store.ingest([_csv(tmp_path, fields)])
    told = {r.field: dict(r.stripped) for r in report.snapshot.readings if r.stripped}
    assert told == {
        "zip": {"guard": 2},
        "day": {"zero_date": 1},
        "sum": {"money": 2, "brackets": 1},
        "mobile": {"lost_digits": 1},
    }
    again = store.snapshot(report.snapshot.id)
    assert again.readings == report.snapshot.readings
    assert again.files == report.snapshot.files


def test_values_that_do_not_fit_are_counted(store: ProfileStore, tmp_path: Path) -> None:
    """What nearly is a number, but is not."""
    report = store.ingest([_csv(tmp_path, {"sum": [*map(str, range(50)), "n/a", "-"]})])
    reading = _reading(report, "sum")
    assert (reading.type, reading.nearly, reading.misfits, reading.filled) == (T.TEXT, T.NUMBER, 2, 52)


def test_one_date_column_proves_the_order_of_another(store: ProfileStore, tmp_path: Path) -> None:
    """Dates of one file are written alike."""
    fields = {"birthday": ["5/17/1980", "1/2/1990"], "anniversary": ["6/1/2010", "3/4/2015"]}
    report = store.ingest([_csv(tmp_path, fields)])
    assert _column(store, report, "anniversary") == (T.DATE, [date(2010, 6, 1), date(2015, 3, 4)])
    assert _reading(report, "anniversary").sure is Sure.FILE


AMBIGUOUS = {"birthday": ["1/2/1990", "3/4/1991"]}


def test_an_order_that_nothing_proves_is_asked(store: ProfileStore, tmp_path: Path) -> None:
    """Neither day first nor month first is guessed."""
    with pytest.raises(BadInput, match=r"birthday can be day first or month first"):
        store.ingest([_csv(tmp_path, AMBIGUOUS)])
    (remark,) = store.preview(Given(files=(tmp_path / "people.csv",))).remarks
    assert (remark.code, remark.field, list(remark.samples)) == (
        "ask_order",
        "birthday",
        ["1/2/1990", "3/4/1991"],
    )
    contradiction = AMBIGUOUS | {"a": ["17/05/1980", "1/2/1980"], "b": ["05/17/1980", "1/2/1980"]}
    with pytest.raises(BadInput, match=r"birthday.* can be day first"):
        store.ingest([_csv(tmp_path, contradiction)])


def test_a_person_says_the_order_and_the_next_file_follows(store: ProfileStore, tmp_path: Path) -> None:
    """One answer is enough, for the other columns and for the next time."""
    fields = AMBIGUOUS | {"since": ["2/3/2001", "2/4/2001"]}
    report = store.ingest([_csv(tmp_path, fields)], formats={"birthday": "month_first"})
    assert _column(store, report, "birthday")[1] == [date(1990, 1, 2), date(1991, 3, 4)]
    assert _column(store, report, "since")[1] == [date(2001, 2, 3), date(2001, 2, 4)]
    assert (_reading(report, "birthday").sure, _reading(report, "since").sure) == (Sure.CHOSEN, Sure.FILE)
    again = store.ingest([_csv(tmp_path, fields)])
    assert _column(store, again, "birthday")[1] == [date(1990, 1, 2), date(1991, 3, 4)]
    assert _reading(again, "birthday").sure is Sure.BEFORE
    with pytest.raises(BadInput, match=r"birthday.* can be day first"):  # the file says otherwise now
        store.ingest([_csv(tmp_path, fields | {"a": ["17/05/1980", "1/2/1980"]})])


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        (["17.05.80", "01.02.81"], "%d.%m.%y", [FIRST, date(1981, 2, 1)]),
        (["29358", ""], "excel_serial", [FIRST, None]),
        (["27896", ""], "excel_serial_1904", [FIRST, None]),
        (["1.000", "2.500"], "decimal_comma", [1000, 2500]),
        (["1.000", "2.500"], "decimal_point", [1, Decimal("2.5")]),
    ],
)
def test_a_format_that_was_chosen(
    store: ProfileStore, tmp_path: Path, values: list[str], wanted: str, expected: list[Any]
) -> None:
    """It is kept with the snapshot."""
    report = store.ingest([_csv(tmp_path, {"x": values})], formats={"X": wanted})
    assert _column(store, report, "x")[1] == expected
    assert (_reading(report, "x").format, _reading(report, "x").sure) == (wanted, Sure.CHOSEN)


def test_a_format_that_does_not_fit_is_refused(store: ProfileStore, tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"'x' cannot be taken as day_first: 1 of its 2 filled values are none"
    ):
        store.ingest([_csv(tmp_path, {"x": ["17.05.1980", "05.17.1980"]})], formats={"x": "day_first"})


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_decimal_comma_elsewhere_makes_a_point_a_thousand(
    store: ProfileStore, tmp_path: Path, delimiter: str
) -> None:
    """And a decimal point elsewhere makes it a decimal."""
    points = ["1.000", "2.500"]
    report = store.ingest([_csv(tmp_path, {"sum": ["1.234,50", "9,90"], "points": points}, delimiter)])
    assert _column(store, report, "points") == (T.NUMBER, [1000, 2500])
    report = store.ingest(
        [_csv(tmp_path, {"sum": ["12.50", "9.9"], "points": points}, delimiter)], accept_changes=True
    )
    assert _column(store, report, "points") == (T.NUMBER, [1, Decimal("2.5")])


def test_one_word_stays_text_when_the_other_comes(store: ProfileStore, tmp_path: Path) -> None:
    """Norway is no boolean, and the first Swede stops nothing; nor does the first `no` beside `yes`."""
    store.ingest([_csv(tmp_path, {"country": ["NO", "NO"], "news": ["yes", "yes"]})])
    report = store.ingest([_csv(tmp_path, {"country": ["NO", "SE"], "news": ["yes", "no"]})])
    assert _column(store, report, "country") == (T.TEXT, ["NO", "SE"])
    assert _column(store, report, "news") == (T.TEXT, ["yes", "no"])


def test_a_boolean_stays_one_when_a_word_is_missing(store: ProfileStore, tmp_path: Path) -> None:
    store.ingest([_csv(tmp_path, {"news": ["yes", "no"]})])
    report = store.ingest([_csv(tmp_path, {"news": ["yes", "yes"]})])
    assert _column(store, report, "news") == (T.BOOLEAN, [True, True])


def test_sources_that_disagree_keep_the_text_as_it_was(store: ProfileStore, tmp_path: Path) -> None:
    """Never through the value of another type."""
    one = _csv(tmp_path, {"size": ["1.50", "2"], "country": ["NO", "NO"]}, name="one.csv")
    two = tmp_path / "two.csv"
    two.write_text("id,size,country\nb0,x,SE\nb1,y,DK\n")
    report = store.ingest_sources([Given("CRM", files=(one,)), Given("Shop", files=(two,))])
    assert _column(store, report, "size") == (T.TEXT, ["1.50", "2", "x", "y"])
    assert _column(store, report, "country") == (T.TEXT, ["NO", "NO", "SE", "DK"])
    assert report.snapshot.type_conflicts == (("size", ("number", "text")),)


def test_dates_in_json_are_read_and_its_own_types_kept(store: ProfileStore, tmp_path: Path) -> None:
    """JSON has numbers and booleans of its own, but no dates."""
    rows = [
        {"id": 1, "born": "5/17/1980", "zip": "0150", "ok": True, "word": "NO", "n": "12"},
        {"id": 2, "born": "12/31/2008", "zip": "5003", "ok": True, "word": "NO", "n": "13"},
    ]
    path = tmp_path / "people.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    report = store.ingest([path])
    assert _column(store, report, "born") == (T.DATE, [FIRST, LAST])
    assert _column(store, report, "ok") == (T.BOOLEAN, [True, True])
    assert [_column(store, report, n)[1] for n in ("zip", "word", "n")] == [
        ["0150", "5003"],
        ["NO", "NO"],
        ["12", "13"],
    ]
