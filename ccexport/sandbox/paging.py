"""Cursors of the small collections: lists, custom fields, tags.

Owns the opaque form. A cursor freezes the question and the page size; other parameters beside it
are ignored. Must never trust what comes back.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from ccexport.sandbox.answers import invalid
from ccexport.sandbox.call import Call


def page_of(call: Call) -> tuple[Call, int]:
    """The question as it was first asked, and the row number to go on from."""
    if "cursor" not in call.query:
        return call, 0
    try:
        told = dict(parse_qsl(base64.urlsafe_b64decode(call.query["cursor"].encode()).decode()))
        after = int(told.pop("next"))
    except (binascii.Error, ValueError, KeyError):
        raise invalid("cursor does not have a valid value") from None
    if not 0 <= after < 2**62:
        raise invalid("cursor does not have a valid value")
    return replace(call, query=told), after


def link_page(call: Call, page: dict[str, Any], links: Mapping[str, Any] | None) -> dict[str, Any]:
    """`page` with its `_links`; the last page has none, or an empty object where the store is so configured."""
    if links is not None:
        return page | {"_links": links}
    return page | {"_links": {}} if call.config.last_page_links == "empty" else page


def next_link(path: str, query: Mapping[str, str], limit: int, after: int) -> dict[str, dict[str, str]]:
    """`_links` with a path-absolute href, `/v3` included, as the API writes it."""
    rest = {**query, "limit": str(limit), "next": str(after)}
    cursor = base64.urlsafe_b64encode(urlencode(rest).encode()).decode()
    return {"next": {"href": f"{path}?{urlencode({'cursor': cursor})}"}}
