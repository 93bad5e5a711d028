"""Listening on a loopback address, saying where, and leaving when the parent does.

Owns sockets and the server's life. Must never listen on any other address.
"""

import ipaddress
import json
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol


class NotLoopback(ValueError):
    """An address other machines could reach."""


class AbortableProtocol(H11Protocol):
    """Hands the application the means to cut the connection, which ASGI itself lacks."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.abort"] = transport.abort
            await inner(scope, receive, send)

        self.app = app


def loopback(host: str) -> str:
    """`host` if it is a loopback address. Raises `NotLoopback`."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise NotLoopback(
        f"The sandbox listens on loopback addresses only (127.0.0.1, ::1, localhost), not on {host}:"
        " it has an admin interface without a password."
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts at once, so that an announced address can be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches off the delay that costs 40 ms per answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


def serve(
    app: Any, host: str, port: int, *, announce: Path | None, with_parent: bool, as_json: bool = False
) -> None:
    """Serve until stopped, or until standard input ends when `with_parent`."""
    listener = listen(host, port)
    config = uvicorn.Config(
        app,
        http=AbortableProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    if with_parent:
        _when_closed(sys.stdin, lambda: setattr(server, "should_exit", True))
    shown = f"[{host}]" if ":" in host else host
    _announce(f"http://{shown}:{listener.getsockname()[1]}", announce, as_json=as_json)
    server.run(sockets=[listener])


def _announce(url: str, file: Path | None, *, as_json: bool) -> None:
    if file is None:
        line = json.dumps({"listening": url}) if as_json else f"listening on {url}"
        print(line, flush=True)  # noqa: T201 - this line is the contract with the starter
        return
    # Renamed into place, so that nobody reads half an address.
    half = file.with_name(f"{file.name}.{os.getpid()}")
    half.write_text(url + "\n", encoding="utf-8")
    half.replace(file)


def _when_closed(stream: TextIO, action: Callable[[], object]) -> None:
    def watch() -> None:
        while os.read(stream.fileno(), 4096):
            pass
        action()

    threading.Thread(target=watch, name="sandbox-parent", daemon=True).start()
