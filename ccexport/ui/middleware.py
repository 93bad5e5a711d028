"""What stands before every request: loopback only in the demo, closed doors, security headers.

Pure ASGI. Must never read a body.
"""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ccexport.ui.cookies import SESSION
from ccexport.ui.going import SCRIPT_HASH
from ccexport.ui.holder import STARTED

CLOSED = ("/_stcore/metrics", "/_stcore/agent")
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
            await self._app(scope, receive, _with_headers(send))

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


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
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
