"""Whether any worker runs: the workers of each machine hold a lease that expires by itself.

Without this, a schedule that never fires looks like one that is not due yet.
"""

import socket
from datetime import datetime, timedelta

from ccexport.ledger import Ledger
from ccexport.worker.holders import holder_is_dead, holder_name

PREFIX = "worker:"
SECONDS = 60.0
EVERY = timedelta(seconds=20)


class Presence:
    """A chore of the worker: reports regularly that a worker runs on this machine."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._said: datetime | None = None

    def tick(self) -> None:
        """Take the lease again if it is time. Another worker of this machine may hold it, which is enough."""
        now = self._ledger.clock()
        if self._said is None or not timedelta() <= now - self._said < EVERY:
            name, leases = PREFIX + socket.gethostname(), self._ledger.leases
            before = leases.holder(name)
            if before is not None and holder_is_dead(before):
                leases.drop(name, before)
            leases.take(name, holder_name(), seconds=SECONDS)
            self._said = now


def machines_with_workers(ledger: Ledger) -> list[str]:
    """Return the machines where a worker ran in the last minute and is not certainly dead."""
    held = ledger.leases.held(PREFIX)
    return sorted(name.removeprefix(PREFIX) for name, holder in held.items() if not holder_is_dead(holder))
