"""What a name of a person's choosing has to be: seen, on one line, not endless."""

import re

from ccexport.errors import BadInput

LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSEEN = re.compile(r"[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def checked(name: str, otherwise: str) -> str:
    """Without the blanks around it. Raises `BadInput`: `otherwise`, when nothing of it is seen or it is too long."""
    name = name.strip()
    if not _UNSEEN.sub("", name) or len(name) > LONGEST:
        raise BadInput(otherwise)
    if _CONTROL.search(name):
        raise BadInput("A name is one line: take out the line break or the control character.")
    return name
