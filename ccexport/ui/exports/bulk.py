"""Actions on several exports at once: run, pause, schedule, detach, remove.

A dialog that names the exports confirms each action. Must never touch an export that the actor may not manage.
"""

from collections.abc import Callable, Sequence

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Export
from ccexport.model.schedules import Schedule
from ccexport.services.validation import parsed
from ccexport.ui.app_state import services
from ccexport.ui.exports.cards import select_key
from ccexport.ui.exports.people_left import take_off_asked
from ccexport.ui.exports.schedule_form import schedule_values
from ccexport.ui.fragments import dialog
from ccexport.ui.navigation import go
from ccexport.ui.render import number, plain, show_error
from ccexport.ui.texts import t, tn

SHOWN = 12


def selected_bar(
    actor: Actor, exports: Sequence[Export], found: Sequence[Export], shown: Sequence[Export]
) -> None:
    """Draw how many exports are selected, and the actions; nothing when none is selected.

    The selection stays when the reader opens another page of the list or searches.
    """
    # Read the session state once: a thousand look-ups take a sixth of the page's time.
    kept = st.session_state.to_dict()
    chosen = [e for e in exports if kept.get(select_key(e))]
    if not chosen:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="selected_exports"):
        st.markdown(_how_many(chosen, shown), width="content")
        if st.button(t("Run them"), icon=":material/send:", type="primary", key="bulk_run"):
            dialog(tn("Run {n} export?", "Run {n} exports?", n=len(chosen)), _run, actor, chosen)
        if st.button(t("Schedule"), icon=":material/schedule:", key="bulk_schedule"):
            dialog(
                tn("One schedule for {n} export", "One schedule for {n} exports", n=len(chosen)),
                _schedule,
                actor,
                chosen,
                width="large",
            )
        if st.button(t("Pause"), icon=":material/pause:", key="bulk_pause"):
            _each(chosen, lambda e: services().exports.pause(actor, e.id))
        if st.button(t("Let them go on"), icon=":material/play_arrow:", key="bulk_resume"):
            _each(chosen, lambda e: services().exports.pause(actor, e.id, paused=False))
        if st.button(t("Detach"), icon=":material/link_off:", key="bulk_detach"):
            dialog(tn("Detach {n} export?", "Detach {n} exports?", n=len(chosen)), _detach, actor, chosen)
        if st.button(t("Remove"), icon=":material/delete:", key="bulk_remove"):
            dialog(tn("Remove {n} export?", "Remove {n} exports?", n=len(chosen)), _remove, actor, chosen)
        st.button(t("Select none"), type="tertiary", key="bulk_none", on_click=_select, args=(chosen, False))
        more = services().exports.manageable(actor, found)
        if len(more) > len(chosen):
            all_ = [e for e in found if e.id in more]
            label = t("Select all {n}", n=number(len(all_)))
            st.button(label, type="tertiary", key="bulk_all", on_click=_select, args=(all_, True))


def _how_many(chosen: Sequence[Export], shown: Sequence[Export]) -> str:
    elsewhere = len({e.id for e in chosen} - {e.id for e in shown})
    said = f"**{t('{n} selected', n=number(len(chosen)))}**"
    return said + (", " + t("{n} of them not shown here", n=number(elsewhere)) if elsewhere else "")


def _select(exports: Sequence[Export], selected: bool) -> None:
    for export in exports:
        st.session_state[select_key(export)] = selected


def _each(chosen: Sequence[Export], step: Callable[[Export], object]) -> None:
    """Do the step for one export after the other; show the first error and stop, keeping what was done."""
    try:
        for export in chosen:
            step(export)
    except CcexportError as error:
        show_error(error)
        return
    st.rerun()


def _named(chosen: Sequence[Export]) -> None:
    lines = [f"1. {plain(e.name)} → {plain(e.config.list_name)}" for e in chosen[:SHOWN]]
    if len(chosen) > SHOWN:
        lines.append(t("and {n} more", n=number(len(chosen) - SHOWN)))
    st.markdown("\n".join(lines))


def _run(actor: Actor, chosen: Sequence[Export]) -> None:
    going = [e for e in chosen if not e.paused]
    _named(going)
    st.caption(
        t(
            "Each is planned afresh and sends what its plan says then; limits and approvals hold. To see a plan "
            "before it is sent, preview that export by itself."
        )
    )
    if len(going) < len(chosen):
        st.warning(
            tn(
                "{n} is paused and does not run.",
                "{n} are paused and do not run.",
                n=len(chosen) - len(going),
            )
        )
    label = tn("Run {n} export", "Run {n} exports", n=len(going))
    if st.button(
        label, type="primary", icon=":material/send:", disabled=not going, key="bulk_run_go", width="stretch"
    ):
        try:
            services().schedules.run_all(actor, [e.id for e in going])
        except CcexportError as error:
            show_error(error)
            return
        go("runs")


def _schedule(actor: Actor, chosen: Sequence[Export]) -> None:
    _named(chosen)
    values = schedule_values(actor, Schedule(), without={e.id for e in chosen}, key="bulk")
    own = st.checkbox(t("Leave those alone that have a schedule of their own"), key="bulk_own")
    if st.button(t("Save the schedule"), type="primary", icon=":material/save:", key="bulk_schedule_go"):
        try:
            services().schedules.set(
                actor, [e.id for e in chosen], parsed(Schedule, values, "The schedule"), keep_own=own
            )
        except CcexportError as error:
            show_error(error)
            return
        st.rerun()
    st.caption(t("Saving a schedule runs nothing; it holds from the next time on."))


def _detach(actor: Actor, chosen: Sequence[Export]) -> None:
    _named(chosen)
    st.markdown(t("A detached export is paused and keeps its settings; it runs again on another connection."))
    take_off = take_off_asked(actor, chosen, "bulk_detach_people", held=True)
    if st.button(t("Detach"), type="primary", icon=":material/link_off:", key="bulk_detach_go"):
        _each(chosen, lambda e: services().exports.detach(actor, e.id, take_off=take_off))


def _remove(actor: Actor, chosen: Sequence[Export]) -> None:
    _named(chosen)
    st.markdown(t("Their runs stay in the history."))
    take_off = take_off_asked(actor, chosen, "bulk_remove_people")
    if st.button(t("Remove"), type="primary", icon=":material/delete:", key="bulk_remove_go"):
        _each(chosen, lambda e: services().runs.remove_export(actor, e.id, take_off=take_off))
