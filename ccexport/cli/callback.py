"""Waits on the loopback redirect address for the browser to come back from Constant Contact.

Must never print or keep the code it receives.
"""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ccexport.errors import BadSettings, ConstantContactDown
from ccexport.settings import Settings

WAIT_SECONDS = 600.0
_PAGE = (
    "<!doctype html><meta charset=utf-8><title>ccexport</title>"
    "<p>Thank you. You can close this page and go back to the terminal.</p>"
)


class Callback:
    """Receives one answer on the redirect address. `url` is the address to use in the authorisation."""

    def __init__(self, settings: Settings) -> None:
        address = urlsplit(settings.redirect_url)
        if address.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise BadSettings(
                "The setting CCEXPORT_CC_REDIRECT_URL is not on this machine; connect in the dashboard instead."
            )
        self._path = address.path or "/"
        self._arrived = threading.Event()
        self.answer: dict[str, str] = {}
        port = address.port or (443 if address.scheme == "https" else 80)
        self._server = self._listening(settings, str(address.hostname), port)
        bound = self._server.server_address[1]
        self.url = settings.redirect_url if bound == port else f"http://127.0.0.1:{bound}{self._path}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _listening(self, settings: Settings, host: str, port: int) -> HTTPServer:
        """Listen on the redirect port; with the sandbox on any free port if the dashboard uses it."""
        try:
            return HTTPServer((host, port), self._handler())
        except OSError as error:
            if settings.sandbox_on and not settings.cc_redirect_url:
                return HTTPServer(("127.0.0.1", 0), self._handler())
            raise BadSettings(
                "The port {port} of CCEXPORT_CC_REDIRECT_URL is in use: stop what uses it, connect "
                "in the dashboard, or set another registered address.",
                port=port,
            ) from error

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            """Accepts the first answer on the right path."""

            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                if asked.path != outer._path:
                    self.send_error(404)
                    return
                page = _PAGE.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(page)
                if not outer._arrived.is_set():
                    outer.answer = dict(parse_qsl(asked.query))
                    outer._arrived.set()

            def log_message(self, format: str, *args: Any) -> None:
                """Log nothing, because the request line holds the code."""

        return Handler

    def __enter__(self) -> "Callback":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> dict[str, str]:
        """Return the query that the browser sent. Raises after ten minutes without one."""
        if not self._arrived.wait(WAIT_SECONDS):
            raise ConstantContactDown(
                "Nobody came back from Constant Contact within ten minutes; nothing was saved."
            )
        return self.answer
