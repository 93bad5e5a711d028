"""“Why is this one not in?”: one person's way through a plan or a run."""

from collections.abc import Callable, Sequence

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services.previews import PlanRow, changes
from ccexport.ui.said import say
from ccexport.ui.show import code, plain, told
from ccexport.ui.texts import t
from ccexport.ui.words import why, word


def person_search(actor: Actor, look: Callable[[str], Sequence[PlanRow]], key: str) -> None:
    """A field for an address or a profile id, and what was decided. Nothing of it enters the address bar."""
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
        if not found:
            st.info(t("Nobody with this address or id is among the candidates: not in any of the segments."))
        for row in found:
            _answer(row)


def _answer(row: PlanRow) -> None:
    with st.container(border=True):
        verdict = word(row.reason or row.verdict or "")
        line = f"**{verdict}** · {code(row.address or '–')} · {plain(row.profile_id)}"
        if row.outcome:
            line += f" · {t('Outcome')}: **{word(row.outcome)}**"
        st.markdown(line)
        st.caption(plain(" ".join(filter(None, [why(row.verdict, row.reason), say(row.note or "")])), 400))
        if row.winner:
            st.caption(t("Sent instead: profile {id}.", id=plain(row.winner)))
        for change in changes(row):
            st.caption(f"{change.field}: {plain(str(change.old))} → {plain(str(change.new))}")
        if row.fields:
            st.json(row.fields, expanded=False)
