"""Finds the members of a segment in a snapshot once, keeps them as a sorted Parquet file, then only reads it.

Must never change a file once written. Other things the members depend on (the day, for a rule such as "in
the last 30 days"; the segments it refers to) are part of the file's name.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ccexport.errors import BadInput, NotFound
from ccexport.files import published
from ccexport.model.profiles import PROFILE_ID, ROW, Members, Segment, Snapshot
from ccexport.model.words import SegmentKind
from ccexport.profiles.browse import chosen
from ccexport.profiles.database import DuckDB, quote_path
from ccexport.profiles.store import ProfileStore
from ccexport.segments.compile import SentBy, compile_rule, sent_file
from ccexport.segments.rules import Condition, Node, conditions, parse_rule, segments_in
from ccexport.segments.static import resolve_static, store_static

Lookup = Callable[[str], Segment]
_RELATIVE = {"in_last", "not_in_last", "in_next", "not_in_next", "this_month", "this_quarter", "this_year"}
_RELATIVE |= {"anniversary_in_next", "in_this_month", "in_this_quarter", "in_this_year"}
_SENT = {"sent_by_export", "not_sent_by_export"}
_COUNTS_KEPT = 1_000
_DAYS = {"today", "yesterday", "tomorrow"}


@dataclass(frozen=True)
class _Asked:
    """The inputs of one query; `below` are the segments being computed above this one."""

    snapshot: Snapshot
    today: date
    lookup: Lookup | None
    sent_by: SentBy | None
    below: tuple[Segment, ...] = ()


class MemberStore:
    """The members files under `root` (the data directory), in its folder `members`."""

    def __init__(self, root: Path, profiles: ProfileStore, clock: Callable[[], datetime]) -> None:
        self.folder = root / "members"
        self.profiles = profiles
        self._clock = clock
        self._counts: dict[tuple[str, str, str], int] = {}  # snapshots and members files never change

    def members(
        self,
        segment: Segment,
        snapshot: Snapshot,
        *,
        lookup: Lookup | None = None,
        sent_by: SentBy | None = None,
        on: date | None = None,
    ) -> Members:
        """Return the members, computed now or earlier.

        `lookup` returns the segments a rule refers to by id or name;
        `on` is the day that relative dates count from (default: today in UTC).
        """
        return self._members(segment, _Asked(snapshot, on or self._today(), lookup, sent_by))

    def count_rule(
        self,
        rule: Node | Mapping[str, Any],
        snapshot: Snapshot,
        *,
        lookup: Lookup | None = None,
        sent_by: SentBy | None = None,
    ) -> int:
        """Return how many profiles a rule selects; nothing is kept."""
        condition, params = self._compiled(parse_rule(rule), _Asked(snapshot, self._today(), lookup, sent_by))
        key = (snapshot.id, condition, repr(sorted(params.items())))
        if key in self._counts and sent_by is None:
            return self._counts[key]
        with self.profiles.reading(snapshot) as db:
            (count,) = db.row(f"SELECT count(*) FROM s.profiles p WHERE {condition}", params)
        if len(self._counts) >= _COUNTS_KEPT:
            self._counts.clear()
        self._counts[key] = int(count)
        return int(count)

    def sample(
        self,
        rule: Node | Mapping[str, Any],
        snapshot: Snapshot,
        *,
        limit: int = 20,
        lookup: Lookup | None = None,
        sent_by: SentBy | None = None,
    ) -> list[dict[str, Any]]:
        """Return the first profiles a rule selects, in file order; nothing is kept."""
        condition, params = self._compiled(parse_rule(rule), _Asked(snapshot, self._today(), lookup, sent_by))
        with self.profiles.reading(snapshot) as db:
            return chosen(db, snapshot, condition, params, limit=limit)

    def keep_static(self, segment: Segment, members: Path | Sequence[str]) -> Path:
        """Store a member list (a CSV file, or ids and addresses) for a static segment of this version."""
        return store_static(self._static_path(segment), members, current=self.profiles.current())

    def freeze(self, segment: Segment, members: Members) -> Path:
        """Store the members a segment has in one snapshot as the list of a static segment."""
        snapshot, path = self.profiles.snapshot(members.snapshot_id), self._static_path(segment)
        with published(path) as part, self.profiles.open(snapshot) as db:
            inside = f"{ROW} IN (SELECT {ROW} FROM read_parquet($m))"
            db.run(
                f"COPY (SELECT row_number() OVER (ORDER BY {ROW}) - 1 AS seq, {PROFILE_ID} AS id, "
                f"CAST(NULL AS VARCHAR) AS address FROM s.profiles WHERE {inside} ORDER BY {ROW}) "
                f"TO {quote_path(part)} (FORMAT parquet)",
                {"m": str(members.path)},
            )
        return path

    def copy_static(self, old: Segment, new: Segment) -> Path:
        """Copy the member list to another segment."""
        path = self._static_path(new)
        with published(path) as part:
            shutil.copyfile(self._list_of(old), part)
        return path

    def unmatched(self, segment: Segment, snapshot: Snapshot, limit: int = 1000) -> list[str]:
        """Return the entries of a static segment's list that match no profile."""
        with self.profiles.open(snapshot) as db:
            resolve_static(db, segment, self._list_of(segment), snapshot)
            rows = db.rows(f"SELECT coalesce(id, address) FROM _unmatched ORDER BY seq LIMIT {int(limit)}")
        return [r for (r,) in rows]

    def _members(self, segment: Segment, asked: _Asked) -> Members:
        if any(s.id == segment.id for s in asked.below):
            names = " → ".join(s.name for s in (*asked.below, segment))
            raise BadInput("Segments cannot contain each other: {names}.", names=names)
        asked = replace(asked, below=(*asked.below, segment))
        path = (
            self.folder
            / asked.snapshot.id
            / f"{segment.id}-{segment.version}{self._suffix(segment, asked)}.parquet"
        )
        if not path.exists():
            self._find(segment, asked, path)
        found = pq.read_metadata(path)
        unmatched = int((found.metadata or {}).get(b"unmatched", b"0"))
        return Members(segment.id, segment.name, asked.snapshot.id, path, found.num_rows, unmatched)

    def _find(self, segment: Segment, asked: _Asked, path: Path) -> None:
        condition, params = self._condition(segment, asked)
        with published(path) as part, self.profiles.open(asked.snapshot) as db:
            unmatched = 0
            if segment.kind is SegmentKind.STATIC:
                unmatched = resolve_static(db, segment, self._list_of(segment), asked.snapshot)
            _write(db, condition, params, part, unmatched)

    def _condition(self, segment: Segment, asked: _Asked) -> tuple[str, Mapping[str, Any]]:
        if segment.kind is SegmentKind.ALL:
            return "true", {}
        if segment.kind is SegmentKind.STATIC:
            return f"p.{ROW} IN (SELECT {ROW} FROM _matched)", {}
        return self._compiled(self._rule(segment), asked)

    def _compiled(self, node: Node, asked: _Asked) -> tuple[str, Mapping[str, Any]]:
        return compile_rule(
            node,
            asked.snapshot,
            today=asked.today,
            members_of=lambda name: self._members(_looked_up(asked.lookup, name), asked).path,
            sent_by=asked.sent_by,
        )

    def _suffix(self, segment: Segment, asked: _Asked) -> str:
        """Return a short digest of what the members depend on besides the segment's version and the snapshot."""
        if segment.kind is not SegmentKind.DYNAMIC:
            return ""
        node = self._rule(segment)
        found = [c for _, c in conditions(node)]
        depends: list[str] = []
        if any(c.op in _RELATIVE | _SENT or _names_a_day(c.value) for c in found):
            depends.append(asked.today.isoformat())
        depends += [_sent_file(c, asked) for c in found if c.op in _SENT]
        for name in sorted(segments_in(node)):
            depends.append(self._members(_looked_up(asked.lookup, name), asked).path.name)
        digest = hashlib.sha256("|".join(depends).encode()).hexdigest()[:12]
        return f"-{digest}" if depends else ""

    def _rule(self, segment: Segment) -> Node:
        if segment.rule is None:
            raise BadInput("The segment {segment} has no rule.", segment=segment.name)
        return parse_rule(segment.rule)

    def _list_of(self, segment: Segment) -> Path:
        path = segment.members_path or self._static_path(segment)
        if not path.exists():
            raise NotFound("The member list of the segment {segment} is missing.", segment=segment.name)
        return path

    def _static_path(self, segment: Segment) -> Path:
        return self.folder / "static" / f"{segment.id}-{segment.version}.parquet"

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()


def _write(db: DuckDB, condition: str, params: Mapping[str, Any], made: Path, unmatched: int) -> None:
    db.run(
        f"COPY (SELECT {ROW} FROM s.profiles p WHERE {condition} ORDER BY {ROW}) TO {quote_path(made)} "
        f"(FORMAT parquet, KV_METADATA {{unmatched: '{int(unmatched)}'}})",
        params,
    )


def _sent_file(condition: Condition, asked: _Asked) -> str:
    """Return the name and state of the file of profiles an export sent: another run may have sent since."""
    if asked.sent_by is None:
        return ""  # the compiler reports what is wrong
    path = sent_file(condition.value, asked.today, asked.sent_by)
    state = path.stat()
    return f"{path.name} {state.st_size} {state.st_mtime_ns}"


def _looked_up(lookup: Lookup | None, name: str) -> Segment:
    if lookup is None:
        raise BadInput(
            ("The rule refers to the segment '{name}', and segments cannot be looked up here."), name=name
        )
    return lookup(name)


def _names_a_day(value: Any) -> bool:
    values = (
        value
        if isinstance(value, list | tuple)
        else value.values()
        if isinstance(value, Mapping)
        else [value]
    )
    return any(isinstance(v, str) and v.strip().lower() in _DAYS for v in values)
