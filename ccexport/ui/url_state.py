"""Choices that live in the address of the page by their code, so that a view can be shared.

Streamlit's own binding writes the label instead, which changes with the language and the numbers.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

PAGE = 20
T = TypeVar("T")


def kept(
    widget: Callable[..., Any],
    label: str,
    options: Sequence[str | None],
    *,
    key: str,
    default: str | None,
    **more: Any,
) -> str | None:
    """The choice of a select-like widget, read from and written to the query parameter `key`."""
    name, seen = f"kept-{key}", f"seen-{key}"
    asked = st.query_params.get(key)
    if name not in st.session_state or asked != st.session_state.get(seen):
        st.session_state[name] = asked if asked in options else default
    chosen: str | None = widget(label, options, key=name, **more)
    if chosen == default or chosen is None:
        st.query_params.pop(key, None)
        st.session_state[seen] = None
    else:
        st.query_params[key] = chosen
        st.session_state[seen] = str(chosen)
    return chosen


def views(label: str, options: Sequence[str], format_func: Callable[[str], str], *, key: str = "view") -> str:
    """Parts of a page, of which one is shown; the first unless the address says another."""
    chosen = kept(
        st.segmented_control,
        label,
        options,
        key=key,
        default=options[0],
        required=True,
        format_func=format_func,
    )
    return chosen or options[0]


def page_of(there: Sequence[T], said: str) -> Sequence[T]:
    """Those of the page that the address names, of many; `said` is how many there are, in words."""
    if len(there) <= PAGE:
        return there
    page = paged(len(there), PAGE, said)
    return there[(page - 1) * PAGE : page * PAGE]


def paged(many: int, size: int, said: str) -> int:
    """Which page the address names; draws the way to the others when there are any."""
    if many <= size:
        return 1
    with st.container(horizontal=True, vertical_alignment="center"):
        page = st.pagination(-(-many // size), key="page", bind="query-params")
        st.caption(said, width="content")
    return int(page)
