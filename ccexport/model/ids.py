"""Makes ids that are short, sortable, and safe in a path or a URL. Must never read a clock itself."""

from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def make_id(prefix: str, at: datetime, random: bytes) -> str:
    """Return an id such as `run-3kq2f81c-9f3k2`: the time comes first, so ids sort by creation.

    `random` needs at least 5 bytes.
    """
    ticks = int(at.timestamp() * 100)
    text = ""
    for _ in range(9):
        ticks, digit = divmod(ticks, 32)
        text = _ALPHABET[digit] + text
    return f"{prefix}-{text}-{''.join(_ALPHABET[b % 32] for b in random[:5])}"


def made_at(name: str) -> datetime | None:
    """Return when the id was made; None when it is not one of our ids."""
    parts = name.split("-")
    if len(parts) < 3 or len(parts[1]) != 9 or not set(parts[1]) <= set(_ALPHABET):
        return None
    ticks = 0
    for letter in parts[1]:
        ticks = ticks * 32 + _ALPHABET.index(letter)
    return datetime.fromtimestamp(ticks / 100, UTC)
