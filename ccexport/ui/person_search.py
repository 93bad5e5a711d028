"""“Why is this person not in?”: one person in a plan or a run, from the segments to the outcome."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.profiles import PROFILE_ID
from ccexport.model.words import Role
from ccexport.services.previews import PlanRow, changes
from ccexport.services.profiles import Part
from ccexport.ui.app_state import services
from ccexport.ui.contact_table import label, text, warning
from ccexport.ui.render import bare, code, moment, plain, told
from ccexport.ui.texts import t
from ccexport.ui.words import why, word

MOST_RUNS = 20
MOST_FOUND = 20


def person_search(
    actor: Actor, look: Callable[[str], Sequence[PlanRow]], segments: Collection[str], *, key: str
) -> None:
    """Draw a field for an address or a profile id, and what was decided. The page's address keeps nothing of it.

    `segments` are the names of the plan's segments.
    """
    if not actor.role.covers(Role.CONTRIBUTOR):
        st.caption(t("Looking people up is for contributors."))
        return
    asked = st.text_input(
        t("Is this person in, and if not, why?"),
        placeholder=t("an address or a profile id"),
        max_chars=320,
        key=key,
        icon=":material/person_search:",
        width=480,
    ).strip()
    if not asked:
        return
    with told():
        found = look(asked)
        for row in found:
            _answer(actor, row)
        if not found:
            _not_a_candidate(actor, asked, segments)


def _answer(actor: Actor, row: PlanRow) -> None:
    color = "orange" if row.reason else "green"
    head = f":{color}-badge[{word(row.reason or row.verdict or '')}]"
    if row.outcome:
        head += f" → :blue-badge[{word(row.outcome)}]"
    with st.container(border=True):
        st.markdown(f"#### {head} {code(row.address or '–')} · {plain(row.profile_id)}")
        st.markdown(
            plain(
                " ".join(filter(None, [why(row.verdict, row.reason), t(row.note) if row.note else ""])), 400
            )
        )
        if row.winner:
            st.markdown(t("Sent instead: profile {id}.", id=plain(row.winner)))
        left, right = st.columns(2, gap="large")
        with left:
            _what_is_sent(row)
        with right:
            if row.segments:
                st.markdown(f"**{t('Segments')}:** {plain('; '.join(row.segments), 400)}")
            if row.warnings:
                st.markdown(f"**{t('Warnings')}:** {plain(', '.join(map(warning, row.warnings)), 400)}")
            _runs(services().profiles.history(actor, row.profile_id))


def _what_is_sent(row: PlanRow) -> None:
    """Draw the contact field by field; for an update also the values before."""
    if not row.fields:
        return
    old = {change.field: change.old for change in changes(row)}
    lines = []
    for name in {**row.fields, **old}:
        line = {t("Field"): plain(label(name)), t("Value"): plain(text(row.fields.get(name)), 400)}
        if old:
            line[t("Before")] = plain(text(old[name]), 400) if name in old else ""
        lines.append(line)
    st.table(lines, border="horizontal", hide_index=True, alt=t("The contact, as it is sent"))


def _runs(parts: Sequence[Part]) -> None:
    if not parts:
        st.caption(t("It was never part of a run that is kept."))
        return
    st.markdown(f"**{t('In the runs of exports')}**")
    cells = [
        {
            t("When"): moment(part.run.created_at),
            t("Export"): bare(part.run.export_name),
            t("Verdict"): word(part.reason or part.verdict or ""),
            t("Outcome"): word(part.outcome) if part.outcome else "",
        }
        for part in parts[:MOST_RUNS]
    ]
    st.dataframe(pd.DataFrame(cells), hide_index=True, alt=t("In the runs of exports"))


def _not_a_candidate(actor: Actor, asked: str, segments: Collection[str]) -> None:
    """Draw whether a profile has this address or id, and which segments it is in and not in."""
    st.info(t("Nobody with this address or id is among the candidates: not in any of the segments."))
    found = _profiles(actor, asked)
    if not found:
        st.markdown(t("No profile has this address or id."))
    for row in found:
        profile_id = str(row[PROFILE_ID])
        inside = [s.name for s, holds in services().segments.of_profile(actor, profile_id) if holds]
        with st.container(border=True):
            st.markdown(
                t(
                    "Profile **{id}** is there, but not in {names}.",
                    id=plain(profile_id),
                    names=plain(" / ".join(segments) or "–", 400),
                )
            )
            others = plain("; ".join(inside), 400)
            st.markdown(
                t("It is in these segments now: {names}", names=others) if inside else t("In no segment")
            )
            _runs(services().profiles.history(actor, profile_id))


def _profiles(actor: Actor, asked: str) -> Sequence[Mapping[str, Any]]:
    """Return the profiles with exactly this id or address."""
    snapshot = services().profiles.find_current(actor)
    if snapshot is None:
        return []
    known = services().profiles.profile(actor, asked)
    if known is not None:
        return [known]
    near = services().profiles.page(actor, search=asked, limit=MOST_FOUND)
    wanted = asked.casefold()
    return [
        row for row in near if wanted in {str(row[f]).strip().casefold() for f in snapshot.address_fields}
    ]
