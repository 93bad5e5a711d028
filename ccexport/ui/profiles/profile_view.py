"""A table of profiles, and the chosen one: its fields, its segments, every export it was part of.

A profile id may be an e-mail address, so the page's address never keeps the choice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor
from ccexport.model.profiles import PROFILE_ID, Snapshot
from ccexport.ui.app_state import services
from ccexport.ui.navigation import link
from ccexport.ui.render import bare, moment, plain, show_error
from ccexport.ui.texts import t
from ccexport.ui.words import word

HEIGHT = 640
HEIGHT_BESIDE_ONE = 250  # so that the chosen profile is visible without scrolling


def frame_of(found: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {k: bare(v) if isinstance(v, str) else v for k, v in row.items() if not k.startswith("_")}
            for row in found
        ]
    )


def show_chosen(
    actor: Actor, snapshot: Snapshot, found: Sequence[Mapping[str, Any]], *, key: str, name: str
) -> None:
    """Draw the rows, and the chosen one in full below."""
    if not found:
        st.caption(t("No profile fits."))
        return
    st.caption(t("Choose a row to see everything about one profile."))
    key = f"{key}-{snapshot.id}"
    before = st.session_state.get(key)
    height = HEIGHT_BESIDE_ONE if before and before["selection"]["rows"] else HEIGHT
    chosen = st.dataframe(
        frame_of(found),
        hide_index=True,
        alt=name,
        height=min(36 * (len(found) + 1) + 3, height),
        placeholder="",
        on_select="rerun",
        selection_mode="single-row",
        key=key,
    )
    rows = chosen["selection"]["rows"]
    if rows and rows[0] < len(found):
        one_profile(actor, snapshot, str(found[rows[0]][PROFILE_ID]), found[rows[0]])


def one_profile(actor: Actor, snapshot: Snapshot, profile_id: str, row: Mapping[str, Any]) -> None:
    """Draw the fields of a profile beside its segments and its history."""
    with st.container(border=True):
        st.subheader(plain(str(row.get(snapshot.id_field) or profile_id)))
        left, right = st.columns(2, gap="large")
        with left:
            _fields(snapshot, row)
        with right:
            try:
                _segments(actor, profile_id)
                _history(actor, profile_id)
            except CcexportError as error:
                show_error(error)


def _fields(snapshot: Snapshot, row: Mapping[str, Any]) -> None:
    lines = [
        {t("Field"): plain(f.name), t("Value"): plain(_text(row.get(f.name)), 400)} for f in snapshot.fields
    ]
    st.table(lines, border="horizontal", hide_index=True, alt=t("Fields"))


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _segments(actor: Actor, profile_id: str) -> None:
    st.markdown(f"**{t('In the segments')}**")
    found = services().segments.of_profile(actor, profile_id)
    inside = [segment for segment, holds in found if holds]
    for segment in inside:
        link("segments", plain(segment.name), icon=":material/filter_alt:", segment=segment.id)
    if not inside:
        st.caption(t("In no segment"))
    unclear = [plain(segment.name, 60) for segment, holds in found if holds is None]
    if unclear:
        st.caption(t("Cannot be said for {names}: the rule does not fit.", names=", ".join(unclear)))


def _history(actor: Actor, profile_id: str) -> None:
    st.markdown(f"**{t('In the runs of exports')}**")
    parts = services().profiles.history(actor, profile_id)
    if not parts:
        st.caption(t("It was never part of a run that is kept."))
        return
    st.dataframe(
        pd.DataFrame(
            [
                {
                    t("Export"): bare(part.run.export_name),
                    t("Verdict"): word(part.reason or part.verdict or ""),
                    t("Outcome"): word(part.outcome) if part.outcome else None,
                    t("When"): moment(part.run.created_at),
                    t("List"): bare(part.run.list_name),
                    t("Run"): part.run.id,
                }
                for part in parts
            ]
        ),
        hide_index=True,
        alt=t("In the runs of exports"),
        placeholder="",
    )
