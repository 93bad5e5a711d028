"""The parts of the System page."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.render import ago, bare, height_of, number, show_error, zone
from ccexport.ui.texts import t, tn
from ccexport.ui.url_state import paged

MEGABYTE, GIGABYTE = 1_000_000, 1_000_000_000
REQUESTS_A_DAY = 10_000
PARTS = mark(
    {
        "profiles": "Profiles",
        "members": "Members of segments",
        "plans": "Plans",
        "outcomes": "Outcomes",
        "deliveries": "Deliveries",
        "destination": "Contact lists, as they were read",
        "ledger": "Ledger",
        "sandbox": "Sandbox",
        "sample-profiles": "Sample profiles",
    }
)
ENTRIES = 1_000  # of the suppression list on one page


def health(actor: Actor) -> None:
    """Draw version, worker and storage."""
    status = services().system.status(actor)
    stored = sum(status["storage"].values())
    stalled = status["queued"] and not status["driven"] and status["worker"] != "embedded"
    if stalled:
        st.warning(t("Runs are queued and no worker drives any; is one running?"), icon=":material/warning:")
    with st.grid(4, min_column_width=170):
        st.metric(
            t("Constant Contact"), t("sandbox") if status["sandbox"] else t("real account"), border=True
        )
        here = status["worker"] == "embedded"
        st.metric(t("Worker"), t("here") if here else t("elsewhere"), border=True)
        st.metric(t("Live runs"), number(status["live_runs"]), border=True)
        st.metric(t("In the queue"), number(status["queued"]), border=True)
        st.metric(t("Waiting"), number(status["waiting"]), border=True)
        oldest = status["oldest_live"]
        st.metric(t("Oldest live run"), ago(oldest) if oldest else "–", border=True)
        st.metric(
            t("Requests today"),
            number(status["requests_today"]),
            border=True,
            help=t("of {n}", n=number(REQUESTS_A_DAY)),
        )
        st.metric(
            t("Stored"),
            _bytes(stored),
            border=True,
            help=t("{size} are free on the disk", size=_bytes(status["free"])),
        )
    st.subheader(t("Storage"))
    frame = pd.DataFrame(
        [
            {t("Part"): part, t("Megabytes"): round(size / MEGABYTE, 2)}
            for part, size in _parts(status["storage"])
        ]
    )
    st.dataframe(
        frame,
        hide_index=True,
        alt=t("Storage"),
        width=560,
        column_config={
            t("Megabytes"): st.column_config.ProgressColumn(
                format="localized", min_value=0, max_value=max(stored / MEGABYTE, 0.01)
            )
        },
    )
    st.caption(
        t(
            "Version {version}. Memory for queries: {limit}. Log level: {level}. Everything is in one data directory; "
            "“ccexport backup” copies it.",
            version=status["version"],
            limit=status["memory_limit"],
            level=status["log_level"],
        )
    )
    if actor.role.covers(Role.ADMINISTRATOR) and status["driving"]:
        st.subheader(t("Who drives what"))
        st.table(
            [{t("Run"): k.removeprefix("run:"), t("Process"): str(v)} for k, v in status["driving"].items()]
        )


def _parts(storage: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return what is stored, in words, with bytes, the largest first; the files of one part are summed."""
    sizes: Counter[str] = Counter()
    for name, size in storage.items():
        part, _, _ = name.partition(".")
        sizes[t(PARTS.get(part, mark("Others")))] += size
    return sizes.most_common()


def _bytes(size: float) -> str:
    return f"{number(size / GIGABYTE, 1)} GB" if size >= GIGABYTE else f"{number(size / MEGABYTE, 1)} MB"


def suppression(actor: Actor) -> None:
    """Draw the suppression list."""
    st.markdown(t("Nobody on this list is ever sent, whatever the export says."))
    if actor.role.covers(Role.CONTRIBUTOR):
        _change_suppression(actor)
    many = services().system.count_suppressed(actor)
    if not many:
        st.caption(t("The suppression list is empty."))
        return
    page = paged(many, ENTRIES, tn("{n} entry", "{n} entries", n=many))
    there = services().system.suppressed(actor, offset=(page - 1) * ENTRIES, limit=ENTRIES)
    columns = {
        t("Entry"): [bare(r["value"]) for r in there],
        t("Kind"): [t(r["kind"]) for r in there],
        t("Added by"): [r["added_by"] for r in there],
        t("Added"): [r["added_at"] for r in there],
    }
    st.dataframe(
        pa.table(columns), hide_index=True, alt=t("Suppression list"), column_config=_times(t("Added"))
    )


def _change_suppression(actor: Actor) -> None:
    with st.form("suppress", clear_on_submit=True):
        text = st.text_area(
            t("Addresses or domains, one a line"),
            placeholder="person@example.com\n@example.org",
            max_chars=200_000,
        )
        with st.container(horizontal=True):
            add = st.form_submit_button(t("Add to the list"), type="primary")
            drop = st.form_submit_button(t("Take off the list"))
    values = [line for line in text.splitlines() if line.strip()]
    try:
        if add and values:
            n = services().system.suppress(actor, values)
            st.success(tn("{n} entry was new.", "{n} entries were new.", n=n))
        elif drop and values:
            gone = sum(services().system.unsuppress(actor, value) for value in values)
            st.success(tn("{n} entry is off the list.", "{n} entries are off the list.", n=gone))
    except CcexportError as error:
        show_error(error)


def audit(actor: Actor) -> None:
    """Draw the audit: who did what and when, newest first."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(t("Search"), icon=":material/search:", max_chars=100, width=360)
        st.link_button(t("Download the audit"), "/download/audit.csv", icon=":material/download:")
    found = services().system.audit(actor, search=search.strip())
    if not found:
        st.caption(t("Nothing found."))
        return
    frame = pd.DataFrame(
        [
            {
                t("When"): row["at"],
                t("Who"): bare(row["actor"]),
                t("What"): bare(t(row["action"])),
                t("On what"): bare(row["subject"]),
                t("Details"): bare(", ".join(f"{k}: {v}" for k, v in row["detail"].items()), 300),
            }
            for row in found
        ]
    )
    height = height_of(len(frame), 620)
    st.dataframe(frame, hide_index=True, alt=t("Audit"), height=height, column_config=_times(t("When")))


def _times(column: str) -> dict[str, Any]:
    return {column: st.column_config.DatetimeColumn(format="localized", timezone=str(zone()))}
