"""Everything a plan is made from, as one value. Must never open the files it names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.exports import Export
from ccexport.model.plans import DestinationReading
from ccexport.model.profiles import Members, Snapshot
from ccexport.plan.standing import Seen

MOST_SEGMENTS = 60


@dataclass(frozen=True)
class Taken:
    """The people taken by an export with precedence: its segments without the ones it excludes."""

    members: tuple[Members, ...]
    excluded: tuple[Members, ...] = ()


@dataclass(frozen=True)
class OtherExport:
    """Another export to the same list: whom its own rule refuses, and whom it would put there now."""

    export: Export
    members: tuple[Members, ...] = ()


@dataclass(frozen=True)
class PlanInputs:
    """What to plan: the export, its members on one snapshot, and what is known of the destination.

    `destination` None means it could not be read: such a plan can be previewed, but nobody can know who
    unsubscribed or left. `suppression` is a Parquet file of one text column, each row an address
    or a domain (`example.com` or `@example.com`). `last_candidates` and `last_sent` are of this
    export's last finished run; `head_room` is how many more contacts the contract allows.
    `released` are the names of the guards a person has released for this run. `earlier` are the readings
    taken since the deliveries, oldest first, without `destination`. `holders`: the exports that may hold
    somebody on the list, each with the first of its versions that counts (None: every export that has a hold);
    `others` are the other exports to the list.
    """

    export: Export
    snapshot: Snapshot
    members: tuple[Members, ...]
    account_id: str
    destination: DestinationReading | None = None
    deliveries: Path | None = None
    suppression: Path | None = None
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[Members, ...] = ()
    taken: tuple[Taken, ...] = ()
    last_candidates: int | None = None
    last_sent: int | None = None
    head_room: int | None = None
    released: frozenset[str] = frozenset()
    earlier: tuple[Seen, ...] = ()
    holders: Mapping[str, int] | None = None
    others: tuple[OtherExport, ...] = ()


def check_inputs(inputs: PlanInputs) -> None:
    """Raise `BadInput` when the inputs do not belong together."""
    config = inputs.export.config
    if len(inputs.members) > MOST_SEGMENTS:
        raise BadInput(
            "An export takes at most {most} segments; {count} are chosen.",
            most=MOST_SEGMENTS,
            count=len(inputs.members),
        )
    others = [*inputs.excluded, *(m for t in inputs.taken for m in (*t.members, *t.excluded))]
    for members in (*inputs.members, *others):
        if members.snapshot_id != inputs.snapshot.id:
            raise BadInput(
                "The members of “{segment}” are of another snapshot of the profiles; make them again.",
                segment=members.segment_name,
            )
    reading = inputs.destination
    if reading and (reading.account_id, reading.list_id) != (inputs.account_id, config.list_id):
        raise BadInput("What was read at the destination is of another account or list; read it again.")
