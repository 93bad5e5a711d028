"""What the pages of segments and profiles show, and to whom."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.ui.profiles import profile_view
from tests.profiles.workbook import write_workbook
from tests.ui.conftest import Pages, said

ADMINISTRATOR = Actor("administrator", Role.ADMINISTRATOR)


@pytest.fixture(scope="session")
def looked_at(demo_services: Services, tmp_path_factory: pytest.TempPathFactory) -> Services:
    """The demo with a list that has strangers in it. Shared by tests that only look."""
    path: Path = tmp_path_factory.mktemp("list") / "list.csv"
    path.write_text("profile_id\nC-0000002\nC-0000003\nnobody\n")
    demo_services.segments.create(ADMINISTRATOR, "Handpicked", members=path, tags=["spring"])
    return demo_services


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("members", "Choose a row to see everything"),
        ("time", "There is no earlier snapshot"),
        ("breakdown", "Profiles in it"),
        ("overlap", "Choose one to four segments"),
        ("uses", "Exports with it"),
    ],
)
def test_each_view_of_a_segment_opens(demo: Pages, view: str, expected: str) -> None:
    page = demo.open("segments", "contributor", segment="Good customers", view=view)
    assert not page.exception and not page.error
    assert expected in said(page)


def test_segments_are_compared_by_exact_counts(demo: Pages, looked_at: Services) -> None:
    page = demo.open("segments", "contributor", segment="Good customers", view="overlap")
    other = looked_at.segments.get(ADMINISTRATOR, "Norway").id
    page.multiselect[0].set_value([other])
    demo.run(page, "contributor")
    assert not page.exception and not page.error
    chart = page.get("vega_lite_chart")
    assert len(chart) == 1


def test_what_a_member_list_lacks_is_said_and_its_entries_are_for_contributors(
    demo: Pages, looked_at: Services
) -> None:
    text = said(demo.open("segments", "contributor", segment="Handpicked"))
    assert "1 entry of the list matches no profile." in text
    assert "spring" in text
    viewer = demo.open("segments", "viewer", segment="Handpicked")
    assert not viewer.expander
    assert not viewer.text_input


def test_a_viewer_cannot_break_values_down(demo: Pages) -> None:
    page = demo.open("segments", "viewer", segment="Norway", view="breakdown")
    assert not page.exception
    assert "masked for viewers" in said(page)
    assert not {"Edit", "Freeze", "Duplicate", "Remove"} & {b.label for b in page.button}


def test_one_profile_shows_its_segments_and_every_run_it_was_in(
    demo: Pages, looked_at: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row cannot be pressed here, so the choice is handed in."""
    run = looked_at.ledger.runs.all(live=False)[-1]
    sent = next(
        r
        for r in looked_at.profiles.page(ADMINISTRATOR)
        if looked_at.profiles.history(ADMINISTRATOR, r["_id"])
    )

    def script(name: str, profile_id: str) -> None:
        from ccexport.model.exports import Actor
        from ccexport.model.words import Role
        from ccexport.ui.app_state import services
        from ccexport.ui.profiles.profile_view import one_profile

        actor = Actor(name, Role(name))
        row = services().profiles.profile(actor, profile_id)
        assert row is not None
        one_profile(actor, services().profiles.current(actor), profile_id, row)

    monkeypatch.setattr(profile_view, "link", lambda path, label, **more: profile_view.st.markdown(label))
    page = AppTest.from_function(script, args=("contributor", sent["_id"]), default_timeout=60).run()
    assert not page.exception and not page.error
    assert "Everybody" in said(page)
    assert run.id in list(page.dataframe[0].value["Run"])
    assert sent["email"] in _values(page)
    masked = AppTest.from_function(script, args=("viewer", sent["_id"]), default_timeout=60).run()
    assert not masked.exception
    assert sent["email"] not in _values(masked)


def _values(page: AppTest) -> list[str]:
    return [v.replace("\\", "").replace("\u2060", "") for v in page.table[0].value["Value"]]


def test_every_field_is_seen_at_a_glance(demo: Pages) -> None:
    frame = demo.open("profiles", "viewer", view="fields").dataframe[0].value
    row = frame.set_index("Field").loc["country"]
    assert (row["Filled"], row["Different values (about)"]) == (1.0, 11)


def test_a_workbook_is_previewed_and_brought_in(empty: Pages, tmp_path: Path) -> None:
    """The sheet, the id field and the types are there to choose; the bar is gone at the end."""
    rows: list[list[Any]] = [
        ["Nr", "Name", "Born"],
        [1, "Ann", date(1990, 1, 2)],
        [2, "Bo", date(1991, 2, 3)],
    ]
    book = write_workbook(tmp_path / "two.xlsx", {"Old": [["Id"], [9]], "People": rows})
    page = empty.open("profiles", "contributor")
    page.file_uploader[0].set_value(("two.xlsx", book.read_bytes(), "application/octet-stream"))
    empty.run(page, "contributor")
    assert not page.exception and not page.error
    assert list(page.selectbox[0].options) == ["Old", "People"]
    page.selectbox[0].set_value("People")
    empty.run(page, "contributor")
    page.selectbox[1].set_value("Nr")
    next(b for b in page.button if b.label == "Bring it in").click()
    empty.run(page, "contributor")
    assert not page.exception and not page.error
    assert "2 profiles are current now" in said(page)
    assert empty.services.profiles.current(ADMINISTRATOR).id_field == "Nr"


def test_a_file_is_seen_as_it_is_and_as_it_is_read(empty: Pages) -> None:
    """Each remark is a sentence; the one question has its choice beside it, and the answer is what is read."""
    text = "Email,Born,Zip\na@example.com,01/02/1990,'0150\nb@example.com,03/04/1991,'5003\n"
    page = empty.open("profiles", "contributor")
    page.file_uploader[0].set_value(("people.csv", text.encode(), "text/csv"))
    empty.run(page, "contributor")
    assert not page.exception and not page.error
    assert "each profile is known by its address in Email" in said(page)
    question = next(box for box in page.selectbox if box.label == "Read Born")
    question.set_value("month_first")
    empty.run(page, "contributor")
    original, read = (d.value for d in page.dataframe[-2:])
    assert (list(original["Born"]), [str(day) for day in read["Born"]]) == (
        ["01/02/1990", "03/04/1991"],
        ["1990-01-02", "1991-03-04"],
    )
    next(b for b in page.button if b.label == "Bring it in").click()
    empty.run(page, "contributor")
    assert not page.exception and not page.error
    assert "2 profiles are current now" in said(page)
    rows = empty.services.profiles.page(ADMINISTRATOR)
    assert [(str(r["Born"]), r["Zip"]) for r in rows] == [("1990-01-02", "0150"), ("1991-03-04", "5003")]


def test_sources_are_seen_by_all_and_changed_by_administrators(empty: Pages, tmp_path: Path) -> None:
    for name in ("crm", "shop"):
        (tmp_path / f"{name}.csv").write_text(f"id,{name}\na,1\n")
        empty.services.sources.save(ADMINISTRATOR, name, files=[tmp_path / f"{name}.csv"])
    page = empty.open("profiles", "contributor")
    labels = [b.label for b in page.button]
    assert "Add a source" not in labels and "Read them all now" in labels
    next(b for b in page.button if b.label == "Read them all now").click()
    empty.run(page, "contributor")
    assert "1 profile is current now" in said(page)
    admin = empty.open("profiles", "administrator", view="sources")
    next(b for b in admin.button if b.label == "Up").click()
    empty.run(admin, "administrator")
    assert [s.name for s in empty.services.sources.list(ADMINISTRATOR)] == ["shop", "crm"]


def test_a_rule_offers_the_values_there_are_and_says_what_happens_to_empty_ones(demo: Pages) -> None:
    page = demo.open("segments", "contributor", show="new")
    page.selectbox[0].set_value("country")
    demo.run(page, "contributor")
    operator = next(s for s in page.selectbox if s.label == "Operator")
    operator.set_value("is_not")
    demo.run(page, "contributor")
    assert not page.exception
    value = next(s for s in page.selectbox if s.label == "Value")
    assert {"Norway", "Germany"} <= set(value.options)
    assert "Profiles where country is empty are in as well." in said(page)


def test_a_rule_may_ask_who_was_sent_by_an_export(demo: Pages, looked_at: Services) -> None:
    """Ever, and lately; counted while it is built."""
    page = demo.open("segments", "contributor", show="new")
    page.selectbox[0].set_value("(membership)")
    demo.run(page, "contributor")
    next(s for s in page.selectbox if s.label == "Operator").set_value("sent_by_export")
    demo.run(page, "contributor")
    export = looked_at.ledger.exports.named("Newsletter").id
    next(s for s in page.selectbox if s.label == "Export").set_value(export)
    demo.run(page, "contributor")
    assert not page.exception and not page.error
    sent = looked_at.segments.count_rule(ADMINISTRATOR, {"op": "sent_by_export", "value": export})
    assert sent > 0
    assert f"{sent:,}" in said(page)
    next(c for c in page.checkbox if c.label == "lately").check()
    demo.run(page, "contributor")
    assert "in the last 30 days" in said(page)


def test_a_segment_that_was_saved_elsewhere_keeps_what_is_typed_here(demo: Pages) -> None:
    segments = demo.services.segments
    made = segments.create(ADMINISTRATOR, "Twice", everybody=True)
    page = demo.open("segments", "contributor", segment=made.id, show="edit")
    page.text_input(f"segment-{made.id}-1-name").input("Mine")
    segments.change(ADMINISTRATOR, made.id, new_name="Theirs")
    page.button(f"segment-{made.id}-1-save").click()
    demo.run(page, "contributor")
    assert "saved this while it was open here" in page.warning[0].value
    assert page.text_input(f"segment-{made.id}-1-name").value == "Mine"
    assert segments.get(ADMINISTRATOR, made.id).name == "Theirs"
    segments.remove(ADMINISTRATOR, made.id)
