"""Looking at profiles: pages, search, one person, what a field holds."""

import threading
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccexport.errors import BadInput
from ccexport.model.profiles import Snapshot
from ccexport.profiles.store import ProfileStore


@pytest.fixture
def snapshot(store: ProfileStore, tmp_path: Path) -> Snapshot:
    """Forty profiles: numbers 0 to 39, three cities, some of it empty."""
    count = range(40)
    table = pa.table(
        {
            "id": [f"p{n:02}" for n in count],
            "name": [f"Åse Nr{n}" if n % 2 else f"Ola Nr{n}" for n in count],
            "city": [["Oslo", "Bergen", None, "Oslo"][n % 4] for n in count],
            "n": list(count),
            "born": [date(2000, 1, 1 + n % 28) if n % 5 else None for n in count],
            "at": pa.array([datetime(2026, 1, 1, n % 24) for n in count], pa.timestamp("us")),  # noqa: DTZ001
            "tags": [["a"] * (n % 2) + ["b"] for n in count],
            "vip": [[True, False, None][n % 3] for n in count],
        }
    )
    pq.write_table(table, tmp_path / "p.parquet")
    return store.ingest([tmp_path / "p.parquet"]).snapshot


@pytest.fixture
def members(tmp_path: Path) -> Path:
    """Rows 0 to 9."""
    pq.write_table(pa.table({"_row": pa.array(range(10), pa.int32())}), tmp_path / "members.parquet")
    return tmp_path / "members.parquet"


def _ids(rows: list[dict[str, object]]) -> list[object]:
    return [r["_id"] for r in rows]


def test_pages_follow_the_file(store: ProfileStore, snapshot: Snapshot) -> None:
    """In file order, without gaps."""
    assert _ids(store.page(snapshot, offset=0, limit=2)) == ["p00", "p01"]
    assert _ids(store.page(snapshot, offset=38, limit=5)) == ["p38", "p39"]
    assert store.count(snapshot) == 40
    row = store.page(snapshot, limit=1)[0]
    assert list(row) == ["_id", *(f.name for f in snapshot.fields)]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("p07", ["p07"]),
        ("åse nr1", ["p01", "p11", "p13", "p15", "p17", "p19"]),
        ("nobody", []),
        ("%", []),
        ("P_7", []),
        ("P%7", []),
        ("ÅSE nr15", ["p15"]),
        ("A\u030aSE nr15", ["p15"]),
        ("\\", []),
        ("' OR 1", []),
    ],
)
def test_search_finds_every_word_somewhere(
    store: ProfileStore, snapshot: Snapshot, search: str, found: list[str]
) -> None:
    """Case is ignored, nothing is a pattern."""
    assert _ids(store.page(snapshot, search=search)) == found
    assert store.count(snapshot, search=search) == len(found)


def test_pages_can_be_sorted_and_narrowed_to_members(
    store: ProfileStore, snapshot: Snapshot, members: Path
) -> None:
    """Empty values come last either way."""
    assert _ids(store.page(snapshot, members=members, sort="n", descending=True, limit=2)) == ["p09", "p08"]
    down = store.page(snapshot, members=members, sort="city", descending=True)
    assert [r["city"] for r in down] == ["Oslo"] * 5 + ["Bergen"] * 3 + [None] * 2
    assert store.count(snapshot, members=members, search="ola") == 5
    with pytest.raises(BadInput, match="no field 'nope'"):
        store.page(snapshot, sort="nope")


def test_one_profile_by_id(store: ProfileStore, snapshot: Snapshot) -> None:
    """Or None."""
    found = store.profile(snapshot, " p05 ")
    assert found
    assert (found["name"], found["n"]) == ("Åse Nr5", 5)
    assert store.profile(snapshot, "nobody") is None


def test_what_a_text_field_holds(store: ProfileStore, snapshot: Snapshot, members: Path) -> None:
    """Fill rate, distinct and top values; of everybody or of members."""
    found = store.field_summary(snapshot, "city")
    assert (found.profiles, found.filled, found.distinct, found.fill_rate) == (40, 30, 2, 0.75)
    assert found.top == (("Oslo", 20), ("Bergen", 10))
    assert store.field_summary(snapshot, "city", members).top == (("Oslo", 5), ("Bergen", 3))


def test_what_numbers_and_times_hold(store: ProfileStore, snapshot: Snapshot) -> None:
    """A histogram over the whole range, in the type of the field."""
    found = store.field_summary(snapshot, "n")
    assert (found.minimum, found.maximum) == (0, 39)
    assert [b.profiles for b in found.histogram] == [2] * 20
    born = store.field_summary(snapshot, "born")
    assert (born.histogram[0].low, born.histogram[-1].high) == (date(2000, 1, 1), date(2000, 1, 28))
    assert sum(b.profiles for b in born.histogram) == born.filled == 32
    assert sum(b.profiles for b in store.field_summary(snapshot, "at").histogram) == 40


def test_what_a_list_holds(store: ProfileStore, snapshot: Snapshot) -> None:
    """Its entries are counted one by one."""
    found = store.field_summary(snapshot, "tags")
    assert (found.top, found.distinct, found.filled) == ((("b", 40), ("a", 20)), 2, 40)
    assert store.field_summary(snapshot, "vip").distinct == 2


def test_values_are_suggested(store: ProfileStore, snapshot: Snapshot) -> None:
    """The most frequent first."""
    assert store.suggest(snapshot, "city") == [("Oslo", 20), ("Bergen", 10)]
    assert store.suggest(snapshot, "city", "be") == [("Bergen", 10)]
    assert store.suggest(snapshot, "tags", "a") == [("a", 20)]
    assert store.suggest(snapshot, "n", "3", limit=2) == [(3, 1), (30, 1)]


def test_a_segment_beside_everybody(store: ProfileStore, snapshot: Snapshot, members: Path) -> None:
    """Members and profiles for each value, empty ones too."""
    assert store.breakdown(snapshot, "city", members) == [("Oslo", 5, 20), ("Bergen", 3, 10), (None, 2, 10)]
    ranges = store.breakdown(snapshot, "n", members)
    assert sum(m for _, m, _ in ranges) == 10
    assert sum(e for *_, e in ranges) == 40
    assert store.breakdown(snapshot, "tags", members) == [("b", 10, 40), ("a", 5, 20)]


def test_many_can_look_at_once_while_the_snapshot_changes(
    store: ProfileStore, snapshot: Snapshot, tmp_path: Path
) -> None:
    """Each read keeps the snapshot it began with."""
    other = tmp_path / "other.csv"
    other.write_text("id,city\nq1,Oslo\n", encoding="utf-8")
    second = store.ingest([other], accept_changes=True).snapshot
    wrong: list[object] = []

    def look(at: Snapshot, expected: int) -> None:
        for _ in range(15):
            if store.count(at) != expected:
                wrong.append(at)

    threads = [threading.Thread(target=look, args=a) for a in [(snapshot, 40), (second, 1)] * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    store.close()
    assert list(store.temp_dir.iterdir()) == []


def test_values_that_nearly_all_differ_are_no_suggestions(store: ProfileStore, tmp_path: Path) -> None:
    """Nobody chooses one of a million addresses; with a beginning they are found."""
    path = tmp_path / "many.csv"
    path.write_text("id,town\n" + "".join(f"p{n:05},{'Oslo' if n % 2 else 'Moss'}\n" for n in range(20_000)))
    snapshot = store.ingest([path]).snapshot
    assert store.suggest(snapshot, "id") == []
    assert store.suggest(snapshot, "id", "P0000", limit=2) == [("p00000", 1), ("p00001", 1)]
    assert store.suggest(snapshot, "town") == [("Moss", 10_000), ("Oslo", 10_000)]


def test_every_field_at_a_glance(store: ProfileStore, snapshot: Snapshot) -> None:
    found = {f.field.name: (f.filled, f.profiles, f.distinct) for f in store.field_table(snapshot)}
    assert found["city"] == (30, 40, 2)
    assert found["vip"] == (27, 40, 2)
    assert found["tags"] == (40, 40, 2)
