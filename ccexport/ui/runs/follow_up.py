"""Actions after a run has ended: try the rest again, or undo it after a preview."""

from collections.abc import Callable

import streamlit as st

from ccexport.errors import CcexportError, Conflict
from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import RunState, Trigger
from ccexport.services.start_runs import undo_sentences
from ccexport.ui.app_state import services
from ccexport.ui.fragments import dialog
from ccexport.ui.navigation import go
from ccexport.ui.render import plain, show_error
from ccexport.ui.texts import say, t

LEFT_OPEN = ("rejected", "missing", "unknown")
LOST = ("missing", "unknown")


def follow_up(actor: Actor, run: Run) -> None:
    """Draw the buttons that apply to this run."""
    if run.trigger is not Trigger.UNDO:
        _again(actor, run)
    if (run.counts.get("sent") or run.counts.get("removed")) and st.button(t("Undo"), icon=":material/undo:"):
        dialog(t("Undo this run of {name}?", name=plain(run.export_name, 60)), _undo, actor, run)


def _again(actor: Actor, run: Run) -> None:
    """Draw the buttons that retry contacts that did not arrive."""
    unfinished = run.state is not RunState.SUCCEEDED or any(run.counts.get(o) for o in LEFT_OPEN)
    if unfinished and st.button(
        t("Try the rest again"),
        icon=":material/replay:",
        help=t("From fresh data; what arrived is not sent again."),
    ):
        _started(actor, run, lambda: services().runs.retry(actor, run.id))
    if any(run.counts.get(o) for o in LOST) and st.button(
        t("Try again in halves"),
        icon=":material/call_split:",
        help=t(
            "What is lost again is split until the contacts are found that Constant Contact refuses in silence."
        ),
    ):
        _started(actor, run, lambda: services().runs.retry(actor, run.id, in_halves=True))


def _undo(actor: Actor, run: Run) -> None:
    key = f"undo-{run.id}"
    try:
        if key not in st.session_state:
            with st.spinner(t("Reading the contact list and making the plan …")):
                st.session_state[key] = services().runs.undo_preview(actor, run.id)
    except CcexportError as error:
        show_error(error)
        return
    plan = st.session_state[key]
    st.markdown("\n".join(f"- {plain(say(sentence), 400)}" for sentence in undo_sentences(plan)))
    if st.button(t("Undo it"), type="primary", icon=":material/undo:", key=f"{key}-go", width="stretch"):
        del st.session_state[key]
        _started(actor, run, lambda: services().runs.undo(actor, run.id, digest=plan.digest))


def _started(actor: Actor, run: Run, start: Callable[[], Run]) -> None:
    """Start a run and open it, or open the one that is already live."""
    try:
        made = start()
    except Conflict as error:
        live = services().runs.list(actor, export=run.export_id, live=True, limit=1)
        if not live:
            show_error(error)
            return
        made = live[0]
    except CcexportError as error:
        show_error(error)
        return
    go("runs", run=made.id)
