"""Whether any worker is there: each says so, once a machine, in a lease that ends by itself.

Without it a schedule that never fires looks like one whose time has not come. Must never decide anything.
"""

import socket
from datetime import datetime, timedelta

from ccexport.ledger import Ledger
from ccexport.worker.holders import holder_is_dead, holder_name

PREFIX = "worker:"
SECONDS = 60.0
EVERY = timedelta(seconds=20)


class Presence:
    """A chore of the worker: says every now and then that it is there."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._said: datetime | None = None

    def tick(self) -> None:
        """Say so, unless it was just said. Another worker of this machine may have: that is as good."""
        now = self._ledger.clock()
        if self._said is None or not timedelta() <= now - self._said < EVERY:
            name, leases = PREFIX + socket.gethostname(), self._ledger.leases
            before = leases.holder(name)
            if before is not None and holder_is_dead(before):
                leases.drop(name, before)
            leases.take(name, holder_name(), seconds=SECONDS)
            self._said = now


def machines_with_workers(ledger: Ledger) -> list[str]:
    """Where a worker was in the last minute, and has not surely died since."""
    held = ledger.leases.held(PREFIX)
    return sorted(name.removeprefix(PREFIX) for name, holder in held.items() if not holder_is_dead(holder))
