"""Choosing several of many: what is typed and entered chooses that one, and nothing besides.

Streamlit's own multi-select takes Enter as "select all that are alike", by fuzzy likeness: 12 segments for one.
A lint rule forbids it elsewhere.
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
    """The chosen ones; `how` is what `st.multiselect` takes besides."""
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
