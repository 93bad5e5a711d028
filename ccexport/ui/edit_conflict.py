"""Handles a form that is open while somebody else saves: nothing is overwritten silently, no input is lost."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from ccexport.ui.render import plain
from ccexport.ui.texts import t

T = TypeVar("T")


@dataclass(frozen=True)
class Opened(Generic[T]):
    """What a form of this session edits, the prefix of its fields' keys, and the version that it is based on."""

    thing: T
    key: str
    version: int
    stale: bool
    """Somebody saved a newer version, and the reader has not yet chosen which one to keep."""


def opened(prefix: str, saved: T, version: int) -> Opened[T]:
    """Return `saved` as it was when this form was opened; `<key>-name` must be one of the form's fields.

    Streamlit forgets fields that are not drawn, so a form that was left starts again from the saved version.
    """
    begun: tuple[T, str, int] | None = st.session_state.get(f"opened-{prefix}")
    if begun is None or f"{begun[1]}-name" not in st.session_state:
        begun = (saved, f"{prefix}-{version}", version)
        st.session_state[f"opened-{prefix}"] = begun
    return Opened(*begun, stale=begun[2] != version)


def ask_what_holds(prefix: str, version: int, *, by: str = "") -> None:
    """Say who saved meanwhile, and offer to show that version or to go on with one's own input.

    Saving one's own input then replaces the other version.
    """
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
    """Forget the input of a form, so that it starts from the saved version next time."""
    for name in [k for k in st.session_state if str(k).startswith(f"{key}-")]:
        del st.session_state[name]
