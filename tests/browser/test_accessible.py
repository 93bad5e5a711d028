"""axe-core on every page, light and dark: nothing serious or critical that is ours to change."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Server, SignedIn, quiet

pytestmark = pytest.mark.browser
CLASSES = re.compile(r' class="[^"]*"')
TELLING = {"serious", "critical"}
# What Streamlit 1.67 draws and no setting of ours changes: the rule, and what its element or the finding's
# words contain. The last: a chosen segment is drawn in the primary colour on the dark ground, and the same
# colour carries the white words of a button; no colour has 4.5:1 both ways.
OF_STREAMLIT: tuple[tuple[str, str], ...] = (
    ("list", 'data-testid="stSidebarNavItems"'),
    ("listitem", '<li class="st-emotion-cache'),
    ("color-contrast", "foreground color: #2d78c8"),
)


def findings(page: Page) -> set[str]:
    """Each serious or critical finding of ours, in one line."""
    answer: dict[str, Any] = Axe().run(page).response
    return {
        f"{found['id']}: {CLASSES.sub('', node['html'])[:250]} {_why(node)}"
        for found in answer["violations"]
        if found["impact"] in TELLING
        for node in found["nodes"]
        if not any(found["id"] == rule and part in node["html"] + _why(node) for rule, part in OF_STREAMLIT)
    }


def _why(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in [*node["any"], *node["all"], *node["none"]])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_can_be_used_by_everybody(
    signed_in: SignedIn, server: Server, paths: dict[str, str], scheme: str
) -> None:
    """Contrast, names, roles, order."""
    page = signed_in("administrator", color_scheme=scheme)
    found: dict[str, str] = {}  # each once, with the first page that has it
    for name, path in paths.items():
        page.goto(server.url + path)
        quiet(page)
        page.wait_for_selector("main h1")
        quiet(page)
        found = dict.fromkeys(findings(page), name) | found
    assert found == {}


def test_the_sign_in_page_can_be_used_by_everybody(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector("h1")
    quiet(page)
    assert findings(page) == set()
