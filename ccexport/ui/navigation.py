"""The pages: path, title, icon, required role and group of each; and navigation between them."""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.texts import t

FOLDER = Path(__file__).resolve().parents[2] / "pages"


@dataclass(frozen=True)
class Place:
    """One page of the dashboard."""

    path: str
    title: str
    icon: str
    need: Role
    group: str

    @property
    def file(self) -> Path:
        return FOLDER / f"{self.path}.py"


PLACES = (
    Place("overview", "Overview", ":material/home:", Role.VIEWER, ""),
    Place("profiles", "Profiles", ":material/contacts:", Role.VIEWER, "Data"),
    Place("segments", "Segments", ":material/filter_alt:", Role.VIEWER, "Data"),
    Place("exports", "Exports", ":material/outbox:", Role.VIEWER, "Data"),
    Place("runs", "Runs", ":material/history:", Role.VIEWER, "History"),
    Place("connections", "Connections", ":material/link:", Role.CONTRIBUTOR, "Administration"),
    Place("people", "People", ":material/group:", Role.ADMINISTRATOR, "Administration"),
    Place("system", "System", ":material/monitor_heart:", Role.VIEWER, "Administration"),
)


def go(path: str, **query: str) -> NoReturn:
    """Open another page, or this one with another query."""
    st.switch_page(str(FOLDER / f"{path}.py"), query_params=query)


def link(path: str, label: str, *, icon: str | None = None, **query: str) -> None:
    """Draw a link to a page; `label` is our own text, or was passed through `plain`."""
    st.page_link(str(FOLDER / f"{path}.py"), label=label, icon=icon, query_params=query)


def titled(path: str) -> str:
    """Return the title of a page in the reader's language."""
    return t(next(p.title for p in PLACES if p.path == path))
