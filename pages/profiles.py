"""Profiles: what the current snapshot holds, and bringing in a new one."""

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.address import views
from ccexport.ui.holder import services
from ccexport.ui.ingest import ingest
from ccexport.ui.places import titled
from ccexport.ui.profiles import browse, fields, figures, snapshots
from ccexport.ui.session import require
from ccexport.ui.show import empty
from ccexport.ui.sources import sources
from ccexport.ui.texts import t

actor = require(Role.VIEWER)

VIEWS = {
    "profiles": "Profiles",
    "fields": "Fields",
    "snapshots": "Snapshots",
    "sources": "Sources",
    "ingest": "Bring in a file",
}
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
