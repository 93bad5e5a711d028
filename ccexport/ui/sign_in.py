"""The sign-in page: streamlit-authenticator's form, our own check, a one-time ticket for the cookie.

Must never keep a password, and never let the library write its cookie, which cannot be revoked.
"""

import secrets
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit_authenticator import Authenticate
from streamlit_authenticator.controllers import AuthenticationController

from ccexport.errors import CcexportError
from ccexport.model.people import Person
from ccexport.services.demo import demo_accounts
from ccexport.ui.app_state import STARTED, services
from ccexport.ui.cookies import BROWSER, cookie
from ccexport.ui.openid import asked_page, by_provider, provider_button
from ccexport.ui.redirect import goto
from ccexport.ui.render import show_error
from ccexport.ui.session import origin
from ccexport.ui.texts import t

Decide = Callable[[str, str], bool]


class _NoCookie:
    """Replaces the part of the library that sets its own cookie."""

    def get_cookie(self) -> None:
        return None

    def set_cookie(self) -> None:
        return None

    def delete_cookie(self) -> None:
        return None


class _OurDecision(AuthenticationController):
    """The library's controller, which asks `decide` instead of its own list of people."""

    def __init__(self, decide: Decide) -> None:
        super().__init__({"usernames": {}}, auto_hash=False, secret_key=secrets.token_urlsafe(32))
        self._decide = decide

    def login(self, username: str | None = None, password: str | None = None, *_: Any, **__: Any) -> bool:
        return self._decide(username or "", password or "")


class SignInForm(Authenticate):
    """The library's form without its other parts."""

    def __init__(self, decide: Decide) -> None:
        # The parent is not called, because it would draw its cookie component and trust its cookie.
        self.attrs = {"login_sleep_time": 0}
        self.path = None
        self.cookie_controller = _NoCookie()
        self.authentication_controller = _OurDecision(decide)


def sign_in_page(here: str) -> None:
    """Draw the form; after a correct pair, open `/auth/complete`, which returns to `here`, the requested page."""
    found: list[Person] = []
    refused: list[CcexportError] = []

    def decide(name: str, password: str) -> bool:
        try:
            found.append(services().people.sign_in(name, password, origin=origin()))
        except CcexportError as error:
            refused.append(error)
        return bool(found)

    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        st.title("ccexport")
        st.caption(t("Customer segments onto Constant Contact lists: previewed exactly, proved afterwards."))
        if st.query_params.get("said") == "expired":
            st.warning(t("Signing in took too long; do it again."))
        words = {
            "Form name": t("Sign in"),
            "Username": t("Name"),
            "Password": t("Password"),
            "Login": t("Sign in"),
        }
        known = by_provider()
        SignInForm(decide).login(fields=words, key="sign_in")
        provider_button()
        for error in refused:
            show_error(error)
        if known is not None:
            found.append(known)
            here = asked_page(here)
        if found:
            ticket = services().people.ticket(found[0], {"next": here}, browser=cookie(BROWSER) or "")
            goto(f"/auth/complete?t={ticket}")
        _demo_accounts()


def _demo_accounts() -> None:
    accounts = demo_accounts(services())
    if not accounts:
        return
    with st.container(border=True):
        st.markdown(
            f":orange-badge[:material/science: {t('Demo')}] "
            + t("Accounts of this demo, on this machine only:")
        )
        st.table(
            [{t("Name"): a.name, t("Password"): a.password, t("Role"): t(str(a.role))} for a in accounts],
            border="horizontal",
            hide_index=True,
            alt=t("Accounts of this demo"),
        )
        if STARTED.preparing:
            st.caption(t("The sample profiles are being prepared; this takes a few seconds."))
