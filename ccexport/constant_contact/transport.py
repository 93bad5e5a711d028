"""Requests of the API over httpx: takes a `Request`, returns an `Answer` or a `Lost`.

Must never follow a redirect except to a file to download, and then without the token; send a token
unencrypted beyond this machine; raise for a status; or log more than method, path, status and time.
Only this module knows the phases of a request, so it decides which failures certainly did not reach
the server.
"""

import ipaddress
import logging
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import httpx

from ccexport.constant_contact.wire import Answer, Lost, Request, Sink
from ccexport.errors import BadSettings
from ccexport.outgoing import new_client
from ccexport.telemetry import request_span

log = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Transport:
    """One client for all requests. `wire` replaces the network in tests."""

    def __init__(
        self, *, wire: httpx.BaseTransport | None = None, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        self._timer = timer
        self._client = new_client(wire)

    def send(self, request: Request) -> Answer | Lost:
        """Send one request. Raises `BadSettings` for an address that is neither https nor this machine."""
        return self._exchange(request, None)

    def download(self, request: Request, sink: Sink) -> Answer | Lost:
        """As `send`, but the body of a 200 is written to `sink` piece by piece, from the start of `sink`.

        A redirect to the file's store is followed without the token, because the store is another host.
        """
        got = self._exchange(request, sink)
        for _ in range(MOST_REDIRECTS):
            target = redirect_target(got, request)
            if target is None:
                break
            request = target
            got = self._exchange(request, sink)
        return got

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _exchange(self, request: Request, sink: Sink | None) -> Answer | Lost:
        check_address(request.url)
        with request_span(request.method, urlsplit(request.url).path) as told:
            got = self._tried(request, sink)
            if isinstance(got, Answer):
                told["http.response.status_code"] = got.status
            else:
                told["error.type"] = got.what
        return got

    def _tried(self, request: Request, sink: Sink | None) -> Answer | Lost:
        started = self._timer()
        try:
            got: Answer | Lost = self._round_trip(request, sink)
        except httpx.TransportError as error:
            got = Lost(sent=not isinstance(error, _NEVER_LEFT), what=type(error).__name__)
        except httpx.DecodingError as error:
            got = Lost(sent=True, what=type(error).__name__)
        outcome = got.status if isinstance(got, Answer) else got.what
        log.info("%s %s %d ms", request.asked, outcome, round((self._timer() - started) * 1000))
        return got

    def _round_trip(self, request: Request, sink: Sink | None) -> Answer:
        with self._client.stream(
            request.method,
            request.url,
            # None keeps the query of the URL; an empty mapping would drop it, and the cursor with it.
            params=request.params or None,
            headers=request.headers,
            content=request.body,
            data=request.form or None,
            files=[(f.field, (f.name, f.content, f.type)) for f in request.files] or None,
            timeout=httpx.Timeout(request.timeout, connect=CONNECT_TIMEOUT),
        ) as response:
            headers = {k.lower(): v for k, v in response.headers.items()}
            if sink is None or response.status_code != 200:
                return Answer(response.status_code, headers, response.read())
            sink.seek(0)
            sink.truncate()
            for piece in response.iter_bytes():
                sink.write(piece)
            return Answer(response.status_code, headers)


def redirect_target(got: Answer | Lost, request: Request) -> Request | None:
    """Return the GET that a redirect leads to, without token and headers; None when it is not a redirect."""
    if not isinstance(got, Answer) or got.status not in _REDIRECTS or not got.headers.get("location"):
        return None
    url = urljoin(request.url, got.headers["location"])
    return Request("GET", url, timeout=request.timeout, repeatable=True)


def check_address(url: str) -> None:
    """Raise `BadSettings` for any address but https, except on this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or "")):
        return
    raise BadSettings(
        "The address of {host} is not https, so no token is sent there. Check "
        "CCEXPORT_CC_API_URL and CCEXPORT_CC_AUTH_URL; plain http is for this machine only.",
        host=parts.hostname,
    )


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
