"""Rows of a plan or a run as a table of exactly what is sent, one column per property."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ccexport.services.previews import PlanRow, changes
from ccexport.ui.render import bare, height_of, number
from ccexport.ui.said import say
from ccexport.ui.texts import t
from ccexport.ui.url_state import kept
from ccexport.ui.words import WARNINGS, why, word

PAGE = 200
UNCOUNTED = {"", "warnings"}  # a plan counts warned fields, not the contacts that have them
MOST_COLUMNS = 40
_SENT = "sent "  # distinguishes the properties of a contact from our own columns


def offset(total: int) -> int:
    """Return the first row of the page that the address names, of `total` rows; draw a pager for several pages."""
    if total <= PAGE:
        return 0
    page = st.pagination(-(-total // PAGE), key="page", bind="query-params")
    return (page - 1) * PAGE


def _after_sent() -> set[str]:
    return {t("Why"), t("Sent instead"), t("Warnings"), t("Segments"), t("Profile")}


def table(rows: Sequence[PlanRow], *, outcomes: bool, name: str, key: str) -> None:
    """Draw the rows without columns that are empty for all of them."""
    frame = pd.DataFrame([_cells(row, outcomes=outcomes) for row in rows])
    if frame.empty:
        st.caption(t("No contacts here."))
        return
    frame = frame.loc[:, frame.notna().any()]
    ours = [c for c in frame.columns if not c.startswith(_SENT)]
    sent = [c for c in frame.columns if c.startswith(_SENT)][:MOST_COLUMNS]
    middle = next((i for i, c in enumerate(ours) if c in _after_sent()), len(ours))
    frame = frame[[*ours[:middle], *sent, *ours[middle:]]].rename(columns=lambda c: c.removeprefix(_SENT))
    height = height_of(len(frame))
    wide = {t(c): st.column_config.TextColumn(width="medium") for c in ("Why", "Changes", "Warnings")}
    st.dataframe(frame, hide_index=True, height=height, key=key, alt=name, placeholder="", column_config=wide)


def _cells(row: PlanRow, *, outcomes: bool) -> dict[str, Any]:
    cells: dict[str, Any] = {
        t("Address"): bare(row.address) if row.address else None,
        t("Verdict"): word(row.reason or row.verdict or ""),
    }
    if outcomes:
        cells[t("Outcome")] = word(row.outcome) if row.outcome else None
        cells[t("Note")] = bare(say(row.note)) if row.note else None
    changed = ", ".join(f"{c.field}: {text(c.old)} → {text(c.new)}" for c in changes(row))
    cells[t("Changes")] = changed or None
    cells |= {_SENT + name: text(value) for name, value in row.fields.items() if name != "email"}
    cells[t("Why")] = why(row.verdict, row.reason) if row.reason else None
    cells[t("Sent instead")] = row.winner
    cells[t("Warnings")] = ", ".join(map(warning, row.warnings)) or None
    cells[t("Segments")] = bare("; ".join(row.segments)) or None
    cells[t("Profile")] = bare(row.profile_id)
    return cells


def warning(code: str) -> str:
    """Return a warning (`field:what`) in words."""
    field, _, what = code.rpartition(":")
    said = t(WARNINGS[what]) if what in WARNINGS else what
    return f"{field}: {said}" if field else said


def text(value: Any) -> str:
    """Return a value as it is sent, on one line."""
    if value is None:
        return "∅"
    return bare(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def chooser(counts: Sequence[tuple[str, int]], *, key: str = "what") -> str | None:
    """Draw the counts as buttons, and return the chosen one, which the page's address keeps."""
    options = ["", *[code for code, n in counts if n]]
    amounts = dict(counts)

    def label(code: str) -> str:
        if code in UNCOUNTED:
            return word(code) if code else t("All")
        return f"{word(code)} {number(amounts[code])}"

    chosen = kept(st.pills, t("Show"), options, key=key, default="", required=True, format_func=label)
    return chosen or None
