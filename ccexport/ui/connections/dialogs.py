"""Dialogs for what an administrator may do with a connection. Must never see a token."""

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Connection
from ccexport.ui.app_state import services
from ccexport.ui.connections.connect import SHARES
from ccexport.ui.navigation import go, link
from ccexport.ui.render import plain, show_error, told
from ccexport.ui.session import origin
from ccexport.ui.texts import t


def become_export_user(actor: Actor, connection: Connection) -> None:
    """Make the actor the export user, after asking for their password as when connecting."""
    with st.form("export_user", border=False):
        st.markdown(
            t(
                "Exports on **{name}** run on your responsibility. Confirm it with your password here.",
                name=plain(connection.name),
            )
        )
        password = st.text_input(t("Your password"), type="password")
        if not st.form_submit_button(t("Add yourself as export user"), type="primary"):
            return
    with told():
        services().people.confirm_password(actor, password, origin=origin())
        services().connections.take_over(actor, connection.id)
        st.rerun()


def change(actor: Actor, connection: Connection) -> None:
    """Change who may use the connection, and two limits on what it sends."""
    with st.form("change_connection", border=False):
        share = st.radio(
            t("Who can use this connection"),
            list(SHARES),
            index=list(SHARES).index(connection.share) if connection.share in SHARES else 0,
            format_func=lambda role: t(SHARES[role]),
        )
        limit = st.number_input(
            t("Contacts the contract allows (0: not known)"), 0, 100_000_000, connection.contract_limit or 0
        )
        approval = st.number_input(
            t("A second person approves above so many contacts (0: never)"),
            0,
            1_000_000,
            connection.approval_above or 0,
        )
        if not st.form_submit_button(t("Save"), type="primary"):
            return
    with told():
        services().connections.change(
            actor, connection.id, share=share, contract_limit=limit or None, approval_above=approval or None
        )
        st.rerun()


def remove(actor: Actor, connection: Connection) -> None:
    """Remove, detach or move each export on the connection, then remove the connection."""
    exports = services().connections.exports_on(actor, connection.id)
    if not exports:
        st.markdown(t("Its tokens are forgotten at once. Contacts at Constant Contact stay where they are."))
        if st.button(t("Remove"), type="primary", icon=":material/delete:"):
            with told():
                services().connections.remove(actor, connection.id)
                go("connections")
        return
    st.markdown(t("These exports use it. Remove or detach them first, or choose another connection in each:"))
    for export in exports:
        link("exports", plain(export.name), icon=":material/outbox:", export=export.id, show="settings")
    st.caption(t("A detached export is paused and keeps its settings; it runs again on another connection."))
    st.caption(t("The people they put on their lists stay there."))
    if st.button(t("Detach all of them"), icon=":material/link_off:", key="detach_all"):
        try:
            for export in exports:
                services().exports.detach(actor, export.id)
        except CcexportError as error:
            show_error(error)
            return
        st.rerun(scope="fragment")
