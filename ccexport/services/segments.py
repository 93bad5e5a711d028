"""Use cases of segments: define, count, list members, delete only when nothing uses one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccexport.errors import BadInput, Conflict
from ccexport.model.exports import Actor, Export
from ccexport.model.profiles import Members, Segment
from ccexport.model.words import Role, SegmentKind
from ccexport.runs.sent import sent_by
from ccexport.segments.compile import SentBy
from ccexport.segments.operators import OPERATORS, Operator, Takes, meant, names_for
from ccexport.segments.rules import parse_rule
from ccexport.segments.words import in_words
from ccexport.services.access import mask_profile, require, sees_personal

if TYPE_CHECKING:
    from ccexport.services.context import Services

__all__ = ["OPERATORS", "Operator", "SegmentUseCases", "Takes", "meant", "names_for"]


class SegmentUseCases:
    """Named sets of profiles."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._ledger = services.ledger

    @property
    def _sent_by(self) -> SentBy:
        return sent_by(self._services.engine)

    def create(
        self,
        actor: Actor,
        name: str,
        *,
        rule: Mapping[str, Any] | None = None,
        members: Path | Sequence[str] | None = None,
        everybody: bool = False,
        description: str = "",
        tags: Sequence[str] = (),
    ) -> Segment:
        """Exactly one of `rule`, `members` (a CSV file, or ids and addresses) and `everybody`."""
        require(actor, Role.CONTRIBUTOR, "create segments")
        if sum((rule is not None, members is not None, everybody)) != 1:
            raise BadInput("A segment needs exactly one of a rule, a member list, or all profiles.")
        name = name.strip()
        if not name or len(name) > 200:
            raise BadInput("A segment needs a name of 1 to 200 characters.")
        if self._ledger.segments.find(name):
            raise BadInput(f"A segment named {name} is already there; choose another name.")
        segment = Segment(
            id=self._services.engine.new_id("segment"),
            name=name,
            kind=SegmentKind.ALL,
            description=description,
            tags=tuple(tags),
        )
        return self._saved(actor, segment, rule, members)

    def change(
        self,
        actor: Actor,
        name: str,
        *,
        rule: Mapping[str, Any] | None = None,
        members: Path | Sequence[str] | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        new_name: str | None = None,
    ) -> Segment:
        """A new version of a segment; exports that use it plan anew."""
        require(actor, Role.CONTRIBUTOR, "change segments")
        old = self._ledger.segments.named(name)
        segment = replace(
            old,
            name=(new_name or old.name).strip(),
            version=old.version + 1,
            description=old.description if description is None else description,
            tags=old.tags if tags is None else tuple(tags),
        )
        if rule is None and members is None:
            return self._ledger.segments.save(segment, by=actor.name)
        return self._saved(actor, segment, rule, members)

    def _saved(
        self,
        actor: Actor,
        segment: Segment,
        rule: Mapping[str, Any] | None,
        members: Path | Sequence[str] | None,
    ) -> Segment:
        if rule is not None:
            parse_rule(rule)
            segment = replace(segment, kind=SegmentKind.DYNAMIC, rule=dict(rule), members_path=None)
        elif members is not None:
            segment = replace(segment, kind=SegmentKind.STATIC, rule=None)
            path = self._services.members.keep_static(segment, members)
            segment = replace(segment, members_path=path)
        if self._services.profile_store.current() is not None:
            self._members(segment)  # a rule that does not fit the profiles is refused before it is saved
        saved = self._ledger.segments.save(segment, by=actor.name)
        self._ledger.audit.add(actor.name, "segment saved", saved.name, {"version": saved.version})
        return saved

    def list(self, actor: Actor) -> Sequence[Segment]:
        require(actor, Role.VIEWER, "see segments")
        return self._ledger.segments.all()

    def get(self, actor: Actor, name: str) -> Segment:
        require(actor, Role.VIEWER, "see segments")
        return self._ledger.segments.named(name)

    def members(self, actor: Actor, name: str) -> Members:
        """The members in the current snapshot. Raises `BadInput` when there are no profiles."""
        return self._members(self.get(actor, name))

    def _members(self, segment: Segment) -> Members:
        return self._services.members.members(
            segment,
            self._services.current_snapshot(),
            lookup=self._ledger.segments.named,
            sent_by=self._sent_by,
        )

    def count_rule(self, actor: Actor, rule: Mapping[str, Any]) -> int:
        """How many profiles of the current snapshot a rule selects, for live counts while building."""
        require(actor, Role.VIEWER, "see segments")
        return self._services.members.count_rule(
            parse_rule(rule),
            self._services.current_snapshot(),
            lookup=self._ledger.segments.named,
            sent_by=self._sent_by,
        )

    def count_together(self, actor: Actor, names: Sequence[str]) -> int:
        """How many profiles are in at least one of these segments, each counted once."""
        return self.count_rule(actor, {"any": [{"op": "in_segment", "value": name} for name in names]})

    def in_words(self, actor: Actor, name: str) -> str:
        """The segment in a plain sentence."""
        segment = self.get(actor, name)
        if segment.kind is SegmentKind.DYNAMIC and segment.rule is not None:
            return in_words(parse_rule(segment.rule))
        return "all profiles" if segment.kind is SegmentKind.ALL else "the profiles of a member list"

    def rule_in_words(self, actor: Actor, rule: Mapping[str, Any]) -> str:
        """A rule that is not saved yet, in a plain sentence."""
        require(actor, Role.VIEWER, "see segments")
        return in_words(parse_rule(rule), {s.id: s.name for s in self._ledger.segments.all()})

    def sample(self, actor: Actor, rule: Mapping[str, Any], *, limit: int = 20) -> Sequence[dict[str, Any]]:
        """Some of the profiles a rule selects, the same ones each time; masked for a viewer."""
        require(actor, Role.VIEWER, "see segments")
        snapshot = self._services.current_snapshot()
        rows = self._services.members.sample(
            parse_rule(rule), snapshot, lookup=self._ledger.segments.named, sent_by=self._sent_by, limit=limit
        )
        return rows if sees_personal(actor) else [mask_profile(row, snapshot) for row in rows]

    def members_page(
        self, actor: Actor, name: str, *, search: str = "", offset: int = 0, limit: int = 50
    ) -> Sequence[dict[str, Any]]:
        """Who is in it: profiles in file order; masked for a viewer, who cannot search them either."""
        members, snapshot = self.members(actor, name), self._services.current_snapshot()
        personal = sees_personal(actor)
        rows = self._services.profile_store.page(
            snapshot, search=search if personal else "", offset=offset, limit=limit, members=members.path
        )
        return rows if personal else [mask_profile(row, snapshot) for row in rows]

    def breakdown(self, actor: Actor, name: str, field: str) -> Sequence[tuple[Any, int, int]]:
        """(value or range, members, all profiles) of a field, for comparing a segment with everybody."""
        require(actor, Role.CONTRIBUTOR, "see the values of profiles")
        members = self.members(actor, name)
        return self._services.profile_store.breakdown(self._services.current_snapshot(), field, members.path)

    def used_by(self, actor: Actor, name: str) -> Sequence[Export]:
        """The exports that send this segment."""
        segment = self.get(actor, name)
        return [
            e
            for e in self._ledger.exports.all()
            if segment.id in e.config.segment_ids or segment.name in e.config.segment_ids
        ]

    def remove(self, actor: Actor, name: str) -> None:
        """Raises `Conflict` naming what uses it."""
        require(actor, Role.CONTRIBUTOR, "delete segments")
        segment = self.get(actor, name)
        users = [e.name for e in self.used_by(actor, name)]
        users += [
            s.name
            for s in self._ledger.segments.all()
            if s.rule and _mentions(s.rule, {segment.id, segment.name})
        ]
        if users:
            raise Conflict(
                f"The segment {segment.name} is used by {', '.join(users)}; take it out there first."
            )
        self._ledger.segments.remove(segment.id)
        self._ledger.audit.add(actor.name, "segment removed", segment.name)


def _mentions(rule: Any, names: set[str]) -> bool:
    if isinstance(rule, Mapping):
        if str(rule.get("op", "")).endswith("in_segment"):
            return str(rule.get("value")) in names
        return any(_mentions(part, names) for part in rule.values())
    return isinstance(rule, list) and any(_mentions(part, names) for part in rule)
