"""The refresh of the profiles: its switch, its times, a refresh now, and its history."""

from typing import Any

import pandas as pd
import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.firings import RefreshState
from ccexport.model.schedules import Every, RefreshSettings
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.exports.schedule_form import recurrence
from ccexport.ui.render import bare, moment, plain, told, zone
from ccexport.ui.texts import say, t

STATES = mark(
    {
        RefreshState.DUE: "Due",
        RefreshState.RUNNING: "Reading",
        RefreshState.DONE: "Done",
        RefreshState.STOPPED: "Stopped by a check",
        RefreshState.FAILED: "Failed",
    }
)


def refresh(actor: Actor) -> None:
    """Draw the switch, the settings and the history."""
    settings = services().refreshes.settings(actor)
    following = services().refreshes.next(actor)
    if following:
        st.success(
            t("On: the next refresh is {when}.", when=moment(following[0])), icon=":material/autorenew:"
        )
        if len(following) > 1:
            st.caption(t("After that: {times}", times=", ".join(moment(at) for at in following[1:])))
    else:
        st.info(t("Off: the profiles change only when somebody brings in a file."), icon=":material/pause:")
    st.caption(t("Exports that run with every refresh follow it; a refresh that is stopped starts none."))
    named = services().sources.names(actor)
    if named:
        names = ", ".join(plain(name, 60) for name in named)
        st.caption(t("It reads the sources {names} of the Profiles page.", names=names))
    may_ask = bool(settings.sources or named) and actor.role.covers(Role.CONTRIBUTOR)
    if may_ask and st.button(t("Refresh now"), icon=":material/refresh:"):
        with told():
            services().refreshes.ask(actor)
            st.toast(t("A worker reads the files within seconds."))
    if actor.role.covers(Role.ADMINISTRATOR):
        _change(actor, settings)
    else:
        st.caption(t("An administrator switches the refresh on and off."))
    _history(actor)


def _change(actor: Actor, settings: RefreshSettings) -> None:
    with st.expander(t("Change the refresh"), icon=":material/settings:", expanded=not settings.on):
        on = st.toggle(t("Read the watched files by itself"), settings.on, key="refresh_on")
        sources = st.text_area(
            t("Watched files on the server, one a line (* and ** are allowed)"),
            "\n".join(settings.sources),
            key="refresh_sources",
            max_chars=20_000,
        )
        id_field = st.text_input(
            t("Field that identifies a customer (empty: found by itself)"),
            settings.id_field or "",
            key="refresh_id",
            max_chars=200,
            width=480,
        )
        where = settings.zone if settings.recurrence else str(zone())
        times = recurrence(settings.recurrence, [Every.DAY, Every.WEEK], "refresh")
        name = st.text_input(t("Time zone"), where, key="refresh_zone", width=300)
        if st.button(t("Save the refresh"), type="primary", key="save_refresh", icon=":material/save:"):
            files = [line.strip() for line in sources.splitlines() if line.strip()]
            values: dict[str, Any] = {"on": on, "id_field": id_field.strip() or None, "zone": name.strip()}
            if files or settings.sources:
                values["sources"] = files
            with told():
                services().refreshes.change(actor, **values, recurrence=times)
                st.rerun()


def _history(actor: Actor) -> None:
    st.subheader(t("What became of it"))
    found = services().refreshes.history(actor)
    if not found:
        st.caption(t("There was no refresh yet."))
        return
    frame = pd.DataFrame(
        [
            {
                t("Due"): r.due_at,
                t("State"): t(STATES[r.state]),
                t("Seconds"): round(r.seconds, 1) if r.seconds is not None else None,
                t("Profiles"): r.profiles,
                t("By"): bare(r.actor),
                t("What was said"): bare(say(r.note), 400) or None,
            }
            for r in found
        ]
    )
    times = st.column_config.DatetimeColumn(format="localized", timezone=str(zone()))
    seconds = st.column_config.NumberColumn(format="localized")
    st.dataframe(
        frame,
        hide_index=True,
        alt=t("History of the refresh"),
        column_config={t("Due"): times, t("Seconds"): seconds},
    )
