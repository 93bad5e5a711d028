"""Shares of the profiles: disjoint, complete, the same in every snapshot and in every program."""

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccexport.errors import BadInput
from ccexport.segments.rules import parse_rule
from tests.world import ADA, CARL, World, person

PEOPLE = 400


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("share"))
    made.ingest([person(n) for n in range(PEOPLE)])
    made.services.segments.create(ADA, "Everybody", everybody=True)
    return made


def share(world: World, low: float, high: float, salt: str) -> set[str]:
    rule = {"op": "in_share", "value": [low, high], "salt": salt}
    return {row["_id"] for row in world.services.segments.sample(ADA, rule, limit=PEOPLE)}


def by_hand(number: int, salt: str) -> float:
    """As any other program computes it."""
    return int(hashlib.md5(f"{salt}:c{number:05}".encode()).hexdigest()[:8], 16) * 100 / 2**32


@settings(max_examples=15, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True),
    salt=st.text("abcå:'", max_size=5),
)
def test_shares_that_meet_are_disjoint_and_complete(world: World, cuts: list[int], salt: str) -> None:
    edges = [0, *sorted(cuts), 100]
    found = [share(world, low, high, salt) for low, high in pairwise(edges)]
    assert sum(map(len, found)) == PEOPLE == len(set().union(*found))
    for (low, high), members in zip(pairwise(edges), found, strict=True):
        assert members == {f"c{n:05}" for n in range(PEOPLE) if low <= by_hand(n, salt) < high}


def test_a_split_parts_a_segment_and_stays_the_same_in_later_snapshots(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ingest([person(n) for n in range(200)])
    world.services.segments.create(ADA, "Everybody", everybody=True)
    parts = world.services.segments.split(CARL, "Everybody", [90, 7.5, 2.5])

    def members() -> list[set[str]]:
        pages = (world.services.segments.members_page(ADA, p.id, limit=1_000) for p in parts)
        return [{row["_id"] for row in page} for page in pages]

    before = members()
    assert [p.name for p in parts] == [f"Everybody: {n} of 3" for n in (1, 2, 3)]
    assert sum(map(len, before)) == 200 == len(set().union(*before))
    world.ingest([person(n, country="Sweden") for n in range(50, 300)])
    for earlier, later in zip(before, members(), strict=True):
        assert {i for i in later if i < "c00200"} == {i for i in earlier if i >= "c00050"}
    with pytest.raises(BadInput, match="100 together"):
        world.services.segments.split(CARL, "Everybody", [50, 40])
    with pytest.raises(BadInput, match="is already there"):
        world.services.segments.split(CARL, "Everybody", [50, 25, 25])
    world.close()


@pytest.mark.parametrize(
    "rule",
    [
        {"op": "in_share", "value": [10, 10]},
        {"op": "in_share", "value": [-1, 10]},
        {"op": "in_share", "value": [0, 101]},
        {"op": "in_share", "value": 10},
        {"op": "in_share"},
        {"op": "in_share", "value": [0, 10], "salt": 3},
        {"field": "country", "op": "is", "value": "Norway", "salt": "x"},
    ],
)
def test_a_share_that_cannot_be_is_refused(world: World, rule: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        world.services.segments.count_rule(ADA, rule)


def test_a_share_is_written_as_it_was_read() -> None:
    rule = {"op": "not_in_share", "value": [0, 10], "salt": "spring"}
    assert parse_rule(rule).to_json() == rule
