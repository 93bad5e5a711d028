"""CSV that no spreadsheet takes for formulas, written by Python or by SQL.

A cell that begins with = + - @, a tab or a line break would be a formula; it gets an apostrophe before it.
"""

from collections.abc import Sequence
from typing import Any

FORMULA_STARTS = "=+@\t\r\n-"


def csv_line(values: Sequence[Any]) -> str:
    """One line of quoted cells."""
    return ",".join(_cell("" if value is None else str(value)) for value in values) + "\r\n"


def _cell(text: str) -> str:
    safe = f"'{text}" if text and text[0] in FORMULA_STARTS else text
    return '"' + safe.replace('"', '""') + '"'


def csv_cell_sql(column: str) -> str:
    """SQL: one quoted cell of a text column."""
    text = f"coalesce({column}, '')"
    safe = f"CASE WHEN regexp_matches({text}, '^[{FORMULA_STARTS}]') THEN '''' || {text} ELSE {text} END"
    return f"'\"' || replace({safe}, '\"', '\"\"') || '\"'"
