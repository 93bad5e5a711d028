"""Charts of segments and snapshots: over time, compared with everybody, compared with each other.

Each answers the question in its title. Must never compute a number.
"""

from collections.abc import Sequence
from datetime import datetime

import altair as alt
import pandas as pd
import streamlit as st

from ccexport.model.profiles import Snapshot
from ccexport.services.segments import Size
from ccexport.ui.render import bare, edge, here, moment, number, percent
from ccexport.ui.texts import t

ROW_HEIGHT = 30


def sizes(found: Sequence[Size]) -> None:
    """Draw how many members a segment had in each snapshot."""
    title = t("How many were in it after each ingest?")
    rows = [(at.created_at, at.members, number(at.members), number(at.profiles)) for at in found]
    _over_time(title, rows)


def growth(found: Sequence[Snapshot]) -> None:
    """Draw how many profiles each snapshot has."""
    title = t("How many profiles were there after each ingest?")
    rows = [(at.created_at, at.profiles, number(at.profiles), number(at.rejects)) for at in found]
    _over_time(title, rows, beside=t("Rows not taken"))


def _over_time(
    title: str, rows: Sequence[tuple[datetime, int | None, str, str]], beside: str | None = None
) -> None:
    labels = [f"{moment(at)}" for at, *_ in rows]
    frame = pd.DataFrame(
        [(label, *row[1:]) for label, row in zip(labels, rows, strict=True)],
        columns=["when", "count", "label", "beside"],
    )
    chart = (
        alt.Chart(frame, title=title, height=240)
        .mark_bar(cornerRadiusEnd=3, size=min(48, 600 // max(1, len(rows))))
        .encode(
            x=alt.X(
                "when:O",
                sort=labels,
                title=None,
                axis=alt.Axis(labelAngle=0, labelOverlap=True, labelLimit=160),
            ),
            y=alt.Y("count:Q", title=None, axis=alt.Axis(format=",.0f", tickCount=4)),
            tooltip=[
                alt.Tooltip("when", title=t("When")),
                alt.Tooltip("label", title=t("Profiles")),
                alt.Tooltip("beside", title=beside or t("Of all profiles")),
            ],
        )
        .configure(**here().of_charts())
    )
    st.altair_chart(chart, alt=title)


def breakdown(rows: Sequence[tuple[object, int, int]], members: int, everybody: int) -> None:
    """Draw the share of each value among the members and among everybody."""
    title = t("How do its profiles differ from everybody?")
    inside, outside = t("In the segment"), t("Everybody")
    lines = []
    for value, n, all_ in rows:
        label = t("(empty)") if value is None else _range(value)
        for who, count, total in ((inside, n, members), (outside, all_, everybody)):
            share = count / total if total else 0.0
            lines.append((label, who, share, f"{percent(share)} · {number(count)}"))
    frame = pd.DataFrame(lines, columns=["value", "who", "share", "label"])
    bars = alt.Chart(frame).encode(
        y=alt.Y(
            "value:N",
            sort=list(dict.fromkeys(line[0] for line in lines)),
            title=None,
            axis=alt.Axis(labelLimit=180, labelOverlap=False),
        ),
        yOffset=alt.YOffset("who:N", sort=[inside, outside]),
        x=alt.X(
            "share:Q",
            title=None,
            axis=None,
            scale=alt.Scale(domainMax=1.35 * max((line[2] for line in lines), default=1) or 1),
        ),
        tooltip=["value", alt.Tooltip("who", title=t("Who")), alt.Tooltip("label", title=t("Profiles"))],
    )
    color = alt.Color(
        "who:N",
        title=None,
        scale=alt.Scale(domain=[inside, outside], range=["#0b5cad", "#8a97a6"]),
        legend=alt.Legend(orient="top", direction="horizontal"),
    )
    chart = bars.mark_bar(cornerRadiusEnd=3).encode(color=color) + bars.mark_text(
        align="left", dx=5, color=_ink()
    ).encode(text="label:N")
    st.altair_chart(chart.properties(title=title, height=2 * 22 * len(rows) + 70), alt=title)


def _range(value: object) -> str:
    if isinstance(value, tuple):
        return f"{edge(value[0])} – {edge(value[1])}"
    if isinstance(value, bool):
        return t("true") if value else t("false")
    return bare(str(value), 40)


def overlap(found: Sequence[tuple[Sequence[str], int]], compared: int) -> None:
    """Draw how many profiles are in each exact combination of segments."""
    title = t("How many are in exactly these?")
    rows = [
        (" + ".join(bare(n, 40) for n in names), count, number(count), len(names) == compared)
        for names, count in found
    ]
    if not rows:
        st.caption(t("No profile fits."))
        return
    frame = pd.DataFrame(rows, columns=["in", "count", "label", "all"])
    bars = alt.Chart(frame).encode(
        y=alt.Y("in:N", sort=None, title=None, axis=alt.Axis(labelLimit=420, labelOverlap=False)),
        x=alt.X("count:Q", title=None, axis=None, scale=alt.Scale(domainMax=max(r[1] for r in rows) * 1.2)),
        tooltip=[alt.Tooltip("in", title=t("In exactly")), alt.Tooltip("label", title=t("Profiles"))],
    )
    color = alt.Color("all:N", legend=None, scale=alt.Scale(domain=[False, True]))
    chart = bars.mark_bar(cornerRadiusEnd=3).encode(color=color) + bars.mark_text(
        align="left", dx=5, color=_ink()
    ).encode(text="label:N")
    st.altair_chart(chart.properties(title=title, height=ROW_HEIGHT * len(rows) + 45), alt=title)


def _ink() -> str:
    """Return the text colour of the reader's theme, which labels inside a chart do not use by themselves."""
    return "#e6edf4" if st.context.theme.type == "dark" else "#0b121b"
