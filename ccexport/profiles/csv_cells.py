"""Writes CSV that no spreadsheet reads as formulas, in Python or SQL.

A text that begins like a formula gets an apostrophe before it. So does a sign that would begin a cell once the
text is split at semicolons, commas, tabs or line breaks, as a spreadsheet of another locale does. Full-width signs
count. `spreadsheet_guards` removes the marks when such a file is read.
"""

import re
from collections.abc import Sequence
from typing import Any

SIGNS = "-+=@\uff0b\uff0d\uff1d\uff20"
"""Plus, minus, equals and at sign, also in full width."""
FORMULA_STARTS = SIGNS + "\t\r\n"
# The same text is a Python and an RE2 pattern. One apostrophe is added to any existing ones, so that removing
# one restores the text.
_INSIDE = rf"([;,\t\r\n][\" ]*)('*[{SIGNS}])"
_MARKED = rf"([;,\t\r\n][\" ]*)'('*[{SIGNS}])"
_BEGINS = f"^[{FORMULA_STARTS}]"
# Text without marks that removing marks would change.
_LIKE_MARKED = rf"(?s)^'[0-9].*[^']$|^'[{FORMULA_STARTS}]"
_LOOKED_AT = rf"{_BEGINS}|^'[{FORMULA_STARTS}0-9]|[;,\t\r\n]"


def csv_line(values: Sequence[Any]) -> str:
    """Return one line of quoted cells."""
    return ",".join(_cell("" if value is None else str(value)) for value in values) + "\r\n"


def guarded(text: str) -> str:
    """Return the text so that no spreadsheet reads it as a formula."""
    inside = re.sub(_INSIDE, r"\1'\2", text)
    if re.search(_BEGINS, inside):
        return f'="{inside}"' if inside.endswith("'") and '"' not in inside else f"'{inside}"
    return f'="{inside}"' if re.search(_LIKE_MARKED, inside) and '"' not in inside else inside


def _cell(text: str) -> str:
    return '"' + guarded(text).replace('"', '""') + '"'


def csv_cell_sql(column: str) -> str:
    """SQL: one quoted cell of a text column."""
    return f"'\"' || replace({guarded_sql(column)}, '\"', '\"\"') || '\"'"


def guarded_sql(column: str) -> str:
    """SQL of `guarded`; empty for null."""
    text = f"coalesce({column}, '')"
    odd = f"regexp_matches({text}, {_quoted(_LOOKED_AT)})"
    inside = f"regexp_replace({text}, {_quoted(_INSIDE)}, '\\1''\\2', 'g')"
    return f"CASE WHEN {odd} THEN {_marked_sql(inside)} ELSE {text} END"


def _marked_sql(text: str) -> str:
    wrapped, marked = f"'=\"' || {text} || '\"'", f"'''' || {text}"
    no_quotes = f"NOT contains({text}, '\"')"
    return (
        f"CASE WHEN regexp_matches({text}, {_quoted(_BEGINS)}) "
        f"THEN if(ends_with({text}, '''') AND {no_quotes}, {wrapped}, {marked}) "
        f"WHEN regexp_matches({text}, {_quoted(_LIKE_MARKED)}) AND {no_quotes} THEN {wrapped} ELSE {text} END"
    )


def unmarked_sql(column: str) -> str:
    """SQL: the text without the marks inside; a mark before the whole text stays."""
    return f"regexp_replace({column}, {_quoted(_MARKED)}, '\\1\\2', 'g')"


def marked_inside_sql(column: str) -> str:
    """SQL: whether there is a mark inside."""
    return f"(contains({column}, '''') AND regexp_matches({column}, {_quoted(_MARKED)}))"


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"
