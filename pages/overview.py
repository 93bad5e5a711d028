"""Overview: what needs a person's attention, live and past runs, and how fresh the profiles are."""

import streamlit as st

from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.navigation import titled
from ccexport.ui.overview.attention import attention
from ccexport.ui.overview.first_steps import first_steps
from ccexport.ui.overview.panels import MOST_LIVE, figures, going_on, latest_runs, newest, over_time
from ccexport.ui.overview.upcoming import runs_next
from ccexport.ui.session import require

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
