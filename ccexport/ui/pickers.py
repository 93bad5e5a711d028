"""Choosing several options of many: typing text and pressing Enter chooses one option and no others.

With its defaults, Streamlit's multi-select chooses all similar options on Enter, by a fuzzy search. A lint rule
forbids it elsewhere.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")


def choose_many(
    label: str,
    options: Iterable[T],
    default: Sequence[T] | None = None,
    format_func: Callable[[T], str] = str,
    **how: Any,
) -> list[T]:
    """Draw the choice and return the chosen options; `how` goes on to `st.multiselect`."""
    return list(
        st.multiselect(
            label,
            list(options),
            default=default,
            format_func=format_func,
            select_all=False,
            filter_mode="contains",
            **how,
        )
    )
