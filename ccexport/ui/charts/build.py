"""Charts of field values; each answers the question in its title. Must never compute a number."""

import altair as alt
import pandas as pd
import streamlit as st

from ccexport.services.profiles import FieldSummary
from ccexport.ui.render import bare, edge, here, number
from ccexport.ui.texts import t

ROW_HEIGHT = 30


def _ink() -> str:
    """Return the text colour of the reader's theme, which labels inside a chart do not use by themselves."""
    return "#e6edf4" if st.context.theme.type == "dark" else "#0b121b"


def most_frequent(summary: FieldSummary) -> None:
    """Draw the most frequent values of a field."""
    title = t("Which values are most frequent?")
    rows = [(bare(str(value), 40), count, number(count)) for value, count in summary.top]
    frame = pd.DataFrame(rows, columns=["value", "count", "label"])
    bars = alt.Chart(frame).encode(
        y=alt.Y("value:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)),
        x=alt.X(
            "count:Q", title=None, axis=None, scale=alt.Scale(domainMax=max(n for _, n, _ in rows) * 1.15)
        ),
        tooltip=["value", "label"],
    )
    chart = bars.mark_bar(cornerRadiusEnd=3) + bars.mark_text(align="left", dx=5, color=_ink()).encode(
        text="label:N"
    )
    st.altair_chart(chart.properties(title=title, height=ROW_HEIGHT * len(rows) + 45), alt=title)


def histogram(summary: FieldSummary) -> None:
    """Draw the distribution of a number or date field."""
    title = t("How are the values spread?")
    rows = [(edge(b.low), f"{edge(b.low)} – {edge(b.high)}", b.profiles) for b in summary.histogram]
    frame = pd.DataFrame(rows, columns=["low", "range", "profiles"])
    chart = (
        alt.Chart(frame, title=title, height=240)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X("low:N", sort=None, title=None, axis=alt.Axis(labelOverlap=True, labelAngle=0)),
            y=alt.Y("profiles:Q", title=None, axis=alt.Axis(format=",.0f", tickCount=4)),
            tooltip=["range", "profiles"],
        )
        .configure(**here().of_charts())
    )
    st.altair_chart(chart, alt=title)
