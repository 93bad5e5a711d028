"""Text that is already as it is sent: trimmed, composed, without anything a JSON text has to escape.

One look at the values of a row, put together, tells it; where a snapshot has the answer for every text of
a profile (the column `#clean`), a plan need not look again. Must never say it of a text that cleaning changes.
"""

from collections.abc import Sequence

# Whether all text fields of a profile are clean; at ingest, beside the address columns.
CLEAN = "#clean"

# Between the values of a row. It may stand inside of a value: that counts as two values then, and if each
# half is clean, so is the whole.
_BETWEEN = "~"
# Without controls, quotes and escapes. Letters below U+0300 need no NFC; the no-break space and the C1
# controls are not among them.
_INK = r"[!#-\[\]-}\x{a1}-\x{2ff}]"
_CLEAN = rf"{_INK}(?:[ !#-\[\]-}}\x{{a1}}-\x{{2ff}}]*{_INK})?"
# The point at the start makes an empty value visible even if it is the only one.
_START = "."


def all_clean_sql(values: Sequence[str]) -> str:
    """SQL: whether each of these texts is null or clean; an empty one is not."""
    joined = ", ".join([f"'{_BETWEEN}'", f"'{_START}'", *values])
    return rf"regexp_full_match(concat_ws({joined}), '\{_START}(?:{_BETWEEN}{_CLEAN})*')"
