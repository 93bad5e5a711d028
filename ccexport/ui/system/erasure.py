"""Erasing one person, and how long data are kept. Must never keep the address anywhere, nor in the page."""

from collections.abc import Mapping

import streamlit as st

from ccexport.errors import CcexportError
from ccexport.messages import counted, mark
from ccexport.model.exports import Actor
from ccexport.model.maintenance import Receipt
from ccexport.ui.app_state import services
from ccexport.ui.render import number, plain, show_error
from ccexport.ui.texts import say, t

TOUCHED: Mapping[str, str] = mark(
    {
        "suppression_entries": "Entries of the suppression list removed",
        "messages": "Messages of Constant Contact removed",
        "plans": "Plans made anew",
        "plan_rows": "Rows of plans emptied",
        "previews_removed": "Previews removed",
        "outcomes": "Outcomes that lost their note",
        "deliveries": "Deliveries removed",
        "readings": "Entries of read lists removed",
        "list_entries": "Entries of member lists removed",
        "profiles": "Profiles removed",
        "snapshots_made_anew": "Snapshots made anew",
        "snapshots_removed": "Snapshots removed",
    }
)


def erasure(actor: Actor) -> None:
    """Ask for one address and a confirmation, erase the person, and show the receipt."""
    st.markdown(
        t(
            "Everything kept here about one person goes: profiles, plans, deliveries and history. Counts stay. "
            "Nobody is deleted at Constant Contact. It cannot be undone."
        )
    )
    with st.form("erase", clear_on_submit=True):
        address = st.text_input(t("Address"), placeholder="person@example.com", max_chars=320)
        sure = st.checkbox(t("Yes, for good"))
        asked = st.form_submit_button(t("Erase the person"), type="primary", icon=":material/person_remove:")
    if asked and not sure:
        st.warning(t("Nothing was erased: say that it is for good."))
    elif asked:
        try:
            with st.spinner(t("Erasing …")):
                _receipt(services().maintenance.erase(actor, address))
        except CcexportError as error:
            show_error(error)
    months = services().settings.retention_months
    st.caption(
        t(
            "Contacts of runs are removed {time} after their end, without being asked; counts, requests and "
            "stories stay for ever.",
            time=counted("{n} month", "{n} months", n=months),
        )
    )


def _receipt(receipt: Receipt) -> None:
    st.success(t("Receipt {id}", id=receipt.id))
    touched = [
        {t("What"): t(TOUCHED.get(what, what)), t("How many"): number(n)}
        for what, n in receipt.touched.items()
    ]
    if touched:
        st.table(touched)
    else:
        st.caption(t("Nothing was found."))
    remarks = [t("Still at Constant Contact on {name}", name=plain(name)) for name in receipt.still_on]
    remarks += [plain(say(remark), 500) for remark in receipt.remarks]
    st.markdown("\n".join(f"- {remark}" for remark in remarks))
