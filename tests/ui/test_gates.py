"""Who gets onto which page: a table of roles and pages, and nobody without a session."""

import pytest

from ccexport.model.words import Role
from ccexport.ui.navigation import PLACES, Place
from tests.ui.conftest import Pages, said

EVERY = [(place, role) for place in PLACES for role in Role]


@pytest.mark.parametrize(("place", "role"), EVERY, ids=[f"{p.path}-{r}" for p, r in EVERY])
def test_a_page_opens_for_its_roles_only(demo: Pages, place: Place, role: Role) -> None:
    """Too low a role does not even find the page in its navigation."""
    if role.covers(place.need):
        page = demo.open(place.path, str(role))
        assert not page.exception
        assert page.title[0].value == place.title
    else:
        with pytest.raises(ValueError):
            demo.open(place.path, str(role))


def test_without_a_session_there_is_only_the_form(demo: Pages) -> None:
    """No page content, no navigation."""
    page = demo.open("overview", None)
    assert [i.label for i in page.text_input] == ["Name", "Password"]
    assert "Overview" not in said(page)


@pytest.mark.parametrize("place", PLACES, ids=lambda p: p.path)
def test_a_page_file_run_by_itself_shows_nothing(demo: Pages, place: Place) -> None:
    """Should Streamlit ever run the file without the router, its first line still stops it."""
    from unittest.mock import patch

    from streamlit.testing.v1 import AppTest

    with patch("ccexport.ui.cookies.cookie", {}.get):
        page = AppTest.from_file(str(place.file), default_timeout=30).run()
    assert not page.title
    assert page.warning[0].value == "You are signed out."


def test_the_role_is_read_anew_at_every_rerun(empty: Pages) -> None:
    """Taken away between two reruns, it is gone at the second."""
    page = empty.open("people", "administrator")
    assert page.title[0].value == "People"
    empty.services.ledger.people.change("administrator", role=Role.VIEWER)
    empty.run(page, "administrator")
    assert "No access" in said(page)


def test_a_disabled_person_is_signed_out_at_once(empty: Pages) -> None:
    """Their session is ended in the ledger."""
    page = empty.open("overview", "viewer")
    empty.services.ledger.people.change("viewer", disabled=True)
    empty.run(page, "viewer")
    assert [i.label for i in page.text_input] == ["Name", "Password"]
