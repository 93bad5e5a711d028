"""What must stay shut: pages, downloads and routes without a session, old cookies, foreign browsers."""

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.settings import load_settings
from ccexport.ui.navigation import PLACES
from tests.browser.conftest import ROOT, Server, SignedIn, quiet, sign_in, start, stop, wait_until_healthy

pytestmark = pytest.mark.browser
CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)
SESSION = "ccx_session"


@pytest.fixture
def services(server: Server) -> Iterator[Services]:
    """The same data directory from another process, as the command line has it."""
    opened = Services(load_settings(data_dir=server.data_dir, base_url=server.url))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def session(states: dict[str, dict[str, list[dict[str, str]]]]) -> dict[str, str]:
    """The session cookie of each role."""
    return {
        role: next(c["value"] for c in state["cookies"] if c["name"] == SESSION)
        for role, state in states.items()
    }


def get(server: Server, path: str, cookie: str | None = None) -> httpx.Response:
    return httpx.get(server.url + path, cookies={SESSION: cookie} if cookie else {}, follow_redirects=False)


def test_every_path_opened_first_on_a_fresh_server_shows_only_the_form(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> None:
    """Streamlit would run pages/x.py for /x by itself, were the router's script beside pages/."""
    fresh = start(tmp_path_factory.mktemp("fresh"), CCEXPORT_WORKER="off")
    try:
        wait_until_healthy(fresh, prepared=False)
        context = browser.new_context(locale="en-GB")
        tabs = {place: context.new_page() for place in PLACES}
        for place, tab in tabs.items():
            tab.goto(f"{fresh.url}/{place.path}", wait_until="commit")
        for place, tab in tabs.items():
            expect(tab.get_by_role("textbox", name="Password")).to_be_visible()
            expect(tab.get_by_role("heading", name=place.title)).to_have_count(0)
        context.close()
    finally:
        stop(fresh)


def test_a_signed_out_cookie_opens_nothing_any_more(
    signed_in: SignedIn, server: Server, page: object
) -> None:
    """Signing out ends the session in the ledger, not only in the browser."""
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    sign_in(page, server, "viewer")
    cookies = page.context.cookies()
    ours = next(c for c in cookies if c["name"] == SESSION)
    assert ours["httpOnly"] and ours["sameSite"] == "Lax"
    page.locator(".st-key-person_menu").get_by_role("button").click()
    page.get_by_text("Sign out", exact=True).click()
    expect(page.get_by_role("textbox", name="Password")).to_be_visible()

    page.context.add_cookies([{"name": SESSION, "value": ours["value"], "url": server.url}])
    page.goto(f"{server.url}/exports")
    expect(page.get_by_role("textbox", name="Password")).to_be_visible()
    assert get(server, "/media/x.csv", ours["value"]).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/media/abc.csv",
        "/download/audit.csv",
        "/download/run/x/contacts.csv",
        "/download/run/x/contacts.parquet",
        "/download/run/x/contacts.xlsx",
    ],
)
def test_files_need_a_session(server: Server, path: str) -> None:
    """Whoever has only the address gets nothing."""
    assert get(server, path).status_code in {401, 403}
    assert get(server, path, "made-up").status_code in {401, 403}


def test_downloads_need_the_right(server: Server, session: dict[str, str], services: Services) -> None:
    """A viewer none, a contributor not the audit, each one in the audit."""
    plan = services.previews.preview(CONTRIBUTOR, "Good customers")
    path = f"/download/plan/{plan.id}/left-out.csv"
    assert get(server, path, session["viewer"]).status_code == 403
    assert get(server, "/download/audit.csv", session["contributor"]).status_code == 403
    assert get(server, "/download/plan/plan-none/left-out.csv", session["contributor"]).status_code == 404
    answer = get(server, path, session["contributor"])
    assert answer.status_code == 200
    lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(lines) == 1 + sum(plan.reasons.values())
    assert services.ledger.audit.all(search="rejects downloaded")
    assert get(server, "/download/audit.csv", session["administrator"]).status_code == 200


def test_the_doors_of_streamlit_itself_are_closed(server: Server) -> None:
    """Metrics for nobody; every answer has the headers."""
    assert get(server, "/_stcore/metrics").status_code == 404
    headers = get(server, "/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_a_callback_from_another_browser_or_twice_is_refused(
    server: Server, session: dict[str, str], services: Services
) -> None:
    """The state belongs to one browser, one person, once."""
    administrator = Actor("administrator", Role.ADMINISTRATOR)
    begun = services.connections.begin(administrator, "Stolen", agree=True, redirect_url=None)
    consent = httpx.get(begun.url, headers={"Accept": "*/*"}, follow_redirects=False)
    query = consent.headers.get("location", "?state=" + begun.state + "&code=x").partition("?")[2]
    cookies = {SESSION: session["administrator"], "ccx_bind": "another browser"}
    for bind in ("another browser", begun.bind):
        answer = httpx.get(
            f"{server.url}/oauth/callback?{query}",
            cookies=cookies | {"ccx_bind": bind},
            follow_redirects=False,
        )
        assert answer.headers["location"].startswith("/connections?draft=")
    assert "Stolen" not in [c.name for c in services.ledger.connections.all()]
    assert (
        httpx.get(f"{server.url}/oauth/callback?{query}").headers["location"].startswith("/connections?said")
    )


HOSTILE = (
    '<img src=x onerror="window.hacked=1">',
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe [click](javascript:window.hacked=1) :red[x] www.evil.example",
    "**bold** " + "long " * 36,
)


def test_hostile_names_stay_text(signed_in: SignedIn, server: Server, services: Services) -> None:
    """In segments, exports, previews and the history; nothing runs, nothing becomes a link."""
    for number, name in enumerate(HOSTILE):
        segment = services.segments.create(
            CONTRIBUTOR, name, rule={"field": "country", "op": "is", "value": "Norway"}
        )
        services.exports.create(
            CONTRIBUTOR,
            name[:190] + str(number),
            connection="Sandbox",
            contact_list="Newsletter",
            segments=[segment.name],
            email="email",
        )
    page = signed_in("contributor")
    hostile_export = services.ledger.exports.named(HOSTILE[0] + "0")
    for path in ("/segments", "/exports", f"/exports?export={hostile_export.id}&show=settings", "/runs"):
        page.goto(server.url + path)
        quiet(page)
        assert page.evaluate("window.hacked") is None
        assert (
            page.locator('a[href*="//"][href*="evil"], a[href^="javascript"], a[href^="mailto"]').count() == 0
        )
    page.goto(f"{server.url}/segments")
    expect(page.get_by_text('<img src=x onerror="window.hacked=1">').first).to_be_visible()
    for export in services.ledger.exports.all():
        if export.config.name.startswith(tuple(HOSTILE)):
            services.exports.remove(CONTRIBUTOR, export.id)


def test_a_formula_in_a_profile_is_harmless_in_a_download(services: Services) -> None:
    """A cell never starts like a formula."""
    from ccexport.profiles.csv_cells import csv_line

    assert csv_line(["=cmd|x", "+1", "-1", "@x", "\tx", 'say "hi"']) == (
        '"\'=cmd|x","\'+1","\'-1","\'@x","\'\tx","say ""hi"""\r\n'
    )


def test_the_demo_refuses_to_be_shown_outside(tmp_path: object) -> None:
    """One sentence and the exit status for wrong settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")}
    ended = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=0"],
        cwd=ROOT,
        env=clean | {"CCEXPORT_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 2
    assert "answers on this machine only" in ended.stderr
    assert "Traceback" not in ended.stderr
