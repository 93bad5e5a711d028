"""People: who may sign in, and with which role; administrators only."""

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.fragments import dialog
from ccexport.ui.navigation import titled
from ccexport.ui.people import add_person, people_list
from ccexport.ui.session import require
from ccexport.ui.texts import t

actor = require(Role.ADMINISTRATOR)

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title(titled("people"))
    if st.button(t("Add a person"), icon=":material/person_add:", type="primary"):
        dialog(t("Add a person"), add_person, actor)
people_list(actor)
