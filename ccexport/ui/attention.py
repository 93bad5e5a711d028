"""What needs a person, first. Must never ask Constant Contact."""

from collections.abc import Sequence

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import RunState, WaitReason
from ccexport.services.runs import sentence
from ccexport.ui.holder import services
from ccexport.ui.places import link
from ccexport.ui.show import ago, badge_markup, plain
from ccexport.ui.texts import t

FOR_PEOPLE = {WaitReason.APPROVAL, WaitReason.RECONNECT}


def attention(actor: Actor, latest: Sequence[Run]) -> None:
    """Connections to renew, runs that wait for somebody, exports whose last run went wrong."""
    broken = [c for c in services().connections.list(actor) if c.state != "connected"]
    for connection in broken:
        with st.container(border=True):
            st.markdown(
                f":red-badge[:material/link_off: {t('Reconnect')}] "
                + t("The connection **{name}** has to be connected again.", name=plain(connection.name))
            )
            link("connections", t("Connections"), icon=":material/link:")
    for run in _in_need(latest):
        with st.container(border=True):
            st.markdown(f"{badge_markup(run.state)} **{plain(run.export_name)}** · {ago(run.created_at)}")
            st.markdown(plain(sentence(run), 400))
            link("runs", t("Open the run"), icon=":material/open_in_new:", run=run.id)


def _in_need(latest: Sequence[Run]) -> list[Run]:
    seen: set[str] = set()
    found = []
    for run in latest:
        if run.export_id in seen:
            continue
        seen.add(run.export_id)
        waits = run.state is RunState.WAITING and run.wait_reason in FOR_PEOPLE
        if waits or run.state in {RunState.FAILED, RunState.BLOCKED}:
            found.append(run)
    return found
