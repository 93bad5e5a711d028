"""What a mapping may say, and what is suggested for it."""

from typing import Any

import pytest

from ccexport.errors import BadInput
from ccexport.model.exports import ConsentRule, MappedField, Refusal
from ccexport.model.profiles import ProfileField
from ccexport.model.words import FieldType
from ccexport.plan.fields import CONTACT_FIELDS
from ccexport.plan.mapping import check_mapping
from ccexport.plan.suggest import suggest
from tests.plan.factories import World, export, mapped


def check(world: World, *pairs: str, custom: Any = None, **config: Any) -> None:
    world.profiles_are([{"email": "a@example.com", "first": "A", "day": "1"}])
    fields = config.pop("fields", mapped(*pairs))
    check_mapping(export(fields=fields, **config).config, world.snapshot, custom or {})


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["first_name=frist"], "“frist”. Did you mean “first”"),
        (["first_nam=first"], "“first_nam”. Did you mean “first_name”"),
        (["qqq=first"], "no contact field “qqq”."),
        (["email=first"], "mapped by itself"),
        (["cf:7=first"], "custom field 7 is not there"),
        (["city=first", "city=day"], "“city” is mapped more than once"),
        (["birthday_day=day"], "month and its day together"),
        (["birthday=day", "birthday_day=day", "birthday_month=day"], "month and its day together"),
        (["phone=day", "home_phone=day", "work_phone=day", "mobile_phone=day"], "at most 3 phone numbers; 4"),
        (["zip=day", "home_zip=day", "work_zip=day", "other_zip=day"], "at most 3 addresses; 4"),
    ],
)
def test_a_mapping_that_cannot_be_carried_out_is_named(world: World, pairs: list[str], message: str) -> None:
    """With the nearest match, before anything is sent."""
    with pytest.raises(BadInput, match=message.replace(".", r"\.")):
        check(world, *pairs)


def test_a_contact_takes_25_custom_fields(world: World) -> None:
    """The 26th would be dropped in silence."""
    custom = {str(n): f"field_{n}" for n in range(26)}
    check(world, *(f"cf:{n}=first" for n in range(25)), custom=custom)
    with pytest.raises(BadInput, match="at most 25 custom fields"):
        check(world, *(f"cf:{n}=first" for n in range(26)), custom=custom)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (MappedField(target="city"), "City: map a profile field, a constant or a template."),
        (
            MappedField(target="city", source="first", constant="x"),
            "City: map a profile field, a constant or a template.",
        ),
        (MappedField(target="city", constant="x" * 51), "takes 50 characters"),
        (MappedField(target="city", source="first", default="x" * 51), "takes 50 characters"),
        (MappedField(target="city", source="first", transforms=("uper",)), "“uper”. Did you mean “upper”"),
        (MappedField(target="city", source="first", transforms=("date:%Q",)), "not a date format"),
        (MappedField(target="city", source="first", transforms=("date:'); DROP",)), "not a date format"),
    ],
)
def test_a_mapped_field_is_checked_by_itself(world: World, field: MappedField, message: str) -> None:
    """Before any value is seen."""
    with pytest.raises(BadInput, match=message.replace(".", r"\.")):
        check(world, fields=(field,))


@pytest.mark.parametrize(
    "config",
    [
        {"email": "mail"},
        {"consent": ConsentRule(field="agreed")},
        {"refusals": (Refusal(field="no_mail", values=("1",)),)},
        {"newest_by": "updated"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_other_fields_of_the_profiles_must_exist_too(world: World, config: dict[str, Any]) -> None:
    """The address, the consent, what refuses and the rule for duplicates."""
    with pytest.raises(BadInput, match="the profiles have no field"):
        check(world, **config)


def test_a_refusal_names_what_means_no(world: World) -> None:
    """A blank cell means that nothing was refused, so it cannot be the value."""
    with pytest.raises(BadInput, match="names no value that means no"):
        check(world, refusals=(Refusal(field="first", values=(" ",)),))


def test_names_in_a_mapping_are_never_sql(world: World) -> None:
    """Fields, custom fields, segments and constants may hold any character."""
    odd = "a\"b'c; --\\"
    world.profiles_are([{"email": "a@example.com", odd: odd}])
    fields = (*mapped(f"first_name={odd}", f"cf:1={odd}"), MappedField(target="city", constant=odd))
    plan = world.plan(fields=fields, custom_fields={"1": odd}, members=(world.segment(odd),))
    from ccexport.plan.reading import rows

    (row,) = rows(plan, segment=odd)
    assert row.fields == {"email": "a@example.com", "first_name": odd, "city": odd, f"cf:{odd}": odd}


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("E-post", "email"),
        ("e_mail", "email"),
        ("customer_email", "email"),
        ("fornavn", "first_name"),
        ("Vorname", "first_name"),
        ("Prénom", "first_name"),
        ("First Name", "first_name"),
        ("etternavn", "last_name"),
        ("nom", "last_name"),
        ("Nachname", "last_name"),
        ("telefon", "phone"),
        ("Mobilnummer", "mobile_phone"),
        ("Fødselsdato", "birthday"),
        ("Straße", "street"),
        ("postnr.", "zip"),
        ("Ville", "city"),
        ("adresselinje 2", "street2"),
    ],
)
def test_a_field_is_suggested_by_its_name_in_several_languages(name: str, target: str) -> None:
    """Whatever its spelling."""
    (found,) = suggest([ProfileField(name, FieldType.TEXT)])
    assert (found.target, found.source) == (target, name)
    assert found.target in CONTACT_FIELDS


def test_the_surer_of_two_suggestions_is_given() -> None:
    """And nothing for names that say nothing, or for a type that cannot be right."""
    text = FieldType.TEXT
    names = [ProfileField(n, text) for n in ("id", "score", "contact_email", "email", "telephon")]
    found = {s.target: s for s in suggest([*names, ProfileField("birthday", FieldType.NUMBER)])}
    assert set(found) == {"email", "phone"}
    assert (found["email"].source, found["email"].confidence) == ("email", 1.0)
    assert found["phone"].confidence < 1
