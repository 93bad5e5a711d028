"""The views of one segment: members, size over time, comparison with everybody and other segments, uses.

Must never compute a number: the use cases do.
"""

from collections.abc import Callable

import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.profiles import Segment, Snapshot
from ccexport.model.words import FieldType, Role, SegmentKind
from ccexport.ui.app_state import services
from ccexport.ui.charts import segments as segment_charts
from ccexport.ui.navigation import link
from ccexport.ui.pickers import choose_many
from ccexport.ui.profiles.profile_view import show_chosen
from ccexport.ui.render import bare, number, plain, told
from ccexport.ui.texts import t, tn
from ccexport.ui.url_state import kept, views

PAGE = 50
MOST = 5
VIEWS = mark(
    {
        "members": "Its profiles",
        "time": "Over time",
        "breakdown": "Beside everybody",
        "overlap": "Beside other segments",
        "uses": "Used by",
    }
)


def look(actor: Actor, segment: Segment, members: int | None, snapshot: Snapshot | None) -> None:
    """Draw the chosen view; only its own numbers are computed."""
    options = [v for v in VIEWS if v != "breakdown" or actor.role.covers(Role.CONTRIBUTOR)]
    chosen = views(t("View"), options, lambda v: t(VIEWS[v]))
    if snapshot is None or members is None:
        chosen = "uses"
    drawn: dict[str, Callable[[], None]] = {
        "members": lambda: _members(actor, segment, snapshot) if snapshot else None,
        "time": lambda: _over_time(actor, segment),
        "breakdown": lambda: _breakdown(actor, segment, snapshot) if snapshot else None,
        "overlap": lambda: _overlap(actor, segment),
        "uses": lambda: _uses(actor, segment),
    }
    with told():
        drawn[chosen]()


def _members(actor: Actor, segment: Segment, snapshot: Snapshot) -> None:
    if segment.kind is SegmentKind.STATIC:
        _unmatched(actor, segment)
    search, sort, descending = "", None, False
    if actor.role.covers(Role.CONTRIBUTOR):
        search, sort, descending = _asked(snapshot)
    else:
        st.caption(t("Personal data are masked for viewers."))
    total = services().segments.count_members(actor, segment.id, search=search)
    page = st.pagination(max(1, -(-total // PAGE)), key="page", bind="query-params")
    if search:
        st.caption(tn("{n} profile fits.", "{n} profiles fit.", n=total))
    if not total:
        return
    found = services().segments.members_page(
        actor,
        segment.id,
        search=search,
        offset=(page - 1) * PAGE,
        limit=PAGE,
        sort=sort,
        descending=descending,
    )
    show_chosen(actor, snapshot, found, key=f"members-{segment.id}", name=t("Its profiles"))


def _asked(snapshot: Snapshot) -> tuple[str, str | None, bool]:
    """Draw the search and the sorting. Returns the text, the field to sort by, and whether descending."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input(
            t("Search"),
            placeholder=t("a name, an address or an id"),
            icon=":material/search:",
            max_chars=200,
            width=360,
        ).strip()
        sort = kept(
            st.selectbox,
            t("Sort by"),
            [f.name for f in snapshot.fields],
            key="sort",
            default=None,
            width=240,
            placeholder=t("as they came in"),
        )
        descending = False
        if sort is not None:
            descending = st.toggle(t("Largest first"), key="descending", bind="query-params")
    return search, sort, descending


def _unmatched(actor: Actor, segment: Segment) -> None:
    missing = services().segments.members(actor, segment.id).unmatched
    if not missing:
        return
    st.warning(
        tn(
            "{n} entry of the list matches no profile.",
            "{n} entries of the list match no profile.",
            n=missing,
        ),
        icon=":material/link_off:",
    )
    if actor.role.covers(Role.CONTRIBUTOR):
        with st.expander(t("Which ones"), on_change="rerun", key="unmatched") as which:
            if which.open:
                entries = services().segments.unmatched(actor, segment.id)
                st.dataframe(
                    {t("Entry"): [bare(e, 320) for e in entries]}, hide_index=True, alt=t("Which ones")
                )
                if missing > len(entries):
                    st.caption(t("The first {n} of them.", n=number(len(entries))))


def _over_time(actor: Actor, segment: Segment) -> None:
    sizes = services().segments.sizes(actor, segment.id)
    segment_charts.sizes(sizes)
    if any(size.members is None for size in sizes):
        st.caption(t("Where there is no bar, the profiles lacked a field of the rule."))
    found = services().segments.moves(actor, segment.id)
    if found is None:
        st.caption(t("There is no earlier snapshot to compare with."))
        return
    st.subheader(t("Since the snapshot before"))
    with st.grid(2, min_column_width=300):
        for label, count, ids in (
            (t("Joined"), found.joined, found.joined_ids),
            (t("Left"), found.left, found.left_ids),
        ):
            with st.container():
                st.metric(label, number(count), border=True)
                if ids:
                    st.dataframe(
                        {t("Profile"): [bare(i) for i in ids]}, hide_index=True, alt=label, height=280
                    )
                if count > len(ids):
                    st.caption(t("The first {n} of them.", n=number(len(ids))))


def _breakdown(actor: Actor, segment: Segment, snapshot: Snapshot) -> None:
    names, first = [f.name for f in snapshot.fields], _telling(snapshot)
    name = kept(st.selectbox, t("By the field"), names, key="field", default=first, width=360)
    rows = services().segments.breakdown(actor, segment.id, name or first)
    if not rows:
        st.caption(t("No profile fits."))
        return
    members = services().segments.members(actor, segment.id).count
    segment_charts.breakdown(rows, members, snapshot.profiles)


def _telling(snapshot: Snapshot) -> str:
    """Return the field to show first: a boolean if possible, and not the id or an address, which are unique."""
    own = {snapshot.id_field, *snapshot.address_fields}
    fields = sorted(snapshot.fields, key=lambda f: (f.name in own, f.type is not FieldType.BOOLEAN))
    return fields[0].name


def _overlap(actor: Actor, segment: Segment) -> None:
    there = {s.id: s.name for s in services().segments.list(actor) if s.id != segment.id}
    if not there:
        st.caption(t("There is no other segment."))
        return
    chosen = choose_many(
        t("Beside which segments (up to four)"),
        list(there),
        format_func=lambda i: there[i],
        max_selections=MOST - 1,
        key="beside",
        bind="query-params",
        placeholder=t("choose"),
        width=560,
    )
    if not chosen:
        st.caption(t("Choose one to four segments."))
        return
    found = services().segments.overlap(actor, [segment.id, *chosen])
    names = there | {segment.id: segment.name}
    segment_charts.overlap([([names[i] for i in o.segment_ids], o.profiles) for o in found], len(chosen) + 1)


def _uses(actor: Actor, segment: Segment) -> None:
    exports = services().segments.used_by(actor, segment.id)
    rules = services().segments.mentioned_by(actor, segment.id)
    for export in exports:
        link("exports", plain(export.name), icon=":material/outbox:", export=export.id, show="preview")
    for other in rules:
        link("segments", plain(other.name), icon=":material/filter_alt:", segment=other.id)
    if not exports and not rules:
        st.caption(t("Nothing uses it: it can be removed."))
