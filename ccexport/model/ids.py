"""How things are named: short, sortable, safe in a path or a URL. Must never read a clock itself."""

from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def make_id(prefix: str, at: datetime, random: bytes) -> str:
    """An id such as `run-3kq2f81c-9f3k2`: time first, so ids sort by when they were made.

    `random` needs at least 5 bytes.
    """
    ticks = int(at.timestamp() * 100)
    text = ""
    for _ in range(9):
        ticks, digit = divmod(ticks, 32)
        text = _ALPHABET[digit] + text
    return f"{prefix}-{text}-{''.join(_ALPHABET[b % 32] for b in random[:5])}"
