"""Reads JSON answers, and collections page by page until the last.

Must never add a parameter to a next link (it would replace the cursor), and never read a page twice.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from ccexport.constant_contact.calls import following
from ccexport.constant_contact.sending import Sender
from ccexport.constant_contact.wire import Request, next_url
from ccexport.errors import ConstantContactError

T = TypeVar("T")


class Reader:
    """Reads answers and collections for an account."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def json(self, request: Request) -> Any:
        """Return the JSON of the answer. Raises `ConstantContactError` when it is not JSON."""
        answer = self._sender.send(request)
        raw = answer.json()
        if raw is None:
            raise ConstantContactError(
                "Constant Contact answered something that is not JSON. Try again later.",
                status=answer.status,
                asked=request.asked,
            )
        return raw

    def all(self, request: Request, key: str, read: Callable[[Any], T]) -> list[T]:
        """Return everything under `key` on every page."""
        return list(self.each(request, key, read))

    def each(self, request: Request, key: str, read: Callable[[Any], T]) -> Iterator[T]:
        """As `all`, a page at a time. Skips unreadable items, because a page also holds other programs' data."""
        for page in self._pages(request):
            for one in objects(page.get(key)):
                found = _readable(one, read)
                if found is not None:
                    yield found

    def _pages(self, first: Request) -> Iterator[dict[str, Any]]:
        request, seen = first, {first.url}
        while True:
            page = self.json(request)
            page = page if isinstance(page, dict) else {}
            yield page
            url = next_url(request.url, page)
            if url is None:
                return
            if url in seen:
                raise ConstantContactError(
                    "Constant Contact's pages lead back to one already read. Try again later.",
                    asked=first.asked,
                )
            seen.add(url)
            request = following(url, first)


def _readable(one: dict[str, Any], read: Callable[[Any], T]) -> T | None:
    try:
        return read(one)
    except ConstantContactError:  # without an id it could not be requested anyway
        return None


def objects(raw: Any) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in an array; nothing for anything else."""
    return (one for one in (raw if isinstance(raw, list) else ()) if isinstance(one, dict))
