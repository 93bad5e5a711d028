"""Checks every request first: loopback only in the demo, closed addresses, limits; adds security headers.

Pure ASGI. Must never read a body.
"""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from urllib.parse import quote, urlsplit

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccexport.ui.app_state import STARTED
from ccexport.ui.cookies import ASKED, BROWSER, SESSION, cookie_values
from ccexport.ui.door import OUR_ORIGIN, address_of, is_loopback, is_ours
from ccexport.ui.redirect import SCRIPT_HASHES
from ccexport.ui.visitors import Strangers, Uploads

CLOSED = ("/_stcore/metrics", "/_stcore/agent")
TO_THE_PROVIDER = "/auth/login"  # Streamlit's own route
ASKED_SECONDS = 600
BROWSER_SECONDS = 24 * 3600
SIGNED_IN_ONLY = ("/media/", "/_stcore/upload_file")
# Machines ask these under any host name; they reveal nothing, or need a token.
ANY_HOST = ("/healthz", "/readyz", "/metrics")
UPLOAD = "/_stcore/upload_file/"
ASK_THE_SERVICES = ("/auth/", "/oauth/", "/download/", "/metrics")
OUR_SCRIPTS = " ".join(f"'sha256-{one}'" for one in SCRIPT_HASHES)
# The first hash is that of the only inline script in Streamlit 1.67's index.html.
POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA=' {OUR_SCRIPTS}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' {websocket}",
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


STRANGERS, UPLOADS = Strangers(), Uploads()


class Doorkeeper:
    """Refuses requests that are not allowed, and adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        signed_in = await run_in_threadpool(_signed_in, asked)
        refusal = _refusal(scope, asked, signed_in)
        if refusal is None:
            origin = _origin(scope, asked)
            with _counted(scope, asked, origin, signed_in) as fits:
                if fits:
                    _tell_origin(scope, origin)
                    cookies = [_asked_page(scope), _browser(scope, asked)]
                    await self._app(scope, receive, _with_headers(send, scope, cookies))
                    return
            refusal = 429, "Too many connections or too much at once from here. Close some, and try again."
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            status, text = refusal
            await PlainTextResponse(text, status, _headers(scope))(scope, receive, send)


def _refusal(scope: Scope, asked: HTTPConnection, signed_in: bool) -> tuple[int, str] | None:
    path = scope["path"]
    settings = STARTED.settings
    if _sandbox_on() and not all(is_loopback(host) for host in _ends(scope)):
        return 403, "The demo answers on this machine only (127.0.0.1)."
    if settings is not None and path not in ANY_HOST and not is_ours(settings, _port(scope), asked.headers):
        return 403, "This is not the address of the dashboard. Open it by the one in CCEXPORT_BASE_URL."
    if _has(path, CLOSED):
        return 404, "Not found."
    if STARTED.services is None and _has(path, ASK_THE_SERVICES):
        return 503, "The dashboard is starting. Try again in a moment."
    if _has(path, SIGNED_IN_ONLY) and not signed_in:
        return 403, "Sign in first."
    return None


def _has(path: str, parts: Iterable[str]) -> bool:
    """Whether the path has one of the parts, also below a base path."""
    return any(part in path for part in parts)


def _counted(
    scope: Scope, asked: HTTPConnection, origin: str, signed_in: bool
) -> AbstractContextManager[bool]:
    """Yield whether the limits of the origin or session allow this request; count it while it is open."""
    if not signed_in:
        return STRANGERS.one_more(origin)
    if UPLOAD in scope["path"] and scope["method"] == "PUT":
        tab = scope["path"].partition(UPLOAD)[2].partition("/")[0]
        length = asked.headers.get("content-length", "")
        most = int(st.config.get_option("server.maxUploadSize")) * 1024 * 1024
        size = int(length) if length.isdigit() else most + 1
        return UPLOADS.coming(asked.cookies[SESSION], tab, size, most)
    return nullcontext(True)


def _origin(scope: Scope, asked: HTTPConnection) -> str:
    peer = scope["client"][0] if scope.get("client") else ""
    settings = STARTED.settings
    return address_of(settings, peer, asked.headers.get("x-forwarded-for", "")) if settings else peer


def _tell_origin(scope: Scope, origin: str) -> None:
    """Put the origin into the request's headers, the only place where pages read it."""
    name = OUR_ORIGIN.encode()
    scope["headers"] = [(k, v) for k, v in scope["headers"] if k.lower() != name] + [(name, origin.encode())]


def _port(scope: Scope) -> int | None:
    server = scope.get("server")
    return server[1] if server else None


def _headers(scope: Scope) -> dict[str, str]:
    """Return the headers of every answer; the policy names only our own host."""
    settings = STARTED.settings
    host = HTTPConnection(scope).headers.get("host", "")
    ours = settings is not None and is_ours(settings, _port(scope), {"host": host})
    websocket = f"{'wss' if _secure() else 'ws'}://{host}" if ours else ""
    found = HEADERS | {"Content-Security-Policy": POLICY.replace("{websocket}", websocket)}
    return found | {"Strict-Transport-Security": "max-age=31536000"} if _secure() else found


def _secure() -> bool:
    return STARTED.settings is not None and STARTED.settings.base_url.startswith("https:")


def _asked_page(scope: Scope) -> str:
    """Return the cookie that remembers the page before signing in with the OpenID provider, else "".

    Streamlit returns from the provider to the start page, and a page's script cannot set a cookie.
    """
    if scope["type"] != "http" or scope["path"] != TO_THE_PROVIDER:
        return ""
    request = HTTPConnection(scope)
    left = urlsplit(request.headers.get("referer", ""))
    if left.netloc != request.headers.get("host"):
        return ""
    page = quote(f"{left.path}?{left.query}" if left.query else left.path or "/", safe="")
    note = Response()
    note.set_cookie(ASKED, page, **cookie_values(secure=left.scheme == "https", seconds=ASKED_SECONDS))
    return note.headers["set-cookie"]


def _browser(scope: Scope, asked: HTTPConnection) -> str:
    """Return the cookie that identifies this browser while it signs in; "" when it has one already."""
    page = (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "text/html" in asked.headers.get("accept", "")
    )
    if not page or BROWSER in asked.cookies:
        return ""
    note = Response()
    note.set_cookie(
        BROWSER, secrets.token_urlsafe(32), **cookie_values(secure=_secure(), seconds=BROWSER_SECONDS)
    )
    return note.headers["set-cookie"]


def _with_headers(send: Send, scope: Scope, cookies: Sequence[str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.accept"}:
            message.setdefault("headers", [])
            headers = MutableHeaders(scope=message)
            for name, value in _headers(scope).items():
                headers.setdefault(name, value)
            for cookie in filter(None, cookies):
                headers.append("Set-Cookie", cookie)
            if _secure():
                message["headers"] = [(k, _only_by_tls(k, v)) for k, v in message["headers"]]
        await send(message)

    return sending


def _only_by_tls(name: bytes, value: bytes) -> bytes:
    """Mark a cookie as secure, also Streamlit's own cookies."""
    marked = name.lower() != b"set-cookie" or b"; secure" in value.lower()
    return value if marked else value + b"; Secure"


def _sandbox_on() -> bool:
    return STARTED.settings is not None and STARTED.settings.sandbox_on


def _ends(scope: Scope) -> Iterable[str]:
    """Yield the addresses of both ends of the connection, if the server knows them."""
    for end in ("server", "client"):
        if scope.get(end) and scope[end][0]:
            yield scope[end][0]


def _signed_in(asked: HTTPConnection) -> bool:
    secret = asked.cookies.get(SESSION)
    return (
        bool(secret)
        and STARTED.services is not None
        and STARTED.services.people.signed_in(secret) is not None
    )


MIDDLEWARE = [Middleware(Doorkeeper)]
