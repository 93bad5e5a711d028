"""System: its status, the refresh, notices, the suppression list, erasing, and the audit."""

import streamlit as st

from ccexport.messages import mark
from ccexport.model.words import Role
from ccexport.ui.navigation import titled
from ccexport.ui.session import require
from ccexport.ui.system.erasure import erasure
from ccexport.ui.system.notices import notices
from ccexport.ui.system.panels import audit, health, suppression
from ccexport.ui.system.refresh import refresh
from ccexport.ui.texts import t
from ccexport.ui.url_state import views

actor = require(Role.VIEWER)

VIEWS = {
    "health": (health, mark("Health"), Role.VIEWER),
    "refresh": (refresh, mark("Refresh"), Role.VIEWER),
    "notices": (notices, mark("Notices"), Role.CONTRIBUTOR),
    "suppression": (suppression, mark("Suppression list"), Role.VIEWER),
    "erasure": (erasure, mark("Erasure"), Role.ADMINISTRATOR),
    "audit": (audit, mark("Audit"), Role.ADMINISTRATOR),
}
st.title(titled("system"))
allowed = [view for view, (_, _, need) in VIEWS.items() if actor.role.covers(need)]
view = views(t("View"), allowed, lambda v: t(VIEWS[v][1]))
VIEWS[view][0](actor)
