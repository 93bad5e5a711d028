"""Creating and changing an export, in the order of the work: where to, what, who, how.

Saving never runs anything, and says so. Must never check what the use case checks.
"""

from typing import Any

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Connection, ConsentRule, Export, Guards
from ccexport.model.profiles import Snapshot
from ccexport.model.words import FieldType, Mode, Role
from ccexport.ui.attributes import attributes, forget
from ccexport.ui.contact_lists import contact_list_picker, custom_fields, pick
from ccexport.ui.export_segments import choose_segments
from ccexport.ui.holder import services
from ccexport.ui.places import go, link
from ccexport.ui.show import empty, show_error
from ccexport.ui.suggested import suggested
from ccexport.ui.texts import t
from ccexport.ui.words import MODES


def new_export(actor: Actor) -> None:
    """The empty form, or whom to ask when there is no connection."""
    if not actor.role.covers(Role.CONTRIBUTOR):
        st.warning(t("Adding exports is for contributors. Ask an administrator."), icon=":material/lock:")
        return
    _form(actor, None)


def edit_export(actor: Actor, export: Export) -> None:
    """The form of what is saved; only to look at for those who may not change it."""
    mine = services().exports.may_manage(actor, export)
    if not mine:
        st.caption(t("You may look at these settings. An administrator can share the connection with you."))
    elif st.session_state.pop("saved_export", None) == export.id:
        st.success(t("Saved. Nothing was sent: it runs when somebody presses Run export."))
    _form(actor, export, disabled=not mine)


def _form(actor: Actor, export: Export | None, *, disabled: bool = False) -> None:
    key = f"form-{export.id}-{export.version}" if export else "form-new"
    usable = [
        c
        for c in services().connections.list(actor)
        if disabled or actor.role.covers(c.share) or (export and c.id == export.config.connection_id)
    ]
    snapshot = services().profiles.find_current(actor)
    if not usable:
        empty(
            t("No connection you may use"),
            t("An administrator connects Constant Contact and shares it with contributors."),
        )
        return
    if snapshot is None:
        empty(t("No profiles yet"), t("Ingest a file with profiles first."))
        link("profiles", t("Profiles"), icon=":material/contacts:")
        return
    values = _values(actor, key, export, usable, snapshot, disabled)
    if values is None or disabled:
        return
    with st.container(horizontal=True):
        save = st.button(t("Save"), key=f"{key}-save", icon=":material/save:")
        then = st.button(
            t("Save and preview"), key=f"{key}-then", type="primary", icon=":material/visibility:"
        )
    st.caption(t("Saving sends nothing. An export runs when somebody presses Run export."))
    if save or then:
        _save(actor, key, export, values, preview=then)


def _values(
    actor: Actor,
    key: str,
    export: Export | None,
    usable: list[Connection],
    snapshot: Snapshot,
    disabled: bool,
) -> dict[str, Any] | None:
    config = export.config if export else None
    st.subheader(t("1. Where to"))
    chosen = pick(
        t("Connection"),
        [c.id for c in usable],
        config.connection_id if config else usable[0].id,
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
    contact_list = contact_list_picker(actor, key, connection, export, disabled)
    st.subheader(t("2. What about each person"))
    fields = [f.name for f in snapshot.fields]
    email = pick(
        t("Field with the e-mail address"),
        fields,
        config.email if config else _first_address(snapshot),
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
    consent, newest_by = _people(key, export, snapshot, disabled)
    st.subheader(t("4. How"))
    mode, resend, guards = _how(key, export, disabled)
    return {
        "name": name,
        "connection": connection.id,
        "contact_list": contact_list,
        "segments": segments,
        "email": email,
        "fields": mapped,
        "mode": mode,
        "resend_unchanged": resend,
        "consent": consent,
        "newest_by": newest_by,
        "international_phones": phones,
        "guards": guards,
    }


def _first_address(snapshot: Snapshot) -> str | None:
    return snapshot.address_fields[0] if snapshot.address_fields else None


def _people(
    key: str, export: Export | None, snapshot: Snapshot, disabled: bool
) -> tuple[ConsentRule | None, str | None]:
    config = export.config if export else None
    fields = [f.name for f in snapshot.fields]
    consent = None
    if st.toggle(
        t("Only people with consent"),
        value=bool(config and config.consent),
        key=f"{key}-consent",
        disabled=disabled,
    ):
        old = config.consent if config else None
        with st.container(horizontal=True, vertical_alignment="bottom"):
            field = st.selectbox(
                t("Field with the consent"),
                fields,
                index=fields.index(old.field) if old and old.field in fields else None,
                key=f"{key}-consent-field",
                width=300,
                disabled=disabled,
            )
            values = st.text_input(
                t("Counts as consent"),
                value=", ".join(old.values if old else ConsentRule(field="x").values),
                key=f"{key}-consent-values",
                width=420,
                disabled=disabled,
            )
        if field:
            consent = ConsentRule(
                field=field, values=tuple(v.strip() for v in values.split(",") if v.strip())
            )
    times = [
        f.name for f in snapshot.fields if f.type in {FieldType.DATE, FieldType.TIMESTAMP, FieldType.NUMBER}
    ]
    wanted = config.newest_by if config else snapshot.updated_field
    newest = st.selectbox(
        t("Of several profiles with one address, send the one with the newest"),
        [None, *times],
        index=times.index(wanted) + 1 if wanted in times else 0,
        format_func=lambda f: f or t("(the first one in the file)"),
        key=f"{key}-newest",
        width=480,
        disabled=disabled,
    )
    return consent, newest


def _how(key: str, export: Export | None, disabled: bool) -> tuple[Mode, bool, Guards]:
    config = export.config if export else None
    guards = config.guards if config else Guards()
    mode = st.radio(
        t("Mode"),
        list(Mode),
        index=list(Mode).index(config.mode) if config else 0,
        format_func=lambda m: t(MODES[m]),
        key=f"{key}-mode",
        disabled=disabled,
        captions=[
            t("Nobody is taken off the list."),
            t("Only contacts this product put there; the contact itself stays at Constant Contact."),
        ],
    )
    resend = st.toggle(
        t("Send unchanged contacts again as well"),
        value=bool(config and config.resend_unchanged),
        key=f"{key}-resend",
        disabled=disabled,
    )
    with st.expander(t("Limits that stop a run until an administrator releases it")):
        percent = st.number_input(
            t("Taken off the list, at most (% of those we put there)"),
            0.0,
            100.0,
            guards.removals_percent,
            key=f"{key}-removals",
            disabled=disabled,
            width=480,
        )
        shrunk = st.number_input(
            t("Fewer candidates than the last run, at most (%)"),
            0.0,
            100.0,
            guards.shrunk_percent,
            key=f"{key}-shrunk",
            disabled=disabled,
            width=480,
        )
        rejected = st.number_input(
            t("Left out, at most (% of the candidates)"),
            0.0,
            100.0,
            guards.rejected_percent,
            key=f"{key}-rejected",
            disabled=disabled,
            width=480,
        )
        most = st.number_input(
            t("Contacts in one run, at most"),
            1,
            1_000_000,
            guards.contacts_maximum,
            key=f"{key}-most",
            disabled=disabled,
            width=480,
        )
    limits = {
        "removals_percent": percent,
        "shrunk_percent": shrunk,
        "rejected_percent": rejected,
        "contacts_maximum": most,
    }
    return Mode(str(mode)), resend, guards.model_copy(update=limits)


def _save(actor: Actor, key: str, export: Export | None, values: dict[str, Any], *, preview: bool) -> None:
    if not values["contact_list"]:
        st.error(t("Choose a contact list."))
        return
    if not values["email"]:
        st.error(t("Choose the field with the e-mail address."))
        return
    try:
        if export is None:
            saved = services().exports.create(actor, values.pop("name"), **values)
        else:
            saved = services().exports.change(actor, export.id, **values)
    except CcexportError as error:
        show_error(error)
        return
    forget(key)
    if preview:
        go("exports", export=saved.id, show="preview")
    st.session_state["saved_export"] = saved.id
    go("exports", export=saved.id, show="settings")
