"""Shows values in the same way on all pages: numbers, moments, names, states, errors.

Must never let a name act as Markdown.
"""

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ccexport.errors import CcexportError, NotPermitted
from ccexport.messages import mark
from ccexport.model.runs import Run
from ccexport.model.words import RunState
from ccexport.ui.texts import here as here
from ccexport.ui.texts import in_words, say, t, zone

log = logging.getLogger(__name__)
LONGEST_NAME = 120
ROW_HEIGHT = 33  # of a table row, at the font size of .streamlit/config.toml
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~:$^=\"&@])")
# Characters that change the reading direction or are invisible.
_INVISIBLE = re.compile(r"[\u0000-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Streamlit turns addresses into links, unless an invisible character is in these places.
_LINKS = re.compile(r"(?=@)|(?<=www)(?=\.)|(?<=:)(?=//)", re.IGNORECASE)
_JOINER = "\u2060"

STATES: dict[RunState, tuple[str, str, str]] = mark(
    {
        RunState.QUEUED: ("Queued", "gray", ":material/hourglass_empty:"),
        RunState.PLANNING: ("Planning", "blue", ":material/draw:"),
        RunState.SENDING: ("Sending", "blue", ":material/send:"),
        RunState.SETTLING: ("Settling", "blue", ":material/sync:"),
        RunState.VERIFYING: ("Verifying", "blue", ":material/fact_check:"),
        RunState.WAITING: ("Waiting", "orange", ":material/pause_circle:"),
        RunState.SUCCEEDED: ("Succeeded", "green", ":material/check_circle:"),
        RunState.SUCCEEDED_WITH_REJECTS: ("Succeeded with rejects", "yellow", ":material/rule:"),
        RunState.FAILED: ("Failed", "red", ":material/cancel:"),
        RunState.CANCELLED: ("Cancelled", "gray", ":material/block:"),
        RunState.BLOCKED: ("Blocked", "red", ":material/front_hand:"),
    }
)


def bare(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the text without invisible characters, cut with an ellipsis; for tables, which use no Markdown."""
    clean = _INVISIBLE.sub("", text)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def plain(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the `bare` text with Markdown escaped and without automatic links."""
    return _MARKS.sub(r"\\\1", _LINKS.sub(_JOINER, bare(text, longest)))


def code(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the text as code inside Markdown, such as an address that readers copy."""
    return "`" + bare(text, longest).replace("`", "'") + "`"


def number(value: float | Decimal | None, decimals: int = 0) -> str:
    """Return the number with the reader's separators; a dash for None."""
    return "–" if value is None else here().number(value, decimals)


def percent(value: float, decimals: int = 1) -> str:
    """Return a share such as 0.047 as a percentage."""
    return here().share(value, decimals)


def moment(at: datetime | None) -> str:
    """Return date and time in the reader's time zone; a dash for None."""
    return "–" if at is None else here().moment(at.astimezone(zone()))


def clock(at: datetime) -> str:
    """Return the time of day in the reader's time zone, with seconds."""
    return here().time(at.astimezone(zone()), seconds=True)


def edge(value: object) -> str:
    """Return a bound of a range of values in short form: a number, or the day of a moment."""
    if isinstance(value, date):
        return here().dated(value)
    return number(value) if isinstance(value, int | float | Decimal) else bare(str(value), 40)


def ago(at: datetime | None) -> str:
    """Return how long ago it was, in the largest unit."""
    if at is None:
        return t("never")
    since = datetime.now(UTC) - at
    return t("just now") if since < timedelta(minutes=1) else in_words().ago(since)


def duration(seconds: float | None) -> str:
    """Return the two largest of hours, minutes and seconds; at least one second if not 0."""
    return "–" if seconds is None else in_words().duration(seconds)


def size(count: float) -> str:
    """Return a number of bytes in the largest unit."""
    return in_words().size(count)


def height_of(rows: int, most: int = 560) -> int:
    """Return the height in pixels of a table with `rows` rows, so that it shows no empty or cut row."""
    return min(ROW_HEIGHT * (rows + 1) + 3, most)


def run_seconds(run: Run) -> float | None:
    """Return the seconds from the run's start to its end, or until now; None before the start."""
    if run.started_at is None:
        return None
    return ((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds()


def state_text(state: RunState) -> str:
    return t(STATES[state][0])


def badge_markup(state: RunState) -> str:
    """Return the badge of a state as Markdown."""
    label, color, icon = STATES[state]
    return f":{color}-badge[{icon} {t(label)}]"


@contextmanager
def told() -> Iterator[None]:
    """Show a `CcexportError` of the block as its sentence, and go on with the page."""
    try:
        yield
    except CcexportError as error:
        show_error(error)


def show_error(error: CcexportError) -> None:
    """Show what happened, what to do, and a reference that is also in the log."""
    icon = ":material/lock:" if isinstance(error, NotPermitted) else ":material/error:"
    show_refusal(say(error.message), icon=icon, logged=error.log)


def show_refusal(sentence: str, *, icon: str = ":material/error:", logged: str = "") -> None:
    """Show an error that the page itself found; `sentence` holds nothing that a person typed."""
    reference = secrets.token_hex(4)
    log.warning("%s reference=%s", logged or sentence, reference)
    said = t("Reference {reference}", reference=reference)
    st.error(f"{plain(sentence, 1_000)} :small[{said}]", icon=icon)


def empty(title: str, what_next: str, icon: str = ":material/inbox:") -> DeltaGenerator:
    """Draw an empty state: what is missing and the next action. Returns the box, for a link to that action."""
    box = st.container(border=True, horizontal_alignment="center")
    with box:
        st.markdown(f"### {icon} {title}", text_alignment="center")
        st.markdown(what_next, text_alignment="center")
    return box
