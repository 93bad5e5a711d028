"""Use cases of the rules of segments: how many profiles a rule selects, a sample, and the rule in words."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from ccexport.messages import mark
from ccexport.model.exports import Actor
from ccexport.model.profiles import Segment
from ccexport.model.words import Role, SegmentKind
from ccexport.runs.sent_to import sent_by
from ccexport.segments.rules import parse_rule
from ccexport.segments.words import in_words
from ccexport.services.access import mask_profile, require, sees_personal
from ccexport.services.segment_insight import SegmentInsight
from ccexport.services.wiring import UseCases

_EVERYBODY, _MEMBERS = mark(("all profiles", "the profiles of a member list"))


class SegmentRules(UseCases):
    """Rules of segments, saved or not."""

    @cached_property
    def _insight(self) -> SegmentInsight:
        return SegmentInsight(self._wiring)

    def count_rule(self, actor: Actor, rule: Mapping[str, Any]) -> int:
        """Return how many profiles of the current snapshot a rule selects, for live counts in the editor."""
        require(actor, Role.VIEWER, "see segments")
        return self._wiring.members.count_rule(
            parse_rule(rule),
            self._wiring.current_snapshot(),
            lookup=self._ledger.segments.named,
            sent_by=sent_by(self._wiring.engine),
        )

    def count_together(self, actor: Actor, names: Sequence[str]) -> int:
        """Return how many profiles are in at least one of these segments, each counted once."""
        return self.count_rule(actor, {"any": [{"op": "in_segment", "value": name} for name in names]})

    def in_words(self, actor: Actor, name: str, *, say: Callable[[str], str] = str) -> str:
        """Return the segment in a plain sentence; `say` translates the words around names and values."""
        return self.said(actor, self._insight.get(actor, name), say=say)

    def said(self, actor: Actor, segment: Segment, *, say: Callable[[str], str] = str) -> str:
        """Return the same for a segment that is already loaded."""
        require(actor, Role.VIEWER, "see segments")
        if segment.kind is SegmentKind.DYNAMIC and segment.rule is not None:
            return in_words(parse_rule(self._insight.with_names(segment.rule)), say=say)
        return say(_EVERYBODY if segment.kind is SegmentKind.ALL else _MEMBERS)

    def rule_in_words(self, actor: Actor, rule: Mapping[str, Any], *, say: Callable[[str], str] = str) -> str:
        """Return a rule that is not saved yet in a plain sentence."""
        require(actor, Role.VIEWER, "see segments")
        return in_words(parse_rule(self._insight.with_names(rule)), say=say)

    def sample(self, actor: Actor, rule: Mapping[str, Any], *, limit: int = 20) -> Sequence[dict[str, Any]]:
        """Return some of the profiles a rule selects, the same ones each time; masked for a viewer."""
        require(actor, Role.VIEWER, "see segments")
        snapshot = self._wiring.current_snapshot()
        rows = self._wiring.members.sample(
            parse_rule(rule),
            snapshot,
            lookup=self._ledger.segments.named,
            sent_by=sent_by(self._wiring.engine),
            limit=limit,
        )
        return rows if sees_personal(actor) else [mask_profile(row, snapshot) for row in rows]
