"""Each page empty, normal and in error."""

from dataclasses import replace
from typing import Any

import pytest

from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import Role, RunState
from ccexport.ui.app_state import hold
from ccexport.ui.runs.listing import _cells
from tests.ui.conftest import Pages, said

CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("overview", "Nothing has arrived on a list lately"),
        ("profiles", "No profiles yet"),
        ("segments", "No segments yet"),
        ("exports", "No exports yet"),
        ("runs", "Nothing has run yet"),
        ("connections", "No connections yet"),
    ],
)
@pytest.mark.parametrize("role", ["contributor", "administrator"])
def test_an_empty_page_says_what_comes_next(untouched: Pages, path: str, expected: str, role: str) -> None:
    """Not an empty table."""
    page = untouched.open(path, role)
    assert not page.exception
    assert expected in said(page)


@pytest.mark.parametrize(("path", "query"), [("exports", "export"), ("runs", "run"), ("segments", "segment")])
def test_an_unknown_thing_gets_its_sentence(demo: Pages, path: str, query: str) -> None:
    """And no traceback."""
    page = demo.open(path, "contributor", **{query: "no-such-thing"})
    assert not page.exception
    assert "There is no" in page.error[0].value


def test_the_list_of_exports_names_list_segments_and_last_run(demo: Pages) -> None:
    """Everything one chooses by."""
    text = said(demo.open("exports", "contributor"))
    assert "Newsletter readers → list **Newsletter**" in text
    assert "Succeeded" in text
    assert "Never run" in text


def filters(page: Any, place: int = 0) -> dict[str, int]:
    """Return the numbers of a line of filters by their words."""
    found = (option.rsplit(" ", 1) for option in page.pills[place].options if option[-1].isdigit())
    return {label: int(count.replace(",", "")) for label, count in found}


def test_a_preview_shows_numbers_that_add_up(demo: Pages) -> None:
    """All rows are what is done plus what is left out."""
    export = demo.services.ledger.exports.named("Good customers")
    page = demo.open("exports", "contributor", export=export.id, show="preview")
    assert not page.exception and not page.error
    numbers = filters(page)
    assert numbers["All"] == sum(numbers[w] for w in ("Add", "Update", "Unchanged", "Remove", "Left out"))
    assert numbers["To be sent"] == numbers["Add"] + numbers["Update"] > 0
    assert set(page.dataframe[0].value["Verdict"]) == {"Add"}  # what is sent comes first
    assert "Run export" in said(page)


def test_rows_are_reached_by_their_reason_in_the_address(demo: Pages) -> None:
    """The pill is chosen, and only those rows are there."""
    export = demo.services.ledger.exports.named("Good customers")
    page = demo.open("exports", "contributor", export=export.id, show="preview", what="no_consent")
    assert set(page.dataframe[0].value["Verdict"]) == {"No consent"}
    assert min(filters(page, 1)["No consent"], 200) == len(page.dataframe[0].value)
    page.pills[0].set_value("add")
    demo.run(page, "contributor")
    assert set(page.dataframe[0].value["Verdict"]) == {"Add"}
    assert page.query_params["what"] == "add"


def test_a_viewer_gets_no_address_no_name_and_no_button(demo: Pages) -> None:
    """In the preview and in the run."""
    export = demo.services.ledger.exports.named("Newsletter")
    run = a_good_run(demo)
    for path, query in (("exports", {"export": export.id, "show": "preview"}), ("runs", {"run": run.id})):
        page = demo.open(path, "viewer", **query)
        frame = page.dataframe[0].value
        assert all("•••" in a for a in frame["Address"].dropna())
        assert "first_name" not in frame
        assert not {"Run export", "Cancel", "Plan again and run"} & {b.label for b in page.button}
        assert not page.text_input


def test_profiles_are_masked_for_a_viewer(demo: Pages) -> None:
    """Text shows its first letter only."""
    frame = demo.open("profiles", "viewer").dataframe[0].value
    assert all("•••" in name for name in frame["first_name"].dropna())


def a_good_run(demo: Pages) -> Run:
    """The newest that succeeded: other tests of this file leave runs that were cancelled before they began."""
    return next(run for run in demo.services.ledger.runs.all() if run.state is RunState.SUCCEEDED)


def test_a_run_shows_its_outcome_and_its_contacts(demo: Pages) -> None:
    """Verified is what was sent."""
    run = a_good_run(demo)
    page = demo.open("runs", "contributor", run=run.id, what="verified")
    numbers = {label: f"{n:,}" for label, n in filters(page).items()}
    assert numbers["Verified"] == numbers["Sent"]
    assert set(page.dataframe[0].value["Outcome"]) == {"Verified"}
    assert f"## Succeeded · {numbers['Verified']} of {numbers['Sent']} verified" in page.success[0].value
    page.pills[0].set_value("left_out")
    demo.run(page, "contributor")
    assert "Verified" not in page.dataframe[0].value and "Add" not in set(page.dataframe[0].value["Verdict"])
    page.pills[0].set_value("sent")
    demo.run(page, "contributor")
    assert set(page.dataframe[0].value["Outcome"]) == {"Verified"}


def test_the_history_says_how_many_a_run_that_goes_on_has_sent(demo: Pages) -> None:
    run = replace(demo.services.ledger.runs.all(limit=1)[0], state=RunState.SENDING, counts={})
    assert (_cells(run, 12, 1.0)["Sent"], _cells(run, 12, 1.0)["Verified"]) == (12, None)


@pytest.mark.parametrize("view", ["story", "requests"])
def test_a_run_tells_its_story(demo: Pages, view: str) -> None:
    run = a_good_run(demo)
    page = demo.open("runs", "contributor", run=run.id, view=view)
    assert not page.exception
    if view == "story":
        assert "Reading the list back" in said(page)
    else:
        assert list(page.dataframe[0].value["State"]) == ["completed"]


def test_a_contributor_sees_only_the_name_of_a_connection(demo: Pages) -> None:
    text = said(demo.open("connections", "contributor"))
    assert "Sandbox" in text
    assert "Nordlys" not in text


@pytest.mark.parametrize("show", ["new", "settings"])
def test_the_export_form_opens(demo: Pages, show: str) -> None:
    """Empty, and with what is saved."""
    query = {} if show == "new" else {"export": demo.services.ledger.exports.named("Newsletter").id}
    page = demo.open("exports", "contributor", show=show, **query)
    assert not page.exception and not page.error
    assert {"Save", "Save and preview", "Add attribute"} <= {b.label for b in page.button}


def test_saving_an_export_sends_nothing(demo: Pages) -> None:
    """A new version, no run."""
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Newsletter", "Saved twice")
    before = len(services.ledger.runs.all(limit=1000))
    page = demo.open("exports", "contributor", export=copy.id, show="settings")
    next(i for i in page.text_input if i.label == "Name of the export").input("Saved twice, renamed")
    next(b for b in page.button if b.label == "Save").click()
    demo.run(page, "contributor")
    assert services.ledger.exports.get(copy.id).name == "Saved twice, renamed"
    assert len(services.ledger.runs.all(limit=1000)) == before
    services.exports.remove(CONTRIBUTOR, copy.id)


def test_a_segment_is_built_by_pressing(demo: Pages) -> None:
    """Field, operator, value; the count is there before it is saved."""
    page = demo.open("segments", "contributor", show="new")
    next(s for s in page.selectbox if s.label == "Field").select("country")
    demo.run(page, "contributor")
    next(s for s in page.selectbox if s.label == "Value").set_value("Norway")
    demo.run(page, "contributor")
    expected = demo.services.segments.members(CONTRIBUTOR, "Norway").count
    assert f"{expected:,}" in [m.value for m in page.metric]


@pytest.mark.parametrize("name", ["Norway", "Good customers", "Everybody"])
def test_a_segment_says_who_is_in_it(demo: Pages, name: str) -> None:
    page = demo.open("segments", "contributor", segment=name)
    assert not page.exception and not page.error
    assert "Profiles in it" in said(page)


def test_a_broken_page_gives_a_reference_and_no_traceback() -> None:
    """The log has the same reference."""
    from ccexport.ui.lifespan import on_script_error

    def script() -> None:
        from ccexport.ui.lifespan import on_script_error

        on_script_error(ZeroDivisionError("secret detail"))

    from streamlit.testing.v1 import AppTest

    page = AppTest.from_function(script).run()
    assert "reference" in page.error[0].value
    assert "secret detail" not in page.error[0].value
    assert callable(on_script_error)


def test_a_guard_stops_the_run_until_an_administrator_releases_it(demo: Pages) -> None:
    """The contributor reads why and whom to ask; the administrator gives a reason."""
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Good customers", "Guarded")
    guards = copy.config.guards.model_copy(update={"rejected_percent": 0.1})
    services.exports.change(CONTRIBUTOR, copy.id, guards=guards)

    page = demo.open("exports", "contributor", export=copy.id, show="preview")
    assert "A guard stops this export" in [e.proto.title for e in page.error]
    assert next(b for b in page.button if b.label == "Run export").disabled
    assert "Release for one run" not in said(page)

    page = demo.open("exports", "administrator", export=copy.id, show="preview")
    next(i for i in page.text_input if i.label == "Why it is right this time").input("The list is new")
    next(b for b in page.button if b.label == "Release for one run").click()
    demo.run(page, "administrator")
    assert services.ledger.releases.open(copy.id) == {"rejected_percent"}
    assert not next(b for b in page.button if b.label == "Run export").disabled
    services.exports.remove(CONTRIBUTOR, copy.id)


def test_earlier_plans_are_listed_under_the_preview_and_compared(demo: Pages) -> None:
    """A plan that was not run is history too."""
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Good customers", "Looked at")
    earlier = services.previews.preview(CONTRIBUTOR, copy.id)
    services.exports.change(CONTRIBUTOR, copy.id, segments=["Norway"])

    page = demo.open("exports", "contributor", export=copy.id, show="preview")
    page.selectbox(f"since-{copy.id}").select(earlier.id)
    text = said(demo.run(page, "contributor"))
    services.exports.remove(CONTRIBUTOR, copy.id)

    assert not page.exception and not page.error
    assert "more, " in text and "fewer: Not in the segments any more" in text


def test_a_run_that_waits_for_approval_is_approved_by_somebody_else(demo: Pages) -> None:
    """Who asked for it is not offered to approve it."""
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Good customers", "Approved")
    administrator = Actor("administrator", Role.ADMINISTRATOR)
    services.connections.change(administrator, "Sandbox", approval_above=1)
    try:
        run = services.runs.drive_here(services.runs.start(CONTRIBUTOR, copy.id).id)
        page = demo.open("runs", "contributor", run=run.id)
        assert "Waiting for a second person" in said(page)
        assert "Approve" not in [b.label for b in page.button]

        page = demo.open("runs", "administrator", run=run.id)
        next(b for b in page.button if b.label == "Approve").click()
        demo.run(page, "administrator")
        assert services.ledger.runs.approved_by(run.id) == "administrator"
        next(b for b in page.button if b.label == "Cancel").click()
        demo.run(page, "administrator")
        assert "Nothing of it has been sent." in said(page)
        services.runs.cancel(administrator, run.id)
        assert services.runs.drive_here(run.id).state == "cancelled"
    finally:
        services.connections.change(administrator, "Sandbox", approval_above=None)
        services.exports.remove(CONTRIBUTOR, copy.id)


def test_the_form_counts_people_in_several_segments_once(demo: Pages) -> None:
    """The number in all is of different profiles, not the sum."""
    services = demo.services
    page = demo.open("exports", "contributor", show="new")
    names = {s.name: s.id for s in services.ledger.segments.all()}
    both = [names["Everybody"], names["Norway"]]
    page.multiselect[0].set_value(both)
    demo.run(page, "contributor")
    everybody = services.segments.members(CONTRIBUTOR, "Everybody").count
    norway = services.segments.members(CONTRIBUTOR, "Norway").count
    assert f"**{everybody:,}** different profiles in all." in said(page)
    assert f"{norway:,} are in more than one" in said(page)


def test_a_suggested_mapping_is_seen_before_it_is_added(demo: Pages) -> None:
    """The new form maps nothing by itself; pressing adds what the table showed."""
    page = demo.open("exports", "contributor", show="new")
    assert not [s for s in page.selectbox if s.label == "Contact field"]
    shown = list(page.table[0].value["Profile field"])
    assert "first_name" in shown
    next(b for b in page.button if b.label == "Add these attributes").click()
    demo.run(page, "contributor")
    assert [s.value for s in page.selectbox if s.label == "Profile field"] == shown
    assert "Add these attributes" not in said(page)


def test_international_phones_are_a_choice_that_is_saved(demo: Pages) -> None:
    """Off unless somebody switches it on."""
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Newsletter", "With phones abroad")
    page = demo.open("exports", "contributor", export=copy.id, show="settings")
    switch = next(x for x in page.toggle if x.label.startswith("Send phone numbers outside"))
    assert switch.value is False
    switch.set_value(True)
    next(b for b in page.button if b.label == "Save").click()
    demo.run(page, "contributor")
    assert services.ledger.exports.get(copy.id).config.international_phones
    services.exports.remove(CONTRIBUTOR, copy.id)


def test_sending_everything_once_is_planned_before_it_is_run(demo: Pages) -> None:
    """Who is unchanged counts as an update then, and the export stays as it is saved."""
    export = demo.services.ledger.exports.named("Newsletter")
    page = demo.open("exports", "contributor", export=export.id, show="preview")
    before = filters(page)
    assert before["Unchanged"] > 0 and before["Update"] == 0
    next(x for x in page.toggle if x.label == "Send everything again this once").set_value(True)
    demo.run(page, "contributor")
    after = demo.services.previews.preview(CONTRIBUTOR, export.id, resend_all=True)
    shown = filters(page)
    assert shown["Unchanged"] == after.verdicts.get("unchanged", 0)
    assert after.digest[:16] in page.table[0].value["Value"].tolist()
    assert not demo.services.ledger.exports.get(export.id).config.resend_unchanged


def test_the_preview_says_what_its_numbers_do_not(demo: Pages) -> None:
    """Such as that an export has no consent rule."""
    export = demo.services.ledger.exports.named("Newsletter")
    remarks = demo.services.previews.remarks(
        CONTRIBUTOR, export.id, demo.services.previews.preview(CONTRIBUTOR, export.id)
    )
    text = said(demo.open("exports", "viewer", export=export.id, show="preview"))
    assert all(str(remark) in text for remark in remarks)


@pytest.mark.parametrize("role", ["viewer", "contributor"])
def test_two_runs_are_compared(demo: Pages, role: str) -> None:
    """A run with nothing to compare with says so; two show both numbers, masked for a viewer."""
    services = demo.services
    copy = services.exports.duplicate(CONTRIBUTOR, "Newsletter", f"Compared by {role}")
    first = services.runs.drive_here(services.runs.start(CONTRIBUTOR, copy.id).id)
    page = demo.open("runs", role, run=first.id, view="compare")
    assert "no other run of this export" in said(page)
    guards = copy.config.guards.model_copy(update={"shrunk_percent": 100.0})
    services.exports.change(CONTRIBUTOR, copy.id, segments=["Norway"], guards=guards)
    second = services.runs.drive_here(services.runs.start(CONTRIBUTOR, copy.id).id)
    page = demo.open("runs", role, run=second.id, view="compare")
    assert not page.exception and not page.error
    expected = services.runs.compare(CONTRIBUTOR, first.id, second.id)
    row = page.table[0].value.set_index("What").loc["Candidates"]
    assert list(row)[:2] == [f"{n:,}" for n in expected.counts["candidates"]]
    masked = ["•••" in address for address in page.dataframe[0].value["Address"]]
    assert all(masked) if role == "viewer" else not any(masked)
    services.exports.remove(CONTRIBUTOR, copy.id)


def test_one_person_is_erased_only_by_who_is_sure_and_may(demo: Pages) -> None:
    """The page asks twice, names what is wrong, and gives a receipt that holds no address."""

    def erase(address: str, *, sure: bool) -> str:
        page = demo.open("system", "administrator", view="erasure")
        page.text_input[0].input(address)
        page.checkbox[0].set_value(sure)
        next(b for b in page.button if b.label == "Erase the person").click()
        return said(demo.run(page, "administrator"))

    assert "Nothing was erased" in erase("person@example.com", sure=False)
    assert "not an address that could be erased" in erase("person at example", sure=True)
    receipt = erase("nobody.has.this@example.com", sure=True)
    assert "Receipt erasure-" in receipt
    assert "nobody.has.this" not in receipt
    assert "Erasure" not in said(demo.open("system", "contributor", view="erasure"))


def test_a_new_place_is_led_from_one_step_to_the_next(untouched: Pages, demo: Pages) -> None:
    """The first step for who may do it; whom it takes for who may not; nothing once something has run."""
    hold(untouched.services)
    text = said(untouched.open("overview", "contributor"))
    assert (
        "First steps" in text and "**1. Bring in your profiles" in text and "A contributor does" not in text
    )
    assert "A contributor does this." in said(untouched.open("overview", "viewer"))
    hold(demo.services)
    assert "First steps" not in said(demo.open("overview", "contributor"))


def test_an_export_begins_with_the_segment_it_is_added_for(demo: Pages) -> None:
    segment = demo.services.segments.get(CONTRIBUTOR, "Norway")
    page = demo.open("exports", "contributor", show="new", segment=segment.id)
    assert page.multiselect("form-new-segments").value == [segment.id]
