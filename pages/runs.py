"""Runs: the history, and one run's story."""

import streamlit as st

from ccexport.errors import NotFound
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.navigation import link, titled
from ccexport.ui.render import show_error
from ccexport.ui.runs.listing import run_list
from ccexport.ui.runs.story import run_story
from ccexport.ui.session import require
from ccexport.ui.texts import t

actor = require(Role.VIEWER)

asked = st.query_params.get("run")
if not asked:
    st.title(titled("runs"))
    run_list(actor)
    st.stop()
link("runs", t("All runs"), icon=":material/arrow_back:")
try:
    run = services().runs.get(actor, asked)
except NotFound as error:
    st.title(titled("runs"))
    show_error(error)
    st.stop()
run_story(actor, run)
