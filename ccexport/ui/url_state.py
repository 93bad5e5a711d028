"""Choices that the page's address keeps by their code, so that a view can be shared.

Streamlit's own binding keeps the label instead, which changes with the language and the numbers.
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
    """Return the choice of a select-like widget, read from and written to the query parameter `key`.

    What was only the default follows another default, as when a run that is watched gets its numbers.
    """
    name, seen, was = f"kept-{key}", f"seen-{key}", f"default-{key}"
    state, asked = st.session_state, st.query_params.get(key)
    only_default = asked is None and state.get(name) == state.get(was)
    if name not in state or asked != state.get(seen) or only_default:
        state[name] = asked if asked in options else default
    state[was] = default
    chosen: str | None = widget(label, options, key=name, **more)
    if chosen == default or chosen is None:
        st.query_params.pop(key, None)
        state[seen] = None
    else:
        st.query_params[key] = chosen
        state[seen] = str(chosen)
    return chosen


def views(label: str, options: Sequence[str], format_func: Callable[[str], str], *, key: str = "view") -> str:
    """Draw the choice between views of a page and return the chosen one; the first unless the address names one."""
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
    """Return the items on the page that the address names; `said` is the total number in words."""
    if len(there) <= PAGE:
        return there
    page = paged(len(there), PAGE, said)
    return there[(page - 1) * PAGE : page * PAGE]


def paged(many: int, size: int, said: str) -> int:
    """Return the number of the page that the address names; draw a pager if there are several pages."""
    if many <= size:
        return 1
    with st.container(horizontal=True, vertical_alignment="center"):
        page = st.pagination(-(-many // size), key="page", bind="query-params")
        st.caption(said, width="content")
    return int(page)
