"""Exports: the list, one export's preview, and its settings."""

import streamlit as st

from ccexport.errors import NotFound
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.exports.form import edit_export, new_export
from ccexport.ui.exports.listing import export_list
from ccexport.ui.exports.preview import preview
from ccexport.ui.exports.schedule_form import schedule_form
from ccexport.ui.navigation import go, link, titled
from ccexport.ui.render import plain, show_error
from ccexport.ui.session import require
from ccexport.ui.texts import t

actor = require(Role.VIEWER)

asked, show = st.query_params.get("export"), st.query_params.get("show")
if show == "new":
    link("exports", t("All exports"), icon=":material/arrow_back:")
    st.title(t("Add an export"))
    new_export(actor)
elif asked:
    link("exports", t("All exports"), icon=":material/arrow_back:")
    try:
        export = services().exports.get(actor, asked)
    except NotFound as error:
        st.title(titled("exports"))
        show_error(error)
        st.stop()
    st.title(plain(export.name))
    if show == "settings":
        schedule_form(actor, export)
        edit_export(actor, export)
    else:
        preview(actor, export)
else:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(titled("exports"))
        if actor.role.covers(Role.CONTRIBUTOR) and st.button(
            t("Add an export"), icon=":material/add:", type="primary"
        ):
            go("exports", show="new")
    export_list(actor)
