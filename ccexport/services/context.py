"""The façade that the faces use: every group of use cases over one wiring.

Must never hold a use case of its own.
"""

import os
import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property

from ccexport import telemetry
from ccexport.clock import utc_now
from ccexport.model.profiles import Snapshot
from ccexport.runs.accounts import Accounts
from ccexport.runs.engine import Engine
from ccexport.sandbox.embedded import RunningSandbox
from ccexport.services.backups import BackupUseCases
from ccexport.services.configuration import ConfigurationUseCases, Configured
from ccexport.services.connections import ConnectionUseCases
from ccexport.services.exports import ExportUseCases
from ccexport.services.history_sql import HistorySql
from ccexport.services.maintenance import MaintenanceUseCases
from ccexport.services.notices import NoticeUseCases
from ccexport.services.people import PeopleUseCases
from ccexport.services.previews import PreviewUseCases
from ccexport.services.profiles import ProfileUseCases
from ccexport.services.refreshes import RefreshUseCases
from ccexport.services.runs import RunUseCases
from ccexport.services.schedules import ScheduleUseCases
from ccexport.services.segments import SegmentUseCases
from ccexport.services.sources import SourceUseCases
from ccexport.services.system import SystemUseCases
from ccexport.services.tokens import TokenUseCases
from ccexport.services.wiring import Wiring
from ccexport.services.workers import new_worker
from ccexport.settings import Settings
from ccexport.worker.loop import Worker


class Services:
    """Everything a face needs. `close()` stops what was started."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.wiring = Wiring(settings, clock=clock, sleep=sleep, random=random)
        self.settings = settings
        self.ledger = self.wiring.ledger
        self.profile_store = self.wiring.profile_store

    # -- the wiring, for starting and for tests -------------------------------------------------

    @property
    def engine(self) -> Engine:
        return self.wiring.engine

    def sandbox(self) -> RunningSandbox:
        """Return the built-in double over this data directory; the first call starts it."""
        return self.wiring.sandbox()

    def accounts(self) -> Accounts:
        """Return the access to authorised accounts."""
        return self.wiring.accounts()

    def current_snapshot(self) -> Snapshot:
        """Return the current snapshot. Raises `BadInput` when nothing was ingested yet."""
        return self.wiring.current_snapshot()

    def worker(self) -> Worker:
        """Return a new worker on this data directory."""
        return new_worker(self.wiring)

    def close(self) -> None:
        """Stop the double if we started it, and close the ledger."""
        telemetry.observe((), lambda: ())
        self.wiring.close()

    # -- the use cases --------------------------------------------------------------------------

    @cached_property
    def profiles(self) -> ProfileUseCases:
        return ProfileUseCases(self.wiring)

    @cached_property
    def sources(self) -> SourceUseCases:
        return SourceUseCases(self.wiring)

    @cached_property
    def segments(self) -> SegmentUseCases:
        return SegmentUseCases(self.wiring)

    @cached_property
    def connections(self) -> ConnectionUseCases:
        return ConnectionUseCases(self.wiring)

    @cached_property
    def exports(self) -> ExportUseCases:
        return ExportUseCases(self.wiring, self.connections)

    @cached_property
    def previews(self) -> PreviewUseCases:
        return PreviewUseCases(self.wiring)

    @cached_property
    def runs(self) -> RunUseCases:
        return RunUseCases(self.wiring)

    @cached_property
    def schedules(self) -> ScheduleUseCases:
        return ScheduleUseCases(self.wiring, self.exports)

    @cached_property
    def refreshes(self) -> RefreshUseCases:
        return RefreshUseCases(self.wiring)

    @cached_property
    def notices(self) -> NoticeUseCases:
        return NoticeUseCases(self.wiring)

    @cached_property
    def people(self) -> PeopleUseCases:
        return PeopleUseCases(self.wiring)

    @cached_property
    def history(self) -> HistorySql:
        return HistorySql(self.wiring)

    @cached_property
    def tokens(self) -> TokenUseCases:
        return TokenUseCases(self.wiring)

    @cached_property
    def system(self) -> SystemUseCases:
        return SystemUseCases(self.wiring)

    @cached_property
    def backups(self) -> BackupUseCases:
        return BackupUseCases(self.wiring)

    @cached_property
    def maintenance(self) -> MaintenanceUseCases:
        return MaintenanceUseCases(self.wiring)

    @cached_property
    def configuration(self) -> ConfigurationUseCases:
        return ConfigurationUseCases(
            self.wiring,
            Configured(
                connections=self.connections,
                segments=self.segments,
                exports=self.exports,
                schedules=self.schedules,
                sources=self.sources,
                refreshes=self.refreshes,
                system=self.system,
            ),
        )
