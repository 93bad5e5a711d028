"""Choosing the segments of an export, with the number of profiles in each and in all together."""

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Export
from ccexport.ui.app_state import services
from ccexport.ui.navigation import link
from ccexport.ui.pickers import choose_many
from ccexport.ui.render import number, plain
from ccexport.ui.texts import t, tn


def choose_segments(actor: Actor, key: str, export: Export | None, disabled: bool) -> list[str]:
    """Draw the choice of segments and return the chosen ids; a new export starts with those in the address."""
    there = {s.id: s for s in services().segments.list(actor)}
    sizes = services().segments.counts(actor, list(there.values()))
    asked = export.config.segment_ids if export else st.query_params.get_all("segment")
    chosen = choose_many(
        t("Segments"),
        list(there),
        default=[s for s in asked if s in there],
        format_func=lambda s: f"{plain(there[s].name)} ({number(sizes[s])})",
        key=f"{key}-segments",
        disabled=disabled,
        placeholder=t("choose one or more"),
    )
    if not there:
        st.caption(t("There are no segments yet."))
        link("segments", t("Make a segment"), icon=":material/filter_alt:")
    if chosen:
        _together(actor, chosen, sum(sizes[s] or 0 for s in chosen))
    return chosen


def choose_others(
    actor: Actor, key: str, export: Export | None, disabled: bool
) -> tuple[list[str], list[str]]:
    """Draw both choices. Returns the ids of excluded segments, and of exports that come first."""
    segments, exports = services().segments.names(actor), dict(services().exports.names(actor))
    if export is not None:
        exports.pop(export.id, None)
    excluded = choose_many(
        t("Nobody of these segments"),
        list(segments),
        default=[s for s in export.config.exclude_ids if s in segments] if export else [],
        format_func=lambda s: plain(segments[s]),
        key=f"{key}-exclude",
        disabled=disabled,
        placeholder=t("exclude nobody"),
    )
    first = choose_many(
        t("Exports that come first"),
        list(exports),
        default=[e for e in export.config.yields_to if e in exports] if export else [],
        format_func=lambda e: plain(exports[e]),
        key=f"{key}-yields",
        disabled=disabled,
        placeholder=t("none"),
        help=t(
            "Whom one of these takes, this export leaves to it, so that everybody goes with one export only."
        ),
    )
    return excluded, first


def _together(actor: Actor, chosen: list[str], added_up: int) -> None:
    try:
        together = services().segments.count_together(actor, chosen)
    except CcexportError:
        return  # the segment that fails shows no number in the choice above
    text = tn("**{n}** profile in all.", "**{n}** different profiles in all.", n=together)
    if added_up > together:
        text += " " + tn(
            "{n} is in more than one and is sent once.",
            "{n} are in more than one and are sent once.",
            n=added_up - together,
        )
    st.markdown(text)
