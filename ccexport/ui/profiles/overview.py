"""The parts of the Profiles page."""

import pandas as pd
import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.profiles import Snapshot
from ccexport.model.words import Role
from ccexport.services.profiles import FieldSummary
from ccexport.ui.app_state import services
from ccexport.ui.charts import build
from ccexport.ui.charts import segments as segment_charts
from ccexport.ui.profiles.profile_view import show_chosen
from ccexport.ui.render import ago, bare, edge, height_of, moment, number, percent, plain, told, zone
from ccexport.ui.texts import t, tn
from ccexport.ui.url_state import kept

PAGE = 50
GROWTH = 60  # snapshots in the chart


def figures(snapshot: Snapshot) -> None:
    """Draw how many profiles there are, how fresh they are, and how many rows were rejected."""
    with st.grid(3, min_column_width=170):
        st.metric(
            t("Profiles"),
            number(snapshot.profiles),
            border=True,
            help=t("Brought in") + " " + moment(snapshot.created_at),
            delta=t("brought in {ago}", ago=ago(snapshot.created_at)),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(t("Fields"), number(len(snapshot.fields)), border=True, height="stretch")
        st.metric(t("Rows not taken"), number(snapshot.rejects), border=True, height="stretch")
    sources = ", ".join(plain(s, 80) for s in snapshot.sources)
    st.caption(
        t(
            "From {sources}; each profile is known by {field}.",
            sources=sources,
            field=plain(snapshot.id_field),
        )
    )


def browse(actor: Actor, snapshot: Snapshot) -> None:
    """Draw the profiles, a page at a time."""
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
        st.caption(tn("{n} profile fits.", "{n} profiles fit.", n=total))
    if not total:
        return
    found = services().profiles.page(actor, search=search, offset=(page - 1) * PAGE, limit=PAGE)
    show_chosen(actor, snapshot, found, key="profiles", name=t("Profiles"))


def fields(actor: Actor, snapshot: Snapshot) -> None:
    """Draw an overview of every field, and the details of one."""
    with told():
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        t("Field"): bare(f.field.name),
                        t("Type"): t(str(f.field.type))
                        + (" · " + t("address") if f.field.name in snapshot.address_fields else ""),
                        t("Filled"): f.filled / f.profiles if f.profiles else 0.0,
                        t("Different values (about)"): f.distinct,
                    }
                    for f in services().profiles.field_table(actor)
                ]
            ),
            hide_index=True,
            alt=t("Fields"),
            column_config={
                t("Filled"): st.column_config.ProgressColumn(format="percent", min_value=0.0, max_value=1.0),
                t("Different values (about)"): st.column_config.NumberColumn(format="localized"),
            },
            height=height_of(len(snapshot.fields), 660),
        )
    names = [f.name for f in snapshot.fields]
    name = kept(st.selectbox, t("A field in depth"), names, key="field", default=names[0], width=360)
    if name:
        with told():
            _summary(services().profiles.field_summary(actor, name))


def _summary(summary: FieldSummary) -> None:
    with st.grid(3, min_column_width=130):
        st.metric(t("Filled"), percent(summary.fill_rate), border=True)
        st.metric(t("Different values"), number(summary.distinct), border=True)
        st.metric(t("Empty"), number(summary.profiles - summary.filled), border=True)
    if summary.minimum is not None:
        span = {"low": edge(summary.minimum), "high": edge(summary.maximum)}
        st.caption(t("From {low} to {high}.", **{k: plain(v) for k, v in span.items()}))
    if not summary.top:
        st.caption(t("Values are shown to contributors."))
        return
    if summary.histogram:
        build.histogram(summary)
    if summary.distinct == summary.filled:
        st.caption(t("Every value is different."))
    else:
        build.most_frequent(summary)


def snapshots(actor: Actor) -> None:
    """Draw how many profiles there were over time, and every snapshot, newest first."""
    found = services().profiles.snapshots(actor)
    segment_charts.growth(found[-GROWTH:])
    rows = [
        {
            t("Brought in"): s.created_at,
            t("Profiles"): s.profiles,
            t("Rows not taken"): s.rejects,
            t("From"): ", ".join(bare(x, 60) for x in s.sources),
            t("Snapshot"): s.id,
        }
        for s in reversed(found)
    ]
    times = st.column_config.DatetimeColumn(format="localized", timezone=str(zone()))
    counts = {t(c): st.column_config.NumberColumn(format="localized") for c in ("Profiles", "Rows not taken")}
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt=t("Snapshots"),
        column_config={t("Brought in"): times} | counts,
    )
    current = found[-1] if found else None
    if current and current.conflicts:
        st.subheader(t("Where the sources of the current one disagree"))
        st.dataframe(
            pd.DataFrame([{t("Field"): bare(f), t("Profiles"): n} for f, n in current.conflicts]),
            hide_index=True,
            alt=t("Where the sources of the current one disagree"),
        )
