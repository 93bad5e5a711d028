"""Overview: what needs a person, what runs, what ran, and how fresh the profiles are."""

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.attention import attention
from ccexport.ui.first_steps import first_steps
from ccexport.ui.holder import services
from ccexport.ui.overview import MOST_LIVE, figures, going_on, latest_runs, newest, over_time
from ccexport.ui.places import titled
from ccexport.ui.session import require
from ccexport.ui.upcoming import runs_next

actor = require(Role.VIEWER)

st.title(titled("overview"))
latest = newest(actor)
if not latest:
    first_steps(actor)
live = services().runs.list(actor, live=True, limit=MOST_LIVE)
attention(actor, live)
figures(actor, live)
going_on(actor, live)
st.space("small")
left, right = st.columns([4, 3], gap="medium")
with left:
    over_time(actor)
with right:
    runs_next(actor, live)
    latest_runs(latest)
