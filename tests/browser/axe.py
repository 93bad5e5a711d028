"""axe-core on a page: what it finds serious or critical that is ours to change."""

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

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
