"""The preview of one export: the plan a run would send, its numbers and their rows, and Run export.

Must never compute a plan or a number of its own.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Export
from ccexport.model.plans import Plan
from ccexport.model.words import Reason, Role, Verdict
from ccexport.plan.guards import GONE, PUT_BACK, UNSUBSCRIBED_BEFORE
from ccexport.services.previews import PlanRow
from ccexport.ui import contact_table
from ccexport.ui.app_state import services
from ccexport.ui.charts import cached
from ccexport.ui.exports.cards import segment_names
from ccexport.ui.exports.plan_history import plan_history
from ccexport.ui.exports.run_dialog import run_button
from ccexport.ui.navigation import go
from ccexport.ui.person_search import person_search
from ccexport.ui.render import ago, duration, moment, number, plain, show_error
from ccexport.ui.texts import say, t, tn
from ccexport.ui.words import MODES


def preview(actor: Actor, export: Export) -> None:
    """Draw the preview: numbers that filter the rows below them, facts beside, and the button always in sight."""
    with st.bottom, st.container(horizontal=True, vertical_alignment="center"):
        acts = st.container(horizontal=True, vertical_alignment="center", width="content")
        everything = _everything(actor, export)
    plan = _plan(actor, export, everything=everything)
    if plan is None:
        return
    with acts:
        run_button(actor, export, plan, everything=everything)
    _guards(actor, export, plan)
    _unsubscribed_before(actor, export, plan)
    for remark in services().previews.remarks(actor, export.id, plan):
        st.markdown(f":small[:material/info: {plain(say(remark), 400)}]")
    what = _numbers(plan)
    rows, facts = st.columns([7, 3], gap="medium")
    with rows:
        _contacts(actor, plan, what)
    with facts:
        _buttons(actor, export, plan)
        _facts(actor, export, plan)
    person_search(
        actor,
        lambda asked: services().previews.person(actor, export.id, asked),
        plan.segments,
        key="plan_person",
    )
    cached.funnel(plan.candidates, plan.verdicts, plan.reasons)
    plan_history(actor, export, plan)


def _everything(actor: Actor, export: Export) -> bool:
    """Ask whether this one run sends unchanged contacts too, unless the export always does."""
    if export.config.resend_unchanged or not services().exports.may_manage(actor, export):
        return False
    return st.toggle(
        t("Send everything again this once"),
        key=f"everything-{export.id}",
        help=t("Unchanged contacts are sent as well; the saved export stays as it is."),
    )


def _plan(actor: Actor, export: Export, *, everything: bool) -> Plan | None:
    """Return the session's plan if export version, last run and snapshot are the same, else a new plan."""
    latest = services().runs.list(actor, export=export.id, limit=1)
    snapshot = services().profiles.find_current(actor)
    last_run, current = latest[0].id if latest else "", snapshot.id if snapshot else ""
    name = (export.id, export.version, last_run, current, everything)
    kept = st.session_state.get("plan")
    if kept and kept[0] == name:
        return kept[1]
    try:
        with st.spinner(t("Reading the contact list and making the plan …"), show_time=True):
            fresh = st.session_state.pop("fresh", None)
            made = services().previews.preview(actor, export.id, fresh=fresh, resend_all=everything)
    except CcexportError as error:
        show_error(error)
        return None
    st.session_state["plan"] = (name, made)
    return made


def _buttons(actor: Actor, export: Export, plan: Plan) -> None:
    mine = services().exports.may_manage(actor, export)
    with st.container(horizontal=True, gap="small"):
        if st.button(t("Plan again"), icon=":material/refresh:", help=t("Reads the contact list again.")):
            st.session_state.pop("plan", None)
            st.session_state["fresh"] = True
            st.rerun()
        if mine and st.button(t("Edit"), icon=":material/edit:"):
            go("exports", export=export.id, show="settings")
    if mine and any(plan.reasons.values()):
        address = f"/download/plan/{plan.id}/left-out.csv"
        st.link_button(
            t("Download who is left out"),
            address,
            icon=":material/download:",
            type="tertiary",
            width="stretch",
        )


def _guards(actor: Actor, export: Export, plan: Plan) -> None:
    for guard in plan.guards:
        with st.container(border=True):
            st.error(
                plain(say(guard.sentence), 500),
                title=t("A guard stops this export"),
                icon=":material/front_hand:",
            )
            if not actor.role.covers(Role.ADMINISTRATOR):
                st.caption(
                    t("Change the segments, or ask an administrator to release this guard for one run.")
                )
                continue
            with st.form(f"release-{guard.name}", border=False):
                reason = st.text_input(t("Why it is right this time"), max_chars=300)
                released = t("They left: they stay off") if guard.name == GONE else t("Release for one run")
                with st.container(horizontal=True):
                    if st.form_submit_button(released, icon=":material/lock_open:"):
                        _release(actor, export, guard.name, reason)
                    if guard.name == GONE and st.form_submit_button(
                        t("Put them back"), icon=":material/settings_backup_restore:"
                    ):
                        _release(actor, export, PUT_BACK, reason)


def _unsubscribed_before(actor: Actor, export: Export, plan: Plan) -> None:
    """Offer an administrator to send, once, who unsubscribed or left with an address they had before."""
    count = plan.reasons.get(Reason.UNSUBSCRIBED_BEFORE, 0)
    if not count or not actor.role.covers(Role.ADMINISTRATOR):
        return
    label = tn(
        "{n} person unsubscribed or left with another address",
        "{n} people unsubscribed or left with another address",
        n=count,
    )
    with st.expander(label), st.form("release-before", border=False):
        reason = st.text_input(t("Why they may be sent all the same"), max_chars=300)
        if st.form_submit_button(t("Send them in one run"), icon=":material/lock_open:"):
            _release(actor, export, UNSUBSCRIBED_BEFORE, reason)


def _release(actor: Actor, export: Export, guard: str, reason: str) -> None:
    try:
        services().runs.release(actor, export.id, guard, reason=reason)
    except CcexportError as error:
        show_error(error)
        return
    st.session_state.pop("plan", None)
    st.rerun()


def _numbers(plan: Plan) -> str | None:
    """Draw the numbers of the plan as filters; return the code of the rows to show."""
    counts = {"sent": plan.to_send} | {str(v): plan.verdicts.get(v, 0) for v in Verdict}
    counts["left_out"] = sum(plan.reasons.values())
    if plan.warnings:
        counts["warnings"] = sum(plan.warnings.values())
    labels = {
        "": t("All {n}", n=number(_total(plan, None))),
        "sent": t("To be sent {n}", n=number(plan.to_send)),
    }
    return contact_table.choose_rows(counts, plan.reasons, labels)


def _total(plan: Plan, what: str | None) -> int:
    """Return how many rows there are of that code; None for all rows."""
    counts = {str(word): n for words in (plan.verdicts, plan.reasons) for word, n in words.items()}
    counts |= {"sent": plan.to_send, "left_out": sum(plan.reasons.values())}
    everybody = plan.candidates + plan.verdicts.get(Verdict.REMOVE, 0)
    return counts.get(what, everybody) if what else everybody


def _facts(actor: Actor, export: Export, plan: Plan) -> None:
    snapshot = services().profiles.find_current(actor)
    facts = {
        t("Candidates"): number(plan.candidates),
        t("Contact list"): plain(export.config.list_name),
        t("Connection"): _connection(actor, export),
        t("Mode"): t(MODES[export.config.mode]),
        t("List read"): _reading(plan.destination_read_at),
        t("Profiles of"): moment(snapshot.created_at) if snapshot else "–",
        t("Segments"): ", ".join(f"{k} ({number(n)})" for k, n in plan.segments.items())
        or segment_names(actor, export),
        t("Requests"): number(plan.requests),
        t("It will take"): _time(actor, export, plan) if plan.requests else "–",
        t("Digest"): plan.digest[:16],
    }
    st.table(
        [{t("Fact"): k, t("Value"): v[:300]} for k, v in facts.items()],
        hide_header=True,
        hide_index=True,
        border="horizontal",
        alt=t("Facts of this plan"),
    )
    if plan.warnings:
        said = [f"{contact_table.warning(code)} ({number(n)})" for code, n in plan.warnings.items()]
        st.markdown(f":small[**{t('Warnings')}:** {plain(' · '.join(said), 600)}]")


def _connection(actor: Actor, export: Export) -> str:
    there = {c.id: c.name for c in services().connections.list(actor)}
    return plain(there.get(export.config.connection_id, "–"))


def _reading(at: datetime | None) -> str:
    return f"{ago(at)} ({moment(at)})" if at else t("not read")


def _time(actor: Actor, export: Export, plan: Plan) -> str:
    expected = services().previews.expected(actor, export.name, plan)
    time = duration(expected.seconds)
    if not expected.runs:
        return t("at least {time}; no run of this connection tells more yet", time=time)
    return tn(
        "about {time}, going by the last run of this connection",
        "about {time}, going by the last {n} runs of this connection",
        time=time,
        n=expected.runs,
    )


def _contacts(actor: Actor, plan: Plan, what: str | None) -> None:
    search, segment = _filters(actor, plan)
    table, pager = st.container(), st.container()
    offset = 0
    if not search and not segment and what != "warnings":
        with pager:
            offset = contact_table.offset(_total(plan, what))
    found = _rows(actor, plan, what=what, segment=segment, search=search or None, offset=offset)
    if found is None:
        return
    with table:
        contact_table.table(found, outcomes=False, name=t("Contacts of the plan"), key="plan_rows")
    if len(found) == contact_table.PAGE:
        st.caption(t("Rows {a} to {b}.", a=number(offset + 1), b=number(offset + len(found))))


def _rows(actor: Actor, plan: Plan, **asked: Any) -> Sequence[PlanRow] | None:
    """Return one page of the plan; the session caches the last page, because a plan never changes."""
    name = (plan.id, actor, tuple(asked.items()))
    kept = st.session_state.get("plan_page")
    if kept and kept[0] == name:
        return kept[1]
    try:
        found = services().previews.rows(actor, plan, limit=contact_table.PAGE, **asked)
    except CcexportError as error:
        show_error(error)
        return None
    st.session_state["plan_page"] = (name, found)
    return found


def _filters(actor: Actor, plan: Plan) -> tuple[str, str | None]:
    search, segment = "", None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if actor.role.covers(Role.CONTRIBUTOR):
            # Not kept in the page's address, because it may be an e-mail address.
            label = t("Search address, name or profile id")
            search = st.text_input(
                label,
                placeholder=label,
                label_visibility="collapsed",
                icon=":material/search:",
                max_chars=200,
                width=340,
            ).strip()
        if len(plan.segments) > 1:
            segment = st.selectbox(
                t("Segment"),
                list(plan.segments),
                index=None,
                placeholder=t("Segment"),
                label_visibility="collapsed",
                width=200,
                format_func=plain,
            )
    return search, segment
