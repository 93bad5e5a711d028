"""Makes the server send its messages at once.

Streamlit 1.67 binds its socket so that asyncio does not switch off Nagle's algorithm. The many small messages of a
rerun then wait 40 ms for the browser's acknowledgement of the first.
"""

import os
import socket
from pathlib import Path

DESCRIPTORS = Path("/dev/fd")


def send_at_once() -> int:
    """Switch Nagle's algorithm off for the listening sockets of this process. Returns how many were changed.

    Their connections inherit the option.
    """
    changed = 0
    for entry in os.listdir(DESCRIPTORS) if DESCRIPTORS.exists() else []:  # noqa: PTH208 (a listing, not paths)
        try:
            copy = os.dup(int(entry))
        except OSError:  # the descriptor of the listing itself is closed by now
            continue
        try:
            listening = socket.socket(fileno=copy)
        except OSError:  # not a socket
            os.close(copy)
            continue
        with listening:
            changed += _changed(listening)
    return changed


def _changed(listening: socket.socket) -> bool:
    if listening.family not in {socket.AF_INET, socket.AF_INET6} or listening.type != socket.SOCK_STREAM:
        return False
    if not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return False
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return True
