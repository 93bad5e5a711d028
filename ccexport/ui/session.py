"""The person who sees this page, checked again at every rerun. Must never remember a role."""

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.ui import cookies
from ccexport.ui.app_state import services
from ccexport.ui.door import OUR_ORIGIN
from ccexport.ui.texts import t


def signed_in() -> Actor | None:
    """Return the actor of this browser's session cookie, or None."""
    return services().people.signed_in(cookies.cookie(cookies.SESSION))


def require(needed: Role) -> Actor:
    """Return the actor, or stop the page if they lack the role; the first call of every page."""
    actor = signed_in()
    if actor is None:
        st.warning(t("You are signed out."), icon=":material/lock:")
        st.link_button(t("Sign in"), "/")
        st.stop()
    if not actor.role.covers(needed):
        st.title(t("No access"))
        st.warning(
            t("This page needs the role {role}. Ask an administrator.", role=t(str(needed))),
            icon=":material/lock:",
        )
        st.stop()
    return actor


def origin() -> str:
    """Return the browser's origin, which the middleware found when this page was opened."""
    found = st.context.headers.get(OUR_ORIGIN)
    return found if isinstance(found, str) else "local"
