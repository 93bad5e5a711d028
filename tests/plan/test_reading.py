"""Questions asked of a frozen plan."""

import csv
import io
import json

import pytest

from ccexport.errors import BadInput
from ccexport.model.words import Verdict
from ccexport.plan.reading import Change, changes, counts, person, rejects_csv, rows
from tests.plan.factories import World, mapped


def test_every_number_leads_to_its_rows(world: World) -> None:
    """A word of the plan, given back as `what`."""
    world.profiles_are([{"email": e} for e in ("a@x.org", "A@x.org", None, "bad", "info@x.org")])
    plan = world.plan()
    for word, count in counts(plan).items():
        if word not in ("candidates", "requests"):
            assert len(rows(plan, what=word)) == count, word
    for warning, count in plan.warnings.items():
        assert len(rows(plan, what=warning)) == count == len(rows(plan, what="warnings"))
    assert len(rows(plan)) == counts(plan)["candidates"] == 5
    assert rows(plan, what="verified") == []
    with pytest.raises(BadInput, match="duplicates"):
        rows(plan, what="duplicates")


def test_pages_follow_each_other(world: World) -> None:
    """In plan order, also when filtered."""
    world.profiles_are([{"email": f"p{n}@x.org" if n % 2 else None} for n in range(10)])
    plan = world.plan()
    assert [r.seq for r in rows(plan, offset=3, limit=2)] == [3, 4]
    assert [r.seq for r in rows(plan, what="add", offset=3, limit=9)] == [7, 9]
    assert rows(plan, what="add", offset=5) == []


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("KARI@", ["P1"]),
        ("p2", ["P2"]),
        ("nordm", ["P1"]),
        ("Kari Nordmann", ["P1"]),
        ("o'b", ["P2"]),
        ('"q"', ["P2"]),
        ("first_name", []),
        ("100%", []),
        ("åse", ["P3"]),
        ("  ", ["P1", "P2", "P3"]),
    ],
)
def test_a_part_of_an_address_an_id_or_a_name_finds_people(
    world: World, search: str, expected: list[str]
) -> None:
    """Case does not matter, and the names of fields are not values."""
    world.profiles_are(
        [
            {"email": "kari@x.org", "first": "Kari", "last": "Nordmann"},
            {"email": "ola@x.org", "first": '"Q"', "last": "O'Brien"},
            {"email": "other@x.org", "first": "Åse", "last": None},
        ]
    )
    plan = world.plan(fields=mapped("first_name=first", "last_name=last"))
    assert [r.profile_id for r in rows(plan, search=search)] == expected


def test_a_person_is_found_by_address_or_id_with_those_who_lost_to_it(world: World) -> None:
    """However the address is spelt."""
    world.profiles_are(
        [{"email": "kari@x.org"}, {"email": " KARI@X.org"}, {"email": "bad one"}, {"email": None}]
    )
    plan = world.plan()
    assert [r.profile_id for r in person(plan, "Kari@x.org ")] == ["P1", "P2"]
    assert [r.profile_id for r in person(plan, " P4 ")] == ["P4"]
    assert [r.profile_id for r in person(plan, "bad one")] == ["P3"]
    assert person(plan, "nobody@x.org") == []


def test_an_update_shows_what_it_changes(world: World) -> None:
    """Old and new of each field; what is not sent any more stays as it is there."""
    world.profiles_are([{"email": "a@x.org", "first": "Kari", "last": None, "city": "Oslo"}])
    before = json.dumps({"email": "a@x.org", "first_name": "Karin", "last_name": "Lie", "city": "Oslo"})
    (row,) = rows(
        world.plan(
            fields=mapped("first_name=first", "last_name=last", "city=city"),
            deliveries=world.deliveries([{"address": "a@x.org", "contact": before, "content": 1}]),
            destination=world.reading(["a@x.org"]),
        )
    )
    assert row.verdict is Verdict.UPDATE
    assert changes(row) == [Change("first_name", "Karin", "Kari"), Change("last_name", "Lie", None)]


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_rejects_are_no_formulas(world: World, start: str) -> None:
    """In any cell, also behind quotes; everything else is as it was."""
    bad = f'{start}cmd|"/c calc",A1'
    world.profiles_are([{"id": f"{start}1", "email": bad}, {"email": 'kari "at" home\nnow'}])
    text = "".join(rejects_csv(world.plan()))
    first, second = csv.DictReader(io.StringIO(text, newline=""))
    assert first["profile_id"] == f"'{start}1"
    assert first["address"] == f"'{bad}"
    assert second["address"] == 'kari "at" home\nnow'
    assert second["explanation"] == "What stands in the address field is not an e-mail address."


def test_rejects_name_everybody_left_out_and_nobody_else(world: World) -> None:
    """More than one piece of text."""
    world.profiles_are([{"email": f"p{n}@x.org" if n == 7 else None} for n in range(25_000)])
    pieces = list(rejects_csv(world.plan()))
    found = list(csv.DictReader(io.StringIO("".join(pieces), newline="")))
    assert len(found) == 24_999
    assert len(pieces) > 2
    assert {r["reason"] for r in found} == {"no_email"}
