"""Segments: the list, one segment in words and numbers, and creating one."""

import streamlit as st

from ccexport.errors import NotFound
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.navigation import go, link, titled
from ccexport.ui.render import plain, show_error
from ccexport.ui.segments.form import edit_segment, new_segment
from ccexport.ui.segments.listing import one_segment, segment_list
from ccexport.ui.session import require
from ccexport.ui.texts import t

actor = require(Role.VIEWER)

asked, show = st.query_params.get("segment"), st.query_params.get("show")
contributor = actor.role.covers(Role.CONTRIBUTOR)
if show == "new" and contributor:
    link("segments", t("All segments"), icon=":material/arrow_back:")
    st.title(t("Make a segment"))
    new_segment(actor)
elif asked:
    link("segments", t("All segments"), icon=":material/arrow_back:")
    try:
        segment = services().segments.get(actor, asked)
    except NotFound as error:
        st.title(titled("segments"))
        show_error(error)
        st.stop()
    st.title(plain(segment.name))
    if show == "edit" and contributor:
        edit_segment(actor, segment)
    else:
        one_segment(actor, segment)
else:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(titled("segments"))
        if contributor and st.button(t("Make a segment"), icon=":material/add:", type="primary"):
            go("segments", show="new")
    segment_list(actor)
