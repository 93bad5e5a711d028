"""What stands before every request: loopback only in the demo, closed doors, security headers.

Pure ASGI. Must never read a body.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccexport.ui.app_state import STARTED
from ccexport.ui.cookies import ASKED, SESSION, cookie_values
from ccexport.ui.redirect import SCRIPT_HASH

CLOSED = ("/_stcore/metrics", "/_stcore/agent")
TO_THE_PROVIDER = "/auth/login"  # Streamlit's own
ASKED_SECONDS = 600
SIGNED_IN_ONLY = ("/media/",)
ASK_THE_SERVICES = ("/auth/", "/oauth/", "/download/", "/metrics")
# The first hash is the one inline line of Streamlit 1.67's own index.html.
POLICY = "; ".join(
    (
        "default-src 'self'",
        f"script-src 'self' 'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA=' 'sha256-{SCRIPT_HASH}'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "frame-src 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class Doorkeeper:
    """Refuses what may not come in, and adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        elif refusal:
            status, text = refusal
            await PlainTextResponse(text, status, dict(HEADERS))(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send, _asked_page(scope)))

    async def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        if _sandbox_on() and not all(is_loopback(host) for host in _ends(scope)):
            return 403, "The demo answers on this machine only (127.0.0.1)."
        if scope["path"].startswith(CLOSED):
            return 404, "Not found."
        if STARTED.services is None and scope["path"].startswith(ASK_THE_SERVICES):
            return 503, "The dashboard is starting. Try again in a moment."
        if scope["path"].startswith(SIGNED_IN_ONLY) and not await run_in_threadpool(_signed_in, scope):
            return 403, "Sign in first."
        return None


def _asked_page(scope: Scope) -> str:
    """The cookie that remembers the page from which somebody leaves for the OpenID provider; "" elsewhere.

    Streamlit comes back from there to the start page, and only a route can set a cookie.
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


def _with_headers(send: Send, cookie: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if cookie:
                headers.append("Set-Cookie", cookie)
        await send(message)

    return sending


def _sandbox_on() -> bool:
    return STARTED.settings is not None and STARTED.settings.sandbox_on


def _ends(scope: Scope) -> Iterable[str]:
    """Both ends of the connection, as far as the server knows them."""
    for end in ("server", "client"):
        if scope.get(end) and scope[end][0]:
            yield scope[end][0]


def is_loopback(host: str) -> bool:
    """Whether this address is of this machine only."""
    if host in {"localhost", "testclient", "testserver"}:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _signed_in(scope: Any) -> bool:
    secret = HTTPConnection(scope).cookies.get(SESSION)
    return STARTED.services is not None and STARTED.services.people.signed_in(secret) is not None


MIDDLEWARE = [Middleware(Doorkeeper)]
