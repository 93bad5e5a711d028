"""The document of configuration as code: its parts, how it is read, its JSON schema.

Names, not ids; no secrets. Must never look at what is configured.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccexport.errors import BadInput
from ccexport.model.exports import ConsentRule, Guards, MappedField, Refusal
from ccexport.model.schedules import RefreshSettings, Schedule
from ccexport.model.sources import Source
from ccexport.model.words import Mode

VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SegmentPart(_Part):
    """A segment of all profiles, or with a rule. Member lists are data, not configuration."""

    name: str
    all: bool = False
    rule: dict[str, Any] | None = None
    description: str = ""
    tags: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_kind(self) -> "SegmentPart":
        if self.all == (self.rule is not None):
            raise ValueError("needs exactly one of all: true and rule")
        return self


class FieldPart(_Part):
    """One mapped contact field; a bare profile field name is short for `{source: …}`."""

    source: str | None = None
    constant: str | None = None
    transforms: list[str] = Field(default_factory=list)
    default: str | None = None


class ExportPart(_Part):
    """An export, by names. Without a connection it is detached: kept as it is, and paused."""

    name: str
    connection: str = ""
    list: str
    segments: Sequence[str]
    email: str
    fields: dict[str, str | FieldPart] = Field(default_factory=dict)
    mode: Mode = Mode.ADD_AND_UPDATE
    resend_unchanged: bool = False
    consent: ConsentRule | None = None
    refusals: tuple[Refusal, ...] = ()
    newest_by: str | None = None
    international_phones: bool = False
    guards: Guards = Guards()
    paused: bool = False
    schedule: Schedule = Schedule()


class Document(_Part):
    """The whole document."""

    version: int = VERSION
    sources: list[Source] = Field(default_factory=list)
    segments: list[SegmentPart] = Field(default_factory=list)
    exports: list[ExportPart] = Field(default_factory=list)
    refresh: RefreshSettings | None = None
    suppression: list[str] = Field(default_factory=list)


def read(raw: Any, source: str) -> Document:
    """Check a document. Raises `BadInput` naming the file and the place in it."""
    if not isinstance(raw, Mapping):
        raise BadInput(f"{source} is not a mapping with version, segments, exports and suppression.")
    try:
        document = Document.model_validate(dict(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise BadInput(f"{source}: {place}: {first['msg'].removeprefix('Value error, ')}.") from error
    if document.version != VERSION:
        raise BadInput(
            f"{source}: version {document.version} is not known; this program reads version {VERSION}."
        )
    return document


def schema() -> dict[str, Any]:
    """The JSON schema of the document, for editors."""
    return Document.model_json_schema()


def plain(part: BaseModel) -> dict[str, Any]:
    """As it stands in the document: what is as by default is left out."""
    return part.model_dump(mode="json", exclude_defaults=True)


def field_part(field: MappedField) -> str | FieldPart:
    if field.source is not None and not field.transforms and field.default is None:
        return field.source
    return FieldPart(**field.model_dump(exclude={"target"}))


def mapped(target: str, field: str | FieldPart) -> MappedField:
    if isinstance(field, str):
        return MappedField(target=target, source=field)
    values = field.model_dump()
    return MappedField(target=target, **(values | {"transforms": tuple(values["transforms"])}))
