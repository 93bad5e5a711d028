"""Use cases of exports: configure, list, duplicate, pause, detach, remove. Saving never runs anything."""

from collections.abc import Mapping, Sequence
from typing import Any

from ccexport.errors import BadInput, Conflict, NotFound
from ccexport.model.contact_lists import ContactList
from ccexport.model.exports import Actor, ConsentRule, Export, ExportConfig, Guards, MappedField, Refusal
from ccexport.model.words import Mode, Role
from ccexport.plan.fields import CONTACT_FIELDS
from ccexport.plan.mapping import check_mapping
from ccexport.plan.suggest import Suggestion, suggest
from ccexport.plan.transforms import TRANSFORMS
from ccexport.services.access import may_use, require, require_use
from ccexport.services.contact_lists import ContactLists
from ccexport.services.naming import checked
from ccexport.services.wiring import UseCases, Wiring

__all__ = ["CONTACT_FIELDS", "TRANSFORMS", "ExportUseCases"]
_NO_LIST = ContactList(id="", name="")  # until the lists of several exports are made


class ExportUseCases(UseCases):
    """Saved exports."""

    def __init__(self, wiring: Wiring, contact_lists: ContactLists) -> None:
        super().__init__(wiring)
        self._contact_lists = contact_lists

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
        refusals: Sequence[Refusal] = (),
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
            refusals=refusals,
            newest_by=newest_by,
            international_phones=international_phones,
            guards=guards or Guards(),
        )
        return self._add(actor, config)

    def change(self, actor: Actor, name: str, /, *, seen: int | None = None, **values: Any) -> Export:
        """A new version with some values changed (the names of `create`); earlier plans no longer hold.

        `seen` is the version that was looked at. Raises `Conflict` when it is not the current one.
        """
        old = self._mine(actor, name, "change this export")
        if seen is not None and seen != old.version:
            raise Conflict(f"{old.updated_by} changed this export meanwhile: look at it again, then save.")
        config = old.config
        given: dict[str, Any] = {
            "connection": config.connection_id,
            "contact_list": config.list_id,
            "segments": config.segment_ids,
            "email": config.email,
            "fields": config.fields,
            "mode": config.mode,
            "resend_unchanged": config.resend_unchanged,
            "consent": config.consent,
            "refusals": config.refusals,
            "newest_by": config.newest_by,
            "international_phones": config.international_phones,
            "guards": config.guards,
        } | values
        new_name = str(given.pop("name", config.name))
        config = self._checked(actor, new_name, **given)
        changed = self._ledger.exports.change(old.id, config, by=actor.name, after=old.version)
        self._ledger.audit.add(actor.name, "export changed", changed.name, {"version": changed.version})
        return changed

    def create_per_segment(
        self, actor: Actor, name: str, *, connection: str, segments: Sequence[str], **given: Any
    ) -> Sequence[Export]:
        """One export and one contact list per segment, both named after it; a list of that name is used.

        Nothing is saved, and no list made, when one of the exports would be refused.
        """
        chosen = [self._ledger.segments.named(s) for s in dict.fromkeys(segments)]
        if not chosen:
            raise BadInput("An export needs at least one segment (--segment NAME).")
        given = {"fields": (), "guards": Guards(), **given, "connection": connection}
        configs = [
            self._config(actor, f"{name.strip()}: {s.name}"[:200], _NO_LIST, segments=[s.id], **given)
            for s in chosen
        ]
        self._refuse_taken([config.name for config in configs])
        lists = [self._contact_lists.create_list(actor, connection, s.name) for s in chosen]
        return [
            self._add(actor, config.model_copy(update={"list_id": there.id, "list_name": there.name}))
            for config, there in zip(configs, lists, strict=True)
        ]

    def _refuse_taken(self, names: Sequence[str]) -> None:
        there = {export.name for export in self._ledger.exports.all()}
        taken = next((name for name in names if name in there or names.count(name) > 1), None)
        if taken is not None:
            raise BadInput(f"An export named {taken} is already there; choose another name.")

    def _add(self, actor: Actor, config: ExportConfig) -> Export:
        made = self._ledger.exports.add(self._wiring.engine.new_id("export"), config, by=actor.name)
        self._ledger.audit.add(actor.name, "export created", made.name)
        return made

    def _checked(
        self, actor: Actor, name: str, *, connection: str, contact_list: str, **given: Any
    ) -> ExportConfig:
        there = self._ledger.connections.named(connection)
        require_use(actor, there, "configure exports on it")
        found = self._contact_lists.find_list(actor, there.id, contact_list)
        return self._config(actor, name, found, connection=there.id, **given)

    def _config(
        self, actor: Actor, name: str, found_list: ContactList, *, connection: str, **given: Any
    ) -> ExportConfig:
        name = _good_name(name)
        there = self._ledger.connections.named(connection)
        require_use(actor, there, "configure exports on it")
        segments = [self._ledger.segments.named(s).id for s in given.pop("segments")]
        if not segments:
            raise BadInput("An export needs at least one segment (--segment NAME).")
        custom_fields = self._custom_fields(actor, there.id, given["fields"])
        fields = tuple(_by_id(field, custom_fields) for field in given.pop("fields"))
        config = ExportConfig(
            name=name,
            connection_id=there.id,
            list_id=found_list.id,
            list_name=found_list.name,
            segment_ids=tuple(dict.fromkeys(segments)),
            fields=fields,
            **given,
        )
        check_mapping(config, self._wiring.current_snapshot(), custom_fields)
        return config

    def _custom_fields(self, actor: Actor, connection: str, fields: Sequence[MappedField]) -> dict[str, str]:
        if not any(field.target.startswith("cf:") for field in fields):
            return {}
        return {f.id: f.name for f in self._contact_lists.custom_fields(actor, connection)}

    def suggest(self, actor: Actor) -> Sequence[Suggestion]:
        """What the names of the current profile fields suggest, each with how sure; applied by nobody."""
        require(actor, Role.CONTRIBUTOR, "see suggested attributes")
        return suggest(self._wiring.current_snapshot().fields)

    def list(self, actor: Actor) -> Sequence[Export]:
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.all()

    def names(self, actor: Actor) -> Mapping[str, str]:
        """Id → name of every export, by name."""
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.names()

    def count(self, actor: Actor) -> int:
        """How many there are."""
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.count()

    def get(self, actor: Actor, name: str) -> Export:
        """By name or id."""
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.named(name)

    def may_manage(self, actor: Actor, export: Export) -> bool:
        """Whether this export is the actor's to change and run."""
        if not export.config.connection_id:
            return actor.role.covers(Role.CONTRIBUTOR)
        try:
            return may_use(actor, self._ledger.connections.get(export.config.connection_id))
        except NotFound:
            return False

    def manageable(self, actor: Actor, exports: Sequence[Export]) -> frozenset[str]:
        """The ids of those among them that are the actor's to change and run."""
        if not actor.role.covers(Role.CONTRIBUTOR):
            return frozenset()
        usable = {c.id for c in self._ledger.connections.all() if may_use(actor, c)} | {""}
        return frozenset(e.id for e in exports if e.config.connection_id in usable)

    def _mine(self, actor: Actor, name: str, what: str) -> Export:
        found = self.get(actor, name)
        if found.config.connection_id:
            require_use(actor, self._ledger.connections.get(found.config.connection_id), what)
        else:
            require(actor, Role.CONTRIBUTOR, what)
        return found

    def history(self, actor: Actor, name: str) -> Sequence[dict[str, Any]]:
        """Every version of the configuration, newest first."""
        return self._ledger.exports.versions(self.get(actor, name).id)

    def duplicate(self, actor: Actor, name: str, new_name: str) -> Export:
        """A copy under another name."""
        old = self._mine(actor, name, "duplicate this export")
        config = old.config.model_copy(update={"name": _good_name(new_name)})
        made = self._ledger.exports.add(self._wiring.engine.new_id("export"), config, by=actor.name)
        self._ledger.audit.add(actor.name, "export created", made.name, {"copy_of": old.name})
        return made

    def pause(self, actor: Actor, name: str, *, paused: bool = True) -> Export:
        """A paused export refuses to run until it goes on; one without a connection cannot go on."""
        found = self._mine(actor, name, "pause this export")
        if not paused and not found.config.connection_id:
            raise Conflict(f"{found.name} has no connection; choose one in its settings first.")
        self._ledger.audit.add(actor.name, "export paused" if paused else "export goes on", found.name)
        return self._ledger.exports.mark(found.id, paused=paused)

    def detach(self, actor: Actor, name: str) -> Export:
        """Take it off its connection and pause it; all else stays, until somebody chooses a connection.

        Raises `Conflict` while a run of it is going on.
        """
        found = self._mine(actor, name, "detach this export")
        if self._ledger.runs.all(export_id=found.id, live=True, limit=1):
            raise Conflict(f"A run of {found.name} is going on; let it end or cancel it first.")
        paused = self._ledger.exports.mark(found.id, paused=True)
        if not found.config.connection_id:
            return paused
        config = found.config.model_copy(update={"connection_id": ""})
        self._ledger.audit.add(actor.name, "export detached", found.name)
        return self._ledger.exports.change(found.id, config, by=actor.name, after=found.version)

    def remove(self, actor: Actor, name: str) -> None:
        """Hide it; its runs and deliveries stay, and nobody is taken off the list."""
        found = self._mine(actor, name, "remove this export")
        self._ledger.exports.mark(found.id, removed=True)
        self._ledger.audit.add(actor.name, "export removed", found.name)


def _good_name(name: str) -> str:
    return checked(name, "An export needs a name of 1 to 200 characters.")


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
