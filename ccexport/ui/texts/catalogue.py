"""The translations of one language: `<code>.po`, compiled in memory on first use.

English needs none, because the texts in the code are English. Must never write a catalogue; `make texts` does.
"""

import gettext
import io
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent


@cache
def translations(code: str) -> gettext.NullTranslations:
    """Return the translations into the language; without a catalogue, as for English, texts stay unchanged."""
    if not po_file(code).exists():
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def catalogue(code: str) -> Catalog:
    """Return the catalogue as translators edit it."""
    with po_file(code).open("rb") as file:
        return read_po(file, locale=code)


def po_file(code: str) -> Path:
    return FOLDER / f"{code}.po"
