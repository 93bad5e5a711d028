"""The parts of the Overview page."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import Outcome
from ccexport.ui.app_state import services
from ccexport.ui.charts import cached
from ccexport.ui.fragments import fragment
from ccexport.ui.navigation import link
from ccexport.ui.render import ago, badge_markup, empty, here, number, plain, zone
from ccexport.ui.runs.story import share_of, step_count
from ccexport.ui.texts import t, tn
from ccexport.ui.words import word

DAYS = 30
FORTNIGHT = 14
SHOWN = 6
MOST_LIVE = 1_000


def figures(actor: Actor, live: Sequence[Run]) -> None:
    """Draw four large numbers."""
    snapshot = services().profiles.find_current(actor)
    began, contacts = services().runs.totals(actor, datetime.now(UTC) - timedelta(days=DAYS))
    with st.grid(4, min_column_width=170):
        st.metric(
            t("Profiles"),
            number(snapshot.profiles) if snapshot else "0",
            border=True,
            height="stretch",
            delta=t("brought in {ago}", ago=ago(snapshot.created_at)) if snapshot else None,
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            t("Verified, 30 days"),
            number(contacts["verified"]),
            border=True,
            height="stretch",
            delta=t("of {n} sent", n=number(contacts["sent"])),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            t("Runs, 30 days"),
            number(began),
            border=True,
            height="stretch",
            delta=t("{n} going on", n=number(len(live))),
            delta_color="off",
            delta_arrow="off",
        )
        st.metric(
            t("Exports"),
            number(services().exports.count(actor)),
            border=True,
            height="stretch",
            delta=tn("{n} segment", "{n} segments", n=len(services().segments.names(actor))),
            delta_color="off",
            delta_arrow="off",
        )


def going_on(actor: Actor, live: Sequence[Run]) -> None:
    """Draw the live runs with progress bars, until the last one ends."""
    if live:
        st.subheader(t("Going on now"))
        fragment(_live, actor, run_every=2)


def _live(actor: Actor) -> None:
    live = services().runs.list(actor, live=True, limit=10)
    if not live:
        st.rerun()
    for run in live:
        progress = services().runs.progress(actor, run.id)
        if progress.run.state.ended:
            continue
        with st.container(border=True):
            said = f"{badge_markup(progress.run.state)} **{plain(run.export_name)}** {step_count(progress)}"
            st.progress(share_of(progress), text=said)
            link("runs", t("Watch"), icon=":material/play_circle:", run=run.id)


def over_time(actor: Actor) -> None:
    """Draw contacts by day and outcome for the last two weeks."""
    today = datetime.now(zone()).date()
    days = [today - timedelta(days=n) for n in reversed(range(FORTNIGHT))]
    edges = [datetime.combine(day, time(), zone()) for day in (*days, today + timedelta(days=1))]
    found = services().runs.outcomes(actor, edges)
    if any(any(counts.values()) for counts in found):
        cached.delivered(
            [
                (here().without_year(day), word(outcome), counts[outcome])
                for day, counts in zip(days, found, strict=True)
                for outcome in Outcome
            ]
        )
    else:
        with empty(t("Nothing has arrived on a list lately"), t("Preview an export, and run it from there.")):
            link("exports", t("Exports"), icon=":material/outbox:")


def newest(actor: Actor) -> Sequence[Run]:
    """Return the newest runs: as many as are shown, and one more if there are more."""
    return services().runs.list(actor, limit=SHOWN + 1)


def latest_runs(latest: Sequence[Run]) -> None:
    """Draw the newest runs, each with a link to its story."""
    st.subheader(t("Latest runs"))
    if not latest:
        st.caption(t("Nothing has run yet."))
    for run in latest[:SHOWN]:
        said = f"{badge_markup(run.state)} {plain(run.export_name, 40)} · {ago(run.created_at)}"
        link("runs", said, run=run.id)
    if len(latest) > SHOWN:
        link("runs", t("All runs"), icon=":material/history:")
