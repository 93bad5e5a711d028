"""System: how it is, the suppression list, and the audit."""

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.address import views
from ccexport.ui.places import titled
from ccexport.ui.refresh import refresh
from ccexport.ui.session import require
from ccexport.ui.system import audit, health, suppression
from ccexport.ui.texts import t

actor = require(Role.VIEWER)

VIEWS = {"health": "Health", "refresh": "Refresh", "suppression": "Suppression list", "audit": "Audit"}
st.title(titled("system"))
allowed = [v for v in VIEWS if v != "audit" or actor.role.covers(Role.ADMINISTRATOR)]
view = views(t("View"), allowed, lambda v: t(VIEWS[v]))
{"health": health, "refresh": refresh, "suppression": suppression, "audit": audit}[view](actor)
