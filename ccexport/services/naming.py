"""Rules for names that people choose: visible, on one line and not too long."""

import re
import unicodedata
from functools import cache

from confusable_homoglyphs import confusables

from ccexport.errors import BadInput

LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def checked(name: str, otherwise: str) -> str:
    """Return the name without surrounding blanks.

    Raises `BadInput` with the text `otherwise` when nothing of it is visible or it is too long.
    """
    name = name.strip()
    if not _UNSEEN.sub("", name) or len(name) > LONGEST:
        raise BadInput(otherwise)
    if _CONTROL.search(name):
        raise BadInput("A name is one line: take out the line break or the control character.")
    return name


def skeleton(name: str) -> str:
    """Return a text that is equal for all names that look alike, such as one with a Cyrillic letter."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("rn", "m").replace("vv", "w")
    return "".join(_looks(letter) for letter in plain)


@cache
def _looks(letter: str) -> str:
    """Return the first of all characters that look like this one."""
    found = confusables.is_confusable(letter, greedy=True, preferred_aliases=[]) or []
    alike = {letter} | {h["c"].casefold() for one in found for h in one["homoglyphs"] if len(h["c"]) == 1}
    return min(alike | ({"0", "o"} if alike & {"0", "o"} else set()))
