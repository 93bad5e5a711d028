"""What the dashboard says, in the reader's language, with values as the reader writes them.

English is the key; `<code>.po` has the translations. Must never hold what a person typed or what Constant Contact
said: those are values.
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


def here() -> Reader:
    """How numbers and dates are written where the reader is: as the browser does, else as their language does."""
    return reader(str(st.context.locale or language()))


def in_words() -> Reader:
    """How the reader's language writes values that have words in them, such as durations."""
    locale = str(st.context.locale or "")
    return reader(locale if locale.startswith(language()) else language())


def zone() -> ZoneInfo:
    """The browser's time zone, else UTC."""
    try:
        return ZoneInfo(str(st.context.timezone or "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def t(english: str, /, **values: Value) -> str:
    """The text in the reader's language, with its values; a number is written as the reader does."""
    return say(message(english, **values)) if values else translations(language()).gettext(english)


def tn(one: str, several: str, /, *, n: int, **values: Value) -> str:
    """`t` with a form for 1 and a form for other counts."""
    return say(counted(one, several, n=n, **values))


def say(said: Message) -> str:
    """The sentence in the reader's language."""
    known = translations(language())
    if said.plural is None:
        text = known.gettext(said.template)
    else:
        text = known.ngettext(said.template, said.plural, said.values["n"])
    return fill(text, {name: written(value) for name, value in said.values.items()})


def written(value: Value) -> str:
    """One value of a sentence, by its type."""
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
