"""Profiles: what the current snapshot holds, and ingesting a new one."""

import streamlit as st

from ccexport.messages import mark
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.navigation import titled
from ccexport.ui.profiles.ingest import ingest
from ccexport.ui.profiles.overview import browse, fields, figures, snapshots
from ccexport.ui.profiles.sources import sources
from ccexport.ui.render import empty
from ccexport.ui.session import require
from ccexport.ui.texts import t
from ccexport.ui.url_state import views

actor = require(Role.VIEWER)

VIEWS = mark(
    {
        "profiles": "Profiles",
        "fields": "Fields",
        "snapshots": "Snapshots",
        "sources": "Sources",
        "ingest": "Bring in a file",
    }
)
st.title(titled("profiles"))
snapshot = services().profiles.find_current(actor)
contributor = actor.role.covers(Role.CONTRIBUTOR)
if snapshot is None:
    empty(
        t("No profiles yet"),
        t("Bring in a CSV or Parquet file with one row per customer.")
        if contributor
        else t("A contributor can bring in a file."),
    )
    if contributor:
        ingest(actor)
        st.subheader(t("Sources"))
        sources(actor)
    st.stop()
figures(snapshot)
view = views(
    t("View"), [v for v in VIEWS if contributor or v not in {"sources", "ingest"}], lambda v: t(VIEWS[v])
)
if view == "ingest":
    ingest(actor)
elif view == "sources":
    sources(actor)
elif view == "snapshots":
    snapshots(actor)
elif view == "fields":
    fields(actor, snapshot)
else:
    browse(actor, snapshot)
