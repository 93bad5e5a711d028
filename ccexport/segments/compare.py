"""Compares segments with each other and over time: overlap, sizes per snapshot, joiners and leavers.

Every count is exact. Must never find members itself: it is given their files.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow.parquet as pq

from ccexport.errors import BadInput, WrongUse
from ccexport.model.profiles import PROFILE_ID, ROW, Members, Segment, Snapshot
from ccexport.profiles.database import attach
from ccexport.profiles.store import ProfileStore

_MOST = 5


@dataclass(frozen=True)
class Overlap:
    """How many profiles are in exactly these segments and in none of the others compared."""

    segment_ids: tuple[str, ...]
    profiles: int


@dataclass(frozen=True)
class Size:
    """The number of members of a segment in one snapshot; None where its rule does not fit that snapshot."""

    snapshot_id: str
    created_at: datetime
    members: int | None
    profiles: int


@dataclass(frozen=True)
class Moves:
    """Who joined and left between two snapshots, by profile id."""

    joined: int
    left: int
    joined_ids: tuple[str, ...]
    left_ids: tuple[str, ...]


def overlap(snapshot: Snapshot, segments: Sequence[Members]) -> list[Overlap]:
    """Return the exact count of every non-empty combination of two to five segments, largest first."""
    if not 2 <= len(segments) <= _MOST:
        raise BadInput("Choose two to {most} segments to compare.", most=_MOST)
    # One byte per profile, one bit per segment: far cheaper than a join of millions of rows.
    bits = np.zeros(snapshot.profiles, dtype=np.uint8)
    for number, members in enumerate(segments):
        bits[pq.read_table(members.path, columns=[ROW]).column(0).to_numpy()] |= 1 << number
    counts = np.bincount(bits, minlength=1 << len(segments))
    found = [
        Overlap(tuple(m.segment_id for n, m in enumerate(segments) if combination >> n & 1), int(count))
        for combination, count in enumerate(counts)
        if combination and count
    ]
    return sorted(found, key=lambda o: -o.profiles)


def sizes(
    snapshots: Sequence[Snapshot], segment: Segment, members_in: Callable[[Segment, Snapshot], Members]
) -> list[Size]:
    """Return the size of a segment in each snapshot, in the order given."""
    found: list[Size] = []
    for snapshot in snapshots:
        try:
            count: int | None = members_in(segment, snapshot).count
        except WrongUse:
            count = None  # the snapshot lacks a field of the rule
        found.append(Size(snapshot.id, snapshot.created_at, count, snapshot.profiles))
    return found


def moves(
    profiles: ProfileStore, old: tuple[Snapshot, Members], new: tuple[Snapshot, Members], limit: int = 100
) -> Moves:
    """Return joiners and leavers of a segment between two snapshots, with the first ids of each."""
    (was, before), (now, after) = old, new
    with profiles.open(now) as db:
        attach(db, "was", was.path)
        for name, source, members in (("before", "was", before), ("after", "s", after)):
            db.run(
                f"""CREATE TEMP TABLE {name} AS SELECT {PROFILE_ID} AS id FROM {source}.profiles
                    WHERE {ROW} IN (SELECT {ROW} FROM read_parquet($m)) ORDER BY {ROW}""",
                {"m": str(members.path)},
            )
        answers = []
        for here, there in (("after", "before"), ("before", "after")):
            only = f"FROM {here} ANTI JOIN {there} USING (id)"
            (count,) = db.row(f"SELECT count(*) {only}")
            answers.append(
                (int(count), tuple(i for (i,) in db.rows(f"SELECT id {only} ORDER BY id LIMIT {int(limit)}")))
            )
    return Moves(answers[0][0], answers[1][0], answers[0][1], answers[1][1])
