"""What became of a schedule's times: firings of exports, and refreshes of the profiles, as values.

Must never decide that something is due: that is `ccexport.runs`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ccexport.messages import NOTHING, Message
from ccexport.model.schedules import Schedule
from ccexport.model.words import Role, Trigger

SCHEDULE_ACTOR = "schedule"


class FiringState(StrEnum):
    """The state of a firing; `later` waits for another run on the same export or list to end."""

    DUE = "due"
    LATER = "later"
    STARTED = "started"
    DROPPED = "dropped"


class RefreshState(StrEnum):
    """The state of a refresh; `stopped` by a check of the files, `failed` by an error of ours."""

    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Firing:
    """One time an export was due. `cause` is unique for the export, so nothing fires twice.

    `run_id` is chosen before the run is queued: after a crash the same run is found, and no second one is made.
    """

    id: str
    export_id: str
    cause: str
    due_at: datetime
    trigger: Trigger
    actor: str
    state: FiringState
    run_id: str
    at: datetime
    note: Message = NOTHING


@dataclass(frozen=True)
class SavedSchedule:
    """The schedule of an export as stored in the ledger. It fires no times up to `since`.

    `role` is the role of the person who saved it: the schedule has the same rights.
    """

    export_id: str
    schedule: Schedule
    role: Role
    since: datetime
    updated_by: str
    updated_at: datetime


@dataclass(frozen=True)
class Refresh:
    """One refresh of the watched sources. `note` is for a person."""

    id: str
    cause: str
    state: RefreshState
    actor: str
    due_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    snapshot_id: str | None = None
    profiles: int | None = None
    note: Message = NOTHING

    @property
    def seconds(self) -> float | None:
        """The duration in seconds, or None while it is not known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()
