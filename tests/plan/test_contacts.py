"""The contact exactly as it is sent: values, keys, checks and warnings."""

import json
import unicodedata
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccexport.model.exports import MappedField
from ccexport.model.words import FieldType, Verdict
from ccexport.plan.fields import CONTACT_FIELDS, Shape
from ccexport.plan.reading import PlanRow, rows
from tests.plan.factories import World, mapped


def contact(world: World, values: dict[str, Any], types: Any = None, **config: Any) -> PlanRow:
    """The row of one profile with a good address."""
    world.profiles_are([{"email": "k@example.com", **values}], types)
    (row,) = rows(world.plan(**config))
    return row


def sent(row: PlanRow) -> dict[str, Any]:
    return {k: v for k, v in row.fields.items() if k != "email"}


def test_keys_come_in_a_fixed_order_whatever_the_mapping_says(world: World) -> None:
    """So that saving a mapping in another order changes no contact."""
    values = {"a": "1", "b": "2", "c": "3", "d": "4"}
    pairs = ("cf:9=d", "zip=a", "first_name=b", "cf:8=c")
    texts = {
        contact(world, values, fields=mapped(*order), custom_fields={"9": "blå", "8": "zone"}).contact
        for order in (pairs, pairs[::-1])
    }
    assert texts == {'{"email":"k@example.com","first_name":"2","zip":"1","cf:blå":"4","cf:zone":"3"}'}


def test_every_contact_field_can_be_filled(world: World) -> None:
    """Within the limits of phones and addresses, and birthday either way."""
    names = [n for n, f in CONTACT_FIELDS.items() if n != "email" and f.shape is Shape.TEXT]
    for part in (
        [n for n in names if not CONTACT_FIELDS[n].phone and CONTACT_FIELDS[n].address in (None, "")],
        [
            n
            for n in names
            if n in ("phone", "home_phone", "work_phone") or n.startswith(("home_s", "work_", "other_c"))
        ],
    ):
        row = contact(world, {n: f"<{n}>" for n in part}, fields=mapped(*(f"{n}={n}" for n in part)))
        assert sent(row) == {n: f"<{n}>" for n in part}


def test_empty_values_are_left_out(world: World) -> None:
    """An import cannot clear a field dependably, so nothing pretends to."""
    values = {"a": None, "b": "", "c": " \t\u00a0", "d": "\u200b", "e": "x"}
    fields = mapped("first_name=a", "last_name=b", "city=c", "zip=d", "state=e")
    assert sent(contact(world, values, fields=fields)) == {"state": "x"}
    assert sent(contact(world, {"a": ""}, fields=mapped("first_name=a"))) == {}


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Kari ", "Kari"),
        ("Kari\u00a0", "Kari"),
        ("a\u0000b\u0007c\u007fd\u009fe", "abcde"),
        ("two\r\nlines\tand a tab", "two lines and a tab"),
        ("e\u0301", "é"),
        ('He said "hi" \\ /', 'He said "hi" \\ /'),
        ("👩‍👩‍👧 \u2028 x", "👩‍👩‍👧 \u2028 x"),
        ("O'Brien; DROP TABLE", "O'Brien; DROP TABLE"),
        ("~", "~"),
        ("a~b", "a~b"),
        ("a ~ ~b", "a ~ ~b"),
        (" ~a~ ", "~a~"),
        ('"', '"'),
        ("x" * 50, "x" * 50),
        ("é" * 50, "é" * 50),
    ],
)
def test_text_is_trimmed_composed_and_free_of_control_characters(world: World, raw: str, clean: str) -> None:
    """Line breaks become one blank; everything a person can see stays."""
    row = contact(world, {"a": raw}, fields=mapped("first_name=a"))
    assert (sent(row), row.warnings) == ({"first_name": clean}, ())


def test_what_is_too_long_is_left_out_and_named(world: World) -> None:
    """Never cut; the rest of the contact is sent."""
    values = {"a": "x" * 51, "b": "é" * 256, "c": "y" * 255, "d": " " + "z" * 50 + "\n"}
    fields = mapped("first_name=a", "street=b", "street2=c", "city=d")
    row = contact(world, values, fields=fields)
    assert sent(row) == {"street2": "y" * 255, "city": "z" * 50}
    assert row.warnings == ("first_name:too_long", "street:too_long")


def test_custom_fields_take_255_characters(world: World) -> None:
    """And are written by their API name as it is now."""
    fields = mapped("cf:1=a", "cf:2=b")
    row = contact(
        world, {"a": "x" * 255, "b": "x" * 256}, fields=fields, custom_fields={"1": "n_1", "2": "n_2"}
    )
    assert sent(row) == {"cf:n_1": "x" * 255}
    assert row.warnings == ("cf:n_2:too_long",)


@pytest.mark.parametrize(
    ("value", "type_", "transforms", "expected", "warned"),
    [
        (date(1990, 2, 28), FieldType.DATE, (), (2, 28), False),
        (datetime(1990, 12, 1, 23, 59), FieldType.TIMESTAMP, (), (12, 1), False),  # noqa: DTZ001
        ("1990-2-3", FieldType.TEXT, (), (2, 3), False),
        ("2000-02-29", FieldType.TEXT, (), (2, 29), False),
        ("--02-29", FieldType.TEXT, (), (2, 29), False),
        (" --12-31", FieldType.TEXT, (), (12, 31), False),
        ("--02-30", FieldType.TEXT, (), None, True),
        ("28.02.1990", FieldType.TEXT, ("date:%d.%m.%Y",), (2, 28), False),
        ("31.02.1990", FieldType.TEXT, ("date:%d.%m.%Y",), None, True),
        ("28.02.1990", FieldType.TEXT, (), None, True),
        ("infinity", FieldType.TEXT, (), None, True),
        (None, FieldType.DATE, (), None, False),
        ("", FieldType.TEXT, (), None, False),
    ],
)
def test_a_birthday_is_two_integers_or_nothing(
    world: World, value: Any, type_: FieldType, transforms: tuple[str, ...], expected: Any, warned: bool
) -> None:
    """From a date of any type or form."""
    row = contact(world, {"b": value}, {"b": type_}, fields=mapped("birthday=b", transforms=transforms))
    want = {"birthday_month": expected[0], "birthday_day": expected[1]} if expected else {}
    assert (sent(row), row.warnings) == (want, ("birthday:malformed",) if warned else ())


@pytest.mark.parametrize(
    ("month", "day", "fits"),
    [
        ("2", "29", True),
        ("02", "03", True),
        ("2", "30", False),
        ("13", "1", False),
        ("1", None, False),
        ("1", "x", False),
    ],
)
def test_month_and_day_of_a_birthday_stand_or_fall_together(
    world: World, month: str, day: str | None, fits: bool
) -> None:
    """One without the other is refused by Constant Contact with the whole row."""
    row = contact(world, {"m": month, "d": day}, fields=mapped("birthday_day=d", "birthday_month=m"))
    want = {"birthday_month": int(month), "birthday_day": int(day or 0)} if fits else {}
    assert (sent(row), row.warnings) == (want, () if fits else ("birthday_month:malformed",))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2006/1/5", "2006-01-05"),
        ("1900-12-31", None),
        ("2036-01-01", "2036-01-01"),
        ("2037-01-01", None),
        ("soon", None),
    ],
)
def test_an_anniversary_is_an_iso_date_of_a_year_constant_contact_takes(
    world: World, value: str, expected: str | None
) -> None:
    """A year outside of that would cost the whole row."""
    row = contact(world, {"a": value}, fields=mapped("anniversary=a"))
    assert sent(row) == ({"anniversary": expected} if expected else {})
    assert row.warnings == (() if expected else ("anniversary:malformed",))


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        (5.0, FieldType.NUMBER, "5"),
        (1234567.25, FieldType.NUMBER, "1234567.25"),
        (True, FieldType.BOOLEAN, "true"),
        (date(2020, 1, 2), FieldType.DATE, "2020-01-02"),
        (["a", "b"], FieldType.LIST, "a, b"),
        ([], FieldType.LIST, None),
    ],
)
def test_other_types_are_written_as_people_write_them(
    world: World, value: Any, type_: FieldType, expected: str | None
) -> None:
    """No `5.0`, no brackets."""
    row = contact(world, {"v": value}, {"v": type_}, fields=mapped("cf:1=v"), custom_fields={"1": "v"})
    assert sent(row) == ({"cf:v": expected} if expected else {})


@pytest.mark.parametrize(
    ("transforms", "raw", "expected"),
    [
        (("upper",), " kåre ", "KÅRE"),
        (("lower",), "KÅRE", "kåre"),
        (("title",), "ANNE-marie o'neil  åse", "Anne-Marie O'neil  Åse"),
        (("first_word",), "Kari Anne", "Kari"),
        (("trim", "first_word", "upper"), " kari anne", "KARI"),
    ],
)
def test_transforms_are_applied_in_order(
    world: World, transforms: tuple[str, ...], raw: str, expected: str
) -> None:
    """On the cleaned text."""
    row = contact(world, {"a": raw}, fields=mapped("first_name=a", transforms=transforms))
    assert sent(row) == {"first_name": expected}


def test_a_default_stands_in_for_what_is_empty_only(world: World) -> None:
    """A date that cannot be read is left out with a warning, not replaced."""
    fields = (
        MappedField(target="first_name", source="a", default="friend", transforms=("upper",)),
        MappedField(target="anniversary", source="b", default="2020-01-01"),
        MappedField(target="city", constant="It's \\Oslo"),
    )
    row = contact(world, {"a": " \t", "b": "soon"}, fields=fields)
    assert sent(row) == {"first_name": "friend", "city": "It's \\Oslo"}
    assert row.warnings == ("anniversary:malformed",)


BREAKS = set("\t\n\v\f\r\x85")
BLANKS = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)


def clean(raw: str | None) -> str:
    """The cleaning rule once more, as plainly as Python can say it."""
    kept: list[str] = []
    for c in raw or "":
        if c in BREAKS:
            if not (kept and kept[-1] == "\n"):
                kept.append("\n")
        else:
            kept.append(c)
    text = "".join(" " if c == "\n" else c for c in kept if c == "\n" or unicodedata.category(c) != "Cc")
    return unicodedata.normalize("NFC", text).strip(BLANKS)


ASSIGNED = st.characters(exclude_categories=("Cs", "Cn"))
TEXT = st.one_of(
    st.none(),
    st.text(ASSIGNED, max_size=60),
    st.text("aé\u0301~ \t\r\n\"\\'\x00\x07\x7f\u00a0\u2028\ufeff👍", max_size=12),
    st.sampled_from(["x" * 50, "x" * 51, "", " ", '"', "\\", "null", '":"']),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=30), st.booleans())
def test_the_json_holds_exactly_the_mapped_values(
    world: World, values: list[tuple[Any, ...]], knows_clean: bool
) -> None:
    """For any text, in values as they stand and in transformed ones alike, and whether or not the snapshot
    knows which profiles are clean."""
    world.profiles_are(
        [{"email": f"p{n}@example.com", "a": a, "b": b, "c": c} for n, (a, b, c) in enumerate(values)],
        dict.fromkeys("abc", FieldType.TEXT),
        knows_clean=knows_clean,
    )
    fields = (*mapped("first_name=a", "street=b"), *mapped("last_name=c", transforms=("trim",)))
    found = rows(world.plan(fields=fields), limit=100)
    for row, (a, b, c) in zip(found, values, strict=True):
        cleaned = {"first_name": clean(a), "last_name": clean(c), "street": clean(b)}
        fits = {k: v for k, v in cleaned.items() if 0 < len(v) <= CONTACT_FIELDS[k].length}
        assert sent(row) == fits
        assert row.warnings == tuple(
            f"{k}:too_long" for k, v in cleaned.items() if len(v) > CONTACT_FIELDS[k].length
        )
        assert row.contact == json.dumps(
            json.loads(row.contact or ""), ensure_ascii=False, separators=(",", ":")
        )


@pytest.mark.parametrize(
    "number",
    [
        "1231231234",
        "123-123-1234",
        "(209)172-7124x3651",
        "001-209-172-7124",
        "+1 915.112.1727",
        "915 112 1727 ext. 12",
    ],
)
def test_a_national_phone_is_sent_as_it_is(world: World, number: str) -> None:
    assert sent(contact(world, {"tlf": number}, fields=mapped("phone=tlf"))) == {"phone": number}


@pytest.mark.parametrize("number", ["+47 22 33 44 55", "22334455", "+44 20 7946 0958", "call me", "1" * 60])
def test_an_international_phone_is_left_out_with_a_warning_and_costs_nobody(
    world: World, number: str
) -> None:
    row = contact(world, {"tlf": number}, fields=mapped("phone=tlf"))

    assert (sent(row), row.warnings, row.verdict) == ({}, ("phone:international",), Verdict.ADD)


def test_international_phones_are_sent_when_the_export_says_so(world: World) -> None:
    row = contact(world, {"tlf": "+47 22 33 44 55"}, fields=mapped("phone=tlf"), international_phones=True)

    assert (sent(row), row.warnings) == ({"phone": "+47 22 33 44 55"}, ())
