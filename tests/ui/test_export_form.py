"""Every setting of an export is set and unset in the form, and saved as it was chosen."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ccexport.model.export_drafts import ExportDraft
from ccexport.model.exports import Actor, ConsentRule, Export, Guards, Refusal
from ccexport.model.words import Mode, Moved, People, Role
from tests.ui.conftest import Pages, said

CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)
Step = Callable[[AppTest, str], object]
# Of the demo there is one connection, chosen already. The first steps show what the second ones fill.
SHOW: Mapping[str, Step] = {
    "consent": lambda page, key: page.toggle(f"{key}-consent").set_value(True),
    "refusals": lambda page, key: page.multiselect(f"{key}-refusals").set_value(["tier"]),
    "fields": lambda page, key: page.button(f"{key}-add").click(),
}
SET: Mapping[str, Step] = {
    "name": lambda page, key: page.text_input(f"{key}-name").input("Formed"),
    "connection": lambda page, key: page.selectbox(f"{key}-connection"),
    "list": lambda page, key: page.selectbox(f"{key}-list").select(
        next(o for o in page.selectbox(f"{key}-list").options if o.startswith("Customers"))
    ),
    "segments": lambda page, key: _choose(page, f"{key}-segments", "Norway"),
    "exclude": lambda page, key: _choose(page, f"{key}-exclude", "Good customers"),
    "yields_to": lambda page, key: _choose(page, f"{key}-yields", "Newsletter"),
    "email": lambda page, key: page.selectbox(f"{key}-email").select("email"),
    "fields": lambda page, key: (
        page.selectbox(f"{key}-0-target").select("city"),
        page.selectbox(f"{key}-0-source").select("city"),
    ),
    "mode": lambda page, key: page.radio(f"{key}-mode").set_value(Mode.UPDATE_ONLY),
    "resend_unchanged": lambda page, key: page.toggle(f"{key}-resend").set_value(True),
    "consent": lambda page, key: (
        page.selectbox(f"{key}-consent-field").select("newsletter_consent"),
        page.text_input(f"{key}-consent-values").input("yes, ja"),
    ),
    "refusals": lambda page, key: page.text_input(f"{key}-refusal-tier").input("none"),
    "newest_by": lambda page, key: page.selectbox(f"{key}-newest").select("updated_at"),
    "international_phones": lambda page, key: page.toggle(f"{key}-phones").set_value(True),
    "moved": lambda page, key: page.selectbox(f"{key}-moved").select_index(2),
    "guards": lambda page, key: [page.number_input(f"{key}-{name}").set_value(7) for name in LIMITS],
}
LIMITS = tuple(Guards.model_fields)
UNSET: Mapping[str, Step] = {
    "exclude": lambda page, key: page.multiselect(f"{key}-exclude").set_value([]),
    "yields_to": lambda page, key: page.multiselect(f"{key}-yields").set_value([]),
    "mode": lambda page, key: page.radio(f"{key}-mode").set_value(Mode.ADD_AND_UPDATE),
    "resend_unchanged": lambda page, key: page.toggle(f"{key}-resend").set_value(False),
    "consent": lambda page, key: page.toggle(f"{key}-consent").set_value(False),
    "refusals": lambda page, key: page.multiselect(f"{key}-refusals").set_value([]),
    "newest_by": lambda page, key: page.selectbox(f"{key}-newest").select_index(0),
    "international_phones": lambda page, key: page.toggle(f"{key}-phones").set_value(False),
    "moved": lambda page, key: page.selectbox(f"{key}-moved").select_index(0),
}


def _choose(page: AppTest, key: str, name: str) -> None:
    box = page.multiselect(key)
    box.set_value([next(option for option in box.options if option.startswith(name))])


@pytest.fixture
def bare(demo: Pages) -> Iterator[Export]:
    """An export as little set as can be."""
    made = demo.services.exports.create(
        CONTRIBUTOR,
        "Bare",
        connection="Sandbox",
        contact_list="Newsletter",
        segments=["Everybody"],
        email="email",
    )
    yield made
    demo.services.exports.remove(CONTRIBUTOR, made.id)


def test_every_setting_has_a_widget() -> None:
    assert set(SET) == set(ExportDraft.model_fields)


def test_every_setting_is_set_and_unset_in_the_form(demo: Pages, bare: Export) -> None:
    services = demo.services
    page = demo.open("exports", "contributor", export=bare.id, show="settings")
    key = _key(page)
    for step in SHOW.values():
        step(page, key)
        demo.run(page, "contributor")
    for step in SET.values():
        step(page, key)
    page.button(f"{key}-save").click()
    demo.run(page, "contributor")
    assert not page.exception and not page.error, [e.value for e in page.error]

    config = services.exports.get(CONTRIBUTOR, bare.id).config
    segment = services.ledger.segments.named
    found: dict[str, Any] = {
        "name": config.name,
        "list": config.list_name,
        "segments": config.segment_ids,
        "exclude": config.exclude_ids,
        "yields_to": config.yields_to,
        "fields": [(f.target, f.source) for f in config.fields],
        "mode": config.mode,
        "resend_unchanged": config.resend_unchanged,
        "consent": config.consent,
        "refusals": config.refusals,
        "newest_by": config.newest_by,
        "international_phones": config.international_phones,
        "moved": config.moved,
        "guards": set(config.guards.model_dump().values()),
    }
    assert found == {
        "name": "Formed",
        "list": "Customers",
        "segments": (segment("Norway").id,),
        "exclude": (segment("Good customers").id,),
        "yields_to": (services.ledger.exports.named("Newsletter").id,),
        "fields": [("city", "city")],
        "mode": Mode.UPDATE_ONLY,
        "resend_unchanged": True,
        "consent": ConsentRule(field="newsletter_consent", values=("yes", "ja")),
        "refusals": (Refusal(field="tier", values=("none",)),),
        "newest_by": "updated_at",
        "international_phones": True,
        "moved": Moved.LEAVE,
        "guards": {7},
    }

    page = demo.open("exports", "contributor", export=bare.id, show="settings")
    key = _key(page)
    for step in UNSET.values():
        step(page, key)
    page.button(f"{key}-save").click()
    demo.run(page, "contributor")
    unset = services.exports.get(CONTRIBUTOR, bare.id).config
    default = {name: ExportDraft.model_fields[name].default for name in UNSET}
    assert {
        "exclude": unset.exclude_ids,
        **{name: getattr(unset, name) for name in default if name != "exclude"},
    } == default


def _key(page: AppTest) -> str:
    """What the keys of this form begin with."""
    return next(b.key.removesuffix("-save") for b in page.button if str(b.key).endswith("-save"))


def test_the_form_asks_what_becomes_of_the_people_it_leaves_behind(demo: Pages, bare: Export) -> None:
    """Only for a change that ends what the export holds on its list."""
    page = demo.open("exports", "contributor", export=bare.id, show="settings")
    key = _key(page)
    asked = [radio.key for radio in page.radio]
    page.selectbox(f"{key}-list").select(
        next(o for o in page.selectbox(f"{key}-list").options if o.startswith("Customers"))
    )
    page = demo.run(page, "contributor")
    assert f"{key}-people" not in asked
    assert "0 people on Newsletter are held by this export alone." in said(page)
    page.radio(f"{key}-people").set_value(People.TAKE_OFF)
    demo.run(page, "contributor")
    page.button(f"{key}-save").click()
    demo.run(page, "contributor")

    (run,) = demo.services.runs.list(CONTRIBUTOR, export=bare.id, live=True)
    assert run.list_name == "Newsletter"
    assert demo.services.exports.get(CONTRIBUTOR, bare.id).config.list_name == "Customers"
    demo.services.runs.cancel(CONTRIBUTOR, run.id)
