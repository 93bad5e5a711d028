"""What the dashboard says, by language. English is the key; a catalogue holds what to say instead.

Must never hold what a person typed or what Constant Contact said.
"""

import json
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ccexport.ui import cookies
from ccexport.ui.texts.one import after


class _Rerun(threading.local):
    """The rerun that this thread draws, and the language of its reader."""

    of: tuple[Any, Any] | None = None
    language = "en"


_RERUN = _Rerun()
LANGUAGES: Mapping[str, str] = {"en": "English", "nb": "Norsk (bokmål)"}


def language() -> str:
    """The chosen language, else the browser's, else English; found once in a rerun, which asks a thousand times."""
    run = get_script_run_ctx(suppress_warning=True)
    if run is None:
        return _found()
    if _RERUN.of is None or _RERUN.of[0] is not run or _RERUN.of[1] is not run.context_info:
        _RERUN.language, _RERUN.of = _found(), (run, run.context_info)
    return _RERUN.language


def _found() -> str:
    chosen = cookies.cookie(cookies.LANGUAGE) or ""
    if chosen in LANGUAGES:
        return chosen
    locale = str(st.context.locale or "").lower()
    return "nb" if locale.startswith(("nb", "no", "nn")) else "en"


@cache
def catalogue(code: str) -> Mapping[str, str]:
    """English sentence → the sentence in that language; empty for English."""
    path = Path(__file__).parent / f"{code}.json"
    found: dict[str, str] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def t(english: str, **values: Any) -> str:
    """The sentence in the reader's language, with `{name}` filled in from `values`."""
    code = language()
    sentence = catalogue(code).get(english, english)
    if "1" in map(str, values.values()):
        return _with_one(sentence, values, code)
    return sentence.format(**values) if values else sentence


def _with_one(sentence: str, values: Mapping[str, Any], code: str) -> str:
    """Filled in, with what follows a 1 in the singular."""
    made, last = "", None
    for text, name, _, _ in Formatter().parse(sentence):
        made += after(last, text, code)
        if name is not None:
            last = values[name]
            made += str(last)
    return made
