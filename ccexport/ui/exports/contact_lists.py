"""Choosing the contact list of an export by name, by id or as a new list; and the account's custom fields.

Answers of Constant Contact are cached for a minute, per person and connection. Must never save an export.
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
    """Draw the choice of a contact list by name, as a new list or by a pasted id. Returns its id, or ""."""
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
    names |= st.session_state.get(f"{key}-pasted", {})
    wanted = config.list_id if config and config.list_id in names else None
    chosen = pick(t("Contact list"), list(names), wanted, f"{key}-list", names=names) or ""
    with st.popover(t("Make a new list, or paste an id"), icon=":material/playlist_add:"):
        made = st.text_input(t("Name of the new list"), max_chars=255, key=f"{key}-newlist")
        st.button(
            t("Make the list"),
            key=f"{key}-makelist",
            disabled=not made.strip(),
            on_click=_make_list,
            args=(actor, connection, key),
        )
        st.text_input(
            t("Id of a list"),
            max_chars=60,
            key=f"{key}-listid",
            on_change=_take_pasted,
            args=(actor, connection, key),
        )
        st.markdown(
            t(
                "The id stands in the address of the list's page: [lists at Constant Contact]({url}).",
                url=LISTS_PAGE,
            )
        )
    _show_trouble(key)
    return chosen


def _take_pasted(actor: Actor, connection: Connection, key: str) -> None:
    """Choose the list of a pasted id and empty the field, so that only one value counts, the last one."""
    pasted = str(st.session_state.get(f"{key}-listid", "")).strip()
    if not pasted:
        return
    try:
        found = services().connections.find_list(actor, connection.id, pasted)
    except CcexportError as error:
        st.session_state[f"{key}-listtrouble"] = error
        return
    _choose(key, found)


def _make_list(actor: Actor, connection: Connection, key: str) -> None:
    """Create a list and choose it."""
    try:
        made = services().connections.create_list(
            actor, connection.name, str(st.session_state[f"{key}-newlist"]).strip()
        )
    except CcexportError as error:
        st.session_state[f"{key}-listtrouble"] = error
        return
    _lists.clear()
    _choose(key, made)


def _choose(key: str, found: ContactList) -> None:
    st.session_state[f"{key}-pasted"] = {found.id: plain(found.name)}
    st.session_state[f"{key}-list"] = found.id
    st.session_state[f"{key}-listid"] = ""
    st.session_state[f"{key}-newlist"] = ""


def _show_trouble(key: str) -> None:
    trouble = st.session_state.pop(f"{key}-listtrouble", None)
    if trouble is not None:
        show_error(trouble)


def custom_fields(actor: Actor, connection: Connection, disabled: bool) -> dict[str, str]:
    return {} if disabled else _custom(actor, actor.name, connection.id)


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def _custom(_actor: Actor, who: str, connection_id: str) -> dict[str, str]:
    try:
        return {f.id: f.label or f.name for f in services().connections.custom_fields(_actor, connection_id)}
    except CcexportError:
        return {}
