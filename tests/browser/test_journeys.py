"""The journeys of a contributor, a viewer and an administrator, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.settings import load_settings
from tests.browser.conftest import Server, SignedIn, quiet, sign_in

pytestmark = pytest.mark.browser
CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)


def open_preview(page: Page, server: Server, export: str) -> None:
    page.goto(f"{server.url}/exports")
    row = page.locator('[class*="st-key-export-"]').filter(
        has=page.get_by_role("heading", name=export, exact=True)
    )
    row.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("button", name="Plan again")).to_be_visible()
    quiet(page)


def test_a_contributor_previews_runs_watches_and_finds_the_run(page: Page, server: Server) -> None:
    """The main job, from the sign-in page to the history."""
    sign_in(page, server, "contributor", "/exports")
    open_preview(page, server, "Newsletter")
    expect(page.get_by_text("Where do the").first).to_be_visible()

    page.get_by_role("button", name="Run export").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("are added")
    expect(question).to_contain_text("Newsletter")
    question.get_by_role("button", name="Run export").click()

    page.wait_for_url("**/runs?run=*")
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    expect(page.get_by_text("contacts sent were read back on the list")).to_be_visible()

    run = page.url
    page.goto(f"{server.url}/runs")
    expect(page.get_by_text("Select a row to open the run.")).to_be_visible()
    page.goto(run + "&view=story")
    expect(page.get_by_text("Reading the contact list and making the plan")).to_be_visible()


def test_a_person_is_looked_up_without_leaving_a_trace_in_the_address(
    signed_in: SignedIn, server: Server
) -> None:
    """Why is this one not in?"""
    page = signed_in("contributor")
    open_preview(page, server, "Newsletter")
    page.get_by_role("textbox", name="Is this person in, and if not, why?").fill("nobody@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nobody with this address or id")).to_be_visible()
    assert "nobody" not in page.url


def test_four_quick_clicks_make_one_run(signed_in: SignedIn, server: Server) -> None:
    """The ledger refuses the others; the browser is led to the one run."""
    page = signed_in("contributor")
    page.goto(f"{server.url}/exports")
    open_preview(page, server, "Good customers")
    page.get_by_role("button", name="Run export").click()
    confirm = page.get_by_role("dialog").get_by_role("button", name="Run export")
    expect(confirm).to_be_visible()
    confirm.evaluate("button => { for (let i = 0; i < 4; i++) button.click() }")
    page.wait_for_url("**/runs?run=*")
    expect(page.get_by_text("It took")).to_be_visible()
    services = Services(load_settings(data_dir=server.data_dir))
    try:
        assert (
            len(services.ledger.runs.all(export_id=services.ledger.exports.named("Good customers").id)) == 1
        )
    finally:
        services.close()


def test_a_viewer_sees_masked_contacts_and_cannot_run(signed_in: SignedIn, server: Server) -> None:
    """No button, no address, no download."""
    page = signed_in("viewer")
    open_preview(page, server, "Newsletter")
    expect(page.get_by_role("button", name="Run export")).to_have_count(0)
    expect(page.get_by_text("Download who is left out")).to_have_count(0)
    expect(page.get_by_text("Running is for contributors")).to_be_visible()
    page.goto(f"{server.url}/people")
    expect(page.get_by_role("heading", name="No access")).to_be_visible()


def test_an_administrator_connects_through_the_consent_page(signed_in: SignedIn, server: Server) -> None:
    """Every step is visible, and nothing is there before the last one."""
    page = signed_in("administrator")
    page.goto(f"{server.url}/connections?show=new")
    page.get_by_role("textbox", name="Display name").fill("Second account")
    page.keyboard.press("Tab")
    connect = page.get_by_role("button", name="Connect", exact=True)
    expect(connect).to_be_disabled()
    page.get_by_text("I agree").click()
    expect(connect).to_be_enabled()
    connect.click()

    page.get_by_role("button", name="Allow").click()
    page.wait_for_url("**/connections?draft=*")
    expect(page.get_by_text("5. Connected")).to_be_visible()

    page.get_by_role("textbox", name="Your password").fill("not the password")
    page.get_by_role("button", name="Save the connection").click()
    expect(page.get_by_text("That is not your password")).to_be_visible()
    page.get_by_role("textbox", name="Your password").fill(server.password("administrator"))
    page.get_by_role("button", name="Save the connection").click()

    expect(page.get_by_text("Second account is connected.")).to_be_visible()
    row = page.locator('[class*="st-key-connection-"]').filter(has_text="Second account")
    row.get_by_role("button", name="Test").click()
    expect(row.get_by_text("Requests today")).to_be_visible()


def test_denying_leaves_nothing_behind(signed_in: SignedIn, server: Server) -> None:
    """The sentence says so, and the list has no new connection."""
    page = signed_in("administrator")
    page.goto(f"{server.url}/connections?show=new")
    page.get_by_role("textbox", name="Display name").fill("Denied account")
    page.keyboard.press("Tab")
    page.get_by_text("I agree").click()
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_text("nothing was saved")).to_be_visible()
    page.goto(f"{server.url}/connections")
    quiet(page)
    expect(page.get_by_text("Denied account")).to_have_count(0)


def test_a_run_is_undone_after_seeing_what_that_does(signed_in: SignedIn, server: Server) -> None:
    """The dialog says what is taken back and what cannot be; the undo is a run of its own."""
    services = Services(load_settings(data_dir=server.data_dir, base_url=server.url))
    try:
        copy = services.exports.duplicate(CONTRIBUTOR, "Good customers", "To be undone")
        services.exports.change(CONTRIBUTOR, copy.id, contact_list="Newsletter", segments=["Norway"])
        run = services.runs.drive_here(services.runs.start(CONTRIBUTOR, copy.id).id)
        page = signed_in("contributor")
        page.goto(f"{server.url}/runs?run={run.id}")
        page.get_by_role("button", name="Undo", exact=True).click()
        question = page.get_by_role("dialog")
        expect(question.get_by_text("cannot be undone")).to_be_visible()
        question.get_by_role("button", name="Undo it").click()
        page.wait_for_url(lambda url: run.id not in url)
        expect(page.get_by_text("It took")).to_be_visible()
        services.exports.remove(CONTRIBUTOR, copy.id)
    finally:
        services.close()


def test_a_bar_of_the_funnel_leads_to_its_rows(signed_in: SignedIn, server: Server) -> None:
    """On the preview; the choice is in the address, so that the view can be shared."""
    page = signed_in("contributor")
    open_preview(page, server, "Newsletter")
    bars = page.locator(".mark-rect path")
    expect(bars.first).to_be_visible()

    page.locator('.mark-rect path[aria-label*="Duplicate"]').click(force=True)

    page.wait_for_url("**what=left_out*")
    quiet(page)
    assert "reason=duplicate" in page.url
    expect(page.get_by_role("radio", name="Duplicate")).to_be_checked()
