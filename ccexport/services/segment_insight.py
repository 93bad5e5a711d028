"""Use cases of looking at segments: members, breakdowns, sizes over time, joiners and leavers, overlaps, uses."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from functools import cache
from typing import Any

from ccexport.errors import CcexportError, NotFound, WrongUse
from ccexport.model.exports import Actor, Export
from ccexport.model.profiles import Members, Segment, Snapshot
from ccexport.model.words import Role, SegmentKind
from ccexport.runs.sent_to import sent_by
from ccexport.segments.compare import Moves, Overlap, Size, moves, overlap, sizes
from ccexport.segments.compile import SentBy
from ccexport.segments.rules import referring
from ccexport.services.access import mask_profile, masked_id, require, sees_personal
from ccexport.services.wiring import UseCases

SNAPSHOTS = 30  # the newest ones, shown in the chart of sizes
MOVED = 100  # joiners and leavers that are shown; their counts are exact


class SegmentInsight(UseCases):
    """Segments for people."""

    @property
    def _sent_by(self) -> SentBy:
        return sent_by(self._wiring.engine)

    def list(self, actor: Actor) -> Sequence[Segment]:
        require(actor, Role.VIEWER, "see segments")
        return self._ledger.segments.all()

    def names(self, actor: Actor) -> Mapping[str, str]:
        """Return id → name of every segment, sorted by name."""
        require(actor, Role.VIEWER, "see segments")
        return self._ledger.segments.names()

    def uses(self, actor: Actor) -> Mapping[str, Sequence[Export]]:
        """Return the exports that send each segment, by segment id or name, as the exports store it."""
        require(actor, Role.VIEWER, "see segments")
        found: defaultdict[str, list[Export]] = defaultdict(list)
        for export in self._ledger.exports.all():
            for segment in export.config.segment_ids:
                found[segment].append(export)
        return found

    def get(self, actor: Actor, name: str) -> Segment:
        require(actor, Role.VIEWER, "see segments")
        return self._ledger.segments.named(name)

    def written(self, actor: Actor, name: str) -> Mapping[str, Any] | None:
        """Return the rule of a segment with segments and exports by name."""
        rule = self.get(actor, name).rule
        return None if rule is None else self.with_names(rule)

    def with_names(self, rule: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a rule with names instead of ids of the segments and exports it refers to."""
        segments, exports = cache(self._ledger.segments.names), cache(self._ledger.exports.names)
        return referring(rule, lambda s: segments().get(s, s), lambda e: exports().get(e, e))

    def members(self, actor: Actor, name: str) -> Members:
        """Return the members in the current snapshot. Raises `BadInput` when there are no profiles."""
        return self.members_in(self.get(actor, name))

    def members_of(self, actor: Actor, segment: Segment) -> Members:
        """Return the same for a segment that is already loaded."""
        require(actor, Role.VIEWER, "see segments")
        return self.members_in(segment)

    def counts(self, actor: Actor, segments: Sequence[Segment]) -> Mapping[str, int | None]:
        """Return how many members each segment has, by id; None where its members cannot be computed."""
        require(actor, Role.VIEWER, "see segments")
        snapshot = self._wiring.profile_store.current()
        if snapshot is None:
            return dict.fromkeys((s.id for s in segments), None)
        sent_by, lookup = self._sent_by, cache(self._ledger.segments.named)

        def size(segment: Segment) -> int | None:
            try:
                found = self._wiring.members.members(segment, snapshot, lookup=lookup, sent_by=sent_by)
            except CcexportError:
                return None
            return found.count

        return {segment.id: size(segment) for segment in segments}

    def members_in(self, segment: Segment, snapshot: Snapshot | None = None) -> Members:
        """Return the members in a snapshot; in an earlier one, *in the last month* counts from its day."""
        now = self._wiring.current_snapshot()
        earlier = snapshot is not None and snapshot.id != now.id
        return self._wiring.members.members(
            segment,
            snapshot or now,
            lookup=self._ledger.segments.named,
            sent_by=self._sent_by,
            on=snapshot.created_at.astimezone(UTC).date() if snapshot is not None and earlier else None,
        )

    def members_page(
        self,
        actor: Actor,
        name: str,
        *,
        search: str = "",
        offset: int = 0,
        limit: int = 50,
        sort: str | None = None,
        descending: bool = False,
    ) -> Sequence[dict[str, Any]]:
        """Return one page of the members, in file order or sorted by a field.

        A viewer gets masked members and can neither search nor sort.
        """
        members, snapshot = self.members(actor, name), self._wiring.current_snapshot()
        personal = sees_personal(actor)
        rows = self._wiring.profile_store.page(
            snapshot,
            search=search if personal else "",
            offset=offset,
            limit=limit,
            members=members.path,
            sort=sort if personal else None,
            descending=descending,
        )
        return rows if personal else [mask_profile(row, snapshot) for row in rows]

    def count_members(self, actor: Actor, name: str, *, search: str = "") -> int:
        """Return how many members `members_page` finds in all."""
        members, personal = self.members(actor, name), sees_personal(actor)
        if not search or not personal:
            return members.count
        store, snapshot = self._wiring.profile_store, self._wiring.current_snapshot()
        return store.count(snapshot, search=search, members=members.path)

    def breakdown(self, actor: Actor, name: str, field: str) -> Sequence[tuple[Any, int, int]]:
        """Return (value or range, members, all profiles) of a field, to compare a segment with everybody."""
        require(actor, Role.CONTRIBUTOR, "see the values of profiles")
        members = self.members(actor, name)
        return self._wiring.profile_store.breakdown(self._wiring.current_snapshot(), field, members.path)

    def sizes(self, actor: Actor, name: str) -> Sequence[Size]:
        """Return the size in each of the newest snapshots, oldest first; None where the rule does not fit."""
        segment = self.get(actor, name)
        return sizes(self._wiring.profile_store.snapshots()[-SNAPSHOTS:], segment, self.members_in)

    def moves(self, actor: Actor, name: str) -> Moves | None:
        """Return who joined and left since the previous snapshot; None when there is no previous one."""
        segment, now = self.get(actor, name), self._wiring.current_snapshot()
        before = [s for s in self._wiring.profile_store.snapshots() if s.created_at < now.created_at]
        if not before:
            return None
        old, new = (before[-1], self.members_in(segment, before[-1])), (now, self.members_in(segment))
        found = moves(self._wiring.profile_store, old, new, limit=MOVED)
        if sees_personal(actor):
            return found
        joined, left = (tuple(masked_id(i) for i in ids) for ids in (found.joined_ids, found.left_ids))
        return replace(found, joined_ids=joined, left_ids=left)

    def overlap(self, actor: Actor, names: Sequence[str]) -> Sequence[Overlap]:
        """Return the exact count of every combination of two to five segments, with the ids of its segments."""
        found = [self.members(actor, name) for name in dict.fromkeys(names)]
        return overlap(self._wiring.current_snapshot(), found)

    def unmatched(self, actor: Actor, name: str, *, limit: int = 1_000) -> Sequence[str]:
        """Return the entries of a member list that match no profile of the current snapshot, in list order."""
        require(actor, Role.CONTRIBUTOR, "see the entries of a member list")
        segment = self.get(actor, name)
        if segment.kind is not SegmentKind.STATIC:
            return []
        return self._wiring.members.unmatched(segment, self._wiring.current_snapshot(), limit)

    def of_profile(self, actor: Actor, profile_id: str) -> Sequence[tuple[Segment, bool | None]]:
        """Return every segment and whether the profile is in it now; None where that cannot be computed."""
        require(actor, Role.VIEWER, "see segments")
        store, snapshot = self._wiring.profile_store, self._wiring.current_snapshot()
        row = store.row_of(snapshot, profile_id)
        if row is None:
            raise NotFound("There is no profile with this id.")
        found: list[tuple[Segment, bool | None]] = []
        for segment in self._ledger.segments.all():
            try:
                inside: bool | None = store.holds(snapshot, self.members_in(segment).path, row)
            except WrongUse:
                inside = None
            found.append((segment, inside))
        return found

    def used_by(self, actor: Actor, name: str) -> Sequence[Export]:
        """Return the exports that send or exclude this segment."""
        segment = self.get(actor, name)
        return [
            e
            for e in self._ledger.exports.all()
            if {segment.id, segment.name} & {*e.config.segment_ids, *e.config.exclude_ids}
        ]

    def mentioned_by(self, actor: Actor, name: str) -> Sequence[Segment]:
        """Return the segments whose rule refers to this one."""
        segment = self.get(actor, name)
        names = {segment.id, segment.name}
        return [s for s in self._ledger.segments.all() if s.rule and names & _segments_of(s.rule)]


def _segments_of(rule: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()

    def seen(name: str) -> str:
        found.add(name)
        return name

    referring(rule, seen, lambda export: export)
    return found
