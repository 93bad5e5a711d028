"""Finds the address in a cell as people write it: `mailto:a@b.no`, `Kari <a@b.no>`, several with semicolons.

Owns what is removed around an address. Must never change the address itself: `address_rules` judges what
remains, and a cell without a usable address is judged as a whole.
"""

import re
from collections.abc import Iterator

from ccexport.messages import Message
from ccexport.model.words import Reason
from ccexport.profiles.address_rules import normalise_address

_INVISIBLE = dict.fromkeys(
    [
        0xAD,
        0x34F,
        0x61C,
        0x180E,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
    ]
)
"""Invisible characters that are pasted along: soft hyphens, joiners, direction marks."""
_FULL_WIDTH = {0xFF01 + n: 0x21 + n for n in range(94)} | {0x3000: 0x20, 0x3002: 0x2E, 0xFF61: 0x2E}
_LONGEST = 2_000  # characters of a cell; a longer cell is a note, not an address
_MAILTO = re.compile(r"(?i)^\s*mailto:\s*([^?]*)(?:\?.*)?$", re.DOTALL)
_MARKDOWN = re.compile(r"^\s*\[([^\]]*)\]\(\s*(?:mailto:)?([^)?]*)[^)]*\)\s*$")
_PIECES = re.compile(r"[\n\r\t()]")
_BETWEEN = re.compile(r"[;,|]|\s+(?:/|:::|&)\s+|(?<=\w)/(?=\S+@)")
_IN_ANGLES = re.compile(r"<\s*(?:mailto:)?([^<>]*@[^<>]*)>", re.IGNORECASE)
_AROUND = " \t\r\n\u00a0\"'`´‘’“”«»<>()[]{}"


def address_in_cell(text: str | None) -> tuple[str | None, Reason | None, Message | None]:
    """Return the first usable address of a cell in its normal form, or why the whole cell has none."""
    whole = normalise_address(text)
    if whole[0] is not None or whole[1] is Reason.NO_EMAIL:
        return whole
    return next(_usable(text or ""), whole)


def addresses_in_cell(text: str | None) -> tuple[str, ...]:
    """Return every usable address of a cell, each once, in their order."""
    whole = normalise_address(text)[0]
    found = [whole] if whole else [address for address, _, _ in _usable(text or "") if address]
    return tuple(dict.fromkeys(found))


def _usable(text: str) -> Iterator[tuple[str | None, Reason | None, Message | None]]:
    for candidate in _candidates(text) if len(text) <= _LONGEST else ():
        judged = normalise_address(candidate)
        if judged[0] is not None:
            yield judged


def _candidates(text: str) -> Iterator[str]:
    """Yield what may be an address, in the order of the cell."""
    plain = text.translate(_FULL_WIDTH).translate(_INVISIBLE)
    if link := _MARKDOWN.match(plain):
        plain = link[2] if "@" in link[2] else link[1]
    if mailto := _MAILTO.match(plain):
        plain = mailto[1]
    if angles := _IN_ANGLES.findall(plain):
        yield from (_bare(found) for found in angles)
        return
    for piece in _PIECES.split(plain):
        parts = [part for part in _BETWEEN.split(piece) if part.strip(_AROUND)]
        words = [word for part in parts for word in part.split()]
        if all("@" in word for word in words):
            yield from map(_bare, words)
        elif all("@" in part for part in parts):  # `ka,ri@b.no` may be one address with a typing error
            yield from map(_bare, parts)


def _bare(part: str) -> str:
    """Return the part without quotes, brackets and a dot at the end."""
    bare = re.sub(r"(?i)^\s*(?:mailto|e-?mail)\s*:\s*", "", part.strip(_AROUND)).strip(_AROUND)
    return bare.rstrip(".,;:").strip(_AROUND)
