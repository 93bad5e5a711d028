"""The one entry to the ledger: opened once per process, shared by its threads.

Must never hold a query of its own.
"""

import copy
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ccexport.clock import utc_now
from ccexport.ledger.configuration import Exports, Segments
from ccexport.ledger.connections import Connections
from ccexport.ledger.database import Database, Lease
from ccexport.ledger.history import History
from ccexport.ledger.notices import Notices
from ccexport.ledger.people import People
from ccexport.ledger.runs import Runs
from ccexport.ledger.schedules import Refreshes, Schedules
from ccexport.ledger.sealing import existing_seal, make_seal
from ccexport.ledger.server_clock import ServerClock
from ccexport.ledger.shared import Audit, Leases, Pace
from ccexport.ledger.sources import Sources
from ccexport.ledger.stores import Files, Releases, Suppression
from ccexport.ledger.tokens import Tokens


class Ledger:
    """All tables of the ledger, each under the name of what it holds.

    `clock` is this machine's. On PostgreSQL, which hosts share, `Ledger.clock` is the server's instead;
    `shared_clock` replaces it. With `read_only` it is neither made nor migrated, and nothing can be written; what is
    sealed cannot be opened when the key is missing. Raises `BadSettings` for a wrong address or key and `StoreTrouble`
    when the ledger cannot be opened.
    """

    def __init__(
        self,
        address: str,
        data_dir: Path,
        *,
        secret_key: str = "",
        clock: Callable[[], datetime] = utc_now,
        shared_clock: Callable[[], datetime] | None = None,
        read_only: bool = False,
    ) -> None:
        self._database = Database(address, clock=clock, shared_clock=shared_clock, read_only=read_only)
        if not read_only:
            self._database.upgrade()
        self._seal = existing_seal(secret_key, data_dir) if read_only else make_seal(secret_key, data_dir)
        self._data_dir = data_dir
        self.clock = self._database.shared_clock or ServerClock(self._database.now)
        self.leases = Leases(self._database)
        self.pace = Pace(self._database)
        self._open(self._database)

    def _open(self, database: Database) -> None:
        seal, clock, data_dir = self._seal, self.clock, self._data_dir
        self.people = People(database, seal, clock)
        self.tokens = Tokens(database, clock)
        self.connections = Connections(database, seal, clock)
        self.segments = Segments(database, clock, data_dir)
        self.exports = Exports(database, clock)
        self.sources = Sources(database, seal, clock)
        self.runs = Runs(database, clock, data_dir)
        self.history = History(database, clock, data_dir)
        self.files = Files(database, data_dir, clock)
        self.suppression = Suppression(database, clock)
        self.releases = Releases(database, clock)
        self.audit = Audit(database, clock)
        self.schedules = Schedules(database, clock)
        self.refreshes = Refreshes(database, clock)
        self.notices = Notices(database, seal, clock)

    def under(self, lease: Lease) -> "Ledger":
        """Return the ledger for the holder of a lease: each of its writes raises `HandOver` once that is lost.

        The check is part of the write's own transaction. Leases and the pace are not bound to the lease.
        """
        other = copy.copy(self)
        other._open(self._database.under(lease))
        return other

    def scrub(self) -> bool:
        """Remove deleted rows from the ledger's files; False when other processes keep it busy."""
        return self._database.scrub()

    def close(self) -> None:
        self._database.close()
