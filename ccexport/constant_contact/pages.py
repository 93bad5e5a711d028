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
    """What an account reads through; `api_url` is where next links may lead."""

    def __init__(self, sender: Sender, api_url: str) -> None:
        self._sender = sender
        self._api_url = api_url

    def json(self, request: Request) -> Any:
        """The JSON of the answer. Raises `ConstantContactError` when it is none."""
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
        """Everything under `key` on every page."""
        return list(self.each(request, key, read))

    def each(self, request: Request, key: str, read: Callable[[Any], T]) -> Iterator[T]:
        """As `all`, a page at a time."""
        for page in self._pages(request):
            yield from (read(one) for one in objects(page.get(key)))

    def _pages(self, first: Request) -> Iterator[dict[str, Any]]:
        request, seen = first, {first.url}
        while True:
            page = self.json(request)
            page = page if isinstance(page, dict) else {}
            yield page
            url = next_url(self._api_url, page)
            if url is None:
                return
            if url in seen:
                raise ConstantContactError(
                    "Constant Contact's pages lead back to one already read. Try again later.",
                    asked=first.asked,
                )
            seen.add(url)
            request = following(url, first)


def objects(raw: Any) -> Iterator[dict[str, Any]]:
    """The JSON objects in an array; nothing for anything else."""
    return (one for one in (raw if isinstance(raw, list) else ()) if isinstance(one, dict))
