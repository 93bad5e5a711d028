"""Rows of a plan or a run as a table of exactly what is sent, one column per property."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd
import streamlit as st

from ccexport.model.words import Reason
from ccexport.plan.fields import CONTACT_FIELDS
from ccexport.services.previews import PlanRow, changes
from ccexport.ui.render import bare, height_of, number
from ccexport.ui.texts import t
from ccexport.ui.url_state import kept
from ccexport.ui.words import WARNINGS, why, word

PAGE = 200
LEFT_OUT = "left_out"
UNCOUNTED = {"warnings"}  # a plan counts warned fields, not the contacts that have them
HEIGHT = 400  # pixels: the first rows and the button to run fit a window of 1280 by 800
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
    frame = frame[[*ours[:middle], *sent, *ours[middle:]]].rename(columns=_heading)
    height = height_of(len(frame), HEIGHT)
    wide = {t(c): st.column_config.TextColumn(width="medium") for c in ("Why", "Warnings")}
    st.dataframe(frame, hide_index=True, height=height, key=key, alt=name, placeholder="", column_config=wide)


def _cells(row: PlanRow, *, outcomes: bool) -> dict[str, Any]:
    cells: dict[str, Any] = {
        t("Address"): bare(row.address) if row.address else None,
        t("Verdict"): word(row.reason or row.verdict or ""),
    }
    if outcomes:
        cells[t("Outcome")] = word(row.outcome) if row.outcome else None
        cells[t("Note")] = bare(t(row.note)) if row.note else None
    cells |= {_SENT + name: text(value) for name, value in row.fields.items() if name != "email"}
    cells |= {_SENT + c.field: f"{text(c.old)} → {text(c.new)}" for c in changes(row)}
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
    return f"{label(field)}: {said}" if field else said


def text(value: Any) -> str:
    """Return a value as it is sent, on one line."""
    if value is None:
        return "∅"
    return bare(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def choose_rows(
    counts: Mapping[str, int], reasons: Mapping[Reason, int], labels: Mapping[str, str]
) -> str | None:
    """Draw one line of numbers that filter the table below; return the code of the rows to show, None for all.

    The first number that is not zero is chosen until the reader chooses. `labels` words the codes that have other
    words here, `""` (all rows) among them. Those left out have a line of their reasons. The page's address keeps the
    choice as `what` and `reason`.
    """
    _split_reason()
    default = next((code for code in counts if counts[code]), "")
    chosen = _pills(t("Show"), [*counts, ""], counts, labels, key="what", default=default, required=True)
    if chosen != LEFT_OUT or not reasons:
        return chosen or None
    there = [str(reason) for reason, n in reasons.items() if n]
    return _pills(t("Reasons"), there, reasons, key="reason", default=None) or LEFT_OUT


def choose_difference(counts: Mapping[str, int]) -> str | None:
    """Draw the differences between two runs as buttons; return the chosen one, which the page's address keeps."""
    options = ["", *(code for code, n in counts.items() if n)]
    return _pills(t("Show"), options, counts, key="difference", default="", required=True) or None


def show_rows(code: str, view: Mapping[str, str]) -> None:
    """Put the choice of rows into the page's address, and say which rows are shown.

    `view` holds the other parameters of the address that lead to the table.
    """
    st.query_params.pop("page", None)
    for name, value in {**view, "what": code}.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
    st.toast(
        t("The table shows: {what}", what=word(code) if code else t("All")), icon=":material/filter_alt:"
    )


def _split_reason() -> None:
    """Turn an address that names a reason as `what` into those left out, and that reason of them."""
    asked = st.query_params.get("what")
    if asked in set(Reason):
        st.query_params["what"], st.query_params["reason"] = LEFT_OUT, str(asked)


def _pills(
    title: str,
    options: Sequence[str],
    counts: Mapping[Any, int],
    labels: Mapping[str, str] = MappingProxyType({}),
    *,
    key: str,
    default: str | None,
    required: bool = False,
) -> str | None:
    def written(code: str) -> str:
        if not code or code in labels:
            return labels.get(code) or t("All")
        return word(code) if code in UNCOUNTED else f"{word(code)} {number(counts[code])}"

    more = {"required": True} if required else {}
    return kept(
        st.pills,
        title,
        options,
        key=key,
        default=default,
        format_func=written,
        label_visibility="collapsed",
        **more,
    )


def _heading(column: str) -> str:
    """Return the heading of a column: a contact field by its label, as on every page."""
    if not column.startswith(_SENT):
        return column
    return label(column.removeprefix(_SENT))


def label(name: str) -> str:
    """Return the label of a contact field; any other name as it is."""
    field = CONTACT_FIELDS.get(name)
    return t(field.label) if field else name
