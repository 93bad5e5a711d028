"""Connections: authorised Constant Contact accounts, and the steps of connecting."""

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.connections.connect import begin_steps, finish_steps
from ccexport.ui.connections.listing import connection_list
from ccexport.ui.navigation import go, link, titled
from ccexport.ui.session import require
from ccexport.ui.texts import t

actor = require(Role.CONTRIBUTOR)
administrator = actor.role.covers(Role.ADMINISTRATOR)
draft, show = st.query_params.get("draft"), st.query_params.get("show")

if st.query_params.get("said") == "start_again":
    st.warning(t("That authorisation could not go on; start it again."), icon=":material/link_off:")
if administrator and (draft or show == "new"):
    link("connections", t("All connections"), icon=":material/arrow_back:")
    st.title(t("Connect Constant Contact"))
    finish_steps(actor, draft) if draft else begin_steps(actor, st.query_params.get("reconnect"))
else:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(titled("connections"))
        if administrator and st.button(t("Add a connection"), icon=":material/add_link:", type="primary"):
            go("connections", show="new")
    connection_list(actor)
