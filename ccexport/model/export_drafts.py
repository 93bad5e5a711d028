"""The settings of an export by names, as in YAML and the form: the one model of what can be set.

Creating, changing, the form, the command line, `dump`, `apply` and its check all take a draft;
`ccexport.services.export_drafts` resolves it to what is stored. Must never look anything up.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ccexport.messages import Unusable
from ccexport.model.exports import ConsentRule, ExportSettings, Guards, MappedField, Refusal

CHANGED_BY_ITSELF = ("guards",)  # the limits are patched one by one


class FieldDraft(BaseModel):
    """How one contact field is filled; the bare name of a profile field is short for `{source: …}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = None
    constant: str | None = None
    transforms: tuple[str, ...] = ()
    default: str | None = None
    template: str | None = None


class ExportDraft(ExportSettings):
    """One export by names. A name may also be an id. Without a connection the export is detached."""

    connection: str = ""
    list: str
    segments: Sequence[str]
    exclude: tuple[str, ...] = ()
    """Segments whose members are not sent."""
    yields_to: tuple[str, ...] = ()
    """Exports with precedence: a person is sent only by the first export that takes them."""
    fields: Mapping[str, FieldDraft | str] = Field(default_factory=dict)
    """Contact field → profile field; `cf:<name>` for a custom field."""

    @field_validator("fields", mode="before")
    @classmethod
    def _by_target(cls, value: Any) -> Any:
        """Also accept a list of mapped fields, as it is stored."""
        if isinstance(value, Mapping) or not isinstance(value, Sequence) or isinstance(value, str):
            return value
        twice = [target for target, n in Counter(field.target for field in value).items() if n > 1]
        if twice:
            raise Unusable("{twice} is mapped more than once", twice=twice[0])
        return {field.target: field_draft(field) for field in value}

    @field_validator("guards")
    @classmethod
    def _within(cls, guards: Guards) -> Guards:
        for name, value in guards:
            most = 100 if name.endswith("_percent") else 1_000_000
            least = 1 if name == "contacts_maximum" else 0
            if value is not None and not least <= value <= most:
                raise Unusable("{name} is a number from {least} to {most}", name=name, least=least, most=most)
        return guards

    @field_validator("consent")
    @classmethod
    def _some_value(cls, consent: ConsentRule | None) -> ConsentRule | None:
        if consent is not None and not any(value.strip() for value in consent.values):
            raise Unusable("a consent rule needs at least one value")
        return consent

    @field_validator("refusals")
    @classmethod
    def _each_some_value(cls, refusals: tuple[Refusal, ...]) -> tuple[Refusal, ...]:
        if any(not any(value.strip() for value in refusal.values) for refusal in refusals):
            raise Unusable("a refusal needs at least one value")
        return refusals

    @field_validator("segments")
    @classmethod
    def _some(cls, segments: Sequence[str]) -> Sequence[str]:
        if not segments:
            raise Unusable("an export needs at least one segment")
        return segments

    def mapped(self) -> tuple[MappedField, ...]:
        """Return the fields in their stored form, except that custom fields still have their names."""
        return tuple(_mapped(target, field) for target, field in self.fields.items())

    def patched(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the draft's values with `changes` applied; other values stay, and None unsets one."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        for name, value in changes.items():
            if name in CHANGED_BY_ITSELF and isinstance(value, Mapping):
                value = values[name].model_dump() | dict(value)
            values[name] = default_of(name) if value is None else value
        return values


def default_of(name: str) -> Any:
    """Return the default of a setting; None for one that is required or unknown."""
    field = ExportDraft.model_fields.get(name)
    if field is None or field.is_required():
        return None
    return field.get_default(call_default_factory=True)


def field_draft(field: MappedField) -> str | FieldDraft:
    """Return the short form when only a profile field is set."""
    made = FieldDraft.model_validate(field.model_dump(exclude={"target"}))
    return made.source if made.source is not None and made == FieldDraft(source=made.source) else made


def _mapped(target: str, field: str | FieldDraft) -> MappedField:
    made = FieldDraft(source=field) if isinstance(field, str) else field
    return MappedField(target=target, **dict(made))
