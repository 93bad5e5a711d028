"""Changing one's own password. Must never keep what was typed."""

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.ui.app_state import services
from ccexport.ui.fragments import dialog
from ccexport.ui.redirect import post
from ccexport.ui.render import show_refusal, told
from ccexport.ui.session import origin
from ccexport.ui.texts import t


def change_own(actor: Actor) -> None:
    """Ask for the old password and twice for the new one, and change it; every session of the person ends."""
    dialog(t("Change my password"), _form, actor)


def _form(actor: Actor) -> None:
    with st.form("own_password", border=False):
        old = st.text_input(t("Your password now"), type="password")
        new = st.text_input(t("New password"), type="password", help=t("At least 10 characters."))
        again = st.text_input(t("New password, again"), type="password")
        if not st.form_submit_button(t("Change it and sign out everywhere"), type="primary"):
            return
    if new != again:
        show_refusal(t("The two new passwords differ; nothing was changed."))
        return
    with told():
        services().people.confirm_password(actor, old, origin=origin())
        services().people.set_password(actor, actor.name, new)
        post("/auth/sign-out")
