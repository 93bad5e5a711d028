"""The previews of an export: its plans that are kept, and how the plan on the page differs from one of them.

Must never make a plan.
"""

from collections.abc import Mapping, Sequence

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor, Export
from ccexport.model.plans import Plan
from ccexport.model.words import Verdict
from ccexport.plan.comparing import Difference
from ccexport.services.plan_history import KeptPlan, PlansCompared
from ccexport.ui.app_state import services
from ccexport.ui.render import moment, number, show_error
from ccexport.ui.texts import t
from ccexport.ui.words import word


def plan_history(actor: Actor, export: Export, plan: Plan) -> None:
    """Draw the earlier plans, and what is different since the chosen one and why."""
    with st.expander(t("Previews"), icon=":material/history:"):
        others = [kept for kept in services().previews.plans(actor, export.id) if kept.id != plan.id]
        if not others:
            st.caption(t("There is no earlier plan of this export."))
            return
        _table(others)
        names = {kept.id: _named(kept) for kept in others}
        chosen = st.selectbox(
            t("Compare with the plan of"),
            list(names),
            format_func=names.__getitem__,
            key=f"since-{export.id}",
            index=None,
            placeholder=t("choose"),
            width=360,
        )
        if chosen:
            _difference(actor, export, plan, str(chosen))


def _named(kept: KeptPlan) -> str:
    said = t("run") if kept.run_id else t("preview only")
    return f"{moment(kept.made_at)} · {said}"


def _table(others: Sequence[KeptPlan]) -> None:
    lines = [
        {
            t("Made"): _named(kept),
            t("Candidates"): number(kept.candidates),
            **{word(verdict): number(kept.verdicts.get(verdict, 0)) for verdict in Verdict},
            t("Left out"): number(kept.left_out),
        }
        for kept in others[:20]
    ]
    st.table(lines, hide_index=True, border="horizontal", alt=t("Earlier plans of this export"))


def _difference(actor: Actor, export: Export, plan: Plan, chosen: str) -> None:
    try:
        found = services().previews.compare_plans(actor, export.id, chosen, plan.id, limit=0)
    except CcexportError as error:
        show_error(error)
        return
    st.markdown(_sentence(found))
    lines = [*_because(t("more"), found.new), *_because(t("fewer"), found.gone)]
    if lines:
        st.markdown("\n".join(lines))


def _sentence(found: PlansCompared) -> str:
    return t(
        "Since {when}: {new} more, {gone} fewer, {changed} changed.",
        when=moment(found.earlier.made_at),
        new=number(found.differences[Difference.NEW]),
        gone=number(found.differences[Difference.GONE]),
        changed=number(found.differences[Difference.CHANGED]),
    )


def _because(kind: str, why: Mapping[str, int]) -> list[str]:
    return [f"- {number(n)} {kind}: {word(reason)}" for reason, n in why.items()]
