"""A run, its batches and events as values, and the table of its transitions.

Must never decide when a transition happens: that is `ccexport.runs`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ccexport.messages import NOTHING, Message
from ccexport.model.words import BatchKind, BatchState, RunState, Trigger, WaitReason

S = RunState
_STEP = {S.WAITING, S.FAILED, S.CANCELLED, S.BLOCKED}
TRANSITIONS: Mapping[RunState, frozenset[RunState]] = {
    S.QUEUED: frozenset({S.PLANNING, S.CANCELLED, S.FAILED}),
    S.PLANNING: frozenset({S.SENDING, S.SETTLING, *_STEP}),
    S.SENDING: frozenset({S.SETTLING, *_STEP}),
    S.SETTLING: frozenset({S.VERIFYING, *_STEP}),
    S.VERIFYING: frozenset({S.SUCCEEDED, S.SUCCEEDED_WITH_REJECTS, *_STEP}),
    S.WAITING: frozenset({S.PLANNING, S.SENDING, S.SETTLING, S.VERIFYING, *_STEP}),
    S.SUCCEEDED: frozenset(),
    S.SUCCEEDED_WITH_REJECTS: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.BLOCKED: frozenset(),
}


def allowed(old: RunState, new: RunState) -> bool:
    """Return whether a run in `old` may become `new`. `waiting` may be repeated with another reason."""
    return new in TRANSITIONS[old]


@dataclass(frozen=True)
class Run:
    """One execution of an export. `counts` is empty until the plan is made."""

    id: str
    export_id: str
    export_name: str
    export_version: int
    connection_id: str
    account_id: str
    list_id: str
    list_name: str
    state: RunState
    trigger: Trigger
    actor: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    wait_reason: WaitReason | None = None
    wait_until: datetime | None = None
    wait_step: RunState | None = None
    approved_digest: str | None = None
    plan_id: str | None = None
    digest: str | None = None
    note: Message = NOTHING
    cancel_requested: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    outcomes_path: Path | None = None


@dataclass(frozen=True)
class RunFacts:
    """How a run was asked for, and what its driver records between steps so that a restart knows it.

    `trouble` and `rows_removed` are sentences, as JSON or as text from before; the second one says when the rows
    about people were removed.
    """

    undo_of: str = ""  # the run that this one undoes
    resend_all: bool = False
    in_halves: bool = False
    trouble: str | Mapping[str, Any] = ""
    held_up: int = 0  # how many times in a row
    rows_removed: str | Mapping[str, Any] = ""
    take_off: bool = (
        False  # it removes the contacts that only its export holds, because that export was removed
    )
    segments: Sequence[Mapping[str, Any]] = ()  # the segments as they were when the run was asked for
    readings: Sequence[str] = ()  # the readings since the last delivery that its plan used


@dataclass(frozen=True)
class Batch:
    """The contacts of one request, and the activity that imports or removes them.

    `file`: the plan's rows, from which an import's bytes are made, or a file with the exact bytes. `sha256` is of
    those bytes.
    """

    run_id: str
    number: int
    kind: BatchKind
    state: BatchState
    contacts: int
    bytes: int
    file: Path
    sha256: str
    activity_id: str | None = None
    submitting_at: datetime | None = None
    submitted_at: datetime | None = None
    settled_at: datetime | None = None
    ambiguous: bool = False
    counters: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    note: Message = NOTHING


@dataclass(frozen=True)
class RunEvent:
    """One transition of a run, or one remark on it."""

    run_id: str
    at: datetime
    actor: str
    state: RunState
    text: Message


@dataclass(frozen=True)
class RunsEver:
    """Every export and contact list that ever had runs (id → name), and every person who asked for one."""

    exports: Mapping[str, str]
    lists: Mapping[str, str]
    people: tuple[str, ...]
