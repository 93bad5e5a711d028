"""HTTP to the outside: the one client's settings, and one small exchange for notices and the doctor.

Requests of the API have their own transport, which uses this client. Must never follow a redirect, log an
address (httpx would log whole URLs), or pass on the other side's text: it may hold a secret or an address.
"""

import logging
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import IO

import httpx

from ccexport.outgoing_addresses import NotPublic, checked_address

HEADERS = {"User-Agent": "ccexport"}


class NoAnswer(Exception):
    """No answer came; the text is the reason, and may be shown."""


@dataclass(frozen=True)
class Answered:
    """The answer without its body; header names are in lower case."""

    status: int
    headers: Mapping[str, str]


def exchange(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float,
    only_public: bool = False,
    allowed: Collection[str] = (),
) -> Answered:
    """Send one request and return the answer, whatever its status. Raises `NoAnswer`.

    With `only_public`, as for addresses that people choose, the host must be public or one of `allowed`, and the
    connection is made to the address that was checked.
    """
    try:
        sent = httpx.URL(url)
        given, extensions = dict(headers or {}), {}
        if only_public:
            address = checked_address(sent.host, sent.port or 443, allowed)
            given["Host"] = sent.netloc.decode("ascii")
            extensions["sni_hostname"] = sent.host  # the certificate must be the host's
            sent = sent.copy_with(host=address)
        with (
            new_client() as client,
            client.stream(
                method, sent, content=body, headers=given, timeout=seconds, extensions=extensions
            ) as response,
        ):
            return Answered(response.status_code, {k.lower(): v for k, v in response.headers.items()})
    except NotPublic as error:
        raise NoAnswer("its address is not a public one (see CCEXPORT_WEBHOOK_HOSTS)") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise NoAnswer(_reason(error)) from error


@dataclass(frozen=True)
class Whole(Answered):
    """The answer with its body."""

    body: bytes


def ask(
    method: str, url: str, body: bytes | IO[bytes] | None, headers: Mapping[str, str], *, seconds: float
) -> Whole:
    """Send one request to an installation of ccexport, and return the whole answer. Raises `NoAnswer`."""
    try:
        with new_client() as client:
            got = client.request(method, url, content=body, headers=headers, timeout=seconds)
            return Whole(got.status_code, {k.lower(): v for k, v in got.headers.items()}, got.content)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NoAnswer(_reason(error)) from error


def new_client(wire: httpx.BaseTransport | None = None) -> httpx.Client:
    """Return a client with the settings that every request needs. `wire` replaces the network in tests."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # No base_url: it would double the /v3 of next links. No other default headers: a Content-Type would
    # stay in multipart bodies, without their boundary.
    return httpx.Client(
        transport=wire,
        verify=_trusted(),
        follow_redirects=False,
        headers=HEADERS,
        # A proxy from the environment is for the outside, never for this machine.
        mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
    )


@cache
def _trusted() -> ssl.SSLContext:
    """Return this machine's certificates, read once per process: reading takes longer than a request."""
    return httpx.create_ssl_context()


def _reason(error: BaseException) -> str:
    """Return the operating system's message, or else the kind of error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
