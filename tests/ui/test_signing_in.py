"""The sign-in form, the set-up page and the one-time ticket between them and the cookie."""

import pytest
from streamlit.testing.v1 import AppTest

from ccexport.ui.redirect import local_path
from tests.ui.conftest import PASSWORD, Pages, said


def submit(pages: Pages, page: AppTest, name: str, password: str) -> AppTest:
    page.text_input[0].input(name)
    page.text_input[1].input(password)
    page.button[0].click()
    return pages.run(page, None)


def test_a_right_pair_leads_to_the_route_that_sets_the_cookie(empty: Pages) -> None:
    """With a ticket, and back to where one wanted to go."""
    page = submit(empty, empty.open("overview", None), "Viewer ", PASSWORD)
    body = page.get("html")[0].proto.body
    assert "/auth/complete?t=" in body
    ticket = body.split("t=")[1].split('"')[0]
    assert empty.services.people.redeem(ticket) is not None
    assert empty.services.people.redeem(ticket) is None


@pytest.mark.parametrize("name", ["viewer", "somebody else", "<img src=x onerror=alert(1)>"])
def test_a_wrong_pair_gets_one_sentence(empty: Pages, name: str) -> None:
    """The same for those who exist and those who do not."""
    page = submit(empty, empty.open("overview", None), name, "wrong password")
    assert "That name and password do not fit; nothing was changed." in said(page)
    assert len(page.error) == 1
    assert not page.get("html")


def test_too_many_failures_close_the_door_for_a_while(empty: Pages) -> None:
    """Also for the right password."""
    page = empty.open("overview", None)
    for _ in range(5):
        page = submit(empty, page, "viewer", "wrong password")
    page = submit(empty, page, "viewer", PASSWORD)
    assert "Too many sign-ins failed from here; sign in after" in said(page)
    assert not page.get("html")


def test_the_demo_names_its_accounts(demo: Pages) -> None:
    """And only on this machine."""
    page = demo.open("overview", None)
    assert "Accounts of this demo" in said(page)
    assert list(page.table[0].value["Name"]) == ["viewer", "contributor", "administrator"]


def test_the_first_administrator_is_made_by_the_code_on_the_console(nobody: Pages) -> None:
    """Once; a wrong code changes nothing."""
    code = nobody.services.people.setup_code()
    page = nobody.open("overview", None)
    assert page.title[0].value == "Set up ccexport"
    for attempt, expected in ((f"{code}0", False), (code, True)):
        for field, value in zip(page.text_input, (attempt, "Kari", PASSWORD, PASSWORD), strict=True):
            field.input(value)
        page.button[0].click()
        nobody.run(page, None)
        assert nobody.services.people.anybody() is expected
    assert "/auth/complete?t=" in page.get("html")[0].proto.body


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/runs?run=1", "/runs?run=1"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
        (None, "/"),
    ],
)
def test_only_paths_of_this_server_are_gone_to(asked: str | None, expected: str) -> None:
    """Signing in must not lead elsewhere."""
    assert expected == local_path(asked)
