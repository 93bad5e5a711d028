"""HTTP to the outside: the one client's settings, and one small exchange for notices and the doctor.

Requests of the API have a transport of their own, made of this client. Must never follow a redirect, log an
address (httpx would log whole URLs), or give what the other side said: that may hold a secret or an address.
"""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

HEADERS = {"User-Agent": "ccexport"}


class NoAnswer(Exception):
    """Why no answer came, in words that may be shown."""


@dataclass(frozen=True)
class Answered:
    """The answer without its body; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


def exchange(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float,
) -> Answered:
    """One request, whatever its status. Raises `NoAnswer`."""
    try:
        with (
            new_client() as client,
            client.stream(method, url, content=body, headers=headers, timeout=seconds) as response,
        ):
            return Answered(response.status_code, {k.lower(): v for k, v in response.headers.items()})
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NoAnswer(_reason(error)) from error


def new_client(wire: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client as every request needs it. `wire` replaces the network in tests."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # No base_url: it would double the /v3 of next links. No other default headers: a Content-Type would
    # survive into multipart bodies, without their boundary.
    return httpx.Client(
        transport=wire,
        verify=_trusted(),
        follow_redirects=False,
        headers=HEADERS,
        # A proxy of the environment is for the outside, never for this machine.
        mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates of this machine, read once a process: that takes longer than a request."""
    return httpx.create_ssl_context()


def _reason(error: BaseException) -> str:
    """What the operating system said, else the kind of error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
