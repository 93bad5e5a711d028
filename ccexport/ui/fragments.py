"""Dialogs and fragments that check again who is signed in.

Streamlit reruns a fragment without its page, so the page's own check does not run. All dialogs and fragments of
the dashboard are made here; a lint rule forbids Streamlit's own. Must never pass on the actor who opened a
fragment, only the current one.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.ui.session import signed_in
from ccexport.ui.texts import t

Body = Callable[..., None]


def dialog(
    title: str,
    body: Body,
    actor: Actor,
    *args: Any,
    width: Literal["small", "large"] = "small",
    **named: Any,
) -> None:
    """Open `body(actor, …)` as a dialog; each rerun passes the actor who is signed in then."""
    st.dialog(title, width=width)(_asking(body, actor))(*args, **named)


def fragment(body: Body, actor: Actor, *args: Any, run_every: float | None = None, **named: Any) -> None:
    """Draw `body(actor, …)` as a part of a page that reruns by itself, with the same check."""
    st.fragment(run_every=run_every)(_asking(body, actor))(*args, **named)


def _asking(body: Body, opener: Actor) -> Body:
    @wraps(body)  # Streamlit distinguishes fragments by this name
    def asked(*args: Any, **named: Any) -> None:
        now = signed_in()
        if now is None or now.name != opener.name:
            st.warning(t("You are signed out."), icon=":material/lock:")
            st.link_button(t("Sign in"), "/")
        elif not now.role.covers(opener.role):
            st.warning(t("Your role was changed. Open the page again."), icon=":material/lock:")
        else:
            body(now, *args, **named)

    return asked
