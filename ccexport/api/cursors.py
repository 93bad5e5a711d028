"""Cursors: where the next page begins, as a text that means nothing to its reader."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from ccexport.errors import BadInput

MOST = 1_000_000_000


def read_cursor(text: str) -> tuple[int, str]:
    """Return the offset, and what else the page before left; (0, "") for the first page. Raises `BadInput`."""
    if not text:
        return 0, ""
    try:
        offset, rest = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"==="))
        if type(offset) is not int or not 0 <= offset <= MOST or not isinstance(rest, str):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise BadInput("The cursor is not one of ours: take `next` of the page before.") from error
    return offset, rest


def next_cursor(
    offset: int, found: Sequence[Any], limit: int, rest: str = ""
) -> tuple[Sequence[Any], str | None]:
    """Return the page out of what was found with one more than `limit`, and the cursor of the next one."""
    if len(found) <= limit:
        return found, None
    text = json.dumps([offset + limit, rest], separators=(",", ":")).encode()
    return found[:limit], base64.urlsafe_b64encode(text).decode().rstrip("=")
