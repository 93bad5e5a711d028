"""The segments as cards, and one segment: its rule in words, its numbers and its actions."""

from collections.abc import Sequence

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import mark
from ccexport.model.exports import Actor, Export
from ccexport.model.profiles import Segment
from ccexport.model.words import Role, SegmentKind
from ccexport.ui.app_state import services
from ccexport.ui.fragments import dialog
from ccexport.ui.navigation import go, link
from ccexport.ui.render import empty, number, percent, plain, show_error
from ccexport.ui.segments.views import look
from ccexport.ui.texts import t, tn
from ccexport.ui.url_state import page_of

NAMED = 10  # exports on a card
KINDS = mark(
    {
        SegmentKind.ALL: ("All profiles", "gray"),
        SegmentKind.DYNAMIC: ("Rule", "blue"),
        SegmentKind.STATIC: ("Member list", "violet"),
    }
)


def segment_list(actor: Actor) -> None:
    """Draw the search, and one card per segment."""
    there = services().segments.list(actor)
    if not there:
        what = t("A segment is a named set of profiles: all, by a rule, or a list of members.")
        with empty(t("No segments yet"), what):
            if actor.role.covers(Role.CONTRIBUTOR):
                link("segments", t("Make a segment"), icon=":material/add:", show="new")
        return
    search = st.text_input(
        t("Search"),
        key="q",
        bind="query-params",
        icon=":material/search:",
        placeholder=t("a name, a word of its purpose, or a tag"),
        max_chars=100,
        width=360,
    ).strip()
    found = [
        s for s in there if search.casefold() in f"{s.name} {s.description} {' '.join(s.tags)}".casefold()
    ]
    uses = services().segments.uses(actor)
    for segment in page_of(
        sorted(found, key=lambda s: s.name.casefold()), tn("{n} segment", "{n} segments", n=len(found))
    ):
        _card(actor, segment, [*uses.get(segment.id, ()), *uses.get(segment.name, ())])
    if not found:
        st.caption(t("No segment fits “{text}”.", text=plain(search)))
        link("segments", t("All segments"), icon=":material/filter_alt:")


def kind_badge(segment: Segment) -> str:
    label, color = KINDS[segment.kind]
    return f":{color}-badge[{t(label)}]"


def tags(segment: Segment) -> str:
    """Return the tags of a segment as Markdown."""
    return "".join(f" :gray-badge[{plain(tag, 40)}]" for tag in segment.tags)


def size(actor: Actor, segment: Segment) -> int | None:
    """Return how many members a segment has; show the error and return None when that fails."""
    try:
        return services().segments.members_of(actor, segment).count
    except CcexportError as error:
        show_error(error)
        return None


def words(actor: Actor, segment: Segment) -> str:
    """Return the segment in a sentence, or the error's sentence."""
    try:
        return services().segments.said(actor, segment, say=t)
    except CcexportError as error:
        return str(error)


def _card(actor: Actor, segment: Segment, used: Sequence[Export]) -> None:
    lines = (
        f"#### {plain(segment.name)} {kind_badge(segment)}",
        plain(words(actor, segment), 400) + tags(segment),
        f":small[:gray[{_used_in(used)}]]",
    )
    with st.container(border=True, key=f"segment-{segment.id}", horizontal=True, vertical_alignment="center"):
        with st.container(width="stretch"):  # without it, the text would take a line of its own
            st.markdown("\n\n".join(lines))
        st.metric(t("Profiles"), number(size(actor, segment)), width=150)
        if st.button(t("Open"), key=f"open-{segment.id}", icon=":material/arrow_forward:"):
            go("segments", segment=segment.id)


def _used_in(exports: Sequence[Export]) -> str:
    names, more = ", ".join(plain(e.name, 60) for e in exports[:NAMED]), len(exports) - NAMED
    if more > 0:
        return t("Exports with it: {names} and {n} more", names=names, n=number(more))
    return t("Exports with it: {names}", names=names) if exports else t("In no export")


def one_segment(actor: Actor, segment: Segment) -> None:
    """Draw the rule in words, the numbers and the actions of a segment, then the chosen view."""
    described = f" {plain(segment.description, 300)}" if segment.description else ""
    version = f" :gray-badge[{t('Version')} {segment.version}]"
    st.markdown(kind_badge(segment) + version + tags(segment) + described)
    members = size(actor, segment)
    snapshot = services().profiles.find_current(actor)
    with st.grid(3, min_column_width=170):
        st.metric(t("Profiles in it"), number(members), border=True)
        everybody = snapshot.profiles if snapshot else 0
        st.metric(
            t("Of all profiles"), percent((members or 0) / everybody) if everybody else "–", border=True
        )
        st.metric(
            t("Exports with it"), number(len(services().segments.used_by(actor, segment.id))), border=True
        )
    st.markdown(f"**{t('Who is in it')}:** {plain(words(actor, segment), 1_000)}")
    if actor.role.covers(Role.CONTRIBUTOR):
        _buttons(actor, segment, members)
    look(actor, segment, members, snapshot)


def _buttons(actor: Actor, segment: Segment, members: int | None) -> None:
    with st.container(horizontal=True):
        if segment.kind is not SegmentKind.ALL and st.button(t("Edit"), icon=":material/edit:"):
            go("segments", segment=segment.id, show="edit")
        if st.button(t("Add an export with it"), icon=":material/outbox:"):
            go("exports", show="new", segment=segment.id)
        if st.button(t("Duplicate"), icon=":material/content_copy:"):
            dialog(t("Duplicate"), _copy, actor, segment, frozen=False)
        if segment.kind is not SegmentKind.STATIC and st.button(
            t("Freeze"), icon=":material/ac_unit:", disabled=not members
        ):
            dialog(t("Freeze"), _copy, actor, segment, frozen=True)
        if st.button(t("Split"), icon=":material/call_split:", disabled=not members):
            dialog(t("Split"), _split, actor, segment)
        if st.button(t("Remove"), icon=":material/delete:"):
            dialog(t("Remove this segment?"), _remove, actor, segment)


def _copy(actor: Actor, segment: Segment, *, frozen: bool) -> None:
    if frozen:
        st.markdown(
            t("A member list of those who are in it now. It stays when the rule or the profiles change.")
        )
    else:
        st.markdown(t("The same segment under another name, to be changed by itself."))
    name = st.text_input(t("Name of the new segment"), max_chars=200, key="copy-name")
    if st.button(t("Make it"), type="primary", key="copy-go"):
        use_cases = services().segments
        try:
            made = (use_cases.freeze if frozen else use_cases.duplicate)(actor, segment.id, name)
        except CcexportError as error:
            show_error(error)
            return
        go("segments", segment=made.id)


def _split(actor: Actor, segment: Segment) -> None:
    st.markdown(
        t(
            "Segments that part this one by chance. Everybody is in exactly one of them, and stays in it later on."
        )
    )
    parts = int(st.number_input(t("How many parts"), 2, 10, 2, key="split-parts"))
    shares = [
        st.number_input(
            t("Part {n}, in percent", n=n), 0.0, 100.0, 100.0 / parts, step=1.0, key=f"split-{parts}-{n}"
        )
        for n in range(1, parts + 1)
    ]
    if parts > 2 and len(set(shares)) == 1:  # a third has no exact decimals: the last part gets the rest
        shares = [round(shares[0], 2)] * (parts - 1)
        shares.append(round(100 - sum(shares), 2))
    if st.button(t("Make them"), type="primary", key="split-go"):
        try:
            services().segments.split(actor, segment.id, shares)
        except CcexportError as error:
            show_error(error)
            return
        go("segments", q=segment.name[:100])


def _remove(actor: Actor, segment: Segment) -> None:
    exports = services().segments.used_by(actor, segment.id)
    rules = services().segments.mentioned_by(actor, segment.id)
    if exports or rules:
        st.markdown(t("It is used, so it cannot be removed. Take it out here first:"))
        for export in exports:
            st.markdown(f"- {t('Export')} **{plain(export.name)}**")
        for other in rules:
            st.markdown(f"- {t('Segment')} **{plain(other.name)}**")
        return
    st.markdown(t("Nothing uses {name}.", name=plain(segment.name)))
    if st.button(t("Remove it"), type="primary", icon=":material/delete:", key="remove-go"):
        try:
            services().segments.remove(actor, segment.id)
        except CcexportError as error:
            show_error(error)
            return
        go("segments")
