"""The document of configuration as code: its parts, how it is read, its JSON schema.

It uses names, not ids, and holds no secrets. Must never look at what is configured.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccexport.errors import BadInput
from ccexport.messages import Unusable
from ccexport.model.export_drafts import ExportDraft
from ccexport.model.schedules import RefreshSettings, Schedule
from ccexport.model.sources import Source
from ccexport.services.validation import complaint

VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SegmentPart(_Part):
    """A segment of all profiles or with a rule. Member lists are data, not configuration."""

    name: str
    all: bool = False
    rule: dict[str, Any] | None = None
    description: str = ""
    tags: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_kind(self) -> "SegmentPart":
        if self.all == (self.rule is not None):
            raise Unusable("needs exactly one of all: true and rule")
        return self


class ExportPart(ExportDraft):
    """An export, by names. An export without a connection is detached: its settings stay, and it is paused."""

    paused: bool = False
    schedule: Schedule = Schedule()

    def draft(self) -> ExportDraft:
        """Return its settings alone, without schedule and pause."""
        return ExportDraft(**{name: getattr(self, name) for name in ExportDraft.model_fields})


class Document(_Part):
    """The whole document."""

    version: int = VERSION
    sources: list[Source] = Field(default_factory=list)
    segments: list[SegmentPart] = Field(default_factory=list)
    exports: list[ExportPart] = Field(default_factory=list)
    refresh: RefreshSettings | None = None
    suppression: list[str] = Field(default_factory=list)


def read(raw: Any, source: str) -> Document:
    """Parse and check a document. Raises `BadInput` naming the file and the place in it."""
    if not isinstance(raw, Mapping):
        raise BadInput(
            "{source} is not a mapping with version, segments, exports and suppression.", source=source
        )
    try:
        document = Document.model_validate(dict(raw))
    except ValidationError as error:
        place, reason = complaint(error)
        raise BadInput(
            "{source}: {place}: {reason}.", source=source, place=place or "the document", reason=reason
        ) from error
    if document.version != VERSION:
        raise BadInput(
            "{source}: version {version} is not known; this program reads version {newest}.",
            source=source,
            version=document.version,
            newest=VERSION,
        )
    return document


def schema() -> dict[str, Any]:
    """Return the JSON schema of the document, for editors."""
    return Document.model_json_schema()


def plain(part: BaseModel) -> dict[str, Any]:
    """Return a part as the document writes it: without values that equal their defaults."""
    return part.model_dump(mode="json", exclude_defaults=True)
