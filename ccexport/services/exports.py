"""Use cases of exports: configure, list, duplicate, pause, remove. Saving never runs anything."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ccexport.errors import BadInput, NotFound
from ccexport.model.exports import Actor, ConsentRule, Export, ExportConfig, Guards, MappedField
from ccexport.model.words import Mode, Role
from ccexport.plan.fields import CONTACT_FIELDS
from ccexport.plan.mapping import check_mapping
from ccexport.plan.suggest import Suggestion, suggest
from ccexport.plan.transforms import TRANSFORMS
from ccexport.services.access import may_use, require, require_use

if TYPE_CHECKING:
    from ccexport.services.context import Services

__all__ = ["CONTACT_FIELDS", "TRANSFORMS", "ExportUseCases"]


class ExportUseCases:
    """Saved exports."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._ledger = services.ledger

    def create(
        self,
        actor: Actor,
        name: str,
        *,
        connection: str,
        contact_list: str,
        segments: Sequence[str],
        email: str,
        fields: Sequence[MappedField] = (),
        mode: Mode = Mode.ADD_AND_UPDATE,
        resend_unchanged: bool = False,
        consent: ConsentRule | None = None,
        newest_by: str | None = None,
        international_phones: bool = False,
        guards: Guards | None = None,
    ) -> Export:
        """Save a new export. `contact_list` is an id or a name; a custom field's target may be `cf:<name>`."""
        config = self._checked(
            actor,
            name,
            connection=connection,
            contact_list=contact_list,
            segments=segments,
            email=email,
            fields=fields,
            mode=mode,
            resend_unchanged=resend_unchanged,
            consent=consent,
            newest_by=newest_by,
            international_phones=international_phones,
            guards=guards or Guards(),
        )
        made = self._ledger.exports.add(self._services.engine.new_id("export"), config, by=actor.name)
        self._ledger.audit.add(actor.name, "export created", made.name)
        return made

    def change(self, actor: Actor, name: str, /, **values: Any) -> Export:
        """A new version with some values changed (the names of `create`); earlier plans no longer hold."""
        old = self.get(actor, name)
        require_use(actor, self._ledger.connections.get(old.config.connection_id), "change this export")
        config = old.config
        given = {
            "connection": config.connection_id,
            "contact_list": config.list_id,
            "segments": config.segment_ids,
            "email": config.email,
            "fields": config.fields,
            "mode": config.mode,
            "resend_unchanged": config.resend_unchanged,
            "consent": config.consent,
            "newest_by": config.newest_by,
            "international_phones": config.international_phones,
            "guards": config.guards,
        } | values
        new_name = str(given.pop("name", config.name))
        changed = self._ledger.exports.change(old.id, self._checked(actor, new_name, **given), by=actor.name)
        self._ledger.audit.add(actor.name, "export changed", changed.name, {"version": changed.version})
        return changed

    def _checked(self, actor: Actor, name: str, **given: Any) -> ExportConfig:
        name = name.strip()
        if not name or len(name) > 200:
            raise BadInput("An export needs a name of 1 to 200 characters.")
        connection = self._ledger.connections.named(given.pop("connection"))
        require_use(actor, connection, "configure exports on it")
        found_list = self._services.connections.find_list(actor, connection.name, given.pop("contact_list"))
        segments = [self._ledger.segments.named(s).id for s in given.pop("segments")]
        if not segments:
            raise BadInput("An export needs at least one segment (--segment NAME).")
        custom_fields = self._custom_fields(actor, connection.name, given["fields"])
        fields = tuple(_by_id(field, custom_fields) for field in given.pop("fields"))
        config = ExportConfig(
            name=name,
            connection_id=connection.id,
            list_id=found_list.id,
            list_name=found_list.name,
            segment_ids=tuple(dict.fromkeys(segments)),
            fields=fields,
            **given,
        )
        check_mapping(config, self._services.current_snapshot(), custom_fields)
        return config

    def _custom_fields(self, actor: Actor, connection: str, fields: Sequence[MappedField]) -> dict[str, str]:
        if not any(field.target.startswith("cf:") for field in fields):
            return {}
        return {f.id: f.name for f in self._services.connections.custom_fields(actor, connection)}

    def suggest(self, actor: Actor) -> Sequence[Suggestion]:
        """What the names of the current profile fields suggest, each with how sure; applied by nobody."""
        require(actor, Role.CONTRIBUTOR, "see suggested attributes")
        return suggest(self._services.current_snapshot().fields)

    def list(self, actor: Actor) -> Sequence[Export]:
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.all()

    def get(self, actor: Actor, name: str) -> Export:
        """By name or id."""
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.named(name)

    def may_manage(self, actor: Actor, export: Export) -> bool:
        """Whether this export is the actor's to change and run."""
        try:
            return may_use(actor, self._ledger.connections.get(export.config.connection_id))
        except NotFound:
            return False

    def history(self, actor: Actor, name: str) -> Sequence[dict[str, Any]]:
        """Every version of the configuration, newest first."""
        return self._ledger.exports.versions(self.get(actor, name).id)

    def duplicate(self, actor: Actor, name: str, new_name: str) -> Export:
        """A copy under another name."""
        old = self.get(actor, name)
        require_use(actor, self._ledger.connections.get(old.config.connection_id), "duplicate this export")
        config = old.config.model_copy(update={"name": new_name.strip()})
        made = self._ledger.exports.add(self._services.engine.new_id("export"), config, by=actor.name)
        self._ledger.audit.add(actor.name, "export created", made.name, {"copy_of": old.name})
        return made

    def pause(self, actor: Actor, name: str, *, paused: bool = True) -> Export:
        """A paused export refuses to run until it goes on."""
        found = self.get(actor, name)
        require_use(actor, self._ledger.connections.get(found.config.connection_id), "pause this export")
        self._ledger.audit.add(actor.name, "export paused" if paused else "export goes on", found.name)
        return self._ledger.exports.mark(found.id, paused=paused)

    def remove(self, actor: Actor, name: str) -> None:
        """Hide it; its runs and deliveries stay, and nobody is taken off the list."""
        found = self.get(actor, name)
        require_use(actor, self._ledger.connections.get(found.config.connection_id), "remove this export")
        self._ledger.exports.mark(found.id, removed=True)
        self._ledger.audit.add(actor.name, "export removed", found.name)


def _by_id(field: MappedField, custom_fields: dict[str, str]) -> MappedField:
    """`cf:<id>`, or `cf:<name>` turned into it: names may change, ids do not."""
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
    raise BadInput(f"The account has no custom field named {wanted}. Custom fields: {names}.")
