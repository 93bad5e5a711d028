"""Makes a plan: decide, map, compare, pack, freeze; in the order of the profiles, a slice at a time.

Owns the order of these steps. Must never read a clock itself, or leave a folder half made.
"""

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccexport.model.plans import Plan
from ccexport.model.words import Mode, Reason, Verdict
from ccexport.plan.contact import careful, drafts
from ccexport.plan.decide import Decided, decide
from ccexport.plan.deliveries import refused_contacts
from ccexport.plan.diff import (
    Slice,
    careful_query,
    drafts_query,
    removals_query,
    write_before,
    write_dropped,
)
from ccexport.plan.freeze import (
    BEFORE,
    DROPPED,
    ROWS,
    TEXTS,
    Digest,
    Facts,
    RowsFile,
    load_plan,
    new_folder,
    write_description,
)
from ccexport.plan.guards import REFUSED_BEFORE, Figures, tripped
from ccexport.plan.inputs import PlanInputs, check_inputs
from ccexport.plan.mapping import Target, resolve
from ccexport.plan.pack import MOST_BYTES, MOST_CONTACTS, Packer
from ccexport.profiles.clean_text import CLEAN
from ccexport.profiles.database import DuckDB
from ccexport.profiles.store import ProfileStore

__all__ = ["PlanInputs", "make_plan"]

# About how many candidates are mapped at once, and how many rows are written at once.
SLICE = 50_000
PIECE = 15_000
DRAFTED = [*(name for name in TEXTS), "delivered", "careful"]
_GRAIN = 61_440  # half a row group of DuckDB


def make_plan(
    inputs: PlanInputs,
    folder: Path,
    *,
    profiles: ProfileStore,
    plan_id: str,
    clock: Callable[[], datetime],
    most_bytes: int = MOST_BYTES,
    most_contacts: int = MOST_CONTACTS,
) -> Plan:
    """Plan the export into `folder`, which must not exist yet, and freeze it.

    Raises `BadInput` when the mapping or the inputs do not fit; then nothing is left behind.
    """
    check_inputs(inputs)
    config = inputs.export.config
    targets = resolve(config, inputs.snapshot, inputs.custom_fields)
    with new_folder(folder) as part, profiles.open(inputs.snapshot) as db:
        decided = decide(db, inputs)
        packer = Packer([config.list_id], most_bytes=most_bytes, most_contacts=most_contacts)
        rows, digest = RowsFile(part / ROWS), Digest()
        try:
            _write_rows(db, inputs, targets, decided, packer, rows, digest)
        finally:
            rows.close()
        batches = packer.close()
        write_before(db, inputs, part / ROWS, part / BEFORE)
        dropped = write_dropped(db, part / DROPPED)
        counts = rows.counts
        if decided.held_by_other:
            counts["warnings"]["held_by_other"] = decided.held_by_other
        if decided.moved and not config.takes_off_moved:
            counts["warnings"]["moved"] = decided.moved
        write_description(
            part,
            _facts(inputs, plan_id, decided, clock()),
            digest.hexdigest(_about(inputs, targets), batches, dropped),
            rows,
            batches,
            tripped(config.guards, _figures(inputs, decided, counts), inputs.released),
        )
    return load_plan(folder)


def _write_rows(
    db: DuckDB,
    inputs: PlanInputs,
    targets: Sequence[Target],
    decided: Decided,
    packer: Packer,
    rows: RowsFile,
    digest: Digest,
) -> None:
    send = [Verdict.ADD.value, Verdict.UPDATE.value]
    if inputs.export.config.resend_unchanged:
        send.append(Verdict.UNCHANGED.value)
    sent = pa.array(send)
    released = REFUSED_BEFORE in inputs.released
    refused = {} if released else refused_contacts(db, inputs.deliveries)
    for table in _slices(db, inputs, targets, decided):
        for batch in table.to_batches():
            judged = _without_refused(pa.Table.from_batches([batch]), refused)
            planned = numbered(judged, rows.rows, packer, sent)
            digest.add(planned)
            rows.add(planned)


def _without_refused(table: pa.Table, refused: Mapping[str, str]) -> pa.Table:
    """Give the contacts that were refused before, and are the same, the reason for it instead of a verdict."""
    if not refused:
        return table
    adds = pc.and_(
        pc.equal(table["verdict"], Verdict.ADD.value),
        pc.is_in(table["address"], value_set=pa.array(list(refused), pa.string())),
    )
    places = np.flatnonzero(adds.fill_null(False).to_numpy())
    same = [n for n in places if table["contact"][n].as_py() == refused[table["address"][n].as_py()]]
    if not same:
        return table
    mask = np.zeros(table.num_rows, bool)
    mask[same] = True
    for name, value in (("verdict", None), ("reason", Reason.REFUSED_BEFORE.value), ("contact", None)):
        column = pc.if_else(pa.array(mask), pa.scalar(value, pa.string()), table[name])
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def numbered(table: pa.Table, first: int, packer: Packer, sent: pa.Array) -> pa.Table:
    """Return the rows with their place in the plan and, when they are sent, in the bodies."""
    table = table.combine_chunks()
    chosen = pc.is_in(table["verdict"], value_set=sent)
    contacts = table["contact"].filter(chosen).combine_chunks()
    numbers, lines = packer.add(contacts)
    places = np.flatnonzero(chosen.to_numpy())
    for name, values in (("batch", numbers), ("line", lines)):
        column = np.full(table.num_rows, -1, np.int32)
        column[places] = values
        table = table.append_column(name, pa.array(column, mask=column < 0))
    return table.append_column("seq", pa.array(np.arange(first, first + table.num_rows, dtype=np.int32)))


def _slices(
    db: DuckDB, inputs: PlanInputs, targets: Sequence[Target], decided: Decided
) -> Iterator[pa.Table]:
    """Yield every row of the plan in order. The next slices are made while one is written."""
    contacts = _Contacts(inputs, targets, clean=_knows_clean(db))

    def work(part: Slice | None) -> pa.Table:
        with db.cursor() as cursor:
            if part is None:
                return cursor.arrow(removals_query(inputs), batch=PIECE).read_all()
            return contacts.made(cursor, part)

    # One DuckDB thread keeps the order of the profiles, so no sort is needed; two threads of ours
    # keep both cores busy. Their results need memory too, so DuckDB gets less meanwhile.
    limit = db.memory_limit
    db.run(f"SET threads = 1; SET memory_limit = '{limit * 2 // 3}B'")
    parts: list[Slice | None] = [Slice(low, high, decided.cut) for low, high in _ranges(db)]
    waiting: deque[Future[pa.Table]] = deque()
    with ThreadPoolExecutor(2, thread_name_prefix="plan") as pool:
        for part in [*parts, None] if decided.removals else parts:
            waiting.append(pool.submit(work, part))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    db.run(f"RESET threads; SET memory_limit = '{limit}B'")


def _knows_clean(db: DuckDB) -> bool:
    """Return whether the snapshot says which profiles are clean; those of earlier versions do not."""
    return bool(db.rows("SELECT 1 FROM (DESCRIBE s.profiles) WHERE column_name = ?", [CLEAN]))


class _Contacts:
    """Makes the rows of a slice: drafts of all of them, then the few that need cleaning."""

    def __init__(self, inputs: PlanInputs, targets: Sequence[Target], *, clean: bool) -> None:
        latest = inputs.snapshot.created_at.year + 10
        config = inputs.export.config
        self._email, self._clean, self._removes = config.email, clean, config.mode is Mode.REMOVE
        self._drafts = drafts(targets, latest_year=latest)
        self._careful = careful(targets, latest_year=latest)

    def made(self, db: DuckDB, part: Slice) -> pa.Table:
        query = drafts_query(self._drafts, self._email, part, clean=self._clean, removes=self._removes)
        rows = _in_order(db.arrow(query, batch=PIECE).read_all())
        todo = rows.filter(rows["careful"]).drop_columns(["contact", "warnings", "verdict"])
        rows = rows.select(DRAFTED)
        if not todo.num_rows:
            return rows
        with db.given("todo", todo):
            query = careful_query(self._careful, "todo")
            right = _in_order(db.arrow(query, batch=1_000_000).read_all())
        return pa.Table.from_batches(_put_right(rows, right.combine_chunks()))


def _put_right(rows: pa.Table, right: pa.Table) -> Iterator[pa.RecordBatch]:
    """Yield the drafts, with the rows that need cleaning replaced by the next rows of `right`."""
    done = 0
    for batch in rows.to_batches():
        chosen = batch["careful"]
        count = chosen.true_count
        for name in ("contact", "warnings", "verdict") if count else ():
            values = right[name].chunk(0).slice(done, count)
            batch = batch.set_column(
                batch.column_names.index(name), name, pc.replace_with_mask(batch[name], chosen, values)
            )
        done += count
        yield batch


def _in_order(table: pa.Table) -> pa.Table:
    """Return the rows by `_row`; they are usually in order already, unless DuckDB changed its query plan."""
    order = table["_row"].to_numpy()
    if (order[1:] < order[:-1]).any():
        return table.take(pc.sort_indices(table["_row"]))
    return table


def _ranges(db: DuckDB) -> list[tuple[int, int]]:
    """Return ranges of `_row`, each with about `SLICE` candidates."""
    grains = db.rows(f"SELECT _row // {_GRAIN} AS g, count(*) FROM decided GROUP BY g ORDER BY g")
    ranges: list[tuple[int, int]] = []
    low, count = 0, 0
    for grain, candidates in grains:
        count += candidates
        if count >= SLICE:
            ranges.append((low, (grain + 1) * _GRAIN))
            low, count = (grain + 1) * _GRAIN, 0
    if count:
        ranges.append((low, (grains[-1][0] + 1) * _GRAIN))
    return ranges


def _facts(inputs: PlanInputs, plan_id: str, decided: Decided, now: datetime) -> Facts:
    export, reading = inputs.export, inputs.destination
    noted = {
        "held": decided.held,
        "on_list": reading.on_list_count if reading else None,
        "unsubscribed": reading.unsubscribed_count if reading else None,
        "mode": export.config.mode.value,
        "mapping": _hash(export.config.model_dump(mode="json", include={"email", "fields"})),
        "consent": export.config.consent.field if export.config.consent else None,
        "refusals": ", ".join(r.field for r in export.config.refusals) or None,
        "released": ", ".join(sorted(inputs.released)) or None,
        "kept_for": json.dumps(_names(inputs, decided.kept_for)) if decided.kept_for else None,
    }
    return Facts(
        id=plan_id,
        export_id=export.id,
        export_version=export.version,
        snapshot_id=inputs.snapshot.id,
        account_id=inputs.account_id,
        list_id=export.config.list_id,
        made_at=now,
        destination_read_at=reading.read_at if reading else None,
        candidates=decided.candidates,
        segments={m.segment_name: m.count for m in inputs.members},
        inputs={name: str(value) for name, value in noted.items() if value is not None},
    )


def _names(inputs: PlanInputs, kept_for: Mapping[str, int]) -> dict[str, int]:
    """Return how many leavers stay for each other export, by its name."""
    names = {other.export.id: other.export.name for other in inputs.others}
    return {names.get(export_id, export_id): count for export_id, count in kept_for.items()}


def _about(inputs: PlanInputs, targets: Sequence[Target]) -> dict[str, Any]:
    """Return what is approved besides the rows. Display names are left out: renaming changes nothing."""
    config = inputs.export.config
    # New kinds of input are left out while unused, so that the digests of earlier plans do not change.
    refusals = {"refusals": [r.model_dump(mode="json") for r in config.refusals]} if config.refusals else {}
    moved = {"moved": config.moved.value} if config.moved else {}
    return (
        refusals
        | moved
        | {
            "account": inputs.account_id,
            "list": config.list_id,
            "mapping": [(t.field.name, t.mapped.model_dump(mode="json")) for t in targets],
            "config": config.model_dump(
                mode="json",
                include={
                    "email",
                    "mode",
                    "resend_unchanged",
                    "consent",
                    "newest_by",
                    "guards",
                    "international_phones",
                },
            ),
        }
    )


def _figures(inputs: PlanInputs, decided: Decided, counts: dict[str, Counter[str]]) -> Figures:
    return Figures(
        candidates=decided.candidates,
        verdicts={w: counts["verdict"][w] for w in Verdict},
        reasons={w: counts["reason"][w] for w in Reason},
        held=decided.held,
        mode=inputs.export.config.mode,
        last_candidates=inputs.last_candidates,
        last_sent=inputs.last_sent,
        head_room=inputs.head_room,
        gone=decided.gone,
    )


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
