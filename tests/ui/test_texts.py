"""Every text of the code is in the catalogue, with the same blanks to fill; and the pages speak it."""

import ast
import re

import pytest

from ccexport.cli.hints import HINTS
from ccexport.messages import names_in
from ccexport.ui.navigation import PLACES
from ccexport.ui.texts import extract
from ccexport.ui.texts.catalogue import catalogue, translations
from tests.ui.conftest import ROOT, Pages, said

nb = translations("nb").gettext


def pairs() -> list[tuple[str, str]]:
    """Each text of the catalogue with its translation; both forms of those that have two."""
    found = [(m.id, m.string) for m in catalogue("nb") if m.id]
    ones = [(e, n) for e, n in found if isinstance(e, str)]
    return ones + [
        (e, n) for many in found if not isinstance(many[0], str) for e, n in zip(*many, strict=True)
    ]


def test_every_text_is_translated() -> None:
    """A new text without its translation is named here; `make texts` adds it to the catalogue."""
    needed = {m.id for m in extract.template() if m.id}
    there = {m.id for m in catalogue("nb") if m.id and all([m.string] if isinstance(m.id, str) else m.string)}
    assert sorted(map(str, needed - there)) == []


def test_no_text_names_an_option_of_the_command_line() -> None:
    """A reader of the dashboard could not type it; the command line adds its own hint."""
    texts = [text for m in extract.template() if m.id for text in ([m.id] if isinstance(m.id, str) else m.id)]
    assert [text for text in texts if re.search(r"(?<![-\w])--[a-z]", text)] == []


def test_every_hint_belongs_to_a_sentence() -> None:
    assert set(HINTS) - {m.id for m in extract.template()} == set()


def test_no_translation_is_left_over() -> None:
    """A text that is gone takes its translation with it; `make texts` removes it."""
    needed = {m.id for m in extract.template() if m.id}
    assert sorted(str(m.id) for m in catalogue("nb") if m.id and m.id not in needed) == []


def test_the_same_blanks_are_filled() -> None:
    """Else a page would break in one language only; a form for 1 may leave the count out."""
    differing = [(e, n) for e, n in pairs() if names_in(e) - {"n"} != names_in(n) - {"n"}]
    assert differing == []


def test_the_catalogue_is_as_the_tools_write_it() -> None:
    """So that `make texts` changes nothing but what it has to."""
    before = extract.po_file("nb").read_bytes()
    try:
        extract.update("nb")
        assert extract.po_file("nb").read_bytes() == before
    finally:
        extract.po_file("nb").write_bytes(before)


def test_no_text_is_put_together() -> None:
    """A text with values in it, or of parts, is in no catalogue."""
    wrong = []
    for file in (f for f in extract.sources() if f.is_relative_to(ROOT / "ccexport" / "ui")):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in extract.KEYWORDS
            ):
                texts = call.args[: extract.KEYWORDS[call.func.id]]
                if any(isinstance(text, ast.JoinedStr | ast.BinOp) for text in texts):
                    wrong.append(f"{file.name}:{call.lineno}")
    assert wrong == []


@pytest.mark.parametrize("place", PLACES, ids=lambda p: p.path)
def test_every_page_opens_in_norwegian(demo: Pages, place: object) -> None:
    page = demo.open(place.path, "administrator", language="nb")  # type: ignore[attr-defined]
    assert not page.exception
    assert page.title[0].value == nb(place.title)  # type: ignore[attr-defined]


def test_numbers_are_norwegian_too(demo: Pages) -> None:
    """A blank between the thousands."""
    assert "20\u00a0000" in said(demo.open("profiles", "contributor", language="nb"))
