"""Whether this installation is ready to work; load balancers and service managers ask every few seconds.

Checks only the installation: ledger, data directory, key, disk, migrations, a worker. Must never ask Constant
Contact, change anything, or raise for what it finds.
"""

import os
import shutil
from collections.abc import Callable, Iterator

from ccexport.errors import CcexportError
from ccexport.ledger.database import NEWEST
from ccexport.ledger.maintenance import version_of
from ccexport.model.schedules import Follows
from ccexport.services.doctor import NO_SPACE
from ccexport.services.wiring import Wiring
from ccexport.worker.presence import machines_with_workers


def troubles(wiring: Wiring) -> list[str]:
    """Return one sentence for each problem that stops the work; empty when the installation is ready."""
    found: list[str] = list(_data_dir(wiring))
    if found:
        return found  # the other checks would create the directory, or fail without it
    for look in (_ledger, _disk, _key, _worker):
        try:
            found += look(wiring)
        except CcexportError as error:
            found.append(str(error))
        except OSError as error:
            found.append(f"The data directory is in trouble: {error.strerror or type(error).__name__}.")
    return list(dict.fromkeys(found))  # several checks report the same lost ledger


Look = Callable[[Wiring], Iterator[str]]


def _ledger(wiring: Wiring) -> Iterator[str]:
    settings = wiring.settings
    if not settings.ledger_url and not (settings.data_dir / "ledger.sqlite").exists():
        yield "The ledger is gone: restore it from a back-up."
        return
    version = version_of(wiring.settings.ledger_address)
    if version != NEWEST:
        yield f"The ledger is at version {version}, this program at {NEWEST}."


def _data_dir(wiring: Wiring) -> Iterator[str]:
    if not os.access(wiring.settings.data_dir, os.R_OK | os.W_OK | os.X_OK):
        yield "The data directory is gone, or cannot be written."


def _disk(wiring: Wiring) -> Iterator[str]:
    if shutil.disk_usage(wiring.settings.data_dir).free < NO_SPACE:
        yield "The disk of the data directory is nearly full."


def _key(wiring: Wiring) -> Iterator[str]:
    for connection in wiring.ledger.connections.all():
        wiring.ledger.connections.tokens(connection.id)
    yield from ()


def _worker(wiring: Wiring) -> Iterator[str]:
    """Report a missing worker, but only if a schedule, the refresh or a live run needs one."""
    if machines_with_workers(wiring.ledger):
        return
    saved = wiring.ledger.schedules.all().values()
    by_time = any(one.schedule.follows is Follows.TIMES for one in saved)
    waiting = wiring.ledger.runs.all(live=True, limit=1)
    if by_time or waiting or wiring.ledger.refreshes.settings()[0].on:
        yield "No worker was at work in the last minute, although something waits for one."
