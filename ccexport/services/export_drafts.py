"""Converts the settings of an export between names, as people write them, and ids, as they are stored.

Owns every check that saving makes, so that resolving a draft without saving it makes the same checks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ccexport.errors import BadInput
from ccexport.model.contact_lists import ContactList
from ccexport.model.export_drafts import ExportDraft, field_draft
from ccexport.model.exports import Actor, ExportConfig, ExportSettings, MappedField
from ccexport.plan.mapping import check_mapping
from ccexport.services.access import require_use
from ccexport.services.contact_lists import ContactLists
from ccexport.services.naming import checked
from ccexport.services.wiring import UseCases, Wiring


@dataclass(frozen=True)
class Lookup:
    """Functions that find the id of a segment or an export by name or id. Each raises `NotFound`."""

    segment: Callable[[str], str]
    export: Callable[[str], str]


class ExportDrafts(UseCases):
    """Resolves drafts of exports to configurations."""

    def __init__(self, wiring: Wiring, contact_lists: ContactLists) -> None:
        super().__init__(wiring)
        self._contact_lists = contact_lists

    def resolved(
        self,
        actor: Actor,
        draft: ExportDraft,
        *,
        contact_list: ContactList | None = None,
        lookup: Lookup | None = None,
    ) -> ExportConfig:
        """Return the configuration to store for the draft. Raises `WrongUse` for names or settings that do not fit.

        `contact_list` is a list that is already known or is created later; `lookup` can also find segments and
        exports that are not saved yet.
        """
        if not draft.connection:
            raise BadInput("The export needs a connection; choose one in its settings.")
        connection = self._ledger.connections.named(draft.connection)
        require_use(actor, connection, "configure exports on it")
        if contact_list is None:
            contact_list = self._contact_lists.find_list(actor, connection.id, draft.list)
        lookup = lookup or self.saved
        custom_fields = self._custom_fields(actor, connection.id, draft.mapped())
        same = {name: getattr(draft, name) for name in ExportSettings.model_fields}
        config = ExportConfig(
            **same | {"name": good_name(draft.name)},
            connection_id=connection.id,
            list_id=contact_list.id,
            list_name=contact_list.name,
            segment_ids=_ids(draft.segments, lookup.segment),
            exclude_ids=_ids(draft.exclude, lookup.segment),
            yields_to=_ids(draft.yields_to, lookup.export),
            fields=tuple(_by_id(field, custom_fields) for field in draft.mapped()),
        )
        check_mapping(config, self._wiring.current_snapshot(), custom_fields)
        return config

    @cached_property
    def saved(self) -> Lookup:
        """The lookup of saved segments and exports."""
        return Lookup(
            segment=lambda name: self._ledger.segments.named(name).id,
            export=lambda name: self._ledger.exports.named(name).id,
        )

    def _custom_fields(self, actor: Actor, connection: str, fields: Sequence[MappedField]) -> dict[str, str]:
        if not any(field.target.startswith("cf:") for field in fields):
            return {}
        return {f.id: f.name for f in self._contact_lists.custom_fields(actor, connection)}


def _ids(names: Sequence[str], find: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(find(name) for name in names))


def draft_of(config: ExportConfig, names: Mapping[str, str] | None = None) -> ExportDraft:
    """Return the draft that resolves to this configuration, with ids replaced by `names` where given."""
    names = names or {}

    def named(some_id: str) -> str:
        return names.get(some_id, some_id)

    return ExportDraft(
        **{name: getattr(config, name) for name in ExportSettings.model_fields},
        connection=named(config.connection_id),
        list=named(config.list_id),
        segments=[named(segment) for segment in config.segment_ids],
        exclude=tuple(named(segment) for segment in config.exclude_ids),
        yields_to=tuple(named(export) for export in config.yields_to),
        fields={_named_target(field.target, names): field_draft(field) for field in config.fields},
    )


def _named_target(target: str, names: Mapping[str, str]) -> str:
    kind, colon, custom_field = target.partition(":")
    return f"{kind}:{names.get(custom_field, custom_field)}" if colon else target


def good_name(name: str) -> str:
    """Return the name without surrounding blanks. Raises `BadInput` when it cannot name an export."""
    return checked(name, "An export needs a name of 1 to 200 characters.")


def _by_id(field: MappedField, custom_fields: dict[str, str]) -> MappedField:
    """Return the field with `cf:<id>` instead of `cf:<name>`: names may change, ids do not."""
    if not field.target.startswith("cf:"):
        return field
    wanted = field.target.removeprefix("cf:")
    if wanted in custom_fields:
        return field
    name = wanted.replace(" ", "_").casefold()
    for field_id, known in custom_fields.items():
        if known.casefold() == name:
            return field.model_copy(update={"target": f"cf:{field_id}"})
    names = ", ".join(sorted(custom_fields.values())) or "none"
    raise BadInput(
        "The account has no custom field named {wanted}. Custom fields: {names}.", wanted=wanted, names=names
    )
