"""Choosing where an export goes: the contact list by name, made new or by its id; the custom fields there are.

What Constant Contact said is kept for a minute, per person and connection. Must never save an export.
"""

from collections.abc import Sequence

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.contact_lists import ContactList
from ccexport.model.exports import Actor, Connection, Export
from ccexport.ui.app_state import services
from ccexport.ui.render import plain, show_error
from ccexport.ui.texts import t, tn

LISTS_PAGE = "https://app.constantcontact.com/pages/contacts/ui#lists"


def pick(
    label: str,
    options: list[str],
    wanted: str | None,
    key: str,
    *,
    names: dict[str, str] | None = None,
    disabled: bool = False,
) -> str | None:
    if wanted is not None and wanted not in options:
        options = [*options, wanted]
    return st.selectbox(
        label,
        options,
        index=options.index(wanted) if wanted in options else None,
        key=key,
        disabled=disabled,
        width=480,
        format_func=lambda o: (names or {}).get(o, o),
        placeholder=t("choose"),
    )


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def _lists(_actor: Actor, who: str, connection_id: str) -> Sequence[ContactList]:
    return services().connections.lists(_actor, connection_id)


def contact_list_picker(
    actor: Actor, key: str, connection: Connection, export: Export | None, disabled: bool
) -> str:
    """By name, or made, or a pasted id; the id of a list."""
    config = export.config if export else None
    if disabled and config:
        st.text_input(t("Contact list"), value=config.list_name, disabled=True, width=480)
        return config.list_id
    try:
        there = {found.id: found for found in _lists(actor, actor.name, connection.id)}
    except CcexportError as error:
        show_error(error)
        there = {}
    names = {k: f"{v.name} ({tn('{n} contact', '{n} contacts', n=v.members or 0)})" for k, v in there.items()}
    if config and config.connection_id == connection.id:
        names.setdefault(config.list_id, config.list_name)
    wanted = config.list_id if config and config.list_id in names else None
    chosen = pick(t("Contact list"), list(names), wanted, f"{key}-list", names=names) or ""
    with st.popover(t("Make a new list, or paste an id"), icon=":material/playlist_add:"):
        made = st.text_input(t("Name of the new list"), max_chars=255, key=f"{key}-newlist")
        if st.button(t("Make the list"), key=f"{key}-makelist", disabled=not made.strip()):
            _make_list(actor, connection, made)
        pasted = st.text_input(t("Id of a list"), max_chars=60, key=f"{key}-listid").strip()
        st.markdown(
            t(
                "The id stands in the address of the list's page: [lists at Constant Contact]({url}).",
                url=LISTS_PAGE,
            )
        )
    if pasted:
        try:
            found = services().connections.find_list(actor, connection.id, pasted)
            st.caption(t("The pasted id is the list **{name}**.", name=plain(found.name)))
            return found.id
        except CcexportError as error:
            show_error(error)
    return chosen


def _make_list(actor: Actor, connection: Connection, name: str) -> None:
    try:
        services().connections.create_list(actor, connection.id, name)
    except CcexportError as error:
        show_error(error)
        return
    _lists.clear()
    st.toast(t("The list {name} is there now; choose it.", name=plain(name)))
    st.rerun()


def custom_fields(actor: Actor, connection: Connection, disabled: bool) -> dict[str, str]:
    return {} if disabled else _custom(actor, actor.name, connection.id)


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def _custom(_actor: Actor, who: str, connection_id: str) -> dict[str, str]:
    try:
        return {f.id: f.label or f.name for f in services().connections.custom_fields(_actor, connection_id)}
    except CcexportError:
        return {}
