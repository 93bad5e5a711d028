"""Makes the plan of an export from current data, or finds that the last plan is still valid.

The preview and the run both use it, so they cannot differ. Must never send anything.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ccexport.constant_contact.account import Account
from ccexport.errors import BadInput, CcexportError, PlanDamaged
from ccexport.files import private_folder, published
from ccexport.messages import Message, mark, word
from ccexport.model.exports import Connection, Export, Guards
from ccexport.model.plans import DestinationReading, Plan
from ccexport.model.profiles import Members, Segment, Snapshot
from ccexport.model.words import Mode, RunState, Trigger
from ccexport.plan.freeze import load_plan
from ccexport.plan.guards import EMPTY
from ccexport.plan.inputs import OtherExport, PlanInputs, Taken
from ccexport.plan.make import make_plan
from ccexport.plan.standing import Seen
from ccexport.profiles.addresses import address_sql
from ccexport.profiles.database import quote_identifier, quote_path, session
from ccexport.runs.destination import Beat, read_destination
from ccexport.runs.disk_space import make_room
from ccexport.runs.engine import Engine
from ccexport.runs.erased import ErasedList
from ccexport.runs.holders import as_seen, exports_to, holders_for, readings_since
from ccexport.runs.sent_to import sent_by

log = logging.getLogger(__name__)
Lookup = Callable[[str], Segment]
WORDS = mark(
    {
        "snapshot": "there is a new snapshot of the profiles",
        "export": "the export was changed",
        "resend": "unchanged contacts are to be sent in the one and not in the other",
        "segments": "a segment was changed",
        "others": "an excluded segment, or the segments of an export that comes first, were changed",
        "deliveries": "another run has delivered to this list",
        "suppression": "the suppression list was changed",
        "on_list": "other people are on the contact list now",
        "unsubscribed": "other people are unsubscribed now",
        "custom_fields": "custom fields were changed at Constant Contact",
        "earlier": "people left the list, or came back, since the last run",
        "holders": "other exports to this list were changed",
        "released": "other guards are released",
        "contract_limit": "the contract limit was changed",
        "head_room": "the account holds more or fewer contacts now",
    }
)


# Previews are deleted after a week; none may be deleted while a run is about to send it.
REUSABLE = timedelta(days=6)


def resending(export: Export) -> Export:
    """Return the export with unchanged contacts sent as well; the saved export is not changed."""
    return replace(export, config=export.config.model_copy(update={"resend_unchanged": True}))


@dataclass(frozen=True)
class _Given:
    """Everything a plan is made from, as it is now."""

    export: Export
    connection: Connection
    reading: DestinationReading | None
    custom_fields: Mapping[str, str]
    head_room: int | None
    snapshot: Snapshot
    members: tuple[Members, ...]
    excluded: tuple[Members, ...]
    taken: tuple[Taken, ...]
    deliveries: Path | None
    earlier: tuple[Seen, ...]
    others: tuple[OtherExport, ...]
    holders: Mapping[str, int]


class Planner:
    """Plans exports. One call returns one frozen, registered plan."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def plan(
        self,
        export: Export,
        *,
        fresh: bool,
        beat: Beat = lambda: None,
        reuse: bool = True,
        lookup: Lookup | None = None,
    ) -> Plan:
        """Return the plan of this export now.

        `fresh`: read the destination even if there is a recent reading. With `reuse`, a plan already made from
        exactly the same inputs is returned; with `fresh` every byte of it is checked. `lookup` returns the segments;
        by default as they are now.
        """
        connection = self._engine.ledger.connections.get(export.config.connection_id)
        reading, custom_fields = self._destination(export, connection, fresh=fresh, beat=beat)
        room = self._head_room(connection)
        return self._made(
            export,
            connection,
            reading,
            custom_fields,
            room,
            reuse=reuse,
            whole=fresh,
            beat=beat,
            lookup=lookup,
        )

    def plan_take_off(self, export: Export, *, beat: Beat = lambda: None) -> Plan:
        """Return the plan that removes the people only this export holds on the list; no guard applies."""
        none = Guards(removals_percent=None, shrunk_percent=None, gone_percent=None)
        changed = {
            "mode": Mode.MIRROR,
            "segment_ids": (),
            "exclude_ids": (),
            "yields_to": (),
            "guards": none,
        }
        alone = replace(export, config=export.config.model_copy(update=changed))
        return self.plan(alone, fresh=True, beat=beat, reuse=False)

    def last_reading(self, export: Export) -> DestinationReading | None:
        """Return the newest reading that is still valid.

        A reading from before the last delivery is not: everybody delivered since would seem to have left.
        """
        connection = self._engine.ledger.connections.get(export.config.connection_id)
        files, target = self._engine.ledger.files, (connection.account_id, export.config.list_id)
        reading, delivered_at = files.latest_reading(*target), files.delivered_at(*target)
        if reading is None or (delivered_at is not None and reading.read_at < delivered_at):
            return None
        return reading

    def plan_without_destination(self, export: Export) -> Plan:
        """Return a plan for a preview without asking Constant Contact, with the last reading or none."""
        connection = self._engine.ledger.connections.get(export.config.connection_id)
        reading = self.last_reading(export)
        return self._made(export, connection, reading, None, None, reuse=True, whole=False, beat=lambda: None)

    def _destination(
        self, export: Export, connection: Connection, *, fresh: bool, beat: Beat
    ) -> tuple[DestinationReading, Mapping[str, str]]:
        account = self._engine.account_for(connection.id)
        custom_fields = self._custom_fields(export, account)
        at_hand = self.last_reading(export)
        if at_hand is not None and not fresh:
            return at_hand, custom_fields
        reading = read_destination(self._engine, account, connection.account_id, export.config.list_id, beat)
        return reading, custom_fields

    def _custom_fields(self, export: Export, account: Account) -> Mapping[str, str]:
        """Return id → current name; a renamed custom field would be dropped without an error."""
        if not any(field.target.startswith("cf:") for field in export.config.fields):
            return {}
        there = {field.id: field.name for field in account.custom_fields()}
        gone = [
            target
            for field in export.config.fields
            if field.target.startswith("cf:") and (target := field.target.removeprefix("cf:")) not in there
        ]
        if gone:
            raise BadInput(
                "The custom field {name}, mapped in {export}, is not there at Constant Contact any more; choose "
                "another or take it out of the mapping.",
                name=self._remembered_fields(export).get(gone[0], gone[0]),
                export=export.name,
            )
        return there

    def _made(
        self,
        export: Export,
        connection: Connection,
        reading: DestinationReading | None,
        custom_fields: Mapping[str, str] | None,
        head_room: int | None,
        *,
        reuse: bool,
        whole: bool,
        beat: Beat,
        lookup: Lookup | None = None,
    ) -> Plan:
        if custom_fields is None:
            custom_fields = self._remembered_fields(export)
        snapshot = self._snapshot()
        account_id, list_id = connection.account_id, export.config.list_id
        since = readings_since(self._engine, account_id, list_id, until=reading) if reading else []
        given = _Given(
            export=export,
            connection=connection,
            reading=reading,
            custom_fields=custom_fields,
            head_room=head_room,
            snapshot=snapshot,
            members=self._members(export.config.segment_ids, snapshot, lookup),
            excluded=self._members(export.config.exclude_ids, snapshot, lookup),
            taken=self._taken(export, snapshot),
            deliveries=self._engine.ledger.files.deliveries(account_id, list_id),
            earlier=tuple(as_seen(r) for _, r in since if reading is None or r.on_list != reading.on_list),
            others=self._others(export, account_id, snapshot),
            holders=holders_for(self._engine.ledger, account_id, export),
        )
        inputs = self._inputs(given)
        known = self._known(export, inputs, reading, whole=whole) if reuse else None
        if known is not None:
            return known
        beat()
        return self._new(given, inputs)

    def _inputs(self, given: _Given) -> dict[str, str]:
        """Return what the plan is made from: each input with a word that changes when the input does."""
        export, reading, deliveries = given.export, given.reading, given.deliveries
        return {
            "export": f"{export.id} version {export.version}",
            "resend": str(export.config.resend_unchanged),
            "snapshot": given.snapshot.id,
            "segments": ", ".join(m.path.stem for m in given.members),
            **({"others": others} if (others := _others(given)) else {}),
            "deliveries": deliveries.stem if deliveries else "none",
            "suppression": self._suppression_name(),
            "on_list": file_digest(self._engine, reading.on_list) if reading else "unknown",
            "unsubscribed": file_digest(self._engine, reading.unsubscribed) if reading else "unknown",
            "custom_fields": _digest(sorted(given.custom_fields.items())),
            "earlier": self._earlier(given),
            "holders": _digest(
                [sorted(given.holders.items())]
                + [[o.export.id, o.export.version, [m.path.stem for m in o.members]] for o in given.others]
            ),
            "released": ", ".join(sorted(self._engine.ledger.releases.open(export.id))),
            "contract_limit": str(given.connection.contract_limit),
            # Other programs fill the account too: a plan that fitted an hour ago may be too large now.
            "head_room": str(given.head_room),
        }

    def _earlier(self, given: _Given) -> str:
        """Return what the readings since the last delivery hold, in order, skipping repetitions."""
        digests = [file_digest(self._engine, seen.on_list) for seen in given.earlier]
        digests += [file_digest(self._engine, given.reading.on_list)] if given.reading else []
        changed = [now for before, now in pairwise(["", *digests]) if now != before]
        return ", ".join(changed[:-1])

    def _others(self, export: Export, account_id: str, snapshot: Snapshot) -> tuple[OtherExport, ...]:
        """Return the other exports to the same list; in mirror mode also whom they would put there now."""
        found = exports_to(self._engine.ledger, account_id, export.config.list_id)
        others = [other for other in found if other.id != export.id]
        mirror = export.config.mode is Mode.MIRROR
        return tuple(
            OtherExport(other, self._members_or_none(other, snapshot) if mirror and not other.paused else ())
            for other in others
        )

    def _members_or_none(self, other: Export, snapshot: Snapshot) -> tuple[Members, ...]:
        """Return the other export's members; none when that export is not valid."""
        if other.config.email not in {field.name for field in snapshot.fields}:
            return ()
        try:
            return self._members(other.config.segment_ids, snapshot)
        except CcexportError as error:
            log.warning("the members of %s cannot be found: %s", other.id, error.log)
            return ()

    def _new(self, given: _Given, inputs: Mapping[str, str]) -> Plan:
        """Make the plan, freeze it and register it."""
        export, ledger = given.export, self._engine.ledger
        make_room(self._engine, sum(m.count for m in given.members))
        last = self._last_counts(export)
        # Without segments it removes everybody it holds, so having nobody to send is intended.
        released = ledger.releases.open(export.id) | ({EMPTY} if not export.config.segment_ids else set())
        plan_id = self._engine.new_id("plan")
        folder = self._engine.data_dir / "plans" / plan_id
        with self.suppression(given.snapshot, export.config.email) as (suppression, _):
            made = make_plan(
                PlanInputs(
                    export=export,
                    snapshot=given.snapshot,
                    members=given.members,
                    account_id=given.connection.account_id,
                    destination=given.reading,
                    deliveries=given.deliveries,
                    earlier=given.earlier,
                    others=given.others,
                    holders=given.holders,
                    suppression=suppression,
                    custom_fields=given.custom_fields,
                    excluded=given.excluded,
                    taken=given.taken,
                    last_candidates=last.get("candidates"),
                    last_sent=last.get("sent"),
                    head_room=given.head_room,
                    released=released,
                ),
                folder,
                profiles=self._engine.profiles,
                plan_id=plan_id,
                clock=self._engine.clock,
                most_contacts=self._engine.most_contacts,
            )
        ledger.files.add_plan(
            plan_id,
            export_id=export.id,
            digest=made.digest,
            folder=folder,
            inputs={**inputs, "custom_field_names": dict(given.custom_fields)},
            kind="export",
        )
        return replace(made, inputs={**made.inputs, **inputs})

    def _known(
        self,
        export: Export,
        inputs: Mapping[str, str],
        reading: DestinationReading | None,
        *,
        whole: bool,
    ) -> Plan | None:
        """Return a plan made from just these inputs, if there is one; `whole` checks every byte of it, for a run."""
        for row in self._engine.ledger.files.plans_of(export.id, limit=5):
            if self._engine.clock() - row["made_at"] > REUSABLE:
                continue
            if {k: v for k, v in row["inputs"].items() if k in WORDS} == inputs:
                try:
                    kept = load_plan(row["folder"], hashes=whole)
                except PlanDamaged as error:
                    log.warning("a plan at hand is made anew: %s", error.log)
                    continue
                read_at = reading.read_at if reading else None
                return replace(kept, inputs={**kept.inputs, **inputs}, destination_read_at=read_at)
        return None

    def differences(self, before: Mapping[str, str], now: Mapping[str, str]) -> list[Message]:
        """Return what changed between two plans' inputs, in words."""
        return [word(words) for key, words in WORDS.items() if before.get(key) != now.get(key)]

    def _snapshot(self) -> Snapshot:
        snapshot = self._engine.profiles.current()
        if snapshot is None:
            raise BadInput("There are no profiles yet: ingest a file first (profiles ingest FILE).")
        return snapshot

    def _taken(self, export: Export, snapshot: Snapshot) -> tuple[Taken, ...]:
        """Return whom the exports with precedence take, directly or through others; paused ones keep their people."""
        ahead, seen = list(export.config.yields_to), {export.id: Taken(())}
        while ahead:
            other = self._engine.ledger.exports.get(ahead.pop(0))
            if other.id not in seen and not other.removed:
                seen[other.id] = Taken(
                    self._members(other.config.segment_ids, snapshot),
                    self._members(other.config.exclude_ids, snapshot),
                )
                ahead += other.config.yields_to
        return tuple(seen.values())[1:]

    def _members(
        self, segment_ids: Sequence[str], snapshot: Snapshot, lookup: Lookup | None = None
    ) -> tuple[Members, ...]:
        lookup = lookup or self._engine.ledger.segments.named
        return tuple(
            self._engine.members.members(lookup(s), snapshot, lookup=lookup, sent_by=sent_by(self._engine))
            for s in segment_ids
        )

    @contextmanager
    def suppression(
        self, snapshot: Snapshot | None = None, email: str = ""
    ) -> Iterator[tuple[Path | None, str]]:
        """Provide the suppression list as a file, None when it is empty, and the word for its present state.

        With a snapshot, the file also has erased people who are in that snapshot; that file is temporary.
        """
        named, kept = self._suppression_name(), self._suppression_file()
        erased = ErasedList(self._engine.data_dir)
        if snapshot is None or not len(erased):
            yield kept, named
            return
        address = address_sql(f"p.{quote_identifier(email)}::VARCHAR")
        with (
            private_folder(self._engine.data_dir / "temp") as folder,
            self._engine.profiles.open(snapshot) as db,
        ):
            query = f"SELECT DISTINCT {address} AS value FROM s.profiles p WHERE {erased.condition(address)}"
            query += f" UNION ALL SELECT value FROM read_parquet({quote_path(kept)})" if kept else ""
            into = folder / "suppression.parquet"
            pq.write_table(db.arrow(query).read_all(), into)
            yield into, named

    def _suppression_name(self) -> str:
        """Return a word that changes with the suppression list and with the list of erased people."""
        return f"{self._engine.ledger.suppression.revision()}-{ErasedList(self._engine.data_dir).digest}"

    def _suppression_file(self) -> Path | None:
        """Return the suppression list as a Parquet file; it is written once for each state of the list."""
        suppression, folder = self._engine.ledger.suppression, self._engine.data_dir / "suppression"
        path = folder / f"{suppression.revision()}.parquet"
        if path.exists():
            return path
        revision, entries = suppression.entries()
        if not entries:
            return None
        path = folder / f"{revision}.parquet"
        with published(path) as part:
            pq.write_table(
                pa.table(dict(zip(("value", "kind"), zip(*entries, strict=True), strict=True))), part
            )
        return path

    def _last_counts(self, export: Export) -> Mapping[str, int]:
        """Return the numbers of the last run that ended well; empty before the first."""
        for run in self._engine.ledger.runs.all(export_id=export.id, live=False, limit=20):
            ended_well = run.state in {RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_REJECTS}
            if ended_well and run.trigger is not Trigger.UNDO:
                return run.counts
        return {}

    def _head_room(self, connection: Connection) -> int | None:
        """Return how many more contacts the contract allows; None without a limit. Raises when nobody can tell."""
        if connection.contract_limit is None:
            return None
        counts = self._engine.account_for(connection.id).counts()
        active = sum(counts.get(word, 0) for word in ("explicit", "implicit", "pending"))
        return connection.contract_limit - active

    def _remembered_fields(self, export: Export) -> Mapping[str, str]:
        plans = self._engine.ledger.files.plans_of(export.id, limit=1)
        names: Mapping[str, str] = plans[0]["inputs"].get("custom_field_names", {}) if plans else {}
        return names


def _others(given: _Given) -> str:
    """Return a word for the members left to other exports, by name; empty when there are none."""
    excluded = [f"not {m.path.stem}" for m in given.excluded]
    for taken in given.taken:
        excluded += [f"+{m.path.stem}" for m in taken.members] + [f"-{m.path.stem}" for m in taken.excluded]
    return ", ".join(excluded)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, default=str).encode()).hexdigest()[:16]


def file_digest(engine: Engine, path: Path) -> str:
    """Return a hash of what an address file holds, whatever the order of the addresses."""
    with session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db:
        count, mixed = db.row("SELECT count(*), bit_xor(hash(address)) FROM read_parquet(?)", [str(path)])
    return f"{count}-{mixed or 0:016x}"
