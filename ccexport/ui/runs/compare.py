"""Two runs of the same export compared: both numbers of each count, and the contacts that differ.

Must never decide what counts as a difference.
"""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from ccexport.errors import CcexportError
from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.services.run_contacts import ComparedContact, Comparison
from ccexport.ui import contact_table
from ccexport.ui.app_state import services
from ccexport.ui.render import bare, height_of, moment, number, show_error, state_text
from ccexport.ui.texts import t
from ccexport.ui.url_state import kept
from ccexport.ui.words import word

MOST_RUNS = 100


def compare_runs(actor: Actor, run: Run) -> None:
    """Draw the choice of the other run, by default the previous one, and the comparison."""
    there = services().runs.list(actor, export=run.export_id, limit=MOST_RUNS)
    others = {r.id: r for r in there if r.id != run.id and r.plan_id}
    if not others or run.plan_id is None:
        st.caption(t("There is no other run of this export to compare with."))
        return
    before = next((r.id for r in others.values() if r.created_at < run.created_at), next(iter(others)))
    chosen = kept(
        st.selectbox,
        t("Compare with the run of"),
        list(others),
        key="with",
        default=before,
        format_func=lambda r: f"{moment(others[str(r)].created_at)} · {state_text(others[str(r)].state)}",
        width=360,
    )
    try:
        found = services().runs.compare(actor, run.id, chosen or before, limit=contact_table.PAGE)
        _counts(found)
        what = contact_table.choose_difference({str(d): n for d, n in found.differences.items()})
        if what:
            found = services().runs.compare(
                actor, run.id, chosen or before, what=what, limit=contact_table.PAGE
            )
    except CcexportError as error:
        show_error(error)
        return
    _contacts(found.contacts)


def _counts(found: Comparison) -> None:
    earlier = t("Earlier: {when}", when=moment(found.earlier.created_at))
    later = t("Later: {when}", when=moment(found.later.created_at))
    lines = [
        {
            t("What"): word(name),
            earlier: number(first),
            later: number(second),
            t("Change"): f"{'+' if second > first else ''}{number(second - first)}",
        }
        for name, (first, second) in found.counts.items()
    ]
    st.table(lines, hide_index=True, border="horizontal", alt=t("Both runs in numbers"))


def _contacts(contacts: Sequence[ComparedContact]) -> None:
    if not contacts:
        st.caption(t("No contacts here."))
        return
    frame = pd.DataFrame([_cells(contact) for contact in contacts])
    frame = frame.loc[:, frame.notna().any()]
    height = height_of(len(frame))
    st.dataframe(frame, hide_index=True, height=height, alt=t("Contacts that differ"), key="compared_rows")


def _cells(contact: ComparedContact) -> dict[str, object]:
    changed = ", ".join(f"{c.field}: {c.old} → {c.new}" for c in contact.changes)
    return {
        t("Address"): bare(contact.address),
        t("Difference"): word(str(contact.difference)),
        t("Earlier"): word(contact.before) if contact.before else None,
        t("Later"): word(contact.after) if contact.after else None,
        t("Why"): word(contact.why) if contact.why else None,
        t("Changes"): bare(changed, 500) or None,
        t("Profile"): bare(contact.profile_id),
    }
