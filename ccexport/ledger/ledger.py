"""The one way into the ledger: opened once per process, shared by its threads.

Must never hold a query of its own.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ccexport.clock import utc_now
from ccexport.ledger.configuration import Exports, Segments
from ccexport.ledger.connections import Connections
from ccexport.ledger.database import Database
from ccexport.ledger.history import History
from ccexport.ledger.notices import Notices
from ccexport.ledger.people import People
from ccexport.ledger.runs import Runs
from ccexport.ledger.schedules import Refreshes, Schedules
from ccexport.ledger.sealing import make_seal
from ccexport.ledger.shared import Audit, Leases, Pace
from ccexport.ledger.sources import Sources
from ccexport.ledger.stores import Files, Releases, Suppression


class Ledger:
    """All tables behind the names of what they hold.

    Raises `BadSettings` for a wrong address or key and `StoreTrouble` when it cannot be opened.
    """

    def __init__(
        self, address: str, data_dir: Path, *, secret_key: str = "", clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = Database(address)
        self._database.upgrade()
        seal = make_seal(secret_key, data_dir)
        self.clock = clock
        self.people = People(self._database, seal, clock)
        self.connections = Connections(self._database, seal, clock)
        self.segments = Segments(self._database, clock, data_dir)
        self.exports = Exports(self._database, clock)
        self.sources = Sources(self._database, seal, clock)
        self.runs = Runs(self._database, clock, data_dir)
        self.history = History(self._database, clock, data_dir)
        self.files = Files(self._database, data_dir, clock)
        self.suppression = Suppression(self._database, clock)
        self.releases = Releases(self._database, clock)
        self.leases = Leases(self._database, clock)
        self.pace = Pace(self._database)
        self.audit = Audit(self._database, clock)
        self.schedules = Schedules(self._database, clock)
        self.refreshes = Refreshes(self._database, clock)
        self.notices = Notices(self._database, seal, clock)

    def scrub(self) -> bool:
        """Nothing deleted stays behind in the files of the ledger; False when others keep it busy."""
        return self._database.scrub()

    def close(self) -> None:
        self._database.close()
