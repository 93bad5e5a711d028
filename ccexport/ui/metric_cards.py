"""Numbers in large letters, each with the way down to its rows. Must never count.

Streamlit's own number cannot be pressed, so a button stands below it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from ccexport.ui.render import number
from ccexport.ui.texts import t, tn
from ccexport.ui.words import word


@dataclass(frozen=True)
class Number:
    """A number, and the code by which its rows are found."""

    label: str
    count: int | None
    code: str
    help: str | None = None


def numbers(found: Sequence[Number], *, columns: int, **view: str) -> None:
    """One card each; `view` is whatever else the rows are found by in the address of the page."""
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
    """Puts the choice into the address, for the rows further down the page, and says that they are there."""
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
