"""Several exports at once, one list per segment, and exports without a connection."""

from collections.abc import Sequence

import pytest
from streamlit.testing.v1 import AppTest

from ccexport.errors import BadInput, Conflict, NotFound, NotPermitted
from ccexport.model.exports import Actor, Export
from ccexport.model.words import People, Role
from ccexport.services import Services
from tests.ui.conftest import Pages, said

CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)
ADMINISTRATOR = Actor("administrator", Role.ADMINISTRATOR)
VIEWER = Actor("viewer", Role.VIEWER)


@pytest.fixture
def copies(demo: Pages) -> Sequence[Export]:
    """Two exports to change, gone again afterwards."""
    exports = demo.services.exports
    made = [exports.duplicate(CONTRIBUTOR, "Newsletter", f"Bulk {n}") for n in (1, 2)]
    yield made  # type: ignore[misc]
    for export in made:
        exports.remove(CONTRIBUTOR, export.id)


def chosen(demo: Pages, copies: Sequence[Export], role: str = "contributor") -> AppTest:
    page = demo.open("exports", role)
    for export in copies:
        page.checkbox(f"select-{export.id}").check()
    return demo.run(page, role)


def test_selected_exports_are_paused_and_go_on_together(demo: Pages, copies: Sequence[Export]) -> None:
    page = chosen(demo, copies)
    assert "2 selected" in said(page)
    page.button("bulk_pause").click()
    demo.run(page, "contributor")
    assert [demo.services.ledger.exports.get(e.id).paused for e in copies] == [True, True]
    page.button("bulk_resume").click()
    demo.run(page, "contributor")
    assert not any(demo.services.ledger.exports.get(e.id).paused for e in copies)
    page.button("bulk_none").click()
    assert "selected" not in said(demo.run(page, "contributor"))


def test_a_selection_holds_on_the_other_pages_of_the_list(
    demo: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One export a page: what is selected on the first is still selected on the second, and by a search."""
    monkeypatch.setattr("ccexport.ui.url_state.PAGE", 1)
    first, second = sorted(demo.services.exports.list(CONTRIBUTOR), key=lambda e: e.name.casefold())[:2]
    page = demo.open("exports", "contributor")
    page.checkbox(f"select-{first.id}").check()
    assert "1 selected" in said(demo.run(page, "contributor"))
    page.session_state["page"] = 2
    demo.run(page, "contributor")
    assert "1 selected**, 1 of them not shown here" in said(page)
    page.checkbox(f"select-{second.id}").check()
    assert "2 selected**, 1 of them not shown here" in said(demo.run(page, "contributor"))
    page.button("bulk_none").click()
    assert "selected" not in said(demo.run(page, "contributor"))


def test_everything_that_was_found_is_selected_with_one_press(demo: Pages, copies: Sequence[Export]) -> None:
    page = demo.open("exports", "contributor", q="Bulk")
    page.checkbox(f"select-{copies[0].id}").check()
    demo.run(page, "contributor")
    page.button("bulk_all").click()
    assert "2 selected" in said(demo.run(page, "contributor"))


def test_a_viewer_has_nothing_to_select(demo: Pages) -> None:
    assert not demo.open("exports", "viewer").checkbox


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        ("bulk_run", "1 is paused and does not run."),
        ("bulk_schedule", "Saving a schedule runs nothing"),
        ("bulk_detach", "keeps its settings"),
        ("bulk_remove", "stay in the history"),
    ],
)
def test_what_is_done_with_several_is_asked_first(
    demo: Pages, copies: Sequence[Export], button: str, expected: str
) -> None:
    """The dialog names them; nothing has happened yet."""
    demo.services.exports.pause(CONTRIBUTOR, copies[1].id)
    before = len(demo.services.ledger.runs.all(limit=1000))
    page = chosen(demo, copies)
    page.button(button).click()
    text = said(demo.run(page, "contributor"))
    assert not page.exception and not page.error
    assert "Bulk 1 → Newsletter" in text and expected in text
    if button in {"bulk_detach", "bulk_remove"}:
        assert page.radio(f"{button}_people").value == People.LEAVE
    assert len(demo.services.ledger.runs.all(limit=1000)) == before


def test_a_detached_export_is_paused_says_so_and_runs_on_another_connection(
    demo: Pages, copies: Sequence[Export]
) -> None:
    """Its settings stay; nobody can let it go on before it has a connection."""
    services, export = demo.services, copies[0]
    detached = services.exports.detach(CONTRIBUTOR, export.id)
    assert (detached.config.connection_id, detached.config.segment_ids) == ("", export.config.segment_ids)
    assert services.ledger.exports.get(export.id).paused
    for refused in (
        lambda: services.exports.pause(CONTRIBUTOR, export.id, paused=False),
        lambda: services.runs.start(CONTRIBUTOR, export.id),
        lambda: services.previews.preview(CONTRIBUTOR, export.id),
    ):
        with pytest.raises((Conflict, NotFound), match="has no connection; choose one"):
            refused()
    with pytest.raises(NotPermitted):
        services.exports.detach(VIEWER, export.id)
    assert services.configuration.dump(CONTRIBUTOR)["exports"]

    assert "No connection" in said(demo.open("exports", "contributor"))
    page = demo.open("exports", "contributor", export=export.id, show="settings")
    assert not page.exception and not page.error
    assert "This export has no connection; choose one here." in said(page)
    again = services.exports.change(CONTRIBUTOR, export.id, connection="Sandbox", contact_list="Newsletter")
    assert services.exports.pause(CONTRIBUTOR, again.id, paused=False).config == export.config


def test_one_list_per_segment(demo: Pages) -> None:
    """One export each, all or none; saving sends nothing."""
    services = demo.services
    page = demo.open("exports", "contributor", show="new")
    page.toggle("form-new-apart").set_value(True)
    page.text_input("form-new-name").input("Apart")
    demo.run(page, "contributor")
    wanted = [services.ledger.segments.named(name) for name in ("Norway", "Good customers")]
    page.multiselect("form-new-segments").set_value([s.id for s in wanted])
    page.button("form-new-save").click()
    demo.run(page, "contributor")
    made = [e for e in services.exports.list(CONTRIBUTOR) if e.name.startswith("Apart: ")]
    assert {(e.name, e.config.list_name, e.config.segment_ids) for e in made} == {
        (f"Apart: {s.name}", s.name, (s.id,)) for s in wanted
    }
    services.exports.remove(CONTRIBUTOR, "Apart: Norway")
    with pytest.raises(BadInput, match="already there"):
        _apart(services, ["Norway", "Good customers"])
    assert "Apart: Norway" not in [e.name for e in services.exports.list(CONTRIBUTOR)]
    services.exports.remove(CONTRIBUTOR, "Apart: Good customers")


def _apart(services: Services, segments: Sequence[str]) -> Sequence[Export]:
    return services.exports.create_per_segment(
        CONTRIBUTOR, "Apart", connection="Sandbox", segments=segments, email="email"
    )


def test_what_somebody_else_saved_meanwhile_is_not_replaced_in_silence(
    demo: Pages, copies: Sequence[Export]
) -> None:
    """The form keeps what was typed and does not save; one sees the other version, or goes on with one's own."""
    export, saved = copies[0], demo.services.exports
    page = demo.open("exports", "contributor", export=export.id, show="settings")
    page.text_input(f"form-{export.id}-1-name").input("Mine")
    demo.run(page, "contributor")
    saved.change(ADMINISTRATOR, export.id, name="Theirs")
    page.button(f"form-{export.id}-1-save").click()
    demo.run(page, "contributor")
    assert saved.get(CONTRIBUTOR, export.id).name == "Theirs"
    assert page.text_input(f"form-{export.id}-1-name").value == "Mine"
    assert "administrator saved this while it was open here." in page.warning[-1].value

    page.button(f"form-{export.id}-mine").click()
    demo.run(page, "contributor")
    page.button(f"form-{export.id}-1-save").click()
    demo.run(page, "contributor")
    assert saved.get(CONTRIBUTOR, export.id).name == "Mine"
    assert page.text_input(f"form-{export.id}-3-name").value == "Mine"
    with pytest.raises(Conflict, match="changed this export meanwhile"):
        saved.change(CONTRIBUTOR, export.id, name="Late", seen=1)


def test_what_somebody_else_saved_is_shown_on_request(demo: Pages, copies: Sequence[Export]) -> None:
    export = copies[0]
    page = demo.open("exports", "contributor", export=export.id, show="settings")
    demo.services.exports.change(ADMINISTRATOR, export.id, name="Theirs")
    demo.run(page, "contributor")
    page.button(f"form-{export.id}-theirs").click()
    demo.run(page, "contributor")
    assert page.text_input(f"form-{export.id}-2-name").value == "Theirs"
