"""Overview: what needs a person, what runs, what ran, and how fresh the profiles are."""

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.attention import attention
from ccexport.ui.holder import services
from ccexport.ui.overview import figures, going_on, latest_runs, over_time
from ccexport.ui.places import titled
from ccexport.ui.session import require
from ccexport.ui.upcoming import runs_next

actor = require(Role.VIEWER)

st.title(titled("overview"))
latest = services().runs.list(actor, limit=500)
attention(actor, latest)
figures(actor, latest)
going_on(actor, latest)
st.space("small")
left, right = st.columns([3, 2], gap="large")
with left:
    over_time(latest)
with right:
    runs_next(actor, latest)
    latest_runs(latest)
