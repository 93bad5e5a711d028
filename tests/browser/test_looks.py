"""Every page light and dark: what can be asserted of its looks; and as pictures to look at by `make pictures`.

The pictures, at two widths, are in build/screenshots. On each page: one main heading, no error of the browser, nothing
blocked by the content security policy, and nothing serious that axe-core finds (contrast, names, roles, order).
"""

import os

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.browser.axe import findings
from tests.browser.conftest import PICTURES, Server, SignedIn, quiet

pytestmark = pytest.mark.browser
WIDTHS = (1280, 1920)
TALLEST = 2400
NORWEGIAN = {"overview", "segments", "preview", "export-settings", "run"}


@pytest.mark.parametrize(("scheme", "language"), [("light", "en-GB"), ("dark", "en-GB"), ("light", "nb-NO")])
def test_every_page_looks_right(
    signed_in: SignedIn, server: Server, paths: dict[str, str], scheme: str, language: str
) -> None:
    """Norwegian in light only: the words differ, not the colours."""
    page = signed_in("administrator", color_scheme=scheme, locale=language)
    errors: list[str] = []
    found: dict[str, str] = {}  # each of axe's findings once, with the first page that has it
    page.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name, path in paths.items():
        if language != "en-GB" and name not in NORWEGIAN:
            continue
        page.goto(server.url + path)
        quiet(page)
        page.wait_for_selector("main h1")
        quiet(page)
        if language == "en-GB":
            found = dict.fromkeys(findings(page), name) | found
        for width in WIDTHS if language == "en-GB" else WIDTHS[:1]:
            _picture(page, f"{name}-{width}-{scheme}-{language[:2]}", width)
        assert page.locator("main h1").count() == 1, name
        assert page.locator('[data-testid="stException"]').count() == 0, name
    assert errors == []
    assert found == {}


def test_the_sign_in_page_looks_right(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector("main h1, h1")
    quiet(page)
    assert findings(page) == set()
    for width in WIDTHS:
        _picture(page, f"sign-in-{width}-light-en", width)
    assert page.locator("h1").all_inner_texts() == ["ccexport"]
    expect(page.get_by_role("textbox", name="Password")).to_be_visible()
    expect(page.get_by_text("Accounts of this demo, on this machine only")).to_be_visible()


def _is_error(message: ConsoleMessage) -> bool:
    # Below a path, Streamlit first asks there for its own routes, and then at the root.
    own = "/_stcore/" in str(message.location.get("url", ""))
    return message.type == "error" and not own


def _picture(page: Page, name: str, width: int) -> None:
    """The whole page, not only what fits the window."""
    if not os.environ.get("PICTURES"):
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.set_viewport_size({"width": width, "height": 900})
    tall = page.evaluate("document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 900")
    page.set_viewport_size({"width": width, "height": min(max(900, tall), TALLEST)})
    page.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
    expect(page.locator('main [data-testid="stSkeleton"]')).to_have_count(0)
    page.screenshot(path=PICTURES / f"{name}.png")
