"""The lease of one run, renewed while the work goes on, and whether its holder may still act.

The ledger checks the lease in every write (`Ledger.under`). A request to Constant Contact has no such check, so
before each request the claim counts this machine's seconds since the last renewal. Must never trust a clock that
can be set.
"""

import logging
import threading
from collections.abc import Callable

from ccexport.clock import seconds
from ccexport.errors import CcexportError, HandOver
from ccexport.ledger import Lease
from ccexport.runs.engine import Engine
from ccexport.worker.holders import holder_is_dead, holder_name

log = logging.getLogger(__name__)
LEASE_SECONDS = 30.0
BEAT_SECONDS = 5.0
# Connecting may take ten seconds before a request is sent, and it must be sent while the lease is ours.
MARGIN_SECONDS = 15.0


class Claim:
    """The lease of one run (or of something else, by `name`), renewed by a thread of its own."""

    def __init__(
        self,
        engine: Engine,
        run_id: str,
        stop: threading.Event,
        *,
        name: str = "",
        count: Callable[[], float] = seconds,
    ) -> None:
        self._leases = engine.ledger.leases
        self._name = name or f"run:{run_id}"
        self._holder = holder_name()
        self._stop = stop
        self._count = count
        self._ended = threading.Event()
        self._lease: Lease | None = None
        self._sure_until = 0.0
        self._thread = threading.Thread(target=self._keep, name=f"lease {run_id}", daemon=True)

    def take(self) -> bool:
        """Take the lease. Returns whether the run is ours now."""
        current = self._leases.holder(self._name)
        if current is not None and current != self._holder and holder_is_dead(current):
            self._leases.drop(self._name, current)
        asked = self._count()
        number = self._leases.take(self._name, self._holder, seconds=LEASE_SECONDS)
        if not number:
            return False
        self._lease = Lease(self._name, self._holder, number)
        self._sure_from(asked)
        self._thread.start()
        return True

    @property
    def lease(self) -> Lease:
        """The lease that was taken. Raises `HandOver` when none was."""
        if self._lease is None:
            raise HandOver
        return self._lease

    def _sure_from(self, asked: float) -> None:
        """Count from before the request to the ledger, because the lease cannot have begun earlier."""
        self._sure_until = asked + LEASE_SECONDS - MARGIN_SECONDS

    def _keep(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            asked = self._count()
            try:
                if not self._leases.renew(self.lease, seconds=LEASE_SECONDS):
                    self._sure_until = 0.0  # another holder has it; this claim never gets it back
                    return
                self._sure_from(asked)
            except CcexportError as error:
                log.warning("the lease %s could not be renewed: %s", self._name, error.log)

    def check(self) -> None:
        """Raise `HandOver` unless the lease is certainly ours now and for the next seconds."""
        if self._count() >= self._sure_until:
            log.warning("the lease %s may have ended: this process lets go", self._name)
            raise HandOver

    def beat(self) -> None:
        """Raise `HandOver` when the lease may have ended or the worker has to stop."""
        if self._stop.is_set():
            raise HandOver
        self.check()

    def drop(self) -> None:
        """Give the lease back. If the ledger cannot be reached, the lease expires by itself."""
        self._ended.set()
        self._thread.join()
        try:
            self._leases.give_back(self.lease)
        except CcexportError as error:
            log.warning("the lease %s could not be given back: %s", self._name, error.log)
