"""Suggestions from the profile fields for an export, with certainty and reason; a button accepts them.

Must never add anything by itself.
"""

from collections.abc import Collection, Sequence

import streamlit as st

from ccexport.model.exports import Actor, MappedField
from ccexport.plan.suggest import CONSENT, REFUSAL, Suggestion
from ccexport.services.exports import CONTACT_FIELDS
from ccexport.ui.app_state import services
from ccexport.ui.exports.attributes import add
from ccexport.ui.render import bare, here, plain
from ccexport.ui.texts import say, t


def suggested(actor: Actor, key: str, mapped: Collection[str]) -> None:
    """Draw the suggestions that are not mapped yet, and one button that adds them."""
    found = [
        s
        for s in services().exports.suggest(actor)
        if s.target in CONTACT_FIELDS and s.target not in mapped and s.target != "email"
    ]
    if not found:
        return
    with st.expander(t("Suggested from the names and values of the fields"), icon=":material/lightbulb:"):
        st.table(
            [
                {
                    t("Contact field"): t(CONTACT_FIELDS[s.target].label),
                    t("Profile field"): bare(s.source),
                    t("How sure"): here().share(s.confidence, 0),
                    t("Why"): say(s.why),
                }
                for s in found
            ],
            hide_index=True,
            border="horizontal",
            alt=t("Suggested attributes"),
        )
        if st.button(t("Add these attributes"), key=f"{key}-suggested", icon=":material/playlist_add:"):
            add(key, [MappedField(target=s.target, source=s.source) for s in found])
            st.rerun()
        st.caption(t("Nothing is added before you press this; each can be changed or removed afterwards."))


def suggested_permissions(actor: Actor, key: str) -> None:
    """Draw the suggested fields of consent and refusal, and one button that fills them in."""
    found = [s for s in services().exports.suggest(actor) if s.target in {CONSENT, REFUSAL}]
    if not found or st.session_state.get(f"{key}-permissions-taken"):
        return
    with st.container(border=True):
        for s in found:
            values = ", ".join(plain(v, 60) for v in s.values)
            if s.target == CONSENT:
                st.markdown(
                    t("{field} looks like consent: {values} means yes.", field=plain(s.source), values=values)
                )
            else:
                st.markdown(
                    t(
                        "{field} looks like a refusal: {values} means no.",
                        field=plain(s.source),
                        values=values,
                    )
                )
        st.button(
            t("Use these"),
            key=f"{key}-permissions",
            icon=":material/verified_user:",
            on_click=_take,
            args=(key, found),
        )


def _take(key: str, found: Sequence[Suggestion]) -> None:
    """Fill in the widgets of the form; saving then saves what they show."""
    state = st.session_state
    state[f"{key}-permissions-taken"] = True
    for s in found:
        if s.target == CONSENT:
            state[f"{key}-consent"] = True
            state[f"{key}-consent-field"] = s.source
            state[f"{key}-consent-values"] = ", ".join(s.values)
    refusals = [s for s in found if s.target == REFUSAL]
    state[f"{key}-refusals"] = [s.source for s in refusals]
    for s in refusals:
        state[f"{key}-refusal-{s.source}"] = ", ".join(s.values)
