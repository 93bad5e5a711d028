"""Who is looking at this page, asked anew at every rerun. Must never remember a role."""

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.ui import cookies
from ccexport.ui.app_state import services
from ccexport.ui.door import OUR_ORIGIN
from ccexport.ui.texts import t


def signed_in() -> Actor | None:
    """The person behind this browser's cookie, or None."""
    return services().people.signed_in(cookies.cookie(cookies.SESSION))


def require(needed: Role) -> Actor:
    """The first line of every page: the person, or nothing of the page at all."""
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
    """Where the browser is, as the middleware found it when this page was opened."""
    found = st.context.headers.get(OUR_ORIGIN)
    return found if isinstance(found, str) else "local"
