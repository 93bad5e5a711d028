"""What is picked is what was picked last, and Enter takes one."""

from streamlit.testing.v1 import AppTest

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from tests.ui.conftest import Pages

ADMINISTRATOR = Actor("administrator", Role.ADMINISTRATOR)


def form(demo: Pages) -> tuple[AppTest, str]:
    """The form of a new export, and what the keys of its widgets begin with."""
    page = demo.open("exports", "contributor", show="new")
    key = next(box.key for box in page.selectbox if str(box.key).endswith("-list"))
    return page, str(key).removesuffix("-list")


def list_ids(demo: Pages) -> dict[str, str]:
    return {found.name: found.id for found in demo.services.connections.lists(ADMINISTRATOR, "Sandbox")}


def test_a_pasted_list_and_a_chosen_list_are_one_value_and_the_last_one_wins(demo: Pages) -> None:
    ids = list_ids(demo)
    page, key = form(demo)
    box = f"{key}-list"
    page.selectbox(box).set_value(ids["Customers"])
    demo.run(page, "contributor")
    page.text_input(f"{key}-listid").input(ids["Events"])
    demo.run(page, "contributor")
    assert page.selectbox(box).value == ids["Events"]
    assert page.text_input(f"{key}-listid").value == ""

    page.selectbox(box).set_value(ids["Customers"])
    demo.run(page, "contributor")
    assert page.selectbox(box).value == ids["Customers"]


def test_a_pasted_id_of_no_list_is_told_and_the_choice_stays(demo: Pages) -> None:
    ids = list_ids(demo)
    page, key = form(demo)
    page.selectbox(f"{key}-list").set_value(ids["Customers"])
    page.text_input(f"{key}-listid").input("00000000-0000-0000-0000-000000000000")
    demo.run(page, "contributor")

    assert page.selectbox(f"{key}-list").value == ids["Customers"]
    assert page.error


def test_a_list_that_was_made_is_chosen(demo: Pages) -> None:
    page, key = form(demo)
    page.text_input(f"{key}-newlist").input("Made in the form")
    demo.run(page, "contributor")
    page.button(f"{key}-makelist").click()
    demo.run(page, "contributor")

    assert page.selectbox(f"{key}-list").value == list_ids(demo)["Made in the form"]


def test_enter_takes_one_of_many(demo: Pages) -> None:
    """Not all that are alike by fuzzy likeness."""
    page, _ = form(demo)

    assert page.multiselect
    assert {bool(box.proto.select_all) for box in page.multiselect} == {False}
    assert len({box.proto.filter_mode for box in page.multiselect}) == 1
