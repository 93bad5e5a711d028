"""The saved exports, each with its last run and what may be done. Must never run one."""

from collections.abc import Sequence

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Connection, Export
from ccexport.model.runs import Run
from ccexport.model.words import Mode, Role
from ccexport.services.schedules import ScheduleState
from ccexport.ui.address import views
from ccexport.ui.holder import services
from ccexport.ui.places import go, link
from ccexport.ui.schedule_form import words
from ccexport.ui.show import ago, badge_markup, empty, number, plain
from ccexport.ui.texts import t

SORTS = {"name": "Name", "changed": "Last changed", "run": "Last run"}


def export_list(actor: Actor) -> None:
    """Search, sort, and one card per export."""
    exports = services().exports.list(actor)
    if not exports:
        _nothing_yet(actor)
        return
    last = _last_runs(actor)
    schedules = {s.export: s for s in services().schedules.list(actor)}
    connections = {c.id: c for c in services().connections.list(actor)}
    search, order = _filters()
    found = [e for e in exports if _matches(e, connections.get(e.config.connection_id), search)]
    for export in _sorted(found, order, last):
        _card(
            actor,
            export,
            connections.get(export.config.connection_id),
            last.get(export.id),
            schedules.get(export.name),
        )
    if not found:
        st.caption(t("No export fits “{text}”.", text=plain(search)))


def _nothing_yet(actor: Actor) -> None:
    if actor.role.covers(Role.CONTRIBUTOR):
        empty(t("No exports yet"), t("An export says which segments go to which contact list, and how."))
        link("exports", t("Add an export"), icon=":material/add:", show="new")
    else:
        empty(t("No exports yet"), t("A contributor can add one."))


def _filters() -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            t("Search"), key="q", bind="query-params", icon=":material/search:", max_chars=100, width=360
        )
        order = views(t("Sort by"), list(SORTS), lambda k: t(SORTS[k]), key="sort")
    return search.strip(), order


def _matches(export: Export, connection: Connection | None, search: str) -> bool:
    words = " ".join([export.name, export.config.list_name, connection.name if connection else ""])
    return search.casefold() in words.casefold()


def _sorted(exports: Sequence[Export], order: str, last: dict[str, Run]) -> list[Export]:
    if order == "changed":
        return sorted(exports, key=lambda e: e.updated_at, reverse=True)
    if order == "run":
        return sorted(exports, key=lambda e: last[e.id].id if e.id in last else "", reverse=True)
    return sorted(exports, key=lambda e: e.name.casefold())


def _last_runs(actor: Actor) -> dict[str, Run]:
    newest_first = services().runs.list(actor, limit=500)
    return {run.export_id: run for run in reversed(newest_first)}


def segment_names(actor: Actor, export: Export) -> str:
    names = {s.id: s.name for s in services().segments.list(actor)}
    return ", ".join(names.get(s, s) for s in export.config.segment_ids)


def _card(
    actor: Actor, export: Export, connection: Connection | None, run: Run | None, state: ScheduleState | None
) -> None:
    mine = services().exports.may_manage(actor, export)
    with (
        st.container(border=True, key=f"export-{export.id}"),
        st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
    ):
        with st.container(width="stretch"):
            paused = f" :orange-badge[{t('Paused')}]" if export.paused else ""
            st.markdown(f"#### {plain(export.name)}{paused}")
            st.markdown(
                t(
                    "{segments} → list **{list}** · {connection}",
                    segments=plain(segment_names(actor, export), 200),
                    list=plain(export.config.list_name),
                    connection=plain(connection.name) if connection else t("no connection"),
                )
                + (f" · {t('Mirror')}" if export.config.mode is Mode.MIRROR else "")
            )
            st.markdown(_last_line(run) + " · " + _right(mine))  # a badge in a caption is too faint
            if state is not None:
                why = f" · {plain(state.why, 300)}" if state.why and not export.paused else ""
                st.caption(f":material/schedule: {words(state)}{why}")
        with st.container(horizontal=True, width="content"):
            preview = st.button(
                t("Preview and run") if mine else t("Preview"),
                key=f"preview-{export.id}",
                icon=":material/visibility:",
                type="primary" if mine else "secondary",
            )
            more = st.menu_button(
                t("More"),
                list(_choices(export, mine)),
                format_func=lambda key: _choices(export, mine)[key],
                key=f"more-{export.id}",
            )
    if preview:
        go("exports", export=export.id, show="preview")
    if more:
        _do(actor, export, more)


def _last_line(run: Run | None) -> str:
    if run is None:
        return t("Never run")
    text = f"{badge_markup(run.state)} {ago(run.created_at)}, {t('by {person}', person=plain(run.actor))}"
    if "verified" in run.counts:
        text += " · " + t(
            "{sent} sent, {verified} verified, {rejected} rejected",
            sent=number(run.counts.get("sent")),
            verified=number(run.counts.get("verified")),
            rejected=number(run.counts.get("rejected")),
        )
    return text


def _right(mine: bool) -> str:
    return t("yours to change and run") if mine else t("yours to see; ask an administrator for more")


def _choices(export: Export, mine: bool) -> dict[str, str]:
    choices = {"runs": t("Runs of this export"), "settings": t("Edit") if mine else t("Settings")}
    if mine:
        choices |= {
            "pause": t("Let it go on") if export.paused else t("Pause"),
            "duplicate": t("Duplicate"),
            "remove": t("Remove"),
        }
    return choices


def _do(actor: Actor, export: Export, what: str) -> None:
    if what == "runs":
        go("runs", export=export.id)
    if what == "settings":
        go("exports", export=export.id, show="settings")
    if what == "remove":
        st.dialog(t("Remove {name}?", name=plain(export.name)))(_remove)(actor, export)
        return
    try:
        if what == "pause":
            services().exports.pause(actor, export.id, paused=not export.paused)
        else:
            copy = services().exports.duplicate(actor, export.id, t("Copy of {name}", name=export.name[:180]))
            go("exports", export=copy.id, show="settings")
    except CcexportError as error:
        st.error(plain(str(error), 1_000))
        return
    st.rerun()


def _remove(actor: Actor, export: Export) -> None:
    st.markdown(t("Its runs stay in the history, and nobody is taken off the list."))
    if st.button(t("Remove"), type="primary", icon=":material/delete:"):
        services().exports.remove(actor, export.id)
        go("exports")
