"""The tour has a section and a picture of every page, and no picture that nobody shows."""

import re
from pathlib import Path

from ccexport.ui.navigation import PLACES

DOCS = Path(__file__).resolve().parents[2] / "docs"
PICTURE = re.compile(r"!\[.+?\]\(pictures/([\w-]+\.png)\)")


def test_every_page_has_a_section_with_a_picture() -> None:
    sections = (DOCS / "tour.md").read_text("utf-8").split("\n## ")
    for place in PLACES:
        shown = [s for s in sections if s.startswith(place.title) and PICTURE.search(s)]
        assert shown, place.title


def test_every_picture_is_there_and_shown() -> None:
    shown = PICTURE.findall((DOCS / "tour.md").read_text("utf-8"))
    assert sorted(shown) == sorted(file.name for file in (DOCS / "pictures").iterdir())
