"""Who holds a lease: the names of processes, and whether one surely is not there any more.

Must never call a process dead that it cannot see: one of another machine, or of another container on this one,
may have the same host name and the same number.
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
    """Names this thread so that another process of the same machine can tell whether its process still lives."""
    pid = os.getpid()
    return f"{_host()}:{pid}:{_started(pid)}:{threading.get_ident()}:{_place()}"


def holder_is_dead(holder: str) -> bool:
    """True only when it surely is: of this start of this machine, of our process namespace, and gone."""
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
    """This start of the machine and our process namespace, in one word: a process number means something only there."""
    try:
        told = _BOOT.read_text().strip() + str(_NAMESPACE.readlink())
    except OSError:
        told = ""  # no /proc: then the host's name has to do
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _started(pid: int) -> str:
    """When it began, in ticks since the machine did; empty where `/proc` does not show our own namespace."""
    try:
        if Path("/proc/self").readlink() != Path(str(os.getpid())):
            return ""
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
