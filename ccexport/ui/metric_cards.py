"""Large numbers, each with a button that shows its rows. Must never count.

Streamlit's own metric cannot be pressed, so it has a button below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from ccexport.ui.render import number
from ccexport.ui.texts import t, tn
from ccexport.ui.words import word


@dataclass(frozen=True)
class Number:
    """A number, and the code that selects its rows."""

    label: str
    count: int | None
    code: str
    help: str | None = None


def numbers(found: Sequence[Number], *, columns: int, **view: str) -> None:
    """Draw one card per number; `view` holds the other parameters of the page's address that select rows."""
    with st.grid(columns, min_column_width=150):
        for one in found:
            with st.container(border=True, height="stretch", gap="xsmall"):
                st.metric(one.label, number(one.count), help=one.help)
                if one.count:
                    st.button(
                        tn("Show {n} row", "Show {n} rows", n=one.count),
                        key=f"rows-{one.code or 'all'}",
                        type="tertiary",
                        icon=":material/arrow_downward:",
                        on_click=show_rows,
                        args=(one.code, view),
                    )


def show_rows(code: str, view: Mapping[str, str]) -> None:
    """Put the choice into the page's address, which selects the rows below, and say where the rows are."""
    st.query_params.pop("page", None)
    for name, value in {**view, "what": code}.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
    st.toast(
        t("The rows are below: {what}", what=word(code) if code else t("All")),
        icon=":material/arrow_downward:",
    )
