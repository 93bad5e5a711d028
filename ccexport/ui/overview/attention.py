"""What needs a person's attention; the top of the Overview. Must never ask Constant Contact."""

from collections.abc import Sequence

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import Role, RunState, WaitReason
from ccexport.services.runs import sentence
from ccexport.ui.app_state import services
from ccexport.ui.navigation import link
from ccexport.ui.render import ago, badge_markup, plain
from ccexport.ui.texts import say, t

MOST_WRONG = 20  # the newest ones; the history has all of them
FOR_PEOPLE = {WaitReason.APPROVAL, WaitReason.RECONNECT}


def attention(actor: Actor, live: Sequence[Run]) -> None:
    """Draw connections to renew, runs that wait for a person, and exports whose last run went wrong."""
    broken = [c for c in services().connections.list(actor) if c.state != "connected"]
    for connection in broken:
        with st.container(border=True):
            st.markdown(
                f":red-badge[:material/link_off: {t('Reconnect')}] "
                + t("The connection **{name}** has to be connected again.", name=plain(connection.name))
            )
            link("connections", t("Connections"), icon=":material/link:")
    if actor.role.covers(Role.ADMINISTRATOR):
        _export_users(actor)
    if actor.role.covers(Role.CONTRIBUTOR):
        _lost_notices(actor)
    for run in _in_need(actor, live):
        with st.container(border=True):
            st.markdown(f"{badge_markup(run.state)} **{plain(run.export_name)}** · {ago(run.created_at)}")
            st.markdown(plain(say(sentence(run)), 400))
            link("runs", t("Open the run"), icon=":material/open_in_new:", run=run.id)


def _export_users(actor: Actor) -> None:
    for connection in services().connections.without_export_user(actor):
        with st.container(border=True):
            st.markdown(
                f":orange-badge[:material/person_off: {t('Needs an export user')}] "
                + f"**{plain(connection.name)}** · "
                + t(
                    "Its export user {person} is disabled: another one is needed.",
                    person=plain(connection.export_person or "–"),
                )
            )
            link("connections", t("Connections"), icon=":material/link:")


def _lost_notices(actor: Actor) -> None:
    lost = services().notices.undelivered(actor)
    if lost:
        with st.container(border=True):
            st.markdown(
                f":orange-badge[:material/notifications_off: {t('Notices')}] "
                + t(
                    "Of the last seven days, {n} did not arrive: {why}",
                    n=len(lost),
                    why=plain(say(lost[0].error), 300),
                )
            )
            link("system", t("Notices"), icon=":material/notifications:", view="notices")


def _in_need(actor: Actor, live: Sequence[Run]) -> list[Run]:
    """Return the runs that wait for a person, and the newest of those that went wrong."""
    waiting = [r for r in live if r.state is RunState.WAITING and r.wait_reason in FOR_PEOPLE]
    wrong = services().runs.went_wrong(actor, limit=MOST_WRONG)
    return sorted([*waiting, *wrong], key=lambda run: run.created_at, reverse=True)
