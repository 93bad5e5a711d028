"""Run export: the button, the confirmation with the numbers, and the start of exactly that plan."""

import streamlit as st

from ccexport.errors import CcexportError, Conflict
from ccexport.model.exports import Actor, Export
from ccexport.model.plans import Plan
from ccexport.model.words import Verdict
from ccexport.ui.app_state import services
from ccexport.ui.fragments import dialog
from ccexport.ui.navigation import go, link
from ccexport.ui.render import ago, number, plain, show_error
from ccexport.ui.texts import t


def run_button(actor: Actor, export: Export, plan: Plan, *, everything: bool = False) -> None:
    """Draw the button, or why the export cannot run."""
    if not services().exports.may_manage(actor, export):
        st.caption(t("Running is for contributors this connection is shared with. Ask an administrator."))
        return
    live = services().runs.list(actor, export=export.id, live=True, limit=1)
    if live:
        link("runs", t("A run is going on: watch it"), icon=":material/play_circle:", run=live[0].id)
        return
    reason = _why_not(export, plan)
    if st.button(
        t("Run export"),
        type="primary",
        icon=":material/send:",
        disabled=bool(reason),
        help=reason or None,
        key="run_export",
    ):
        dialog(t("Run {name}?", name=plain(export.name, 60)), _confirm, actor, export, plan, everything)


def _why_not(export: Export, plan: Plan) -> str:
    if export.paused:
        return t("The export is paused.")
    if plan.guards:
        return t("A guard stops this export; see above.")
    return ""


def _confirm(actor: Actor, export: Export, plan: Plan, everything: bool) -> None:
    connection = next(
        (c for c in services().connections.list(actor) if c.id == export.config.connection_id), None
    )
    st.markdown(
        t(
            "List **{list}** in the account **{organisation}**:",
            list=plain(export.config.list_name),
            organisation=plain(connection.organisation) if connection else "–",
        )
    )
    if everything:
        st.markdown(t("Unchanged contacts are sent again, this once."))
    numbers = plan.verdicts
    st.markdown(
        "\n".join(
            [
                f"- **{number(numbers.get(Verdict.ADD, 0))}** " + t("are added"),
                f"- **{number(numbers.get(Verdict.UPDATE, 0))}** " + t("are updated"),
                f"- **{number(numbers.get(Verdict.UNCHANGED, 0))}** " + t("are unchanged"),
                f"- **{number(numbers.get(Verdict.REMOVE, 0))}** " + t("are taken off the list"),
                f"- **{number(sum(plan.reasons.values()))}** " + t("are left out"),
            ]
        )
    )
    st.caption(
        t("Plan {digest}, the list read {ago}.", digest=plan.digest[:12], ago=ago(plan.destination_read_at))
        + " "
        + t("If anything changed since, nothing is sent and the run says what changed.")
    )
    if st.button(t("Run export"), type="primary", icon=":material/send:", key="confirm_run", width="stretch"):
        start(actor, export, plan.digest, everything=everything)


def start(actor: Actor, export: Export, digest: str, *, everything: bool = False) -> None:
    """Start the run, or open the one that was just started, so that quick clicks start only one."""
    try:
        run = services().runs.start(actor, export.id, digest=digest, resend_all=everything)
    except Conflict as error:
        live = services().runs.list(actor, export=export.id, live=True, limit=1)
        if not live:
            show_error(error)
            return
        run = live[0]
    except CcexportError as error:
        show_error(error)
        return
    go("runs", run=run.id)
