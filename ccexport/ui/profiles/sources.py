"""The named sources: their settings, order of precedence, first rows, and ingesting them all.

Must never show a password.
"""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.sources import Source
from ccexport.model.words import Role
from ccexport.ui.app_state import services
from ccexport.ui.fragments import dialog
from ccexport.ui.profiles.ingest import take
from ccexport.ui.profiles.profile_view import frame_of
from ccexport.ui.render import code, empty, plain, show_error, told
from ccexport.ui.texts import t

KINDS = mark({"files": "Files on the server", "query": "A query of PostgreSQL"})


def sources(actor: Actor) -> None:
    """Draw all sources in their order, with buttons to ingest them and to add one."""
    there = services().sources.list(actor)
    admin = actor.role.covers(Role.ADMINISTRATOR)
    if not there:
        empty(
            t("No sources yet"),
            t(
                "A source names files on the server or a query; several about the same people become one profile each."
            ),
        )
    else:
        st.caption(
            t(
                "Joined by their keys. In each field the first source with a value wins, "
                "unless another is put first in it. The refresh reads them all."
            )
        )
    for place, source in enumerate(there):
        _card(actor, source, place, [s.name for s in there], admin)
    if there and actor.role.covers(Role.CONTRIBUTOR):
        _read_all(actor)
    if not admin:
        st.caption(t("An administrator adds and changes sources."))
    elif st.button(t("Add a source"), icon=":material/add:", type="primary" if not there else "secondary"):
        dialog(t("Add a source"), _form, actor, None, width="large")


def _card(actor: Actor, source: Source, place: int, names: Sequence[str], admin: bool) -> None:
    with st.container(border=True, key=f"source-{place}"):
        st.markdown(f"#### {place + 1}. {plain(source.name)}")
        where = ", ".join(code(f, 200) for f in source.files) or code(source.database or "", 200)
        st.markdown(where + (f" · {t('sheet')} {plain(source.sheet)}" if source.sheet else ""))
        if source.query:
            st.code(source.query, language=None, wrap_lines=True)
        said = [t("Key: {field}", field=plain(source.key)) if source.key else t("Key: found by itself")]
        if source.first_in:
            said.append(t("First in {fields}", fields=", ".join(plain(f) for f in source.first_in)))
        if source.database:
            kept = services().sources.has_password(actor, source.name)
            said.append(t("Password kept") if kept else t("No password"))
        st.caption(" · ".join(said))
        _buttons(actor, source, place, names, admin)


def _buttons(actor: Actor, source: Source, place: int, names: Sequence[str], admin: bool) -> None:
    with st.container(horizontal=True):
        if actor.role.covers(Role.CONTRIBUTOR) and st.button(
            t("First rows"), key=f"rows-{place}", icon=":material/table_rows:"
        ):
            dialog(t("First rows"), _first_rows, actor, source.name, width="large")
        if not admin:
            return
        if st.button(t("Change"), key=f"change-{place}", icon=":material/edit:"):
            dialog(t("Change the source"), _form, actor, source, width="large")
        if place and st.button(t("Up"), key=f"up-{place}", icon=":material/arrow_upward:"):
            moved = [*names[: place - 1], names[place], names[place - 1], *names[place + 1 :]]
            with told():
                services().sources.order(actor, moved)
                st.rerun()
        if st.button(t("Remove"), key=f"remove-{place}", icon=":material/delete:"):
            dialog(t("Remove this source?"), _remove, actor, source.name)


def _first_rows(actor: Actor, name: str) -> None:
    with st.spinner(t("Reading")), told():
        found = services().sources.preview(actor, name)
        lines = [{t("Field"): plain(n), t("Type"): t(str(type_))} for n, type_ in found.fields.items()]
        st.table(lines, border="horizontal", hide_index=True, alt=t("Fields"))
        st.dataframe(frame_of(found.rows), hide_index=True, alt=t("First rows"), placeholder="")


def _remove(actor: Actor, name: str) -> None:
    st.markdown(t("The profiles stay as they are until they are read anew. Its password is forgotten."))
    if st.button(t("Remove it"), type="primary", key="remove-source-go"):
        with told():
            services().sources.remove(actor, name)
            st.rerun()


def _read_all(actor: Actor) -> None:
    accept = st.checkbox(
        t("Take it even if fields are missing or it is much smaller than before"), key="all-accept"
    )
    if st.button(t("Read them all now"), type="primary", icon=":material/sync:"):
        take(lambda tell: services().sources.ingest(actor, accept_changes=accept, progress=tell))


def _form(actor: Actor, old: Source | None) -> None:
    start = "query" if old and old.database else "files"
    kind = st.segmented_control(
        t("Made of"), list(KINDS), default=start, required=True, format_func=lambda k: t(KINDS[k])
    )
    with st.form("source", border=False):  # a form submits a password just typed with the other fields
        name = st.text_input(t("Name"), old.name if old else "", max_chars=80, disabled=old is not None)
        values: dict[str, Any]
        values, password = (_files(old), None) if kind == "files" else _query(old)
        key = st.text_input(
            t("Key: the field that names a person (empty: found by itself)"),
            (old.key if old else "") or "",
            max_chars=200,
        )
        first_in = st.text_input(
            t("Fields in which it comes first, separated by commas"),
            ", ".join(old.first_in) if old else "",
            max_chars=2_000,
        )
        if not st.form_submit_button(t("Save"), type="primary", icon=":material/save:"):
            return
    values |= {"key": key.strip() or None, "first_in": [f.strip() for f in first_in.split(",") if f.strip()]}
    try:
        services().sources.save(actor, name, password=password, **values)
    except CcexportError as error:
        show_error(error)
        return
    st.rerun()


def _files(old: Source | None) -> dict[str, Any]:
    text = st.text_area(
        t("Files on the server, one a line (* and ** are allowed)"),
        "\n".join(old.files) if old else "",
        max_chars=20_000,
    )
    sheet = st.text_input(
        t("Sheet, when they are workbooks with several"), (old.sheet if old else "") or "", max_chars=100
    )
    files = [line.strip() for line in text.splitlines() if line.strip()]
    return {"files": files, "sheet": sheet.strip() or None, "database": None, "query": None}


def _query(old: Source | None) -> tuple[dict[str, Any], str | None]:
    database = st.text_input(
        t("Database, without the password"),
        (old.database if old else "") or "",
        placeholder="postgresql://reader@db.example.com/shop",
        max_chars=500,
    )
    query = st.text_area(
        t("Query: one SELECT"), (old.query if old else "") or "", max_chars=20_000, height=140
    )
    password = st.text_input(
        t("Password (empty: the one that is kept)") if old else t("Password"),
        type="password",
        max_chars=500,
        autocomplete="off",
    )
    values: dict[str, Any] = {
        "files": [],
        "sheet": None,
        "database": database.strip() or None,
        "query": query.strip() or None,
    }
    return values, password or None
