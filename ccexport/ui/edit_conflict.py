"""A form that stays open while somebody else saves: nothing is replaced in silence, nothing typed is lost.

Must never save.
"""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from ccexport.ui.render import plain
from ccexport.ui.texts import t

T = TypeVar("T")


@dataclass(frozen=True)
class Opened(Generic[T]):
    """What a form of this session shows, where its fields are kept, and the version that its save follows."""

    thing: T
    key: str
    version: int
    stale: bool
    """Somebody saved since, and the reader has not said what shall hold."""


def opened(prefix: str, saved: T, version: int) -> Opened[T]:
    """What `saved` was when this form was opened; `<key>-name` has to be one of its fields.

    Streamlit forgets a field that is not drawn: whoever left the form begins anew with what is saved.
    """
    begun: tuple[T, str, int] | None = st.session_state.get(f"opened-{prefix}")
    if begun is None or f"{begun[1]}-name" not in st.session_state:
        begun = (saved, f"{prefix}-{version}", version)
        st.session_state[f"opened-{prefix}"] = begun
    return Opened(*begun, stale=begun[2] != version)


def ask_what_holds(prefix: str, version: int, *, by: str = "") -> None:
    """Who saved meanwhile; one may look at that, or go on with one's own, which the next save then puts there."""
    with st.container(border=True):
        said = t("{person} saved this while it was open here.", person=plain(by) or t("Somebody"))
        st.warning(
            f"{said} {t('What you changed is still below and not saved.')}", icon=":material/edit_off:"
        )
        with st.container(horizontal=True):
            st.button(t("Show what is saved"), key=f"{prefix}-theirs", on_click=_anew, args=(prefix,))
            st.button(t("Go on with mine"), key=f"{prefix}-mine", on_click=_go_on, args=(prefix, version))


def _anew(prefix: str) -> None:
    for name in [k for k in st.session_state if str(k).startswith((f"{prefix}-", f"opened-{prefix}"))]:
        del st.session_state[name]


def _go_on(prefix: str, version: int) -> None:
    thing, key, _ = _begun(prefix)
    st.session_state[f"opened-{prefix}"] = (thing, key, version)


def _begun(prefix: str) -> tuple[Any, str, int]:
    begun: tuple[Any, str, int] = st.session_state[f"opened-{prefix}"]
    return begun


def forget(key: str) -> None:
    """Start from what is saved the next time."""
    for name in [k for k in st.session_state if str(k).startswith(f"{key}-")]:
        del st.session_state[name]
