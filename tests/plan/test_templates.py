"""Values put together from several fields."""

import json
from typing import Any

import pytest

from ccexport.errors import BadInput
from ccexport.model.exports import MappedField
from ccexport.model.words import FieldType
from tests.plan.factories import World, bodies_of

PEOPLE: list[dict[str, Any]] = [
    {"email": "a@example.com", "First Name": "ada maria", "City": "Oslo"},
    {"email": "b@example.com", "First Name": " bo ", "City": None},
    {"email": "c@example.com", "First Name": None, "City": "Bergen"},
    {"email": "d@example.com", "First Name": 'd"o', "City": "  "},
    {"email": "e@example.com", "First Name": "e\u0301va", "City": "A\tB"},
]


def sent(world: World, template: str, **more: Any) -> list[str | None]:
    world.profiles_are(PEOPLE, {"First Name": FieldType.TEXT, "City": FieldType.TEXT})
    plan = world.plan(fields=(MappedField(target="company_name", template=template, **more),))
    contacts = [c for body in bodies_of(plan) for c in json.loads(body)["import_data"]]
    return [contact.get("company_name") for contact in contacts]


def test_a_template_is_filled_and_empty_when_a_field_is(world: World) -> None:
    assert sent(world, "{First Name|title} from {City}") == [
        "Ada Maria from Oslo",
        None,
        None,
        None,
        "\u00c9va from A B",
    ]


def test_a_default_stands_in_and_changes_go_over_the_whole(world: World) -> None:
    found = sent(world, " {First Name|first_word|upper}! ", transforms=("lower",), default="you")
    assert found == ["ada!", "bo!", "you", 'd"o!', "\u00e9va!"]


@pytest.mark.parametrize(
    "template", ["", "no field", "{First Name", "{}", "{First Name}}", "{First Name|shout}", "{Nobody}"]
)
def test_a_template_that_cannot_be_is_refused(world: World, template: str) -> None:
    with pytest.raises(BadInput, match="Company"):
        sent(world, template)


def test_without_a_template_a_field_is_written_as_before() -> None:
    """So that the digests of plans and the saved exports stay what they were."""
    assert MappedField(target="city", source="City").model_dump() == {
        "target": "city",
        "source": "City",
        "constant": None,
        "transforms": (),
        "default": None,
    }
