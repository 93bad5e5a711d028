"""Sentences of the rooms below that are still text are recognised, and said in Norwegian too."""

import re
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from ccexport.model.words import RunState
from ccexport.ui import said
from ccexport.ui.texts.reader import reader
from tests.ui.conftest import Pages
from tests.ui.conftest import said as read

BLANK = re.compile(r"\{(\d+)(?::(?:say|word))?\}")


def test_every_blank_is_filled_once_known() -> None:
    """No translation asks for more than its sentence has."""
    wrong = [
        english
        for english, norwegian in said.sentences("nb").items()
        if any(int(n) >= english.count("{") for n in BLANK.findall(norwegian)) or "{}" in norwegian
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("english", "norwegian"),
    [
        ("The export is paused.", "Eksporten er satt på pause."),
        ("Run r-1 has already ended: failed.", "Kjøring r-1 er alt ferdig: mislyktes."),
        (
            "A viewer may not run this export; a contributor may. Ask an administrator.",
            "En leser kan ikke kjøre denne eksporten; en bidragsyter kan. Spør en administrator.",
        ),
        (
            "12,000 of 12,345 contacts sent were read back on the list; 300 rejected, 45 missing. An id is missing.",
            "12\u00a0000 av 12\u00a0345 sendte kontakter ble lest tilbake på listen; 300 avvist, 45 mangler. "
            "En id mangler.",
        ),
        (
            "The source is not what it was: the field 'tier' is gone; there are 1 profiles where there were 4. The "
            "current snapshot stays as it is; accept the changes (--accept-changes) to replace it.",
            "Kilden er ikke som den var: feltet «tier» er borte; det er 1 profil der det var 4. Det gjeldende "
            "øyeblikksbildet blir som det er; godta endringene for å erstatte det.",
        ),
        (
            "A contributor may not add people. Ask an administrator.",
            "En bidragsyter kan ikke legge til personer. Spør en administrator.",
        ),
        ("Sending 1 contacts in 1 request.", "Sender 1 kontakt i 1 forespørsel."),
        ("Whatever nobody translated.", "Whatever nobody translated."),
    ],
)
def test_sentences_are_recognised_with_what_is_in_them(english: str, norwegian: str) -> None:
    assert _said_to("nb-NO", english) == norwegian


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        (
            "12,000 of 12,345 contacts sent were read back on the list; 300 rejected, 45 missing.",
            "12.000 of 12.345 contacts sent were read back on the list; 300 rejected, 45 missing.",
        ),
        (
            "1,200 of 4,000 candidates (30.5 %) would be left out; the limit is 20 %.",
            "1.200 of 4.000 candidates (30,5 %) would be left out; the limit is 20 %.",
        ),
        (
            "1 of 1 contacts sent were read back on the list.",
            "1 of 1 contact sent was read back on the list.",
        ),
        (
            "1 contacts that were to leave the list are still on it.",
            "1 contact that was to leave the list is still on it.",
        ),
        (
            "The source is not what it was: there are 1,000 profiles where there were 4,000. The current snapshot "
            "stays as it is; accept the changes (--accept-changes) to replace it.",
            "The source is not what it was: there are 1.000 profiles where there were 4.000. The current snapshot "
            "stays as it is; accept the changes to replace it.",
        ),
    ],
)
def test_an_english_sentence_has_the_numbers_of_its_reader_and_no_option_of_the_command_line(
    kept: str, read: str
) -> None:
    assert _said_to("de-DE", kept) == read


def test_no_sentence_of_the_dashboard_names_an_option() -> None:
    assert [s for code in ("en", "nb") for s in said.sentences(code).values() if "--" in s] == []


def _said_to(locale: str, sentence: str) -> str:
    def script(sentence: str) -> None:
        import streamlit as st

        from ccexport.ui.said import say

        st.text(say(sentence))

    chosen = {"ccx_language": "nb"} if locale.startswith("nb") else {}
    with (
        patch("ccexport.ui.cookies.cookie", chosen.get),
        patch("ccexport.ui.texts.here", lambda: reader(locale)),
        patch("ccexport.ui.said.here", lambda: reader(locale)),
    ):
        page = AppTest.from_function(script, args=(sentence,)).run()
    return str(page.text[0].value)


def test_a_run_tells_its_story_in_norwegian(demo: Pages) -> None:
    """What the ledger keeps in English."""
    run = demo.services.ledger.runs.all(state=RunState.SUCCEEDED)[-1]
    text = read(demo.open("runs", "contributor", language="nb", run=run.id, view="story"))
    assert "sendte kontakter ble lest tilbake på listen" in text
    assert "Leser kontaktlisten og lager planen" in text
    assert "Reading" not in text and "contacts" not in text
