"""Charts that pages draw at every rerun, cached for the same numbers, words and theme.

Altair needs more time to check a chart than the rest of a page takes. The rows are cached in the form in which
Streamlit sends them. Must never compute a number.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import lru_cache
from typing import Any

import altair as alt
import pyarrow as pa
import streamlit as st
from streamlit.dataframe_util import convert_anything_to_arrow_bytes

from ccexport.model.words import Reason, Verdict
from ccexport.ui.contact_table import show_rows
from ccexport.ui.render import here, number
from ccexport.ui.texts import t, tn
from ccexport.ui.texts.reader import Reader
from ccexport.ui.words import word

ROW_HEIGHT = 30
Rows = tuple[tuple[str, str, int, str], ...]
_FUNNEL = "funnel"
_ROWS = alt.NamedData("rows")


def funnel(
    candidates: int, verdicts: Mapping[Verdict, int], reasons: Mapping[Reason, int], **view: str
) -> None:
    """Draw the way from the candidates, past every reason, to the verdicts.

    A pressed bar leads to its rows: the page's address gets its code as `what`, and the other parameters in `view`.
    """
    left_out, goes, stays, leaves = t("Left out"), t("Sent"), t("Unchanged"), t("Removed")
    group = {Verdict.ADD: goes, Verdict.UPDATE: goes, Verdict.UNCHANGED: stays, Verdict.REMOVE: leaves}
    rows = [("", t("Candidates"), candidates, t("Candidates"))]
    rows += [(str(r), word(r), reasons.get(r, 0), left_out) for r in Reason if reasons.get(r, 0)]
    rows += [(str(v), word(v), verdicts.get(v, 0), group[v]) for v in Verdict if verdicts.get(v, 0)]
    title = tn("Where does the {n} candidate go?", "Where do the {n} candidates go?", n=candidates)
    labels = tuple(number(n) for _, _, n, _ in rows)
    domain = (goes, stays, t("Candidates"), left_out, leaves)
    spec = _funnel(tuple(rows), labels, domain, title, (t("What"), t("Contacts")), _ink())
    st.vega_lite_chart(deepcopy(spec), alt=title, key=_FUNNEL, on_select=lambda: _pressed(view))


def _pressed(view: Mapping[str, str]) -> None:
    chosen = st.session_state[_FUNNEL].selection.get("bar") or []
    if chosen:
        show_rows(chosen[0]["code"], view)


def _ink() -> str:
    """Return the text colour of the reader's theme, which labels inside a chart do not use by themselves."""
    return "#e6edf4" if st.context.theme.type == "dark" else "#0b121b"


@lru_cache(maxsize=64)
def _funnel(
    rows: Rows, labels: tuple[str, ...], domain: tuple[str, ...], title: str, heads: tuple[str, str], ink: str
) -> dict[str, Any]:
    table = _table(
        ("code", "what", "count", "group", "label"),
        [(*row, label) for row, label in zip(rows, labels, strict=True)],
    )
    most = max(rows[0][2], 1) * 1.25
    pressed = alt.selection_point(name="bar", fields=["code"])
    bars = alt.Chart(_ROWS).encode(
        y=alt.Y("what:N", sort=None, title=None, axis=alt.Axis(labelLimit=180, labelOverlap=False)),
        x=alt.X("count:Q", title=None, axis=None, scale=alt.Scale(domainMax=most)),
        tooltip=[alt.Tooltip("what:N", title=heads[0]), alt.Tooltip("label:N", title=heads[1])],
    )
    chart = bars.mark_bar(cornerRadiusEnd=3, cursor="pointer").encode(
        color=alt.Color("group:N", scale=alt.Scale(domain=list(domain)), legend=None)
    ).add_params(pressed) + bars.mark_text(align="left", dx=5, color=ink).encode(text="label:N")
    return _finished(chart.properties(title=title, height=ROW_HEIGHT * len(rows) + 45), table)


def delivered(days: Sequence[tuple[str, str, int]]) -> None:
    """Draw (day, outcome, contacts) as stacked bars."""
    title = t("How many contacts arrived on the lists each day?")
    domain = tuple(word(outcome) for outcome in ("verified", "rejected", "missing", "unknown", "left"))
    spec = _delivered(tuple(days), title, domain, (t("Day"), t("Outcome"), t("Contacts")), here())
    st.vega_lite_chart(deepcopy(spec), alt=title)


@lru_cache(maxsize=64)
def _delivered(
    days: tuple[tuple[str, str, int], ...],
    title: str,
    domain: tuple[str, ...],
    heads: tuple[str, str, str],
    reader: Reader,
) -> dict[str, Any]:
    # The theme's colours in their order: blue, green (of nothing), grey, red-brown, brown.
    chart = (
        alt.Chart(_ROWS, title=title, height=280)
        .mark_bar(cornerRadiusEnd=2)
        .encode(
            x=alt.X("day:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True)),
            y=alt.Y("count:Q", title=None, axis=alt.Axis(format=",.0f", tickCount=4)),
            color=alt.Color(
                "outcome:N",
                title=None,
                scale=alt.Scale(domain=[domain[0], "", domain[2], domain[1], domain[3]]),
                legend=alt.Legend(orient="top", values=list(domain)),
            ),
            tooltip=[
                alt.Tooltip(field, title=head)
                for field, head in zip(("day:N", "outcome:N", "count:Q"), heads, strict=True)
            ],
        )
    )
    return _finished(chart.configure(**reader.of_charts()), _table(("day", "outcome", "count"), days))


def _table(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _finished(chart: Any, table: pa.Table) -> dict[str, Any]:
    """Return the chart with its rows as bytes, which Streamlit passes on unchanged."""
    made: dict[str, Any] = chart.to_dict()
    return made | {"datasets": {_ROWS.name: convert_anything_to_arrow_bytes(table)}}
