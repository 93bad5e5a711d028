"""Requests and answers as values, and where a link leads.

Must never do I/O. Nothing here may show a token, an address or a body in a repr: a request
is shown by method and path only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any, Literal
from urllib.parse import urljoin, urlsplit, urlunsplit

import orjson

Purpose = Literal["poll", "work"]

# A bulk body of 4 MB over a slow line takes far longer than httpx's default 5 seconds, and a read timeout
# on a bulk POST is a job that may or may not exist.
USUAL_TIMEOUT = 30.0
UPLOAD_TIMEOUT = 120.0


@dataclass(frozen=True, repr=False)
class FilePart:
    """One file of a multipart body."""

    field: str
    name: str
    content: bytes
    type: str

    def __repr__(self) -> str:
        return f"<{self.field}: {len(self.content)} bytes>"


@dataclass(frozen=True, repr=False)
class Request:
    """One request, ready to leave except for its token.

    `repeatable` says that sending it twice has the effect of sending it once; only then is it
    sent again after an answer was lost. `queues` marks the bulk requests, whose 429 with an
    unknown body means a full queue. `prepared` marks a download that a finished job will provide: a 404 to it
    means "not yet". `purpose` decides which part of the day's quota it may use.
    """

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FilePart, ...] = ()
    timeout: float = USUAL_TIMEOUT
    repeatable: bool = False
    queues: bool = False
    prepared: bool = False
    purpose: Purpose = "work"

    @property
    def asked(self) -> str:
        """Method and path, for errors and logs: never the query, which may hold an address."""
        return f"{self.method} {urlsplit(self.url).path}"

    def with_token(self, token: str) -> "Request":
        """Return this request with the token."""
        return replace(self, headers={**self.headers, "Authorization": f"Bearer {token}"})

    def __repr__(self) -> str:
        return f"<{self.asked}>"


@dataclass(frozen=True, repr=False)
class Answer:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as JSON, or None when it is empty or something else (HTML, say)."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def __repr__(self) -> str:
        return f"<{self.status}, {len(self.body)} bytes>"


@dataclass(frozen=True)
class Lost:
    """No answer came. `sent` is False only when the request certainly never left."""

    sent: bool
    what: str


Sink = IO[bytes]


def url_of(api_url: str, path: str) -> str:
    """Return the URL of a path below the API's address by concatenation: `path` begins with a slash."""
    return api_url.rstrip("/") + path


def next_url(asked: str, page: Any) -> str | None:
    """Return the URL of the page after `page`, which was read from the URL `asked`, or None on the last page.

    The vendor's links are absolute paths that include `/v3`. Of any other link only path and query are
    used: the host does not change, because every request carries the token.
    https://developer.constantcontact.com/api_guide/paginated_results.html
    """
    href = _href(page)
    if not href:
        return None
    leads = urlsplit(urljoin(asked, href))
    return urlunsplit(urlsplit(asked)._replace(path=leads.path, query=leads.query, fragment=""))


def _href(page: Any) -> str | None:
    links = page.get("_links") if isinstance(page, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    href = following.get("href") if isinstance(following, dict) else None
    return href if isinstance(href, str) else None
