"""The list of saved exports, with search, sorting, pages, and actions on several at once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import Actor, Connection, Export
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.exports.bulk import selected_bar
from ccexport.ui.exports.cards import Beside, card
from ccexport.ui.navigation import link
from ccexport.ui.render import empty, plain
from ccexport.ui.texts import t, tn
from ccexport.ui.url_state import page_of, views

SORTS = mark({"name": "Name", "changed": "Last changed", "run": "Last run"})


def export_list(actor: Actor) -> None:
    """Draw search, sorting, actions for the selected exports of all pages, and one card per export."""
    exports = services().exports.list(actor)
    if not exports:
        _nothing_yet(actor)
        return
    connections = {c.id: c for c in services().connections.list(actor)}
    search, order = _filters()
    found = [e for e in exports if _matches(e, connections.get(e.config.connection_id), search)]
    if not found:
        st.caption(t("No export fits “{text}”.", text=plain(search)))
        link("exports", t("All exports"), icon=":material/outbox:")
    shown = page_of(_sorted(actor, found, order), tn("{n} export", "{n} exports", n=len(found)))
    bar = st.container()
    beside = _beside(actor, shown, connections)
    for export in shown:
        card(actor, export, beside)
    with bar:
        selected_bar(actor, exports, found, shown)


def _nothing_yet(actor: Actor) -> None:
    if actor.role.covers(Role.CONTRIBUTOR):
        with empty(
            t("No exports yet"), t("An export says which segments go to which contact list, and how.")
        ):
            link("exports", t("Add an export"), icon=":material/add:", show="new")
    else:
        empty(t("No exports yet"), t("A contributor can add one."))


def _filters() -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            t("Search"),
            key="q",
            bind="query-params",
            icon=":material/search:",
            placeholder=t("export, list or connection"),
            max_chars=100,
            width=360,
        )
        order = views(t("Sort by"), list(SORTS), lambda k: t(SORTS[k]), key="sort")
    return search.strip(), order


def _matches(export: Export, connection: Connection | None, search: str) -> bool:
    words = " ".join([export.name, export.config.list_name, connection.name if connection else ""])
    return search.casefold() in words.casefold()


def _sorted(actor: Actor, exports: Sequence[Export], order: str) -> list[Export]:
    if order == "changed":
        return sorted(exports, key=lambda e: e.updated_at, reverse=True)
    if order == "run":
        last = services().runs.last_times(actor)
        never = datetime.min.replace(tzinfo=UTC)
        return sorted(exports, key=lambda e: last.get(e.id, never), reverse=True)
    return sorted(exports, key=lambda e: e.name.casefold())


def _beside(actor: Actor, shown: Sequence[Export], connections: Mapping[str, Connection]) -> Beside:
    states = services().schedules.of(actor, shown)
    return Beside(
        connections=connections,
        segments=services().segments.names(actor),
        last=services().runs.last_of(actor, shown),
        schedules={export.id: state for export, state in zip(shown, states, strict=True)},
        mine=services().exports.manageable(actor, shown),
    )
