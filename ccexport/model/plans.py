"""A frozen plan and its inputs, as values. Must never open the files it names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ccexport.messages import Message
from ccexport.model.words import Reason, Verdict


@dataclass(frozen=True)
class DestinationReading:
    """What was at the destination at `read_at`.

    `on_list` and `unsubscribed` are Parquet files of one column, `address` (normalised):
    the active members of the list, and everybody unsubscribed in the account.
    """

    account_id: str
    list_id: str
    on_list: Path
    unsubscribed: Path
    on_list_count: int
    unsubscribed_count: int
    read_at: datetime


REMOVALS_PER_REQUEST = 500  # https://developer.constantcontact.com/api_guide/remove_list_membership.html


@dataclass(frozen=True)
class PlannedBatch:
    """One request of a plan: the size and hash of its exact bytes, which are made when it is sent."""

    number: int
    contacts: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class TrippedGuard:
    """A guard that blocks the plan, with the sentence shown for it."""

    name: str
    sentence: Message


@dataclass(frozen=True)
class Plan:
    """The frozen result of planning an export: what the preview shows and what a run sends.

    `path` is the Parquet file with one row per candidate (and per removal); its columns
    are documented in `ccexport.plan.freeze`. `digest` names the plan: SHA-256 over its
    rows, target and mapping.
    """

    id: str
    digest: str
    export_id: str
    export_version: int
    snapshot_id: str
    account_id: str
    list_id: str
    path: Path
    made_at: datetime
    candidates: int
    verdicts: Mapping[Verdict, int]
    reasons: Mapping[Reason, int]
    warnings: Mapping[str, int]
    batches: tuple[PlannedBatch, ...]
    guards: tuple[TrippedGuard, ...] = ()
    segments: Mapping[str, int] = field(default_factory=dict)
    destination_read_at: datetime | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """How many requests the plan needs: imports, and removals 500 at a time."""
        return len(self.batches) + -(-self.verdicts.get(Verdict.REMOVE, 0) // REMOVALS_PER_REQUEST)

    @property
    def to_send(self) -> int:
        """How many contacts the import requests hold."""
        return sum(b.contacts for b in self.batches)
