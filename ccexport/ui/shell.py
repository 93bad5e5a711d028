"""The frame of every page: the demo's banner and the person's menu. Must never ask Constant Contact."""

from urllib.parse import urlencode

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.ui.app_state import STARTED, services
from ccexport.ui.redirect import goto, post
from ccexport.ui.render import plain
from ccexport.ui.texts import LANGUAGES, language, t


def banner() -> None:
    """Say that this is the sandbox, and how to connect a real account."""
    settings = STARTED.settings
    if settings is None or not settings.sandbox_on:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="banner"):
        said = t("Nothing leaves this machine: the built-in sandbox stands in for Constant Contact.")
        st.markdown(f":orange-badge[:material/science: {t('Demo')}] :small[:gray[{said}]]", width="content")
        with st.popover(t("Connect a real account"), type="tertiary", icon=":material/help:"):
            steps = t(
                "1. Make an application in Constant Contact's developer portal with the address below.\n"
                "2. Set `CCEXPORT_CC_CLIENT_ID`, and `CCEXPORT_CC_CLIENT_SECRET` if any, in `.env`.\n"
                "3. Choose another `CCEXPORT_DATA_DIR`, so that the demo's data stay apart.\n"
                "4. Start again, sign in with the code on the console, and open **Connections**."
            )
            st.markdown(f"{steps}\n```\n{settings.redirect_url}\n```")


def person_menu(actor: Actor, here: str) -> None:
    """Draw name and role, language, own password and sign-out at the foot of the sidebar."""
    labels = {
        "password": t("Change my password"),
        "tokens": t("Tokens for other programs"),
        "out": t("Sign out"),
        "everywhere": t("Sign out everywhere"),
    }
    labels |= {code: name for code, name in LANGUAGES.items() if code != language()}
    with st.sidebar:
        chosen = st.menu_button(
            plain(actor.name, 40),
            list(labels),
            format_func=lambda key: labels[key],
            icon=":material/person:",
            key="person_menu",
            width="stretch",
        )
        st.caption(t("signed in as {role}", role=t(str(actor.role))))
    if chosen == "out":
        post("/auth/sign-out")
    elif chosen == "everywhere":
        services().people.sign_out_everywhere(actor, actor.name)
        post("/auth/sign-out")
    elif chosen == "password":
        from ccexport.ui.password import change_own

        change_own(actor)
    elif chosen == "tokens":
        from ccexport.ui.tokens import show_tokens

        show_tokens(actor)
    elif chosen in LANGUAGES:
        goto("/auth/language?" + urlencode({"to": chosen, "next": here}))
