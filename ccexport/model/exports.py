"""The saved configuration of an export, and its connection. Must never do I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

from ccexport.messages import NOTHING, Message
from ccexport.model.words import Mode, Moved, Role


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MappedField(_Frozen):
    """One profile field (or a constant, or several put together) mapped to one contact field.

    `target` is a property of the import (`first_name`, `street`, `birthday`, …) or
    `cf:<custom_field_id>`. Exactly one of `source` (a profile field), `constant` and `template`
    (`"{First Name|title} from {City}"`; empty when one of its fields is) is set.
    `transforms` are applied in order; see `ccexport.plan.transforms`.
    """

    target: str
    source: str | None = None
    constant: str | None = None
    transforms: tuple[str, ...] = ()
    default: str | None = None
    template: str | None = None

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out an unset template, so that digests of older plans stay the same."""
        written: dict[str, Any] = write(self)
        return {k: v for k, v in written.items() if k != "template" or v is not None}


class ConsentRule(_Frozen):
    """Only profiles whose `field` holds one of `values` (compared as text, ignoring case) are sent."""

    field: str
    values: tuple[str, ...] = ("true", "yes", "ja", "1", "y", "opted_in")


class Refusal(_Frozen):
    """A profile with one of `values` in `field` (as text, ignoring case) refuses; an empty field says nothing."""

    field: str
    values: tuple[str, ...]


class Guards(_Frozen):
    """Limits that block a run until a person releases them. None switches a limit off."""

    removals_percent: float | None = 30.0
    removals_floor: int = 5
    removals_count: int | None = None
    shrunk_percent: float | None = 50.0
    rejected_percent: float | None = None
    gone_percent: float | None = 20.0
    contacts_maximum: int = 1_000_000


class ExportSettings(_Frozen):
    """The settings of an export that refer to nothing stored: the same in the stored form and in a draft."""

    name: str
    email: str
    mode: Mode = Mode.ADD_AND_UPDATE
    resend_unchanged: bool = False
    consent: ConsentRule | None = None
    refusals: tuple[Refusal, ...] = ()
    newest_by: str | None = None
    international_phones: bool = False
    moved: Moved | None = None
    """What becomes of the old address of somebody whose address changed; None: taken off in mirror mode only."""
    guards: Guards = Guards()

    @property
    def takes_off_moved(self) -> bool:
        """Whether the old address of somebody whose address changed is taken off the list."""
        return self.moved is Moved.TAKE_OFF or (self.moved is None and self.mode is Mode.MIRROR)


class ExportConfig(ExportSettings):
    """The stored configuration of an export: connection, list and segments by id."""

    connection_id: str
    list_id: str
    list_name: str
    segment_ids: tuple[str, ...]
    exclude_ids: tuple[str, ...] = ()
    yields_to: tuple[str, ...] = ()
    """The ids of the exports with precedence: this export does not send people whom they take."""
    fields: tuple[MappedField, ...] = ()


@dataclass(frozen=True)
class Export:
    """An export as stored in the ledger; `version` grows with every change of `config`."""

    id: str
    config: ExportConfig
    version: int
    created_by: str
    updated_by: str
    updated_at: datetime
    paused: bool = False
    removed: bool = False

    @property
    def name(self) -> str:
        return self.config.name


@dataclass(frozen=True)
class Connection:
    """One authorised Constant Contact account. Tokens are never part of it."""

    id: str
    name: str
    account_id: str
    organisation: str
    account_email: str
    share: Role
    agreed_by: str
    agreed_at: datetime
    connected_by: str
    connected_at: datetime
    privileges: tuple[str, ...]
    state: str = "connected"
    state_reason: Message = NOTHING
    contract_limit: int | None = None
    approval_above: int | None = None
    export_person: str | None = None


@dataclass(frozen=True)
class Actor:
    """The person (or the schedule) who asks; every use case checks its role.

    `session` is the hash of the actor's web session; the command line and schedules have none.
    """

    name: str
    role: Role
    session: str = field(default="", compare=False, repr=False)


Json = Mapping[str, Any]
