"""The history: every run, with filters that the page's address keeps, and a link to its story."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import streamlit as st

from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.runs import Run, RunsEver
from ccexport.model.words import RunState, Trigger
from ccexport.ui.app_state import services
from ccexport.ui.navigation import go, link
from ccexport.ui.render import bare, empty, height_of, plain, state_text, zone
from ccexport.ui.texts import t
from ccexport.ui.url_state import kept, views

PAGE = 50
SINCE = mark({"": "Any time", "1": "Last day", "7": "Last 7 days", "30": "Last 30 days"})


def run_list(actor: Actor) -> None:
    """Draw the filters and the table; choosing a row opens its run."""
    ever = services().runs.ever(actor)
    if not ever.exports:
        with empty(t("Nothing has run yet"), t("Preview an export, and run it from there.")):
            link("exports", t("Exports"), icon=":material/outbox:")
        return
    asked = st.query_params.get("page", "1")
    page = int(asked) if asked.isdigit() and int(asked) > 0 else 1
    found = _found(actor, ever, page)
    if not found:
        st.caption(t("No run fits these filters."))
        link("runs", t("All runs"), icon=":material/history:")
        return
    live = [run.id for run in found if not run.state.ended]
    so_far = {run_id: services().runs.progress(actor, run_id).contacts_sent for run_id in live}
    _table(found, so_far, services().runs.seconds(actor, found))
    if page > 1 or len(found) == PAGE:
        st.pagination(page + (len(found) == PAGE), key="page", bind="query-params")


def _found(actor: Actor, ever: RunsEver, page: int) -> Sequence[Run]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        export = kept(
            st.selectbox,
            t("Export"),
            list(ever.exports),
            key="export",
            default=None,
            index=None,
            format_func=lambda e: plain(ever.exports.get(str(e), str(e))),
            placeholder=t("all"),
            width=260,
        )
        state = kept(
            st.selectbox,
            t("State"),
            [str(s) for s in RunState],
            key="state",
            default=None,
            index=None,
            format_func=lambda s: state_text(RunState(s)),
            placeholder=t("all"),
            width=220,
        )
        contact_list = kept(
            st.selectbox,
            t("Contact list"),
            list(ever.lists),
            key="list",
            default=None,
            index=None,
            format_func=lambda i: plain(ever.lists.get(str(i), str(i))),
            placeholder=t("all"),
            width=220,
        )
        person = kept(
            st.selectbox,
            t("By"),
            list(ever.people),
            key="by",
            default=None,
            index=None,
            format_func=lambda p: plain(str(p)),
            placeholder=t("all"),
            width=180,
        )
        since = views(t("Started"), list(SINCE), lambda k: t(SINCE[k]), key="since")
    start = datetime.now(UTC) - timedelta(days=int(since)) if since else None
    return services().runs.list(
        actor,
        export=export,
        contact_list=contact_list,
        person=person,
        state=RunState(state) if state else None,
        since=start,
        limit=PAGE,
        offset=(page - 1) * PAGE,
    )


def _table(found: Sequence[Run], so_far: Mapping[str, int], seconds: Mapping[str, float]) -> None:
    # Without pandas, which takes three times as long.
    cells = [_cells(run, so_far.get(run.id), seconds.get(run.id, 0)) for run in found]
    table = pa.Table.from_pylist(cells)
    numbers = st.column_config.NumberColumn(format="localized", width="small")
    counted = [t(c) for c in ("Sent", "Verified", "Rejected", "Missing", "Left out", "Removed")]
    st.caption(t("Select a row to open the run."))
    chosen = st.dataframe(
        table,
        hide_index=True,
        key="runs_table",
        on_select="rerun",
        selection_mode="single-row",
        height=height_of(len(found), 640),
        alt=t("Runs"),
        placeholder="",
        column_config={
            t("Started"): st.column_config.DatetimeColumn(format="localized", timezone=str(zone())),
            t("State"): st.column_config.MultiselectColumn(
                options=[state_text(s) for s in RunState],
                color=[_colour(s) for s in RunState],
                width="medium",
            ),
            **dict.fromkeys(counted, numbers),
        },
    )
    rows = chosen.selection.rows
    if rows and rows[0] < len(found):
        go("runs", run=found[rows[0]].id)


def _colour(state: RunState) -> str:
    """Return the colour of a state's badge, under the name that tables use."""
    from ccexport.ui.render import STATES

    return STATES[state][1]


def _cells(run: Run, sent_so_far: int | None, seconds: float) -> dict[str, object]:
    counts = run.counts
    return {
        t("Started"): run.created_at,
        t("Export"): bare(run.export_name),
        t("State"): [state_text(run.state)],
        t("Sent"): counts.get("sent", sent_so_far),
        t("Verified"): counts.get("verified"),
        t("Rejected"): counts.get("rejected"),
        t("Missing"): counts.get("missing"),
        t("Left out"): counts.get("left_out"),
        t("Removed"): counts.get("removed"),
        t("Contact list"): bare(run.list_name),
        t("Seconds"): round(seconds, 1),
        t("By"): bare(run.actor) if run.trigger is Trigger.PERSON else t(str(run.trigger)),
        t("Run"): run.id,
    }
