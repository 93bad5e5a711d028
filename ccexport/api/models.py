"""What the interface answers, as models: the OpenAPI document is written from them.

The names are those of the command line's `--json`. Must never hold more than a use case gave.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from ccexport.model.export_drafts import ExportDraft
from ccexport.model.words import (
    BatchKind,
    BatchState,
    FieldType,
    Outcome,
    Reason,
    Role,
    RunState,
    SegmentKind,
    Trigger,
    Verdict,
    WaitReason,
)

T = TypeVar("T")


class Answer(BaseModel):
    """The base of answers."""

    model_config = ConfigDict(frozen=True)


class Paged(Answer, Generic[T]):
    """A page; `next` is the cursor of the one after it, null on the last."""

    items: Sequence[T]
    next: str | None = None


class Health(Answer):
    status: str
    version: str


class Me(Answer):
    """Whom the token stands for."""

    name: str
    role: Role


class FieldAnswer(Answer):
    name: str
    type: FieldType


class ProfilesAnswer(Answer):
    """The current snapshot of all profiles."""

    snapshot: str
    profiles: int
    rejects: int
    id_field: str
    created_at: datetime
    fields: Sequence[FieldAnswer]


class Ingested(ProfilesAnswer):
    """The snapshot that was made of a file."""

    rows_read: int
    reject_reasons: Mapping[str, int]
    remarks: Sequence[str]


class ProfileRow(Answer):
    """One profile; texts are masked for a viewer."""

    profile_id: str
    values: Mapping[str, Any]


class RefreshAnswer(Answer):
    """A refresh that was asked for; a worker starts it."""

    refresh_id: str
    state: str


class SegmentAnswer(Answer):
    name: str
    segment_id: str
    kind: SegmentKind
    version: int
    rule: Mapping[str, Any] | None
    in_words: str
    members: int | None
    """Null while there are no profiles, or when the rule does not fit them: `trouble` says why."""
    trouble: str | None
    description: str
    tags: Sequence[str]
    used_by: Sequence[str]


class RunAnswer(Answer):
    run_id: str
    export: str
    list: str
    state: RunState
    ended: bool
    trigger: Trigger
    actor: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    digest: str | None
    waiting_for: WaitReason | None
    waiting_until: datetime | None
    note: str
    counts: Mapping[str, int]


class BatchAnswer(Answer):
    """One request of a run."""

    number: int
    kind: BatchKind
    state: BatchState
    contacts: int
    bytes: int
    activity_id: str | None
    ambiguous: bool
    submitted_at: datetime | None
    settled_at: datetime | None
    counters: Mapping[str, int]
    errors: Sequence[str]
    note: str


class EventAnswer(Answer):
    at: datetime
    actor: str
    state: RunState
    text: str


class RunDetail(RunAnswer):
    """A run with its requests and its story."""

    batches: Sequence[BatchAnswer]
    events: Sequence[EventAnswer]
    stuck: str | None
    seconds: float | None


class ExportAnswer(ExportDraft):
    """A saved export, by names; `map` is the short form of its mapping."""

    export_id: str
    list_id: str
    map: Mapping[str, str | None]
    version: int
    paused: bool
    updated_by: str
    updated_at: datetime
    last_run: RunAnswer | None


class GuardAnswer(Answer):
    name: str
    sentence: str


class ExpectedAnswer(Answer):
    """How long a run would take, going by the last runs of the connection."""

    seconds: float
    runs: int


class PreviewAnswer(Answer):
    """A plan: exactly what a run with its digest would send."""

    plan_id: str
    export: str
    digest: str
    made_at: datetime
    candidates: int
    verdicts: Mapping[Verdict, int]
    reasons: Mapping[Reason, int]
    warnings: Mapping[str, int]
    to_send: int
    requests: int
    guards: Sequence[GuardAnswer]
    segments: Mapping[str, int]
    list_id: str
    snapshot: str
    destination_read_at: datetime | None
    remarks: Sequence[str]


class UndoAnswer(PreviewAnswer):
    """What the undo of a run would do, in sentences."""

    undo_of: str
    sentences: Sequence[str]


class KeptAnswer(Answer):
    """A plan that is kept; `run_id` is the run that sent it."""

    plan_id: str
    made_at: datetime
    digest: str
    candidates: int
    verdicts: Mapping[Verdict, int]
    left_out: int
    run_id: str | None


class ContactAnswer(Answer):
    """One row of a plan, or of a run with its outcome; a viewer sees masked addresses and no contact."""

    profile_id: str
    email: str | None
    verdict: Verdict | None
    reason: Reason | None
    winner: str | None
    warnings: Sequence[str]
    segments: Sequence[str]
    contact: Mapping[str, Any] | None
    outcome: Outcome | None
    note: str | None


class ConnectionAnswer(Answer):
    """A connection; only an administrator sees more than its name and state."""

    connection_id: str
    name: str
    organisation: str
    state: str
    share: Role
    account_id: str | None
    contract_limit: int | None
    approval_above: int | None


class ListAnswer(Answer):
    list_id: str
    name: str


class HistoryDay(Answer):
    """What became of the contacts of the runs that ended on one day (UTC)."""

    day: str
    outcomes: Mapping[Outcome, int]


class HistoryAnswer(Answer):
    """The history in numbers: runs that began since, contacts sent and verified, outcomes by day."""

    since: datetime
    runs: int
    sent: int
    verified: int
    days: Sequence[HistoryDay]
