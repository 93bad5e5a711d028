"""The first start: the code on the console lets a person create the first administrator."""

import streamlit as st

from ccexport.ui.app_state import services
from ccexport.ui.cookies import BROWSER, cookie
from ccexport.ui.redirect import goto
from ccexport.ui.render import show_refusal, told
from ccexport.ui.texts import t


def set_up_page() -> None:
    """Ask for code, name and password, create the administrator, and sign them in."""
    _, middle, _ = st.columns([1, 1.4, 1])
    with middle:
        st.title(t("Set up ccexport"))
        st.markdown(
            t("Nobody can sign in yet. The console where ccexport was started shows a code; it works once.")
        )
        with st.form("set_up"):
            code = st.text_input(t("Code from the console"), placeholder="0000-0000-0000-0000")
            name = st.text_input(t("Your name for signing in"), max_chars=60)
            password = st.text_input(t("Password"), type="password", help=t("At least 10 characters."))
            again = st.text_input(t("Password, again"), type="password")
            if not st.form_submit_button(t("Make me the administrator"), type="primary"):
                return
        if password != again:
            show_refusal(t("The two passwords differ."))
            return
        with told():
            person = services().people.set_up(code, name, password)
            browser = cookie(BROWSER) or ""
            ticket = services().people.ticket(person, {"next": "/connections"}, browser=browser)
            goto(f"/auth/complete?t={ticket}")
