"""What the names of the profile fields suggest for an export: shown with how sure it is, added when pressed.

Must never add anything by itself.
"""

from collections.abc import Collection

import streamlit as st

from ccexport.model.exports import Actor, MappedField
from ccexport.services.exports import CONTACT_FIELDS
from ccexport.ui.app_state import services
from ccexport.ui.exports.attributes import add
from ccexport.ui.render import bare, here
from ccexport.ui.texts import t


def suggested(actor: Actor, key: str, mapped: Collection[str]) -> None:
    """The suggestions that are not among the attributes yet, and one button that adds them."""
    found = [s for s in services().exports.suggest(actor) if s.target not in mapped and s.target != "email"]
    if not found:
        return
    with st.expander(t("Suggested from the names of the fields"), icon=":material/lightbulb:"):
        st.table(
            [
                {
                    t("Contact field"): t(CONTACT_FIELDS[s.target].label),
                    t("Profile field"): bare(s.source),
                    t("How sure"): here().share(s.confidence, 0),
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
