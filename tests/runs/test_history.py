"""What runs leave behind: two of them compared, and their contacts as files."""

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from ccexport.errors import BadInput, NotFound, NotPermitted
from ccexport.plan.comparing import Difference
from tests.world import ADA, CARL, VERA, World, person


def test_two_runs_are_compared_by_counts_and_by_contact(world: World) -> None:
    world.ready([person(n) for n in range(6)])
    first = world.run()
    world.services.system.suppress(CARL, ["person4@example.com"])
    people = [person(n, first_name="Renamed" if n == 1 else f"Name{n}") for n in (0, 1, 2, 3, 4, 7)]
    world.ingest(people)
    second = world.run()

    found = world.services.runs.compare(CARL, second.id, first.id)

    assert (found.earlier.id, found.later.id) == (first.id, second.id)
    assert found.counts["add"] == (6, 1)
    assert dict(found.differences) == {
        Difference.NEW: 1,
        Difference.GONE: 2,
        Difference.CHANGED: 1,
        Difference.SAME: 3,
    }
    assert [(c.address, c.difference, c.why) for c in found.contacts] == [
        ("person1@example.com", "changed", None),
        ("person4@example.com", "gone", "suppressed"),
        ("person5@example.com", "gone", "not_a_candidate"),
        ("person7@example.com", "new", None),
    ]
    (change,) = found.contacts[0].changes
    assert (change.field, change.old, change.new) == ("first_name", "Name1", "Renamed")
    assert found.contacts[3].after == "verified"


def test_one_kind_of_difference_a_page_at_a_time_and_masked_for_a_viewer(world: World) -> None:
    world.ready([person(n) for n in range(6)])
    first, second = world.run(), world.run()

    page = world.services.runs.compare(CARL, first.id, second.id, what="same", offset=4, limit=10)
    seen = world.services.runs.compare(VERA, first.id, second.id, what="same")

    assert [c.address for c in page.contacts] == ["person4@example.com", "person5@example.com"]
    assert "person" not in repr(seen.contacts)
    with pytest.raises(BadInput, match="There are: new, gone"):
        world.services.runs.compare(CARL, first.id, second.id, what="other")


def test_a_run_without_a_plan_cannot_be_compared(world: World) -> None:
    world.ready([person(1)])
    first = world.run()
    queued = world.services.runs.start(CARL, "News")

    with pytest.raises(NotFound, match="its plan was not made"):
        world.services.runs.compare(CARL, first.id, queued.id)


def test_the_contacts_of_a_run_as_csv_and_as_parquet_are_the_same(world: World, tmp_path: Path) -> None:
    world.ready([person(0, first_name='=HYPERLINK("x")'), person(1), person(2, email="")])
    run = world.run()

    text = world.services.runs.contacts_file(CARL, run.id, tmp_path / "rows.csv").read_bytes().decode()
    table = pq.read_table(world.services.runs.contacts_file(CARL, run.id, tmp_path / "rows.parquet"))

    rows = list(csv.DictReader(io.StringIO(text)))
    assert text == "".join(world.services.runs.contacts_csv(CARL, run.id))
    assert [(r["address"], r["reason"], r["outcome"]) for r in rows] == [
        ("person0@example.com", "", "verified"),
        ("person1@example.com", "", "verified"),
        ("", "no_email", ""),
    ]
    assert table.column_names == list(rows[0])
    assert table["address"].to_pylist() == ["person0@example.com", "person1@example.com", None]
    downloads = [e for e in world.services.system.audit(ADA) if e["action"] == "contacts downloaded"]
    assert [e["detail"]["kind"] for e in downloads] == ["csv", "parquet", "csv"]
    pieces = b"".join(world.services.runs.contacts_parquet(CARL, run.id))
    assert pq.read_table(pa.BufferReader(pieces)).equals(table)
    assert list((tmp_path / "store" / "temp").iterdir()) == []
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_workbook_has_the_same_rows_as_texts(world: World, tmp_path: Path) -> None:
    """Its cells are typed, so they need no mark; nothing is left behind."""
    world.ready([person(1, customer_id="=1+1"), person(2, customer_id="0150")])
    run = world.run()
    (tmp_path / "run.xlsx").write_bytes(b"".join(world.services.runs.contacts_xlsx(CARL, run.id)))
    book = CalamineWorkbook.from_path(str(tmp_path / "run.xlsx"))
    head, *rows = book.get_sheet_by_index(0).to_python()
    assert (head[:3], [row[0] for row in rows]) == (["profile_id", "address", "verdict"], ["=1+1", "0150"])
    assert list((tmp_path / "store" / "temp").iterdir()) == []


def test_no_cell_of_a_download_is_a_formula(world: World) -> None:
    ids = ["=1+1", "+1", "-1", "@x", "fine"]
    world.ready([person(n, customer_id=name) for n, name in enumerate(ids)])
    run = world.run()

    rows = list(csv.DictReader(io.StringIO("".join(world.services.runs.contacts_csv(CARL, run.id)))))

    assert [row["profile_id"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@x", "fine"]


def test_a_download_needs_the_right_and_a_known_kind_of_file(world: World, tmp_path: Path) -> None:
    world.ready([person(1)])
    run = world.run()

    with pytest.raises(NotPermitted):
        world.services.runs.contacts_file(VERA, run.id, tmp_path / "rows.csv")
    with pytest.raises(BadInput, match=r"a \.csv, \.xlsx or \.parquet"):
        world.services.runs.contacts_file(CARL, run.id, tmp_path / "rows.xls")


def test_the_history_is_filtered_also_by_what_is_gone(world: World) -> None:
    world.ready([person(1)])
    first = world.run()
    world.services.connections.create_list(ADA, "Main", "Events")
    world.export("Party", contact_list="Events")
    second = world.services.runs.drive_here(world.services.runs.start(ADA, "Party").id)
    world.services.exports.remove(CARL, "Party")

    def found(**filters: Any) -> list[str]:
        return [run.id for run in world.services.runs.list(VERA, **filters)]

    assert found() == [second.id, first.id]
    assert found(export="Party") == found(contact_list="Events") == found(person="ada") == [second.id]
    assert found(until=second.created_at) == found(export="News") == [first.id]
    assert found(since=second.created_at) == [second.id]
    assert found(contact_list="Nowhere") == []
    with pytest.raises(NotFound, match="no export named Nobody"):
        found(export="Nobody")
    ever = world.services.runs.ever(VERA)
    assert list(ever.exports.values()) == ["News", "Party"]
    assert (list(ever.lists.values()), ever.people) == (["Events", "Newsletter"], ("ada", "carl"))
