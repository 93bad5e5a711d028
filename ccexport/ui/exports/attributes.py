"""The attributes of an export: rows of contact field ← profile field that can be added and removed.

Must never check a mapping: saving does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import MappedField
from ccexport.services.exports import CONTACT_FIELDS, TRANSFORMS
from ccexport.ui.pickers import choose_many
from ccexport.ui.texts import t

CONSTANT, TEMPLATE = "=", "{}"
TEXTS = mark({CONSTANT: "the same text for everybody", TEMPLATE: "several fields put together"})


@dataclass(frozen=True)
class Attribute:
    """One row of the form; `number` makes the keys of its widgets unique."""

    number: int
    field: MappedField | None = None


def attributes(
    key: str,
    saved: Sequence[MappedField],
    profile_fields: Sequence[str],
    custom_fields: Mapping[str, str],
    disabled: bool,
) -> list[MappedField]:
    """Draw the rows and return the fields they map now."""
    kept: list[Attribute] = st.session_state.setdefault(
        f"{key}-attributes", [Attribute(i, f) for i, f in enumerate(saved)]
    )
    found = []
    for row in kept:
        with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}-row-{row.number}"):
            field = _row(f"{key}-{row.number}", row.field, profile_fields, custom_fields, disabled)
            if st.button(
                t("Remove"),
                help=t("Remove attribute"),
                key=f"{key}-drop-{row.number}",
                icon=":material/delete:",
                disabled=disabled,
            ):
                st.session_state[f"{key}-attributes"] = [r for r in kept if r.number != row.number]
                st.rerun()
        if field is not None:
            found.append(field)
    if st.button(t("Add attribute"), key=f"{key}-add", icon=":material/add:", disabled=disabled):
        add(key, [None])
        st.rerun()
    return found


def add(key: str, fields: Sequence[MappedField | None]) -> None:
    """Add rows at the end for the next rerun; None adds an empty row."""
    kept: list[Attribute] = st.session_state[f"{key}-attributes"]
    highest = max((r.number for r in kept), default=-1)
    more = [Attribute(highest + 1 + i, field) for i, field in enumerate(fields)]
    st.session_state[f"{key}-attributes"] = [*kept, *more]


def _row(
    key: str,
    field: MappedField | None,
    profile_fields: Sequence[str],
    custom_fields: Mapping[str, str],
    disabled: bool,
) -> MappedField | None:
    labels = {name: t(f.label) for name, f in CONTACT_FIELDS.items() if name != "email"}
    labels |= {f"cf:{field_id}": f"{t('Custom field')} {name}" for field_id, name in custom_fields.items()}
    if field is not None:
        labels.setdefault(field.target, field.target)
    target = st.selectbox(
        t("Contact field"),
        list(labels),
        index=_index(list(labels), field.target if field else None),
        format_func=lambda name: labels.get(name, name),
        key=f"{key}-target",
        width=200,
        disabled=disabled,
        placeholder=t("choose"),
    )
    sources = [*profile_fields, CONSTANT, TEMPLATE]
    now = (field.source or (CONSTANT if field.template is None else TEMPLATE)) if field else None
    source = st.selectbox(
        t("Profile field"),
        sources,
        index=_index(sources, now),
        format_func=lambda name: t(TEXTS[name]) if name in TEXTS else name,
        key=f"{key}-source",
        width=200,
        disabled=disabled,
        placeholder=t("choose"),
    )
    if source in TEXTS:
        written = st.text_input(
            t("Text"),
            value=(field.constant or field.template or "") if field else "",
            key=f"{key}-constant",
            width=240,
            disabled=disabled,
            help=t("Profile fields stand in braces: {example}", example="{First Name|title} {Last Name}")
            if source == TEMPLATE
            else None,
        )
        how: dict[str, Any] = {"constant": written} if source == CONSTANT else {"template": written}
    else:
        how = {"source": source, "transforms": _transforms(key, field, disabled)}
    if source != CONSTANT:
        how["default"] = _default(key, field, disabled)
    if not target or not source:
        return None
    return MappedField(target=target, **how)


def _transforms(key: str, field: MappedField | None, disabled: bool) -> tuple[str, ...]:
    """Draw the choice of transforms and return them in the chosen order, in which they are applied."""
    now = tuple(n for n in field.transforms if n != "trim") if field else ()
    return tuple(
        choose_many(
            t("Changed how"),
            list(dict.fromkeys([*(n for n in TRANSFORMS if n != "trim"), *now])),
            default=now,
            format_func=lambda name: t(TRANSFORMS[name]) if name in TRANSFORMS else name,
            key=f"{key}-transform",
            width=240,
            disabled=disabled,
            placeholder=t("as it is"),
        )
    )


def _default(key: str, field: MappedField | None, disabled: bool) -> str | None:
    written = st.text_input(
        t("When empty, send"),
        value=(field.default or "") if field else "",
        key=f"{key}-default",
        width=150,
        disabled=disabled,
        placeholder=t("nothing"),
    )
    return written or None


def _index(options: Sequence[str], wanted: str | None) -> int | None:
    return options.index(wanted) if wanted in options else None
