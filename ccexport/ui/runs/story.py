"""One run: its live progress, its numbers, its story, its requests, and the outcomes of its contacts."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import counted, mark
from ccexport.model.exports import Actor
from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import Outcome, RunState, Verdict, WaitReason
from ccexport.services.history import Progress
from ccexport.services.runs import sentence
from ccexport.ui import contact_table
from ccexport.ui.app_state import services
from ccexport.ui.charts import cached
from ccexport.ui.fragments import dialog, fragment
from ccexport.ui.person_search import person_search
from ccexport.ui.render import (
    STATES,
    bare,
    clock,
    duration,
    moment,
    number,
    plain,
    run_seconds,
    show_error,
    state_text,
    zone,
)
from ccexport.ui.runs.compare import compare_runs
from ccexport.ui.runs.follow_up import follow_up
from ccexport.ui.texts import say, t, tn
from ccexport.ui.url_state import views

STEPS = (RunState.QUEUED, RunState.PLANNING, RunState.SENDING, RunState.SETTLING, RunState.VERIFYING)
VIEWS = mark({"contacts": "Contacts", "story": "Story", "requests": "Requests", "compare": "Compare"})


def run_story(actor: Actor, run: Run) -> None:
    """Draw everything about one run."""
    st.title(plain(run.export_name))
    st.markdown(
        t(
            "List **{list}** · started {when} by {person}",
            list=plain(run.list_name),
            when=moment(run.created_at),
            person=plain(run.actor),
        )
    )
    if run.state.ended:
        _ending(actor, run)
    else:
        fragment(_live, actor, run, run_every=1)
    _buttons(actor, run)
    plan = _plan(actor, run)
    view = views(t("View"), list(VIEWS), lambda v: t(VIEWS[v]))
    if view == "story":
        _story(actor, run, plan)
    elif view == "requests":
        _requests(services().runs.batches(actor, run.id))
    elif view == "compare":
        compare_runs(actor, run)
    else:
        _contacts(actor, run, plan)


def _ending(actor: Actor, run: Run) -> None:
    """Draw the state and the main number in large letters, and the run's sentence."""
    head = state_text(run.state)
    seconds = services().runs.seconds(actor, [run]).get(run.id)
    if run.counts.get("sent"):
        many = {name: number(run.counts.get(name, 0)) for name in ("verified", "sent")}
        head += " · " + t("{verified} of {sent} verified", **many)
    if run.counts.get("removed"):
        head += " · " + tn("{n} taken off the list", "{n} taken off the list", n=run.counts["removed"])
    text = plain(say(sentence(run)), 1_000) + " " + t("It took {time}.", time=duration(seconds))
    if run.state is RunState.SUCCEEDED:
        shown = st.success
    elif run.state in {RunState.FAILED, RunState.BLOCKED}:
        shown = st.error
    else:
        shown = st.warning
    shown(f"## {head}\n\n{text}", icon=STATES[run.state][2])


def _live(actor: Actor, shown: Run) -> None:
    """Draw the progress, read again every second; rerun the whole page when the run's state changes."""
    progress = services().runs.progress(actor, shown.id)
    run = progress.run
    if run.state is not shown.state:
        st.rerun()
    reached = _reached(run)
    names = [
        t(s.capitalize()) if i != reached else f"**{t(s.capitalize())}**"
        for i, s in enumerate(map(str, STEPS))
    ]
    with st.container(border=True):
        st.markdown(f"## {STATES[run.state][2]} {state_text(run.state)}{step_count(progress)}")
        st.progress(share_of(progress), text=_words(progress))
        st.markdown("  ›  ".join(names))
    if run.state is RunState.WAITING:
        st.warning(_waiting(run), icon=":material/pause_circle:")
    if stuck := services().runs.stuck(actor, run.id):
        st.warning(plain(say(stuck), 500), icon=":material/hourglass_disabled:")
    if run.cancel_requested:
        st.info(t("Cancelling: nothing more is sent; what already left is settled and read back."))


def _reached(run: Run) -> int:
    return STEPS.index(run.wait_step if run.state is RunState.WAITING and run.wait_step else run.state)


def share_of(progress: Progress) -> float:
    """Return how far a live run is, from 0 to 1: by its steps, and by its requests within a step."""
    within = progress.batches_done / progress.batches_total if progress.batches_total else 0.0
    return min(_reached(progress.run) + within, len(STEPS) - 1) / len(STEPS)


def step_count(progress: Progress) -> str:
    """Return the counts of the current step after a dot, such as ` · 3 of 8`; empty for a step without counts."""
    done, total = {
        RunState.SENDING: (progress.contacts_sent, progress.contacts_total),
        RunState.SETTLING: (progress.batches_done, progress.batches_total),
    }.get(progress.run.state, (0, 0))
    return " · " + t("{done} of {total}", done=number(done), total=number(total)) if total else ""


def _words(progress: Progress) -> str:
    if not progress.batches_total:
        return t(
            "{step}, for {time}",
            step=state_text(progress.run.state),
            time=duration(run_seconds(progress.run)),
        )
    text = t(
        "{contacts}, {requests}",
        contacts=counted(
            "{sent} of {n} contact sent",
            "{sent} of {n} contacts sent",
            n=progress.contacts_total,
            sent=progress.contacts_sent,
        ),
        requests=counted(
            "{done} of {n} request settled",
            "{done} of {n} requests settled",
            n=progress.batches_total,
            done=progress.batches_done,
        ),
    )
    seconds = run_seconds(progress.run)
    if seconds:
        text += f" · {duration(seconds)}"
        if progress.contacts_sent:
            text += " · " + tn(
                "{n} contact a second",
                "{n} contacts a second",
                n=round(progress.contacts_sent / max(seconds, 1)),
            )
    if progress.eta_seconds:
        text += " · " + t("about {time} left", time=duration(progress.eta_seconds))
    return text


def _waiting(run: Run) -> str:
    text = plain(say(sentence(run)), 500)
    return f"{text} {t('It goes on at {when}.', when=moment(run.wait_until))}" if run.wait_until else text


def _buttons(actor: Actor, run: Run) -> None:
    mine = any(
        e.id == run.export_id and services().exports.may_manage(actor, e)
        for e in services().exports.list(actor)
    )
    if not mine:
        return
    with st.container(horizontal=True):
        if not run.state.ended and st.button(
            t("Cancel"), icon=":material/cancel:", disabled=run.cancel_requested
        ):
            dialog(t("Cancel this run of {name}?", name=plain(run.export_name, 60)), _cancel, actor, run)
        if run.state is RunState.WAITING and run.wait_reason is WaitReason.APPROVAL:
            if not services().runs.may_approve(actor, run.id):
                st.caption(t("Somebody who changed nothing of it has to approve."))
            elif st.button(t("Approve"), icon=":material/verified:", type="primary"):
                _do(lambda: services().runs.approve(actor, run.id))
        elif run.state is RunState.WAITING and st.button(t("Go on now"), icon=":material/play_arrow:"):
            _do(lambda: services().runs.resume(actor, run.id))
        if run.state.ended:
            follow_up(actor, run)
        if run.plan_id:
            st.link_button(
                t("Download the contacts"), f"/download/run/{run.id}/contacts.csv", icon=":material/download:"
            )
            st.link_button(
                t("As a workbook"), f"/download/run/{run.id}/contacts.xlsx", icon=":material/download:"
            )
            st.link_button(
                t("As Parquet"), f"/download/run/{run.id}/contacts.parquet", icon=":material/download:"
            )


def _cancel(actor: Actor, run: Run) -> None:
    st.markdown(plain(say(services().runs.gone_out(actor, run.id)), 500))
    if st.button(t("Cancel the run"), type="primary", icon=":material/cancel:", key="cancel_go"):
        _do(lambda: services().runs.cancel(actor, run.id))


def _do(step: object) -> None:
    try:
        step()  # type: ignore[operator]
    except CcexportError as error:
        show_error(error)
        return
    st.rerun()


def _plan(actor: Actor, run: Run) -> Plan | None:
    try:
        return services().runs.plan(actor, run.id)
    except CcexportError as error:
        show_error(error)
        return None


def _story(actor: Actor, run: Run, plan: Plan | None) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        events = services().runs.story(actor, run.id)
        lines = [f"`{clock(e.at)}` {plain(say(e.text), 600)}" for e in events]
        st.markdown("\n\n".join(lines))
        st.caption(
            t(
                "Run {id}, version {n} of the export, plan {digest}.",
                id=run.id,
                n=run.export_version,
                digest=(run.digest or "–")[:12],
            )
        )
    with right:
        if plan is not None:
            cached.funnel(plan.candidates, plan.verdicts, plan.reasons, view="contacts")


def _requests(batches: Sequence[Batch]) -> None:
    if not batches:
        st.caption(t("No requests yet."))
        return
    frame = pd.DataFrame(
        [
            {
                t("Request"): b.number,
                t("Kind"): t(str(b.kind)),
                t("State"): t(str(b.state)),
                t("Contacts"): b.contacts,
                t("Bytes"): b.bytes,
                t("Activity at Constant Contact"): b.activity_id,
                t("Sent at"): b.submitted_at,
                t("Settled at"): b.settled_at,
                t("What was said"): bare("; ".join([say(b.note), *b.errors]).strip("; "), 500) or None,
            }
            for b in batches
        ]
    )
    times = st.column_config.DatetimeColumn(format="HH:mm:ss", timezone=str(zone()))
    st.dataframe(
        frame,
        hide_index=True,
        alt=t("Requests of this run"),
        placeholder="",
        column_config={
            **dict.fromkeys((t("Sent at"), t("Settled at")), times),
            **dict.fromkeys((t("Contacts"), t("Bytes")), st.column_config.NumberColumn(format="localized")),
        },
    )
    if any(b.ambiguous for b in batches):
        st.warning(
            t("For some requests no answer came, and Constant Contact was asked whether it took them.")
        )


def _contacts(actor: Actor, run: Run, plan: Plan | None) -> None:
    if plan is None:
        st.caption(t("The plan of this run is not made yet."))
        return
    counts = {name: run.counts[name] for name in ("sent", *map(str, Outcome)) if run.counts.get(name)}
    counts |= {str(v): n for v in Verdict if (n := plan.verdicts.get(v))}
    counts["left_out"] = sum(plan.reasons.values())
    everybody = plan.candidates + plan.verdicts.get(Verdict.REMOVE, 0)
    what = contact_table.choose_rows(counts, plan.reasons, {"": t("All {n}", n=number(everybody))})
    totals = counts | {str(reason): n for reason, n in plan.reasons.items()}
    offset = contact_table.offset(totals.get(what or "", everybody))
    found = services().runs.contacts(actor, run.id, what=what, offset=offset, limit=contact_table.PAGE)
    contact_table.table(
        found, outcomes=run.outcomes_path is not None, name=t("Contacts of the run"), key="run_rows"
    )
    person_search(
        actor,
        lambda asked: services().runs.contacts(actor, run.id, email=asked),
        plan.segments,
        key="run_person",
    )
