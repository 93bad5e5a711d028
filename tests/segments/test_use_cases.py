"""Segments through their use cases: what analysts do with them, and what viewers may see."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ccexport.errors import BadInput, Conflict, NotFound, NotPermitted
from ccexport.services import Services
from ccexport.settings import Settings
from tests.conftest import Clock
from tests.world import ADA, CARL, VERA

HEADER = "Id,email,tier,score,joined\n"
FIRST = [
    "a,ann@example.com,gold,10,2026-01-05",
    "b,bo@example.com,gold,20,2026-02-05",
    "c,,silver,30,2026-02-20",
    "d,di@example.org,,40,",
]
GOLD = {"field": "tier", "op": "is", "value": "gold"}
HIGH = {"field": "score", "op": "at_least", "value": 20}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Four profiles on 1 March 2026."""
    clock = Clock()
    clock.now = datetime(2026, 3, 1, tzinfo=UTC)
    made = Services(Settings(data_dir=tmp_path / "store", sandbox="off"), clock=clock)
    _ingest(made, tmp_path, FIRST)
    made.segments.create(ADA, "Gold", rule=GOLD, tags=["tier", " tier ", ""])
    made.segments.create(ADA, "High", rule=HIGH)
    yield made
    made.close()


def _ingest(services: Services, tmp_path: Path, rows: list[str], **more: Any) -> None:
    path = tmp_path / "people.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n")
    services.profiles.ingest(ADA, [path], id_field="Id", **more)


def _again(services: Services, tmp_path: Path, days: int = 30) -> None:
    """A later snapshot: b is silver now, c gold, d left and e came."""
    services.ledger.clock.now += timedelta(days=days)  # type: ignore[attr-defined]
    rows = [
        FIRST[0],
        FIRST[1].replace("gold", "silver"),
        FIRST[2].replace("silver", "gold"),
        "e,e@example.com,gold,5,2026-03-15",
    ]
    _ingest(services, tmp_path, rows)


def test_members_are_sorted_searched_and_counted(services: Services) -> None:
    segments = services.segments
    assert [r["Id"] for r in segments.members_page(CARL, "High", sort="score", descending=True)] == [
        "d",
        "c",
        "b",
    ]
    assert [r["Id"] for r in segments.members_page(CARL, "High", search="EXAMPLE bo")] == ["b"]
    assert segments.count_members(CARL, "High", search="example") == 2
    assert segments.count_members(CARL, "High") == 3


def test_sizes_and_moves_over_snapshots(services: Services, tmp_path: Path) -> None:
    """Joiners and leavers by hand; days in a rule count from each snapshot's own day."""
    segments = services.segments
    segments.create(ADA, "Lately", rule={"field": "joined", "op": "in_last", "value": "30 days"})
    assert segments.moves(CARL, "Gold") is None
    _again(services, tmp_path)
    moved = segments.moves(CARL, "Gold")
    assert moved is not None
    assert (moved.joined_ids, moved.left_ids, moved.joined, moved.left) == (("c", "e"), ("b",), 2, 1)
    assert [s.members for s in segments.sizes(VERA, "Gold")] == [2, 3]
    assert [s.members for s in segments.sizes(VERA, "Lately")] == [2, 1]


def test_a_snapshot_without_the_field_has_no_size(services: Services, tmp_path: Path) -> None:
    services.ledger.clock.now += timedelta(days=1)  # type: ignore[attr-defined]
    path = tmp_path / "people.csv"
    path.write_text("Id,score\na,1\n")
    services.profiles.ingest(ADA, [path], id_field="Id", accept_changes=True)
    assert [s.members for s in services.segments.sizes(VERA, "Gold")] == [2, None]


def test_overlaps_are_exact(services: Services) -> None:
    segments = services.segments
    called = {s.id: s.name for s in segments.list(VERA)}
    found = {
        tuple(called[i] for i in o.segment_ids): o.profiles for o in segments.overlap(VERA, ["Gold", "High"])
    }
    assert found == {("Gold",): 1, ("High",): 2, ("Gold", "High"): 1}
    with pytest.raises(BadInput, match="two to 5 segments"):
        segments.overlap(VERA, ["Gold", "Gold"])


def test_frozen_and_duplicated_segments_stand_by_themselves(services: Services, tmp_path: Path) -> None:
    segments = services.segments
    segments.freeze(CARL, "Gold", "Gold in March")
    segments.duplicate(CARL, "Gold in March", "Again")
    segments.duplicate(CARL, "Gold", "Gold 2")
    segments.change(CARL, "Gold", rule=HIGH)
    _again(services, tmp_path)
    found = {s.name: [r["Id"] for r in segments.members_page(CARL, s.id)] for s in segments.list(VERA)}
    assert found == {
        "Again": ["a", "b"],
        "Gold": ["b", "c"],
        "Gold 2": ["a", "c", "e"],
        "Gold in March": ["a", "b"],
        "High": ["b", "c"],
    }
    with pytest.raises(BadInput, match="already there"):
        segments.freeze(CARL, "Gold", "High")


def test_what_a_member_list_does_not_match_is_named(services: Services) -> None:
    segments = services.segments
    segments.create(CARL, "List", members=["a", "zz", "BO@Example.com ", "no@where.example"])
    assert segments.members(CARL, "List").unmatched == 2
    assert segments.unmatched(CARL, "List") == ["zz", "no@where.example"]
    assert segments.unmatched(CARL, "Gold") == []
    with pytest.raises(NotPermitted):
        segments.unmatched(VERA, "List")


def test_many_are_counted_at_once_and_one_at_fault_keeps_no_other_from_its_number(services: Services) -> None:
    high = services.ledger.segments.named("High")
    gone = {"field": "gone", "op": "is", "value": "x"}
    services.ledger.segments.save(replace(high, rule=gone, version=high.version + 1), by="ada")
    there = services.segments.list(VERA)

    found = services.segments.counts(VERA, there)

    assert {segment.name: found[segment.id] for segment in there} == {"Gold": 2, "High": None}


def test_a_rule_survives_the_renaming_of_what_it_refers_to(services: Services) -> None:
    """Kept by id, written by name, and guarded by its uses."""
    segments = services.segments
    both = {"all": [{"op": "in_segment", "value": "Gold"}, {"none": [{"op": "in_segment", "value": "High"}]}]}
    segments.create(CARL, "Both", rule=both)
    segments.change(CARL, "Gold", new_name="Golden")
    assert segments.written(VERA, "Both") == {
        "all": [{"op": "in_segment", "value": "Golden"}, {"none": [{"op": "in_segment", "value": "High"}]}]
    }
    assert [r["Id"] for r in segments.members_page(CARL, "Both")] == ["a"]
    assert "“Golden”" in segments.in_words(VERA, "Both")
    with pytest.raises(Conflict, match="High is used by the segment Both"):
        segments.remove(CARL, "High")
    with pytest.raises(BadInput, match="Segments cannot contain each other"):
        segments.change(CARL, "Golden", rule={"op": "in_segment", "value": "Both"})
    with pytest.raises(NotFound, match="Nobody"):
        segments.create(CARL, "X", rule={"op": "in_segment", "value": "Nobody"})
    with pytest.raises(BadInput, match="already there"):
        segments.change(CARL, "Golden", new_name="High")


def test_which_segments_a_profile_is_in(services: Services, tmp_path: Path) -> None:
    """Also when one of them cannot be said any more."""
    segments = services.segments
    found = {s.name: inside for s, inside in segments.of_profile(VERA, "b")}
    assert found == {"Gold": True, "High": True}
    path = tmp_path / "people.csv"
    path.write_text("Id,score\nb,1\n")
    services.profiles.ingest(ADA, [path], id_field="Id", accept_changes=True)
    assert {s.name: inside for s, inside in segments.of_profile(VERA, "b")} == {"Gold": None, "High": False}
    with pytest.raises(NotFound):
        segments.of_profile(VERA, "nobody")


def test_tags_are_kept_once_and_limited(services: Services) -> None:
    assert services.segments.get(VERA, "Gold").tags == ("tier",)
    with pytest.raises(BadInput, match="up to 20 tags"):
        services.segments.change(CARL, "Gold", tags=[str(n) for n in range(21)])


def test_a_viewer_sees_no_address_even_where_it_is_the_id(services: Services, tmp_path: Path) -> None:
    """Profiles joined by address have it as their id."""
    for number, tier in enumerate(("gold", "silver")):
        services.ledger.clock.now += timedelta(days=1)  # type: ignore[attr-defined]
        path = tmp_path / f"{number}.csv"
        path.write_text(f"email,tier\nann@example.com,{tier}\n")
        services.profiles.ingest(ADA, [path], id_field="email", accept_changes=True)
    moved = services.segments.moves(VERA, "Gold")
    assert moved is not None
    assert (moved.left_ids, moved.left) == (("a•••@example.com",), 1)
    assert services.profiles.page(VERA)[0]["email"] == "a•••@example.com"
    assert services.profiles.page(VERA)[0]["_id"] == "a•••@example.com"
