"""Signing in with an OpenID provider: whom it lets in, and that what it said serves once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.settings import load_settings
from tests.browser.conftest import Server, free_port, quiet, start, stop, wait_until_healthy
from tests.browser.provider import CLIENT, SECRET, Provider, running

pytestmark = pytest.mark.browser
ROOT = Actor("setup", Role.ADMINISTRATOR)
ADDRESS = "kari@example.com"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running(free_port()) as made:
        yield made


@pytest.fixture(scope="module")
def dashboard(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a provider, and one person who may come in by it."""
    folder = tmp_path_factory.mktemp("openid")
    services = Services(load_settings(data_dir=folder / "data"))
    services.people.add(ROOT, "kari", role=Role.VIEWER, password="a long password", email=ADDRESS)
    services.close()
    made = start(
        folder,
        CCEXPORT_WORKER="off",
        CCEXPORT_OIDC_METADATA_URL=f"{provider.url}/.well-known/openid-configuration",
        CCEXPORT_OIDC_CLIENT_ID=CLIENT,
        CCEXPORT_OIDC_CLIENT_SECRET=SECRET,
        CCEXPORT_OIDC_NAME="Testnavn",
    )
    try:
        wait_until_healthy(made)
        yield made
    finally:
        stop(made)


def come_in(page: Page, server: Server, path: str = "/") -> None:
    page.goto(server.url + path)
    page.get_by_role("button", name="Sign in with Testnavn").click()


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"email": ADDRESS, "email_verified": False}, "does not say that your e-mail address is verified"),
        ({"email": ADDRESS}, "does not say that your e-mail address is verified"),
        ({"email": "ola@example.com", "email_verified": True}, "Nobody here has the e-mail address"),
    ],
)
def test_who_is_not_known_or_not_verified_stays_outside(
    page: Page, dashboard: Server, provider: Provider, claims: dict[str, object], expected: str
) -> None:
    """And nobody is made silently."""
    provider.says = claims
    come_in(page, dashboard)
    expect(page.get_by_text(expected)).to_be_visible()
    expect(page.get_by_role("textbox", name="Password")).to_be_visible()


def test_after_the_provider_one_is_on_the_page_that_was_asked_for(
    page: Page, dashboard: Server, provider: Provider
) -> None:
    """With its filters; and the cookie that remembered it is gone."""
    provider.says = {"email": ADDRESS, "email_verified": True}
    come_in(page, dashboard, "/runs?state=failed&since=7")
    expect(page.locator(".st-key-person_menu")).to_be_visible()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    assert page.url == f"{dashboard.url}/runs?state=failed&since=7"
    assert "ccx_asked" not in {c["name"] for c in page.context.cookies()}


def test_a_known_person_comes_in_with_a_session_of_ours_and_the_identity_serves_once(
    page: Page, browser: Browser, dashboard: Server, provider: Provider
) -> None:
    """The provider's cookie is gone at once; a copy of it does not sign in again, nor after signing out."""
    provider.says = {"email": ADDRESS.upper(), "email_verified": True}
    copied: list[dict[str, str]] = []
    page.on(
        "framenavigated",
        lambda _: copied.extend(c for c in page.context.cookies() if c["name"].startswith("_streamlit_user")),  # type: ignore[misc]
    )
    come_in(page, dashboard)
    expect(page.locator(".st-key-person_menu")).to_be_visible()
    names = {c["name"] for c in page.context.cookies()}
    assert "ccx_session" in names
    assert not [name for name in names if name.startswith("_streamlit_user")]
    assert copied

    other = browser.new_context()
    other.add_cookies([{"name": c["name"], "value": c["value"], "url": dashboard.url} for c in copied])
    stranger = other.new_page()
    stranger.goto(dashboard.url)
    quiet(stranger)
    expect(stranger.get_by_role("textbox", name="Password")).to_be_visible()
    other.close()

    services = Services(load_settings(data_dir=dashboard.data_dir))
    # Somebody else can still sign in: else the page would ask for a first administrator.
    root = Actor("cli:test", Role.ADMINISTRATOR)
    services.people.add(root, "nora", role=Role.VIEWER, password="a quiet river by noon")
    services.ledger.people.change("kari", disabled=True)
    services.close()
    page.reload()
    quiet(page)
    expect(page.get_by_role("textbox", name="Password")).to_be_visible()
    come_in(page, dashboard)
    expect(page.get_by_text("Nobody here has the e-mail address")).to_be_visible()


def test_the_way_to_the_provider_may_begin_at_one_dashboard_and_end_at_another(
    page: Page, dashboard: Server, provider: Provider, tmp_path: Path
) -> None:
    """As behind a balancer without sticky sessions: the two share the key, by their data directory here."""
    provider.says = {"email": ADDRESS, "email_verified": True}
    services = Services(load_settings(data_dir=dashboard.data_dir))
    services.ledger.people.change("kari", disabled=False)
    services.close()
    first = start(
        tmp_path,
        CCEXPORT_DATA_DIR=str(dashboard.data_dir),
        CCEXPORT_BASE_URL=dashboard.url,  # where the provider sends back to
        CCEXPORT_WORKER="off",
        CCEXPORT_OIDC_METADATA_URL=f"{provider.url}/.well-known/openid-configuration",
        CCEXPORT_OIDC_CLIENT_ID=CLIENT,
        CCEXPORT_OIDC_CLIENT_SECRET=SECRET,
        CCEXPORT_OIDC_NAME="Testnavn",
    )
    try:
        wait_until_healthy(first)
        come_in(page, first)
        expect(page.locator(".st-key-person_menu")).to_be_visible(timeout=30_000)
        assert page.url.startswith(dashboard.url)
    finally:
        stop(first)
