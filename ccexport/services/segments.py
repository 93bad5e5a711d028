"""Use cases of segments: define, change, split, freeze, and remove when nothing uses one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput, Conflict
from ccexport.model.exports import Actor
from ccexport.model.profiles import Segment
from ccexport.model.words import Role, SegmentKind
from ccexport.segments.compare import Moves, Overlap, Size
from ccexport.segments.operators import OPERATORS, WITH_SALT, Operator, Takes, meant, names_for
from ccexport.segments.rules import parse_rule, referring
from ccexport.segments.schema import rule_schema
from ccexport.services.access import require
from ccexport.services.naming import checked
from ccexport.services.segment_insight import SegmentInsight
from ccexport.services.segment_rules import SegmentRules
from ccexport.services.wiring import UseCases

__all__ = [
    "OPERATORS",
    "WITH_SALT",
    "Moves",
    "Operator",
    "Overlap",
    "SegmentUseCases",
    "Size",
    "Takes",
    "meant",
    "names_for",
    "rule_schema",
]


class SegmentDefinitions(UseCases):
    """The definitions of segments."""

    @cached_property
    def _insight(self) -> SegmentInsight:
        return SegmentInsight(self._wiring)

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
        """Create a segment from exactly one of `rule`, `members` and `everybody`.

        `members` is a CSV file, or ids and addresses.
        """
        require(actor, Role.CONTRIBUTOR, "create segments")
        if sum((rule is not None, members is not None, everybody)) != 1:
            raise BadInput("A segment needs exactly one of a rule, a member list, or all profiles.")
        return self._saved(actor, self._new(name, description, tags), rule, members)

    def _new(self, name: str, description: str, tags: Sequence[str]) -> Segment:
        return Segment(
            id=self._wiring.engine.new_id("segment"),
            name=self._free_name(name),
            kind=SegmentKind.ALL,
            description=description,
            tags=_tags(tags),
        )

    def _free_name(self, name: str, old: Segment | None = None) -> str:
        name = checked(name, "A segment needs a name of 1 to 200 characters.")
        found = self._ledger.segments.find(name)
        if found and (old is None or found.id != old.id):
            raise BadInput("A segment named {name} is already there; choose another name.", name=name)
        return name

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
        """Save a new version of a segment; exports that use it need new plans."""
        require(actor, Role.CONTRIBUTOR, "change segments")
        old = self._ledger.segments.named(name)
        segment = replace(
            old,
            name=self._free_name(new_name or old.name, old),
            version=old.version + 1,
            description=old.description if description is None else description,
            tags=old.tags if tags is None else _tags(tags),
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
            segment = replace(segment, kind=SegmentKind.DYNAMIC, rule=self._by_id(rule), members_path=None)
        elif members is not None:
            segment = replace(segment, kind=SegmentKind.STATIC, rule=None)
            path = self._wiring.members.keep_static(segment, members)
            segment = replace(segment, members_path=path)
        if self._wiring.profile_store.current() is not None:
            self._insight.members_in(
                segment
            )  # refuse a rule that does not fit the profiles before it is saved
        saved = self._ledger.segments.save(segment, by=actor.name)
        self._ledger.audit.add(
            actor.name, "segment saved", saved.name, {"version": saved.version, "id": saved.id}
        )
        return saved

    def _by_id(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """Return the rule with ids, so that renaming a segment or export changes nothing. Raises `NotFound`."""
        segments, exports = self._ledger.segments.named, self._ledger.exports.named
        return referring(rule, lambda name: segments(name).id, lambda name: exports(name).id)

    def duplicate(self, actor: Actor, name: str, new_name: str) -> Segment:
        """Save a copy under another name, which can be changed without affecting exports of the first."""
        require(actor, Role.CONTRIBUTOR, "create segments")
        old = self._ledger.segments.named(name)
        made = self._new(new_name, old.description, old.tags)
        if old.kind is SegmentKind.STATIC:
            path = self._wiring.members.copy_static(old, made)
            made = replace(made, kind=SegmentKind.STATIC, members_path=path)
        return self._saved(actor, made, old.rule, None)

    def split(
        self, actor: Actor, name: str, shares: Sequence[float], *, salt: str | None = None
    ) -> Sequence[Segment]:
        """Split the segment at random into new segments by `shares` in percent; each member is in exactly one.

        A person stays in the same part in later snapshots. Another `salt` (default: the name) splits differently.
        """
        require(actor, Role.CONTRIBUTOR, "create segments")
        old = self._ledger.segments.named(name)
        if len(shares) < 2 or min(shares) <= 0 or sum(map(Decimal, map(str, shares))) != 100:
            raise BadInput("The shares of a split are two or more, each above 0, and 100 together.")
        edges = [Decimal(0)]
        for share in shares:
            edges.append(edges[-1] + Decimal(str(share)))
        made = []
        for number, (low, high) in enumerate(pairwise(edges), start=1):
            part = {"op": "in_share", "value": [_plain(low), _plain(high)], "salt": salt or old.name}
            rule = {"all": [{"op": "in_segment", "value": old.id}, part]}
            made.append((self._new(f"{old.name}: {number} of {len(shares)}", "", old.tags), rule))
        return [self._saved(actor, segment, rule, None) for segment, rule in made]

    def freeze(self, actor: Actor, name: str, new_name: str) -> Segment:
        """Save the current members as a member list; it stays when the rule or the profiles change."""
        require(actor, Role.CONTRIBUTOR, "create segments")
        old, members = self._ledger.segments.named(name), self._insight.members(actor, name)
        if not members.count:
            raise BadInput(
                "The segment {name} has no members now: there is nothing to freeze.", name=old.name
            )
        made = self._new(new_name, old.description, old.tags)
        path = self._wiring.members.freeze(made, members)
        return self._saved(actor, replace(made, kind=SegmentKind.STATIC, members_path=path), None, None)

    def remove(self, actor: Actor, name: str) -> None:
        """Remove a segment. Raises `Conflict` naming what uses it."""
        require(actor, Role.CONTRIBUTOR, "delete segments")
        segment = self._insight.get(actor, name)
        users = [f"the export {e.name}" for e in self._insight.used_by(actor, name)]
        users += [f"the segment {s.name}" for s in self._insight.mentioned_by(actor, name)]
        if users:
            raise Conflict(
                "The segment {segment} is used by {users}; take it out there first.",
                segment=segment.name,
                users=list(users),
            )
        self._ledger.segments.remove(segment.id)
        self._ledger.audit.add(actor.name, "segment removed", segment.name)


class SegmentUseCases(SegmentDefinitions, SegmentRules, SegmentInsight):
    """All use cases of segments, for the faces."""


def _plain(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return each tag once, without surrounding blanks. Raises `BadInput`."""
    found = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(found) > 20 or any(len(tag) > 40 for tag in found):
        raise BadInput("A segment takes up to 20 tags of up to 40 characters.")
    return found
