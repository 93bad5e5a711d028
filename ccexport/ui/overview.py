"""The parts of the Overview page."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import Outcome
from ccexport.ui import drawn
from ccexport.ui.holder import services
from ccexport.ui.places import link
from ccexport.ui.show import ago, badge_markup, empty, number, plain, zone
from ccexport.ui.texts import t
from ccexport.ui.words import word

DAYS = 30
FORTNIGHT = 14
SHOWN = 6


def figures(actor: Actor, latest: Sequence[Run]) -> None:
    """Four numbers to read from across the room."""
    snapshot = services().profiles.find_current(actor)
    since = datetime.now(UTC) - timedelta(days=DAYS)
    recent = [r for r in latest if r.created_at >= since]
    verified = sum(r.counts.get("verified", 0) for r in recent)
    sent = sum(r.counts.get("sent", 0) for r in recent)
    with st.grid(4, min_column_width=170):
        st.metric(
            t("Profiles"),
            number(snapshot.profiles) if snapshot else "0",
            border=True,
            height="stretch",
            delta=t("from {ago}", ago=ago(snapshot.created_at)) if snapshot else None,
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            t("Verified on lists, 30 days"),
            number(verified),
            border=True,
            height="stretch",
            delta=t("of {n} sent", n=number(sent)),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            t("Runs, 30 days"),
            number(len(recent)),
            border=True,
            height="stretch",
            delta=t("{n} going on", n=number(sum(not r.state.ended for r in latest))),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            t("Exports"),
            number(len(services().exports.list(actor))),
            border=True,
            height="stretch",
            delta=t("{n} segments", n=number(len(services().segments.list(actor)))),
            delta_color="off",
            delta_arrow="off",
        )


def going_on(actor: Actor, latest: Sequence[Run]) -> None:
    """Live runs, each with its bar, until the last one ends."""
    if any(not r.state.ended for r in latest):
        st.subheader(t("Going on now"))
        st.fragment(run_every=2)(_live)(actor)


def _live(actor: Actor) -> None:
    live = services().runs.list(actor, live=True, limit=10)
    if not live:
        st.rerun()
    for run in live:
        progress = services().runs.progress(actor, run.id)
        share = progress.batches_done / progress.batches_total if progress.batches_total else 0.0
        with st.container(border=True):
            st.progress(share, text=f"{badge_markup(run.state)} **{plain(run.export_name)}**")
            link("runs", t("Watch"), icon=":material/play_circle:", run=run.id)


def over_time(latest: Sequence[Run]) -> None:
    """Contacts by day and outcome, the last fortnight."""
    counted: Counter[tuple[date, str]] = Counter()
    for run in latest:
        for outcome in Outcome:
            day = (run.ended_at or run.created_at).astimezone(zone()).date()
            counted[(day, word(outcome))] += run.counts.get(outcome, 0)
    today = datetime.now(zone()).date()
    days = [today - timedelta(days=n) for n in reversed(range(FORTNIGHT))]
    if any(counted[(day, word(o))] for day in days for o in Outcome):
        drawn.delivered([(f"{d:%d.%m.}", word(o), counted[(d, word(o))]) for d in days for o in Outcome])
    else:
        empty(t("Nothing has arrived on a list lately"), t("Preview an export, and run it from there."))
        link("exports", t("Exports"), icon=":material/outbox:")


def latest_runs(latest: Sequence[Run]) -> None:
    """The newest few, each with the way to its story."""
    st.subheader(t("Latest runs"))
    if not latest:
        st.caption(t("Nothing has run yet."))
    for run in latest[:SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(badge_markup(run.state), width="content")
            link("runs", f"{plain(run.export_name, 40)} · {ago(run.created_at)}", run=run.id)
    if len(latest) > SHOWN:
        link("runs", t("All runs"), icon=":material/history:")
