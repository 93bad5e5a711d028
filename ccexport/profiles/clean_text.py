"""Recognises text that needs no cleaning: trimmed, composed, without anything that JSON has to escape.

One check of the joined values of a row is enough. Where a snapshot has the answer for every text of
a profile (the column `#clean`), a plan need not check again. Must never call a text clean that cleaning changes.
"""

from collections.abc import Sequence

# Whether all text fields of a profile are clean; set at ingest, like the address columns.
CLEAN = "#clean"

# Separates the values of a row. If it occurs inside a value, that counts as two values, and if each
# half is clean, so is the whole.
_BETWEEN = "~"
# Without controls, quotes and escapes. Letters below U+0300 need no NFC; the no-break space and the C1
# controls are excluded.
_INK = r"[!#-\[\]-}\x{a1}-\x{2ff}]"
_CLEAN = rf"{_INK}(?:[ !#-\[\]-}}\x{{a1}}-\x{{2ff}}]*{_INK})?"
# The full stop at the start makes an empty value visible even if it is the only one.
_START = "."


def all_clean_sql(values: Sequence[str]) -> str:
    """SQL: whether each of these texts is null or clean; an empty one is not."""
    joined = ", ".join([f"'{_BETWEEN}'", f"'{_START}'", *values])
    return rf"regexp_full_match(concat_ws({joined}), '\{_START}(?:{_BETWEEN}{_CLEAN})*')"
