"""The dialog of tokens: one's own, and for administrators everybody's. Must never show a secret twice."""

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.tokens import Token
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.fragments import dialog
from ccexport.ui.render import code, moment, plain, show_error
from ccexport.ui.texts import t

STATES = mark({"alive": "valid", "revoked": "revoked", "over": "ended"})


def show_tokens(actor: Actor) -> None:
    """Open the dialog."""
    dialog(t("Tokens for other programs"), _tokens, actor, width="large")


def _tokens(actor: Actor) -> None:
    st.caption(t("A program that asks over HTTP with a token has your rights, or fewer, until it ends."))
    _new(actor)
    for token in services().tokens.list(actor):
        _row(actor, token)


def _new(actor: Actor) -> None:
    roles = [role for role in Role if actor.role.covers(role)]
    with st.form("new_token", border=False):
        name = st.text_input(t("What it is for"), max_chars=200)
        role = st.radio(t("Role"), roles, format_func=lambda r: t(str(r)), horizontal=True)
        days = st.number_input(t("Days until it ends"), 1, 366, 90)
        service = ""
        if actor.role.covers(Role.ADMINISTRATOR):
            service = st.text_input(
                t("Service account"), max_chars=60, help=t("Empty: the token is your own.")
            )
        if not st.form_submit_button(t("Make a token"), type="primary"):
            return
    try:
        token, secret = services().tokens.create(
            actor, name, role=Role(str(role)), days=int(days), service=service
        )
    except CcexportError as error:
        show_error(error)
        return
    st.success(t("Copy the token {name} now: it is not shown again.", name=plain(token.name)))
    st.code(secret, language=None)


def _row(actor: Actor, token: Token) -> None:
    state = services().tokens.state(token)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width="stretch", gap="xsmall"):
            st.markdown(f"**{plain(token.name)}** · {code(token.owner)} · {t(str(token.role))}")
            st.caption(
                t(
                    "{state}; until {end}; last used {used}",
                    state=t(STATES[state]).capitalize(),
                    end=moment(token.expires_at),
                    used=moment(token.used_at),
                )
            )
        if state == "alive" and st.button(t("Revoke"), key=f"revoke-{token.id}"):
            try:
                services().tokens.revoke(actor, token.id)
            except CcexportError as error:
                show_error(error)
                return
            st.rerun(scope="fragment")
