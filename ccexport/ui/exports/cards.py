"""One export as a card: its destination, its last and next run, and the actions its reader may take."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Connection, Export
from ccexport.model.runs import Run
from ccexport.model.words import Mode
from ccexport.services.schedules import ScheduleState
from ccexport.ui.app_state import services
from ccexport.ui.exports.people_left import take_off_asked
from ccexport.ui.exports.schedule_form import words
from ccexport.ui.fragments import dialog
from ccexport.ui.navigation import go
from ccexport.ui.render import ago, badge_markup, number, plain, show_error, told
from ccexport.ui.texts import say, t, tn
from ccexport.ui.words import MODES


@dataclass(frozen=True)
class Beside:
    """What the cards of one page show besides the exports, loaded once; all by id."""

    connections: Mapping[str, Connection]
    segments: Mapping[str, str]
    last: Mapping[str, Run]
    schedules: Mapping[str, ScheduleState]
    mine: Collection[str]


def segment_names(actor: Actor, export: Export) -> str:
    names = services().segments.names(actor)
    return ", ".join(names.get(s, s) for s in export.config.segment_ids)


def select_key(export: Export) -> str:
    """Return the session key that keeps whether the export is selected."""
    return f"select-{export.id}"


def card(actor: Actor, export: Export, beside: Beside) -> None:
    """Draw an export, with a checkbox to select it if the actor may manage it."""
    mine = export.id in beside.mine
    # Few elements and little nesting: each costs time in every rerun, and there are twenty cards.
    with st.container(border=True, key=f"export-{export.id}", horizontal=True, vertical_alignment="center"):
        if mine:
            st.checkbox(
                t("Select {name}", name=plain(export.name)),
                key=select_key(export),
                label_visibility="collapsed",
                width=24,
                persist_state="page",  # keeps the selection on other pages of the list
            )
        with st.container(width="stretch"):  # without it, the text would take a line of its own
            st.markdown(_lines(export, beside, mine))
        _buttons(actor, export, mine)


def _lines(export: Export, beside: Beside, mine: bool) -> str:
    config = export.config
    connection = beside.connections.get(config.connection_id)
    badges = f" :orange-badge[{t('Paused')}]" if export.paused else ""
    badges += f" :red-badge[{t('No connection')}]" if not config.connection_id else ""
    segments = ", ".join(beside.segments.get(s, s) for s in config.segment_ids)
    way = t(
        "{segments} → list **{list}** · {connection}",
        segments=plain(segments, 200),
        list=plain(config.list_name),
        connection=plain(connection.name) if connection else t("no connection"),
    )
    mode = t("Mirror") if config.mode is Mode.MIRROR else t(MODES[config.mode])
    state = beside.schedules[export.id]
    held_up = plain(say(state.why), 300) if state.why and not export.paused else ""
    said = " · ".join(filter(None, [words(state) if state.next or not held_up else "", held_up]))
    last = f"{_last_line(beside.last.get(export.id))} · {_right(mine)}"
    lines = [f"#### {plain(export.name)}{badges}", f"{way} · {mode}", last]
    return "\n\n".join([*lines, f":small[:gray[:material/schedule: {said}]]"])


def _last_line(run: Run | None) -> str:
    if run is None:
        return t("Never run")
    text = f"{badge_markup(run.state)} {ago(run.created_at)}, {t('by {person}', person=plain(run.actor))}"
    if run.counts.get("sent"):
        text += " · " + t(
            "{sent} sent, {verified} verified, {rejected} rejected",
            sent=number(run.counts.get("sent")),
            verified=number(run.counts.get("verified")),
            rejected=number(run.counts.get("rejected")),
        )
    if run.counts.get("removed"):
        text += " · " + tn("{n} taken off the list", "{n} taken off the list", n=run.counts["removed"])
    return text


def _right(mine: bool) -> str:
    return t("yours to change and run") if mine else t("yours to see; ask an administrator for more")


def _buttons(actor: Actor, export: Export, mine: bool) -> None:
    attached = bool(export.config.connection_id)
    if attached:
        label = t("Preview and run") if mine else t("Preview")
        icon = ":material/visibility:"
    else:
        label = t("Choose a connection") if mine else t("Settings")
        icon = ":material/link:"
    pressed = st.button(label, key=f"preview-{export.id}", icon=icon, type="primary" if mine else "secondary")
    choices = _choices(export, mine)
    more = st.menu_button(
        t("More"), list(choices), format_func=lambda key: choices[key], key=f"more-{export.id}"
    )
    if pressed:
        go("exports", export=export.id, show="preview" if attached else "settings")
    if more:
        _do(actor, export, more)


def _choices(export: Export, mine: bool) -> dict[str, str]:
    choices = {"runs": t("Runs of this export"), "settings": t("Edit") if mine else t("Settings")}
    if mine:
        choices |= {
            "pause": t("Let it go on") if export.paused else t("Pause"),
            "duplicate": t("Duplicate"),
            "detach": t("Detach from its connection"),
            "remove": t("Remove"),
        }
    if not export.config.connection_id:
        choices.pop("detach", None)
    return choices


def _do(actor: Actor, export: Export, what: str) -> None:
    if what == "runs":
        go("runs", export=export.id)
    if what == "settings":
        go("exports", export=export.id, show="settings")
    name = plain(export.name)
    if what == "remove":
        dialog(t("Remove {name}?", name=name), _remove, actor, export)
        return
    if what == "detach":
        dialog(t("Detach {name}?", name=name), _detach, actor, export)
        return
    try:
        if what == "pause":
            services().exports.pause(actor, export.id, paused=not export.paused)
        else:
            copy = services().exports.duplicate(actor, export.id, t("Copy of {name}", name=export.name[:180]))
            go("exports", export=copy.id, show="settings")
    except CcexportError as error:
        show_error(error)
        return
    st.rerun()


def _remove(actor: Actor, export: Export) -> None:
    st.markdown(t("Its runs stay in the history."))
    take_off = take_off_asked(actor, [export], "remove_people")
    if st.button(t("Remove"), type="primary", icon=":material/delete:"):
        with told():
            services().runs.remove_export(actor, export.id, take_off=take_off)
            go("exports")


def _detach(actor: Actor, export: Export) -> None:
    st.markdown(t("A detached export is paused and keeps its settings; it runs again on another connection."))
    take_off = take_off_asked(actor, [export], "detach_people", held=True)
    if st.button(t("Detach"), type="primary", icon=":material/link_off:"):
        with told():
            services().exports.detach(actor, export.id, take_off=take_off)
            go("exports")
