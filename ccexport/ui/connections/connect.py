"""The visible steps of connecting: name, who may use it, agreement, authenticate, confirm, save.

Nothing is stored before the last step. Must never see a token.
"""

from urllib.parse import urlencode

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services.connections import AGREEMENT, Draft
from ccexport.ui.app_state import services
from ccexport.ui.navigation import go, link
from ccexport.ui.one_time_store import AUTHORISATIONS, DRAFTS
from ccexport.ui.redirect import goto
from ccexport.ui.render import code, moment, plain, show_error, show_refusal
from ccexport.ui.session import origin
from ccexport.ui.texts import say, t

SHARES = mark(
    {Role.ADMINISTRATOR: "Administrators only", Role.CONTRIBUTOR: "Administrators and contributors"}
)


def begin_steps(actor: Actor, reconnect: str | None) -> None:
    """Draw steps one to four; the fourth opens Constant Contact."""
    with st.container(border=True):
        st.subheader(t("1. Display name"))
        name = reconnect or ""
        if reconnect:
            st.markdown(t("Connecting **{name}** again; its exports stay.", name=plain(reconnect)))
        else:
            name = st.text_input(t("Display name"), max_chars=200, width=480, key="connect_name")
    with st.container(border=True):
        st.subheader(t("2. Who can use this connection"))
        share = st.radio(
            t("Who can use this connection"),
            list(SHARES),
            format_func=lambda role: t(SHARES[role]),
            label_visibility="collapsed",
            key="connect_share",
            disabled=bool(reconnect),
        )
        st.caption(t("Contributors see its name and type only, and manage the exports on it."))
    with st.container(border=True):
        st.subheader(t("3. Data privacy and compliance"))
        st.markdown(t(AGREEMENT))
        agree = st.checkbox(t("I agree"), key="connect_agree")
        st.caption(t("Your name, the time and this text are kept with the connection."))
    with st.container(border=True):
        st.subheader(t("4. Authenticate with Constant Contact"))
        st.markdown(t("You sign in at Constant Contact and allow the access; then you come back here."))
        ready = bool(agree and name.strip())
        if st.button(
            t("Connect"), type="primary", icon=":material/link:", disabled=not ready, key="connect_go"
        ):
            _leave(actor, name, share, reconnect=bool(reconnect))
        if not ready:
            st.caption(t("First a name and your agreement."))


def _leave(actor: Actor, name: str, share: Role, *, reconnect: bool) -> None:
    try:
        begun = services().connections.begin(actor, name, agree=True, share=share, reconnect=reconnect)
    except CcexportError as error:
        show_error(error)
        return
    ticket = AUTHORISATIONS.put({"actor": actor.name, "url": begun.url, "bind": begun.bind})
    goto("/oauth/start?" + urlencode({"t": ticket}))


def finish_steps(actor: Actor, key: str) -> None:
    """Draw steps five and six, after the return from Constant Contact."""
    note = DRAFTS.read(key)
    if note is None or note["actor"] != actor.name:
        st.warning(
            t("This authorisation was saved before or is too old; start it again."),
            icon=":material/link_off:",
        )
        link("connections", t("Start again"), icon=":material/add_link:", show="new")
        return
    if "trouble" in note:
        show_refusal(say(note["trouble"]), icon=":material/link_off:", logged=note["trouble"].for_log)
        link("connections", t("Start again"), icon=":material/add_link:", show="new")
        return
    draft: Draft = note["draft"]
    with st.container(border=True):
        st.subheader(t("5. Connected"))
        st.markdown(
            f":green-badge[:material/check_circle: {t('Connected')}] "
            + t(
                "as {email}, **{organisation}**",
                email=code(draft.account_email),
                organisation=plain(draft.organisation),
            )
        )
    with st.container(border=True), st.form("export_person", border=False):
        st.subheader(t("6. Add yourself as export user"))
        st.markdown(
            t(
                "Exports on **{name}** run on your responsibility. Confirm it with your password here.",
                name=plain(draft.name),
            )
        )
        password = st.text_input(t("Your password"), type="password", width=480)
        other = False
        if draft.reconnects:
            other = st.checkbox(t("If this is another account than before, that is intended"))
        if st.form_submit_button(t("Save the connection"), type="primary", icon=":material/save:"):
            _save(actor, key, draft, password, other)


def _save(actor: Actor, key: str, draft: Draft, password: str, other: bool) -> None:
    try:
        services().people.confirm_password(actor, password, origin=origin())
    except CcexportError as error:
        show_error(error)
        return
    DRAFTS.take(key)
    try:
        saved = services().connections.save(actor, draft.key, confirm_other_account=other)
    except CcexportError as error:
        show_error(error)
        return
    st.session_state["saved_connection"] = (saved.name, moment(saved.connected_at))
    go("connections")
