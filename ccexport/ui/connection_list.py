"""The connections, what is known of each, and what an administrator may do with it."""

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Connection
from ccexport.model.words import Role
from ccexport.ui.connect import SHARES
from ccexport.ui.holder import services
from ccexport.ui.places import go, link
from ccexport.ui.show import code, empty, moment, number, plain, show_error
from ccexport.ui.texts import t


def connection_list(actor: Actor) -> None:
    """One card each; contributors see the name and the type only."""
    saved = st.session_state.pop("saved_connection", None)
    if saved:
        st.success(t("{name} is connected.", name=plain(saved[0])), icon=":material/check_circle:")
    administrator = actor.role.covers(Role.ADMINISTRATOR)
    there = services().connections.list(actor)
    if not there:
        empty(
            t("No connections yet"),
            t("A connection is one authorised Constant Contact account.")
            if administrator
            else t("An administrator connects Constant Contact and shares it with contributors."),
            ":material/link_off:",
        )
    for connection in there:
        with st.container(border=True, key=f"connection-{connection.id}"):
            _card(actor, connection) if administrator else _name_only(connection)


def _name_only(connection: Connection) -> None:
    st.markdown(f"#### {plain(connection.name)}")
    st.caption("Constant Contact · " + t("an administrator sees more"))


def _card(actor: Actor, connection: Connection) -> None:
    working = connection.state == "connected"
    badge = (
        f":green-badge[:material/check_circle: {t('Connected')}]"
        if working
        else f":red-badge[:material/link_off: {t('Reconnect')}]"
    )
    st.markdown(f"#### {plain(connection.name)} {badge}")
    if connection.state_reason:
        st.error(plain(connection.state_reason, 500))
    st.markdown(
        f"Constant Contact · **{plain(connection.organisation)}** · {code(connection.account_email)} · "
        + t(SHARES.get(connection.share, "Administrators only"))
    )
    st.caption(
        t(
            "Agreed and connected by {person}, {when}. Export person: {export_person}.",
            person=plain(connection.connected_by),
            when=moment(connection.connected_at),
            export_person=plain(connection.export_person or "–"),
        )
    )
    exports = services().connections.exports_on(actor, connection.id)
    names = ", ".join(plain(e.name, 60) for e in exports)
    st.caption(t("Exports on it: {names}", names=names) if exports else t("No exports on it."))
    with st.container(horizontal=True):
        if st.button(t("Test"), key=f"test-{connection.id}", icon=":material/network_check:"):
            _test(actor, connection)
        if st.button(t("Connect again"), key=f"again-{connection.id}", icon=":material/sync:"):
            go("connections", show="new", reconnect=connection.name)
        with st.popover(t("Change"), icon=":material/tune:"):
            _change(actor, connection)
        if st.button(t("Remove"), key=f"remove-{connection.id}", icon=":material/delete:"):
            st.dialog(t("Remove {name}?", name=plain(connection.name)))(_remove)(actor, connection)


def _test(actor: Actor, connection: Connection) -> None:
    with st.spinner(t("Asking Constant Contact …")):
        health = services().connections.check(actor, connection.id)
    (st.success if health.working else st.error)(plain(health.sentence, 400))
    with st.grid(4, min_column_width=150):
        counts = health.contacts
        st.metric(t("Contacts in the account"), number(counts.get("total") if counts else None), border=True)
        st.metric(t("Unsubscribed"), number(counts.get("unsubscribed") if counts else None), border=True)
        st.metric(t("Requests today"), f"{number(health.requests_today)} / {number(10_000)}", border=True)
        st.metric(
            t("Privileges"), number(len(health.privileges)), border=True, help=", ".join(health.privileges)
        )


def _change(actor: Actor, connection: Connection) -> None:
    with st.form(f"change-{connection.id}", border=False):
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
        if st.form_submit_button(t("Save")):
            try:
                services().connections.change(
                    actor,
                    connection.id,
                    share=share,
                    contract_limit=limit or None,
                    approval_above=approval or None,
                )
            except CcexportError as error:
                show_error(error)
                return
            st.rerun()


def _remove(actor: Actor, connection: Connection) -> None:
    exports = services().connections.exports_on(actor, connection.id)
    if exports:
        st.markdown(t("These exports use it. Remove them first, or point them at another connection:"))
        for export in exports:
            link("exports", plain(export.name), icon=":material/outbox:", export=export.id, show="settings")
        return
    st.markdown(t("Its tokens are forgotten at once. Contacts at Constant Contact stay where they are."))
    if st.button(t("Remove"), type="primary", icon=":material/delete:"):
        try:
            services().connections.remove(actor, connection.id)
        except CcexportError as error:
            show_error(error)
            return
        go("connections")
