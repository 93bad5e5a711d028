"""Use cases of exports: configure, list, duplicate, pause, detach, remove. Saving never runs anything."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ccexport.errors import BadInput, Conflict, NotFound
from ccexport.messages import mark, message
from ccexport.model.contact_lists import ContactList
from ccexport.model.export_drafts import ExportDraft
from ccexport.model.exports import Actor, Export, ExportConfig
from ccexport.model.profiles import Segment
from ccexport.model.words import Role
from ccexport.plan.fields import CONTACT_FIELDS
from ccexport.plan.suggest import Suggestion, suggest
from ccexport.plan.transforms import TRANSFORMS
from ccexport.runs.holders import Held, held_by
from ccexport.services.access import may_use, require, require_use
from ccexport.services.contact_lists import ContactLists
from ccexport.services.export_drafts import ExportDrafts, Lookup, draft_of, good_name
from ccexport.services.letting_go import (
    connected_version,
    ends_holds,
    queue_take_off,
    refuse_while_live,
)
from ccexport.services.not_begun import end_not_begun, remove_export
from ccexport.services.validation import parsed
from ccexport.services.wiring import UseCases, Wiring

__all__ = ["CONTACT_FIELDS", "TRANSFORMS", "ExportUseCases"]
_THE_EXPORT = mark("The export")
_NO_LIST = ContactList(id="", name="")  # placeholder until the lists of several exports are created


class ExportUseCases(UseCases):
    """Saved exports."""

    def __init__(self, wiring: Wiring, contact_lists: ContactLists) -> None:
        super().__init__(wiring)
        self._contact_lists = contact_lists
        self._drafts = ExportDrafts(wiring, contact_lists)

    def create(self, actor: Actor, name: str, **settings: Any) -> Export:
        """Save a new export; the settings are those of `ExportDraft`, by names or ids."""
        require(actor, Role.CONTRIBUTOR, "create exports")
        draft = parsed(ExportDraft, {"name": name} | _settings(settings), _THE_EXPORT)
        return self._add(actor, self._drafts.resolved(actor, draft))

    def change(
        self,
        actor: Actor,
        name: str,
        /,
        *,
        seen: int | None = None,
        take_off: bool = False,
        **changes: Any,
    ) -> Export:
        """Save a new version with some settings changed; settings not given stay, None unsets one.

        Earlier plans become invalid. `seen` is the version that was edited. Raises `Conflict` when it is
        not the current one. When the export goes to another list or is no mirror any more, it ends holding the
        people it put on its list: they stay there, or with `take_off` a run takes off whom it held alone.
        """
        old = self._mine(actor, name, "change this export")
        if seen is not None and seen != old.version:
            raise Conflict(
                "{person} changed this export meanwhile: look at it again, then save.",
                person=old.updated_by,
            )
        values = draft_of(old.config).patched(_settings(changes))
        config = self._drafts.resolved(actor, parsed(ExportDraft, values, _THE_EXPORT))
        self._refuse_circle(old, config)
        if take_off and not ends_holds(self._ledger, old.config, config):
            raise BadInput(
                "{export} still holds the people it put on {list}, so nobody is taken off.",
                export=old.name,
                list=old.config.list_name,
            )
        with self._taken_off(actor, old, take_off):
            changed = self._ledger.exports.change(old.id, config, by=actor.name, after=old.version)
        self._ledger.audit.add(actor.name, "export changed", changed.name, {"version": changed.version})
        return changed

    @contextmanager
    def _taken_off(self, actor: Actor, export: Export, take_off: bool) -> Iterator[None]:
        """Queue, after the block, the run that takes off whom the export alone held; refuse it before the block."""
        if not take_off:
            yield
            return
        connected = connected_version(self._ledger, export)
        refuse_while_live(self._ledger, export)
        yield
        queue_take_off(self._wiring, actor, connected)

    def ended_holds(self, actor: Actor, old: Export, new: Export) -> bool:
        """Return whether the change from one version to the other ends what the export holds on its list."""
        require(actor, Role.VIEWER, "see exports")
        return ends_holds(self._ledger, old.config, new.config)

    def held(self, actor: Actor, name: str) -> Held:
        """Return how many people the export holds on its list, alone and together with which other exports."""
        export = self.get(actor, name)
        return held_by(self._wiring.engine, export)

    def draft(self, actor: Actor, export: Export, names: Mapping[str, str]) -> ExportDraft:
        """Return the settings of the export, with ids replaced by `names`."""
        require(actor, Role.VIEWER, "see exports")
        return draft_of(export.config, {**names, export.config.list_id: export.config.list_name})

    def check(self, actor: Actor, draft: ExportDraft, lookup: Lookup) -> None:
        """Refuse a draft that saving would refuse; `lookup` can also find what is not saved yet."""
        self._drafts.resolved(actor, draft, lookup=lookup)

    def _refuse_circle(self, export: Export, config: ExportConfig) -> None:
        """Raise `BadInput` when the export would come before itself."""
        ahead, seen = list(config.yields_to), set[str]()
        while ahead:
            other = ahead.pop()
            if other == export.id:
                raise BadInput(
                    "{export} would come before itself; take it out of that order.", export=config.name
                )
            if other not in seen:
                seen.add(other)
                ahead += self._ledger.exports.get(other).config.yields_to

    def create_per_segment(
        self, actor: Actor, name: str, *, connection: str, segments: Sequence[str], **settings: Any
    ) -> Sequence[Export]:
        """Save one export and one contact list per segment, named after it; an existing list of that name is used.

        When one of the exports is refused, nothing is saved and no list is created.
        """
        require(actor, Role.CONTRIBUTOR, "create exports")
        chosen = [self._ledger.segments.named(s) for s in dict.fromkeys(segments)]
        if not chosen:
            raise BadInput("An export needs at least one segment.")
        base = _settings(settings) | {"connection": connection, "list": ""}
        configs = [
            self._drafts.resolved(
                actor,
                parsed(ExportDraft, base | {"name": _name_of(name, s), "segments": [s.id]}, _THE_EXPORT),
                contact_list=_NO_LIST,
            )
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
            raise BadInput("An export named {taken} is already there; choose another name.", taken=taken)

    def _add(self, actor: Actor, config: ExportConfig) -> Export:
        made = self._ledger.exports.add(self._wiring.engine.new_id("export"), config, by=actor.name)
        self._ledger.audit.add(actor.name, "export created", made.name)
        return made

    def suggest(self, actor: Actor) -> Sequence[Suggestion]:
        """Return suggestions from the names and values of the current profile fields, with certainty and reason.

        They cover the address, the other contact fields, the consent and the refusals. Nothing is applied.
        """
        require(actor, Role.CONTRIBUTOR, "see suggested attributes")
        snapshot = self._wiring.current_snapshot()
        return suggest(snapshot.fields, self._wiring.profile_store.evidence(snapshot))

    def list(self, actor: Actor) -> Sequence[Export]:
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.all()

    def names(self, actor: Actor) -> Mapping[str, str]:
        """Return id → name of every export, sorted by name."""
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.names()

    def count(self, actor: Actor) -> int:
        """Return how many exports there are."""
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.count()

    def get(self, actor: Actor, name: str) -> Export:
        """Return the export of that name or id."""
        require(actor, Role.VIEWER, "see exports")
        return self._ledger.exports.named(name)

    def may_manage(self, actor: Actor, export: Export) -> bool:
        """Whether the actor may change and run this export."""
        if not export.config.connection_id:
            return actor.role.covers(Role.CONTRIBUTOR)
        try:
            return may_use(actor, self._ledger.connections.get(export.config.connection_id))
        except NotFound:
            return False

    def manageable(self, actor: Actor, exports: Sequence[Export]) -> frozenset[str]:
        """Return the ids of those exports that the actor may change and run."""
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
        """Return every version of the configuration, newest first."""
        return self._ledger.exports.versions(self.get(actor, name).id)

    def duplicate(self, actor: Actor, name: str, new_name: str) -> Export:
        """Save a copy under another name."""
        old = self._mine(actor, name, "duplicate this export")
        config = old.config.model_copy(update={"name": good_name(new_name)})
        made = self._ledger.exports.add(self._wiring.engine.new_id("export"), config, by=actor.name)
        self._ledger.audit.add(actor.name, "export created", made.name, {"copy_of": old.name})
        return made

    def pause(self, actor: Actor, name: str, *, paused: bool = True) -> Export:
        """Pause the export, or let it run again with `paused=False`. Pausing ends runs that have not begun to send.

        A run that is sending stops before its next request and waits until the export goes on.

        Raises `Conflict` when an export without a connection should run again.
        """
        found = self._mine(actor, name, "pause this export")
        if not paused and not found.config.connection_id:
            raise Conflict("{name} has no connection; choose one in its settings first.", name=found.name)
        self._ledger.audit.add(actor.name, "export paused" if paused else "export goes on", found.name)
        changed = self._ledger.exports.mark(found.id, paused=paused)
        if paused:
            end_not_begun(
                self._ledger,
                actor,
                found,
                message("{person} paused the export.", person=actor.name),
                follow_ups=False,
            )
        return changed

    def detach(self, actor: Actor, name: str, *, take_off: bool = False) -> Export:
        """Remove the connection from the export and pause it; all other settings stay.

        Whom it put on its list stays there, held by it, for it may be given the same connection again; with
        `take_off` a run takes off whom it held alone. Raises `Conflict` while a run of the export is live.
        """
        found = self._mine(actor, name, "detach this export")
        if self._ledger.runs.all(export_id=found.id, live=True, limit=1):
            raise Conflict("A run of {name} is going on; let it end or cancel it first.", name=found.name)
        with self._taken_off(actor, found, take_off):
            detached = self._ledger.exports.mark(found.id, paused=True)
            if found.config.connection_id:
                config = found.config.model_copy(update={"connection_id": ""})
                self._ledger.audit.add(actor.name, "export detached", found.name)
                detached = self._ledger.exports.change(found.id, config, by=actor.name, after=found.version)
        return detached

    def remove(self, actor: Actor, name: str) -> None:
        """Hide the export and end its runs that have not begun. Its runs and deliveries stay.

        Nobody is taken off the list, but the export holds nobody on it from now on. Raises `Conflict` while a run
        of it is sending.
        """
        found = self._mine(actor, name, "remove this export")
        remove_export(self._ledger, actor, found)


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings under the names of the model: `contact_list` becomes `list`."""
    return {"list" if name == "contact_list" else name: value for name, value in given.items()}


def _name_of(name: str, segment: Segment) -> str:
    return f"{name.strip()}: {segment.name}"[:200]
