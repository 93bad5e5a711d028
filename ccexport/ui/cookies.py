"""The cookies of the dashboard: their names, reading them in pages, setting them in routes.

Must never hold what a cookie refers to: the ledger holds it.
"""

from typing import Any

import streamlit as st

SESSION = "ccx_session"
BIND = "ccx_bind"
BROWSER = "ccx_browser"  # binds a sign-in to the browser it began in
LANGUAGE = "ccx_language"
ASKED = "ccx_asked"  # the page that was asked for before signing in with a provider


def cookie(name: str) -> str | None:
    """Return the cookie that the browser sent when it opened this page. Tests replace this function."""
    value = st.context.cookies.get(name)
    return value if isinstance(value, str) else None


def is_identity(name: str) -> bool:
    """Whether this is a cookie of `st.login`, which cannot be revoked and lasts a month."""
    return name.startswith("_streamlit_user")


def cookie_values(*, secure: bool, seconds: int) -> dict[str, Any]:
    """Return the attributes with which we set every cookie."""
    return {"httponly": True, "samesite": "lax", "secure": secure, "max_age": seconds, "path": "/"}
