"""Creating and changing an export, in the order of the work: where to, what, who, how.

Saving never runs anything, and the form says so. Must never check what the use case checks.
"""

from dataclasses import replace
from typing import Any, NoReturn

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Connection, Export
from ccexport.model.profiles import Snapshot
from ccexport.model.schedules import Follows
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.edit_conflict import ask_what_holds, forget, opened
from ccexport.ui.exports.attributes import attributes
from ccexport.ui.exports.contact_lists import contact_list_picker, custom_fields, pick
from ccexport.ui.exports.export_options import how, moved, refusals, who_of_them
from ccexport.ui.exports.mapping_suggestions import suggested, suggested_permissions
from ccexport.ui.exports.people_left import take_off_asked
from ccexport.ui.exports.schedule_form import words
from ccexport.ui.exports.segment_picker import choose_others, choose_segments
from ccexport.ui.navigation import go, link
from ccexport.ui.render import empty, moment, show_error, show_refusal
from ccexport.ui.texts import t


def new_export(actor: Actor) -> None:
    """Draw the empty form, or whom to ask when there is no connection."""
    if not actor.role.covers(Role.CONTRIBUTOR):
        st.warning(t("Adding exports is for contributors. Ask an administrator."), icon=":material/lock:")
        return
    _form(actor, None)


def edit_export(actor: Actor, export: Export) -> None:
    """Draw the form of a saved export, read-only for those who may not change it."""
    mine = services().exports.may_manage(actor, export)
    if not mine:
        st.caption(t("You may look at these settings. An administrator can share the connection with you."))
    elif st.session_state.pop("saved_export", None) == export.id:
        st.success(t("Saved. Nothing was sent.") + " " + _when(actor, export), icon=":material/check_circle:")
    _form(actor, export, disabled=not mine)


def _when(actor: Actor, export: Export) -> str:
    """Return in one sentence when the export runs."""
    if export.paused:
        return t("It is paused: nothing runs before it is let go on.")
    state = services().schedules.get(actor, export.id)
    if state.next:
        return t(
            "It runs by itself on {when}, or when somebody presses Run export.", when=moment(state.next[0])
        )
    if state.schedule.follows is Follows.NOTHING:
        return t("It runs when somebody presses Run export.")
    return t("It runs by itself ({how}), or when somebody presses Run export.", how=words(state))


def _form(actor: Actor, saved: Export | None, *, disabled: bool = False) -> None:
    form = opened(f"form-{saved.id}", saved, saved.version) if saved else None
    export, key = (form.thing, form.key) if form else (None, "form-new")
    stale = form is not None and form.stale and not disabled
    usable = [
        c
        for c in services().connections.list(actor)
        if disabled or actor.role.covers(c.share) or (export and c.id == export.config.connection_id)
    ]
    snapshot = services().profiles.find_current(actor)
    if not usable:
        what = t("An administrator connects Constant Contact and shares it with contributors.")
        with empty(t("No connection you may use"), what):
            if actor.role.covers(Role.ADMINISTRATOR):
                link("connections", t("Connect Constant Contact"), icon=":material/add_link:", show="new")
        return
    if snapshot is None:
        with empty(t("No profiles yet"), t("Bring in a file with profiles first.")):
            link("profiles", t("Profiles"), icon=":material/contacts:")
        return
    if saved and stale:
        ask_what_holds(f"form-{saved.id}", saved.version, by=saved.updated_by)
    values = _values(actor, key, export, usable, snapshot, disabled)
    if values is None or disabled:
        return
    save, then = _buttons(key, stale)
    if save or then:
        seen = form.version if form else None
        _save(actor, key, export, values, seen=seen, preview=then)


def _buttons(key: str, stale: bool) -> tuple[bool, bool]:
    """Draw the buttons. Returns whether to save, and whether to save and preview."""
    with st.container(horizontal=True):
        save = st.button(t("Save"), key=f"{key}-save", icon=":material/save:", disabled=stale)
        label, icon = t("Save and preview"), ":material/visibility:"
        then = st.button(label, key=f"{key}-then", type="primary", icon=icon, disabled=stale)
    st.caption(t("Saving sends nothing."))
    return save, then


def _values(
    actor: Actor,
    key: str,
    export: Export | None,
    usable: list[Connection],
    snapshot: Snapshot,
    disabled: bool,
) -> dict[str, Any] | None:
    config = export.config if export else None
    if config and not config.connection_id:
        st.warning(t("This export has no connection; choose one here."), icon=":material/link_off:")
    st.subheader(t("1. Where to"))
    chosen = pick(
        t("Connection"),
        [c.id for c in usable],
        (config.connection_id or None) if config else usable[0].id,
        f"{key}-connection",
        names={c.id: f"Constant Contact · {c.name}" for c in usable},
        disabled=disabled,
    )
    connection = next((c for c in usable if c.id == chosen), None)
    if connection is None:
        return None
    name = st.text_input(
        t("Name of the export"),
        value=config.name if config else "",
        max_chars=200,
        key=f"{key}-name",
        disabled=disabled,
        width=480,
    )
    apart = export is None and st.toggle(
        t("One contact list per segment"),
        key=f"{key}-apart",
        help=t("Saving makes one export for each chosen segment, each with a list named like the segment."),
    )
    contact_list = "" if apart else contact_list_picker(actor, key, connection, export, disabled)
    st.subheader(t("2. What about each person"))
    fields = [f.name for f in snapshot.fields]
    email = pick(
        t("Field with the e-mail address"),
        fields,
        config.email if config else _suggested_address(actor),
        f"{key}-email",
        disabled=disabled,
    )
    mapped = attributes(
        key, config.fields if config else (), fields, custom_fields(actor, connection, disabled), disabled
    )
    if not disabled:
        suggested(actor, key, {f.target for f in mapped})
    phones = st.toggle(
        t("Send phone numbers outside the USA and Canada too"),
        value=bool(config and config.international_phones),
        key=f"{key}-phones",
        disabled=disabled,
        help=t(
            "Constant Contact may refuse them; without this they are left out and the contact still goes."
        ),
    )
    st.subheader(t("3. Who"))
    segments = choose_segments(actor, key, export, disabled)
    excluded, first = choose_others(actor, key, export, disabled)
    if not disabled and not (config and (config.consent or config.refusals)):
        suggested_permissions(actor, key)
    consent, newest_by = who_of_them(key, export, snapshot, disabled)
    refused = refusals(key, export, snapshot, disabled)
    st.subheader(t("4. How"))
    mode, resend, guards = how(key, export, disabled)
    old_address = moved(key, export, disabled)
    goes_to = {"connection_id": connection.id, "list_id": contact_list, "mode": mode}
    return {
        "take_off": not disabled and _take_off(actor, key, export, goes_to),
        "name": name,
        "connection": connection.id,
        "contact_list": contact_list,
        "apart": apart,
        "segments": segments,
        "exclude": excluded,
        "yields_to": first,
        "email": email,
        "fields": mapped,
        "mode": mode,
        "resend_unchanged": resend,
        "consent": consent,
        "refusals": refused,
        "newest_by": newest_by,
        "international_phones": phones,
        "moved": old_address,
        "guards": guards,
    }


def _take_off(actor: Actor, key: str, export: Export | None, goes_to: dict[str, Any]) -> bool:
    """Ask what becomes of the people on the list when these changes end what the export holds there."""
    if export is None or not goes_to["list_id"]:
        return False
    changed = replace(export, config=export.config.model_copy(update=goes_to))
    if not services().exports.ended_holds(actor, export, changed):
        return False
    st.markdown(t("Saved like this, the export no longer holds the people it put on its list."))
    return take_off_asked(actor, [export], f"{key}-people")


def _suggested_address(actor: Actor) -> str | None:
    """Return the field most likely to hold the address, not just the first possible one."""
    return next((s.source for s in services().exports.suggest(actor) if s.target == "email"), None)


def _save(
    actor: Actor,
    key: str,
    export: Export | None,
    values: dict[str, Any],
    *,
    seen: int | None,
    preview: bool,
) -> None:
    apart, take_off = values.pop("apart"), values.pop("take_off")
    if not values["contact_list"] and not apart:
        show_refusal(t("Choose a contact list."))
        return
    if not values["email"]:
        show_refusal(t("Choose the field with the e-mail address."))
        return
    try:
        if apart:
            _save_apart(actor, key, values)
        if export is None:
            saved = services().exports.create(actor, values.pop("name"), **values)
        else:
            saved = services().exports.change(actor, export.id, seen=seen, take_off=take_off, **values)
    except CcexportError as error:
        show_error(error)
        return
    forget(key)
    if preview:
        go("exports", export=saved.id, show="preview")
    st.session_state["saved_export"] = saved.id
    go("exports", export=saved.id, show="settings")


def _save_apart(actor: Actor, key: str, values: dict[str, Any]) -> NoReturn:
    """Save one export for each segment, then show them in the list."""
    del values["contact_list"]
    name = values.pop("name")
    services().exports.create_per_segment(actor, name, **values)
    forget(key)
    go("exports", q=name[:100])
