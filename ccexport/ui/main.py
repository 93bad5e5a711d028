"""The router: one script for all pages, executed at every rerun. Must never hold a page's content.

It is not next to `pages/`, because Streamlit would then run `pages/x.py` for `/x` without the router.
"""

from functools import partial
from urllib.parse import urlencode

import streamlit as st

from ccexport.model.exports import Actor
from ccexport.ui import shell
from ccexport.ui.app_state import STARTED
from ccexport.ui.navigation import PLACES, Place
from ccexport.ui.rerun_gate import TURNS
from ccexport.ui.session import signed_in
from ccexport.ui.texts import say, t

st.set_page_config(page_title="ccexport", page_icon="📬", layout="wide")


def _no_access(place: Place) -> None:
    st.title(t("No access"))
    st.warning(
        t("This page needs the role {role}. Ask an administrator.", role=t(str(place.need))),
        icon=":material/lock:",
    )


@st.fragment(run_every=1)  # noqa: TID251 (nobody is signed in yet)
def _starting() -> None:
    st.title("ccexport")
    st.info(t("Starting. This page goes on by itself."), icon=":material/hourglass_empty:")
    if not _begins():
        st.rerun()


@st.fragment(run_every=1)  # noqa: TID251 (one sentence, the same for everybody)
def _preparing() -> None:
    if not STARTED.preparing:
        st.rerun()
    st.info(
        t("The demo is being prepared: sample profiles, segments, a connection and two exports."),
        icon=":material/hourglass_empty:",
    )


def _signed_out() -> None:
    """Offer the same addresses as when signed in, so that a deep link survives signing in."""
    from ccexport.ui.set_up import set_up_page
    from ccexport.ui.sign_in import sign_in_page

    def page() -> None:
        if STARTED.services is not None and not STARTED.services.people.anybody() and not STARTED.preparing:
            set_up_page()
        else:
            sign_in_page(_here(chosen.url_path))

    doors = [
        st.Page(page, title=t("Sign in"), url_path=p.path, default=i == 0, icon=":material/login:")
        for i, p in enumerate(PLACES)
    ]
    chosen = st.navigation(doors, position="hidden")
    chosen.run()


def _signed_in(actor: Actor) -> None:
    groups: dict[str, list[object]] = {}
    for index, place in enumerate(PLACES):
        allowed = actor.role.covers(place.need)
        page = st.Page(
            str(place.file) if allowed else partial(_no_access, place),
            title=t(place.title),
            icon=place.icon,
            url_path=place.path,
            default=index == 0,
            visibility="visible" if allowed else "hidden",
        )
        groups.setdefault(t(place.group) if place.group else "ccexport", []).append(page)
    chosen = st.navigation(groups, expanded=True)  # type: ignore[arg-type]
    shell.person_menu(actor, _here(chosen.url_path))
    shell.banner()
    if STARTED.trouble:
        st.error(say(STARTED.trouble), icon=":material/error:")
    if STARTED.preparing:
        _preparing()
    chosen.run()


def _here(path: str) -> str:
    query = urlencode(st.query_params.to_dict())
    return f"/{path}" + (f"?{query}" if query else "")


def _begins() -> bool:
    return STARTED.services is None or STARTED.importing


def _page() -> None:
    if _begins():
        st.navigation(
            [
                st.Page(_starting, title="ccexport", url_path=p.path, default=i == 0)
                for i, p in enumerate(PLACES)
            ],
            position="hidden",
        ).run()
    elif (person := signed_in()) is None:
        _signed_out()
    else:
        _signed_in(person)


with TURNS.taken():
    _page()
