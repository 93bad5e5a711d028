"""The parts of the Profiles page."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from ccexport.errors import CcexportError, Conflict
from ccexport.model.exports import Actor
from ccexport.model.profiles import Snapshot
from ccexport.model.sources import Progress
from ccexport.model.words import Role
from ccexport.services.profiles import FieldSummary
from ccexport.ui import charts
from ccexport.ui.address import kept
from ccexport.ui.holder import services
from ccexport.ui.show import ago, bare, moment, number, plain, show_error, zone
from ccexport.ui.texts import t

PAGE = 50
TYPES = ["csv", "tsv", "txt", "parquet", "json", "jsonl", "ndjson", "xlsx", "gz"]


def figures(snapshot: Snapshot) -> None:
    """How many, how fresh, how clean."""
    with st.grid(4, min_column_width=170):
        st.metric(t("Profiles"), number(snapshot.profiles), border=True)
        st.metric(t("Brought in"), ago(snapshot.created_at), border=True, help=moment(snapshot.created_at))
        st.metric(t("Fields"), number(len(snapshot.fields)), border=True)
        st.metric(t("Rows not taken"), number(snapshot.rejects), border=True)
    sources = ", ".join(plain(s, 80) for s in snapshot.sources)
    st.caption(
        t(
            "From {sources}; each profile is known by {field}.",
            sources=sources,
            field=plain(snapshot.id_field),
        )
    )


def browse(actor: Actor, snapshot: Snapshot) -> None:
    """The profiles, a page at a time."""
    search = ""
    if actor.role.covers(Role.CONTRIBUTOR):
        search = st.text_input(
            t("Search"),
            placeholder=t("a name, an address or an id"),
            icon=":material/search:",
            max_chars=200,
            width=480,
        ).strip()
    else:
        st.caption(t("Personal data are masked for viewers."))
    total = services().profiles.count(actor, search=search) if search else snapshot.profiles
    page = st.pagination(max(1, -(-total // PAGE)), key="page", bind="query-params")
    if search:
        st.caption(t("{n} profiles fit.", n=number(total)))
    found = services().profiles.page(actor, search=search, offset=(page - 1) * PAGE, limit=PAGE)
    if not found:
        st.caption(t("No profile fits."))
        return
    st.dataframe(
        frame_of(found), hide_index=True, alt=t("Profiles"), height=min(36 * (len(found) + 1) + 3, 640)
    )


def frame_of(found: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {k: bare(v) if isinstance(v, str) else v for k, v in row.items() if not k.startswith("_")}
            for row in found
        ]
    )


def fields(actor: Actor, snapshot: Snapshot) -> None:
    """Every field with its type; one of them in depth."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.table(
            [
                {
                    t("Field"): plain(f.name),
                    t("Type"): t(str(f.type))
                    + (" · " + t("address") if f.name in snapshot.address_fields else ""),
                }
                for f in snapshot.fields
            ],
            border="horizontal",
            hide_index=True,
            alt=t("Fields"),
        )
    with right:
        names = [f.name for f in snapshot.fields]
        name = kept(st.selectbox, t("A field in depth"), names, key="field", default=names[0], width=360)
        if name:
            try:
                _summary(services().profiles.field_summary(actor, name))
            except CcexportError as error:
                show_error(error)


def _summary(summary: FieldSummary) -> None:
    with st.grid(3, min_column_width=130):
        st.metric(t("Filled"), f"{100 * summary.fill_rate:.1f} %", border=True)
        st.metric(t("Different values"), number(summary.distinct), border=True)
        st.metric(t("Empty"), number(summary.profiles - summary.filled), border=True)
    if summary.minimum is not None:
        span = {"low": bare(str(summary.minimum), 40), "high": bare(str(summary.maximum), 40)}
        st.caption(t("From {low} to {high}.", **{k: plain(v) for k, v in span.items()}))
    if summary.histogram:
        charts.histogram(summary)
    elif summary.top:
        charts.most_frequent(summary)
    else:
        st.caption(t("Values are shown to contributors."))


def snapshots(actor: Actor) -> None:
    """Every snapshot, newest first."""
    rows = [
        {
            t("Brought in"): s.created_at,
            t("Profiles"): s.profiles,
            t("Rows not taken"): s.rejects,
            t("From"): ", ".join(bare(x, 60) for x in s.sources),
            t("Snapshot"): s.id,
        }
        for s in reversed(services().profiles.snapshots(actor))
    ]
    times = st.column_config.DatetimeColumn(format="localized", timezone=str(zone()))
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt=t("Snapshots"), column_config={t("Brought in"): times}
    )


def ingest(actor: Actor) -> None:
    """A file becomes the new snapshot; the current one stays when it cannot."""
    with st.form("ingest"):
        file = st.file_uploader(t("File with profiles"), type=TYPES)
        id_field = st.text_input(
            t("Field that identifies a customer (empty: found by itself)"), max_chars=200
        )
        accept = st.checkbox(t("Take it even if fields are missing or it is much smaller than before"))
        go_on = st.form_submit_button(t("Bring it in"), type="primary", icon=":material/upload:")
    if not go_on:
        return
    if file is None:
        st.error(t("Choose a file first."))
        return
    with tempfile.TemporaryDirectory(prefix="ccexport-") as folder:
        path = Path(folder) / (Path(file.name).name or "profiles.csv")
        path.write_bytes(file.getbuffer())
        _take(actor, path, id_field.strip() or None, accept)


def _take(actor: Actor, path: Path, id_field: str | None, accept: bool) -> None:
    bar = st.progress(0.0, text=t("Reading …"))

    def told(progress: Progress) -> None:
        bar.progress(progress.share or 0.0)

    try:
        report = services().profiles.ingest(
            actor,
            [path],
            id_field=id_field,
            accept_changes=accept,
            progress=told,
        )
    except Conflict as error:
        bar.empty()
        show_error(error)
        st.caption(t("Nothing was changed. If that is right, tick the box and bring it in again."))
        return
    except CcexportError as error:
        bar.empty()
        show_error(error)
        st.caption(t("Nothing was changed."))
        return
    bar.empty()
    st.success(
        t(
            "{n} profiles are current now; {rejects} rows were not taken.",
            n=number(report.snapshot.profiles),
            rejects=number(report.snapshot.rejects),
        ),
        icon=":material/check_circle:",
    )
    for reason, count in report.reasons.items():
        st.caption(f"{number(count)} × {plain(reason, 200)}")
