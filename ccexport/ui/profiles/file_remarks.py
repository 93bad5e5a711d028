"""Remarks on a file before its ingest: sentences with counts, and choices of how to read the file.

Owns the choices of this session. Must never read a file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.reading import FORMATS, Remark
from ccexport.model.sources import SourcePreview
from ccexport.profiles.file_addresses import is_of_people_who_left
from ccexport.ui.app_state import services
from ccexport.ui.profiles.profile_view import frame_of
from ccexport.ui.render import plain, show_error
from ccexport.ui.texts import say, t, tn

FORMAT_NAMES = mark(
    {
        "day_first": "day first",
        "month_first": "month first",
        "year_first": "year first",
        "decimal_comma": "a comma before the decimals",
        "decimal_point": "a point before the decimals",
        "excel_serial": "days of a spreadsheet",
        "excel_serial_1904": "days of a spreadsheet, from 1904",
    }
)
_SAMPLES = 3


def chosen(file_id: str) -> Mapping[str, Any]:
    """Return what was chosen for this file so far, as overrides of a preview and of the ingest."""
    kept = _kept(file_id)
    formats = {name: form for name, form in kept.items() if name and form}
    encoding = kept.get("")
    return ({"formats": formats} if formats else {}) | ({"encoding": encoding} if encoding else {})


def remarks(found: SourcePreview, file_id: str) -> None:
    """Draw the sentences with their choices; a choice that was made stays visible and can be changed."""
    asked = {("" if not r.field else r.field) for r in found.remarks if r.choices}
    for remark in found.remarks:
        icon = ":material/help:" if remark.choices else ":material/info:"
        st.markdown(f"{icon} {plain(say(remark.message), 400)}")
        if remark.samples:
            st.caption(" · ".join(plain(str(s), 60) for s in remark.samples[:_SAMPLES]))
        if remark.choices:
            _choice(file_id, remark)
    for name, form in _kept(file_id).items():
        if form and name not in asked:
            _choice(file_id, Remark("", field=name, choices=FORMATS if name else (form,)))
    if found.id_field and _is_address(found, found.id_field):
        field = plain(found.id_field)
        st.markdown(
            ":material/info: "
            + t("No field is an id: each profile is known by its address in {field}.", field=field)
        )


def suppress_instead(actor: Actor, path: Path, found: SourcePreview) -> None:
    """Offer to put the whole file on the suppression list; expanded when the file looks like such a list."""
    left = is_of_people_who_left(list(found.fields))
    with st.expander(t("These people must not get mail"), icon=":material/block:", expanded=left):
        if left:
            st.markdown(t("This looks like a file of people who unsubscribed or whose address is dead."))
        st.caption(t("Its addresses are put on the suppression list; the profiles stay as they are."))
        if st.button(t("Put its addresses on the suppression list"), icon=":material/block:"):
            try:
                n, _ = services().system.suppress_file(actor, path)
            except CcexportError as error:
                show_error(error)
                return
            st.success(tn("{n} entry was new.", "{n} entries were new.", n=n))


def side_by_side(found: SourcePreview) -> None:
    """Draw the first rows as the file has them, and as they are read."""
    original, read = st.columns(2)
    with original:
        st.markdown(f"**{t('As the file has it')}**")
        st.dataframe(
            frame_of(found.originals),
            hide_index=True,
            alt=t("As the file has it"),
            placeholder="",
            height=260,
        )
    with read:
        st.markdown(f"**{t('As it is read')}**")
        st.dataframe(
            frame_of(found.rows), hide_index=True, alt=t("As it is read"), placeholder="", height=260
        )


def _kept(file_id: str) -> dict[str, str | None]:
    """Return the choices as field → format; the empty name holds the encoding of the file."""
    kept: dict[str, str | None] = st.session_state.setdefault(f"ingest-chosen-{file_id}", {})
    return kept


def _choice(file_id: str, remark: Remark) -> None:
    kept, name = _kept(file_id), remark.field
    options = [None, *remark.choices]
    key = f"ingest-choice-{file_id}-{name}"
    st.selectbox(
        t("Read {field}", field=plain(name)) if name else t("Encoding of the file"),
        options,
        index=options.index(kept.get(name)) if kept.get(name) in options else 0,
        format_func=lambda form: t(str(FORMAT_NAMES.get(form, form))) if form else t("as found"),
        key=key,
        width=360,
        on_change=lambda: kept.__setitem__(name, st.session_state[key]),
    )


def _is_address(found: SourcePreview, field: str) -> bool:
    values = [str(row[field]) for row in found.originals if row.get(field)]
    return bool(values) and sum("@" in v for v in values) * 2 > len(values)
