"""Names of lease holders, and whether the process of a holder is certainly dead.

Must never call a process dead that it cannot see: a process on another machine, or in another container on this
machine, may have the same host name and process number.
"""

import hashlib
import os
import socket
import threading
from functools import cache
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_HOST_LENGTH = 80


def holder_name() -> str:
    """Return a name for this thread from which other processes of this machine can tell if its process lives."""
    pid = os.getpid()
    return f"{_host()}:{pid}:{_started(pid)}:{threading.get_ident()}:{_place()}"


def holder_is_dead(holder: str) -> bool:
    """Whether the holder's process is certainly gone: it ran since this boot, in our process namespace."""
    host, pid, started, _, place = [*holder.split(":"), "", "", "", "", ""][:5]
    if (host, place) != (_host(), _place()) or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    now = _started(int(pid))
    return "" not in {now, started} and started != now


def _host() -> str:
    return socket.gethostname().replace(":", "-")[:_HOST_LENGTH]


@cache
def _place() -> str:
    """Return one word for this boot and our process namespace; a process number has a meaning only within both."""
    try:
        told = _BOOT.read_text().strip() + str(_NAMESPACE.readlink())
    except OSError:
        told = ""  # without /proc, only the host name identifies the place
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """Return when a process started, in ticks since boot; empty if `/proc` does not show our own namespace."""
    try:
        if Path("/proc/self").readlink() != Path(str(os.getpid())):
            return ""
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
