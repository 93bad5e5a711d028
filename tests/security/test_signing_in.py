"""Guessing passwords, locking others out, look-alike names, stolen tickets, the demo's shown passwords."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ccexport.errors import BadInput, NotPermitted
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.services.demo import demo_accounts, disable_demo_accounts, ensure_demo_people
from ccexport.settings import load_settings
from tests.browser.conftest import Server
from tests.conftest import Clock
from tests.security.conftest import session_of

ROOT = Actor("cli:test", Role.ADMINISTRATOR)
PASSWORD = "correct horse battery"
WRONG = "wrong horse battery"


@pytest.fixture
def here(tmp_path: Path, clock: Clock) -> Iterator[Services]:
    """Two people and nothing else."""
    made = Services(load_settings(data_dir=tmp_path / "here", sandbox="off", cc_client_id="x"), clock=clock)
    for name in ("ada", "carl"):
        made.people.add(ROOT, name, role=Role.ADMINISTRATOR, password=PASSWORD)
    yield made
    made.close()


def refused(services: Services, name: str, password: str, origin: str) -> str:
    with pytest.raises(NotPermitted) as found:
        services.people.sign_in(name, password, origin=origin)
    return str(found.value)


def failures(services: Services) -> int:
    return len(services.ledger.audit.all(search="sign-in failed"))


def test_many_tries_at_once_are_no_more_than_one_after_the_other(here: Services) -> None:
    """40 sockets had 39 tries: each looked at the count before any had failed."""
    with ThreadPoolExecutor(40) as at_once:
        list(at_once.map(lambda _: refused(here, "ada", WRONG, "1.2.3.4"), range(40)))
    assert failures(here) == 5
    assert len(here.ledger.audit.all(search="sign-in locked")) == 5
    assert "Too many" in refused(here, "ada", PASSWORD, "1.2.3.4")


def test_nobody_locks_another_out(here: Services) -> None:
    """Neither from elsewhere, nor a colleague from the same address."""
    for _ in range(10):
        refused(here, "ada", WRONG, "1.2.3.4")
    assert here.people.sign_in("ada", PASSWORD, origin="5.6.7.8").name == "ada"
    assert here.people.sign_in("carl", PASSWORD, origin="1.2.3.4").name == "carl"


def test_one_origin_cannot_try_every_name(here: Services) -> None:
    """And what it tried is bounded, however long it goes on."""
    for n in range(60):
        refused(here, f"name{n}", WRONG, "1.2.3.4")
    assert "Too many" in refused(here, "ada", PASSWORD, "1.2.3.4")
    assert failures(here) == 20


def test_who_has_a_live_session_is_not_locked_out(here: Services) -> None:
    """Their session goes on, their password is still taken to confirm a step, and they can sign in beside it."""
    secret = session_of(here, "ada")
    for _ in range(7):
        refused(here, "ada", WRONG, "1.2.3.4")
    actor = here.people.signed_in(secret)
    assert actor is not None
    here.people.confirm_password(actor, PASSWORD, origin="1.2.3.4")
    assert here.people.sign_in("ada", PASSWORD, origin="1.2.3.4").name == "ada"


def test_only_the_right_password_hears_until_when(here: Services, clock: Clock) -> None:
    """Anybody else reads the sentence they always read."""
    for _ in range(6):
        assert "do not fit" in refused(here, "ada", WRONG, "1.2.3.4")
    assert "sign in after 23 November 2026 12:15 UTC" in refused(here, "ada", PASSWORD, "1.2.3.4")
    clock.sleep(16 * 60)
    assert here.people.sign_in("ada", PASSWORD, origin="1.2.3.4").name == "ada"


def test_a_name_without_end_is_not_stored(here: Services) -> None:
    """Nor what was typed where a name belongs, which may be a password."""
    assert "do not fit" in refused(here, "x" * 121, WRONG, "1.2.3.4")
    refused(here, "se/kr@t typed too early", WRONG, "1.2.3.4")
    rows = here.ledger.audit.all(search="sign-in")
    assert {row["subject"] for row in rows} == {"unknown"}


@pytest.mark.parametrize(
    "password", ["aaaaaaaaaaaa", "password123", "Password123!", "qwertyuiop", "1234567890"]
)
def test_a_password_of_the_common_lists_is_refused(here: Services, password: str) -> None:
    """Or of one character again and again."""
    with pytest.raises(BadInput, match="guessed in minutes"):
        here.people.add(ROOT, "kari", role=Role.VIEWER, password=password)
    with pytest.raises(BadInput, match="guessed in minutes"):
        here.people.set_password(ROOT, "ada", "aaaaaaaaaaaa")


@pytest.mark.parametrize("name", ["ad\u0430", "\u0430da", "аdа", "сarl", "car1"])
def test_a_name_that_looks_like_anothers_is_refused(here: Services, name: str) -> None:
    """With Cyrillic letters, or a digit for a letter."""
    with pytest.raises(BadInput, match="looks like"):
        here.people.add(ROOT, name, role=Role.VIEWER, password=PASSWORD)


def test_a_name_of_the_program_itself_is_refused(here: Services) -> None:
    """The history would say that the schedule did it."""
    with pytest.raises(BadInput, match="kept for the program"):
        here.people.add(ROOT, "schedule", role=Role.VIEWER, password=PASSWORD)


@pytest.mark.parametrize("name", ["ola", "ole", "anna", "åse", "øystein", "carla"])
def test_other_names_are_taken(here: Services, name: str) -> None:
    assert here.people.add(ROOT, name, role=Role.VIEWER, password=PASSWORD).name == name


def test_a_ticket_is_good_in_its_own_browser_only(here: Services) -> None:
    """A link with it, sent to somebody else, would sign them in as its maker."""
    person = here.ledger.people.get("ada")
    assert here.people.redeem(here.people.ticket(person, {}, browser="mine"), browser="another") is None
    assert here.people.redeem(here.people.ticket(person, {}, browser="mine")) is None
    assert here.people.redeem(here.people.ticket(person, {}, browser="mine"), browser="mine") is not None


def test_a_ticket_over_http(server: Server, services: Services) -> None:
    """The browser has its cookie from the page itself."""
    page = httpx.get(server.url, headers={"Accept": "text/html"})
    browser = page.cookies["ccx_browser"]
    person = services.ledger.people.get("viewer")
    for cookies, signed_in in (
        ({}, False),
        ({"ccx_browser": "other"}, False),
        ({"ccx_browser": browser}, True),
    ):
        ticket = services.people.ticket(person, {"next": "/"}, browser=browser)
        answer = httpx.get(f"{server.url}/auth/complete?t={ticket}", cookies=cookies)
        assert ("ccx_session" in answer.cookies) is signed_in


def test_signing_out_is_a_post_from_our_own_pages(server: Server, services: Services) -> None:
    """A link or an image elsewhere must not do it."""
    cookie = session_of(services, "viewer")
    cookies = {"ccx_session": cookie}
    httpx.get(f"{server.url}/auth/sign-out", cookies=cookies)
    foreign = httpx.post(
        f"{server.url}/auth/sign-out", cookies=cookies, headers={"Origin": "https://evil.example"}
    )
    assert foreign.status_code == 403
    assert services.people.signed_in(cookie) is not None
    assert httpx.post(f"{server.url}/auth/sign-out", cookies=cookies).status_code == 303
    assert services.people.signed_in(cookie) is None
    assert services.ledger.audit.all(search="signed out")


def test_the_demos_accounts_open_nothing_once_the_account_is_real(tmp_path: Path) -> None:
    """And the first administrator is made by the code again."""
    demo = Services(load_settings(data_dir=tmp_path, sandbox="on"))
    ensure_demo_people(demo)
    accounts = demo_accounts(demo)
    demo.close()
    real = Services(load_settings(data_dir=tmp_path, sandbox="off", cc_client_id="key"))
    assert "its accounts are disabled" in str(disable_demo_accounts(real))
    for account in accounts:
        assert "do not fit" in refused(real, account.name, account.password, "here")
    assert not disable_demo_accounts(real)
    assert real.people.setup_code() is not None
    real.close()
