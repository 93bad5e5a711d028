"""What runs next, and which runs wait; for the Overview."""

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import RunState
from ccexport.services.runs import sentence
from ccexport.ui.app_state import services
from ccexport.ui.navigation import link
from ccexport.ui.render import moment, plain
from ccexport.ui.texts import say, t

SHOWN = 5


def runs_next(actor: Actor, live: Sequence[Run]) -> None:
    """Draw the next refresh and the next times of exports, then the waiting runs."""
    st.subheader(t("What runs next"))
    times = [(at, t("Refresh of the profiles"), "system", {"view": "refresh"}) for at in _refresh(actor)]
    for at, export in services().schedules.coming(actor)[:SHOWN]:
        times.append((at, plain(export.name, 60), "exports", {"export": export.id, "show": "settings"}))
    for at, label, path, query in sorted(times, key=lambda entry: entry[0])[:SHOWN]:
        link(path, f"{moment(at)} · {label}", icon=":material/schedule:", **query)
    if not times:
        st.caption(t("Nothing runs by itself: no refresh is on and no export has times of its own."))
    for run in live:
        if run.state is RunState.WAITING:
            until = f" {t('It goes on at {when}.', when=moment(run.wait_until))}" if run.wait_until else ""
            st.markdown(
                f":orange-badge[:material/pause_circle: {t('Waiting')}] **{plain(run.export_name)}** · "
                + plain(say(sentence(run)), 300)
                + until
            )


def _refresh(actor: Actor) -> Sequence[datetime]:
    return services().refreshes.next(actor, 1)
