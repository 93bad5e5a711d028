"""The dashboard's texts in the reader's language, with values as the reader writes them.

English is the key; `<code>.po` has the translations. Must never hold what a person typed or what Constant Contact
answered: those are values.
"""

import threading
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ccexport.messages import Message, Size, Value, counted, fill, message
from ccexport.ui import cookies
from ccexport.ui.texts.catalogue import translations
from ccexport.ui.texts.reader import Reader, reader


class _Rerun(threading.local):
    """The rerun that this thread executes, and the language of its reader."""

    of: tuple[Any, Any] | None = None
    language = "en"


_RERUN = _Rerun()
LANGUAGES: Mapping[str, str] = {"en": "English", "nb": "Norsk (bokmål)"}


def language() -> str:
    """Return the chosen language, else the browser's, else English; cached, as a rerun asks a thousand times."""
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


def here() -> Reader:
    """Return the writer of numbers and dates for the browser's locale, else for the reader's language."""
    return reader(str(st.context.locale or language()))


def in_words() -> Reader:
    """Return the writer of values that contain words, such as durations, in the reader's language."""
    locale = str(st.context.locale or "")
    return reader(locale if locale.startswith(language()) else language())


def zone() -> ZoneInfo:
    """Return the browser's time zone, else UTC."""
    try:
        return ZoneInfo(str(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def t(english: str, /, **values: Value) -> str:
    """Return the text in the reader's language, with its values as the reader writes them."""
    return say(message(english, **values)) if values else translations(language()).gettext(english)


def tn(one: str, several: str, /, *, n: int, **values: Value) -> str:
    """Return the same as `t`, with one form for 1 and another for other counts."""
    return say(counted(one, several, n=n, **values))


def say(said: Message) -> str:
    """Return the sentence in the reader's language."""
    known = translations(language())
    if said.plural is None:
        text = known.gettext(said.template)
    else:
        text = known.ngettext(said.template, said.plural, said.values["n"])
    return fill(text, {name: written(value) for name, value in said.values.items()})


def written(value: Value) -> str:
    """Return one value of a sentence as text, depending on its type."""
    match value:
        case str():
            return value
        case Message():
            return say(value)
        case datetime():
            return here().moment(value.astimezone(zone()))
        case date():
            return here().dated(value)
        case timedelta():
            return in_words().duration(value.total_seconds())
        case Size():
            return in_words().size(value.bytes)
        case int() | float() | Decimal():
            return here().exact(value)
        case _:
            return ", ".join(map(written, value))
