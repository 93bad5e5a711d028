"""Who is looking at this page, asked anew at every rerun. Must never remember a role."""

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.ui import cookies
from ccexport.ui.app_state import services
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
    """The address of the browser; behind a proxy on this machine, the one that the proxy names last."""
    address = st.context.ip_address
    if isinstance(address, str):
        return address
    forwarded = st.context.headers.get("X-Forwarded-For")
    return forwarded.rpartition(",")[2].strip()[:60] if isinstance(forwarded, str) and forwarded else "local"
