"""Ends a run: reads the list back, sets the outcome of every contact sent, updates the deliveries.

Must never call anything verified that was not read back.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ccexport.constant_contact.account import Account
from ccexport.errors import ConstantContactError
from ccexport.messages import Message, counted, message
from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState, Outcome
from ccexport.plan.deliveries import fold
from ccexport.plan.verify import stayed, verify
from ccexport.runs.destination import Beat, await_activities, known, noted, read_list, write_addresses
from ccexport.runs.engine import Engine, Ticks
from ccexport.runs.holders import as_seen, holders_for
from ccexport.runs.settle import line_hints
from ccexport.runs.totals import left

_EXPLAINING = ("error_count", "correctable_count", "cannot_add_to_list_count")


@dataclass(frozen=True)
class Verified:
    """What reading back found.

    `on_list` is the last reading of the list; `stayed` counts contacts that were to leave but are still on it.
    """

    outcomes_path: Path
    outcomes: Counter[Outcome]
    on_list: Path
    stayed: int
    unsubscribed: Path | None = None


@dataclass(frozen=True)
class Told:
    """What smaller requests showed of plan rows, by `seq`: why one is refused, and whose change arrived."""

    singled: Mapping[int, str]
    arrived: frozenset[int]


def verify_run(
    engine: Engine,
    account: Account,
    run: Run,
    plan: Plan,
    batches: list[Batch],
    *,
    grace: timedelta,
    beat: Beat,
    told: Told | None = None,
) -> Verified:
    """Write the outcome of every contact sent to a Parquet file; count each outcome.

    Membership, and its end, may become visible late. So the list is read again until `grace` is over, while
    contacts are missing without an explanation or are still there after removal. Only then does a contact count
    as rejected by what smaller requests have `told`.
    """
    into = engine.data_dir / "outcomes" / f"{run.id}.{engine.term}.parquet"
    unsubscribed: Path | None = None
    deadline = engine.clock() + grace
    ticks = Ticks(first=1.0, factor=2.0, longest=30.0)
    said = False
    leaving = any(b.kind is BatchKind.REMOVE and left(b) for b in batches)
    while True:
        deadline = min(
            deadline, engine.clock() + grace
        )  # a clock that is set back must not make the grace longer
        on_list = engine.data_dir / "destination" / f"{engine.new_id('back')}.parquet"
        read_list(engine, account, run.list_id, on_list, beat)
        outcomes = _judge(engine, plan, on_list, unsubscribed, batches, into)
        if (outcomes[Outcome.MISSING] or outcomes[Outcome.LEFT]) and unsubscribed is None:
            unsubscribed = _read_unsubscribed(engine, account, run, beat)
            outcomes = _judge(engine, plan, on_list, unsubscribed, batches, into)
        still = stayed(plan, on_list, memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp")
        absent = outcomes[Outcome.MISSING] + outcomes[Outcome.LEFT]
        late = absent or (leaving and still)
        if not late or engine.clock() >= deadline:
            if told is not None:
                outcomes = _judge(engine, plan, on_list, unsubscribed, batches, into, told)
            return Verified(into, outcomes, on_list, still, unsubscribed)
        if not said:
            engine.ledger.runs.note(run.id, _late(absent, still, grace), actor=run.actor)
            said = True
        beat()
        engine.sleep(min(ticks.next(), max((deadline - engine.clock()).total_seconds(), 0)))


def _late(missing: int, still: int, grace: timedelta) -> Message:
    if missing:
        return counted(
            "{n} contact is not visible on the list yet; reading it again for up to {time}.",
            "{n} contacts are not visible on the list yet; reading it again for up to {time}.",
            n=missing,
            time=grace,
        )
    return counted(
        "{n} contact taken off the list is still visible on it; reading it again for up to {time}.",
        "{n} contacts taken off the list are still visible on it; reading it again for up to {time}.",
        n=still,
        time=grace,
    )


def _judge(
    engine: Engine,
    plan: Plan,
    on_list: Path,
    unsubscribed: Path | None,
    batches: list[Batch],
    into: Path,
    told: Told | None = None,
) -> Counter[Outcome]:
    imports = [b for b in batches if b.kind is BatchKind.IMPORT and b.state is not BatchState.PENDING]
    sent = [b.number for b in imports if b.state in {BatchState.COMPLETED, BatchState.FAILED}]
    unknown = [b.number for b in imports if b.number not in sent]
    return verify(
        plan,
        on_list=on_list,
        unsubscribed=unsubscribed,
        sent_batches=sent,
        unknown_batches=unknown,
        doubtful_batches=[b.number for b in imports if doubtful(b)],
        applied_batches=[b.number for b in imports if applied(b)],
        hints=line_hints(imports),
        refused={b.number: _refused(b) for b in imports if _refused(b)},
        singled=told.singled if told else None,
        arrived=told.arrived if told else (),
        into=into,
        memory_limit=engine.memory_limit,
        temp_dir=engine.data_dir / "temp",
    )


def doubtful(batch: Batch) -> bool:
    """Return whether rows of the batch may not have been processed, whatever the list shows."""
    people = batch.counters.get("person_count")
    return batch.state is not BatchState.COMPLETED or (people is not None and people < batch.contacts)


def applied(batch: Batch) -> bool:
    """Return whether Constant Contact counts every contact of the batch as applied."""
    return not doubtful(batch) and "person_count" in batch.counters and not _refused(batch)


def _refused(batch: Batch) -> int:
    """Return how many contacts of the batch Constant Contact says it did not put on the list."""
    return sum(batch.counters.get(name) or 0 for name in _EXPLAINING)


def _read_unsubscribed(engine: Engine, account: Account, run: Run, beat: Beat) -> Path | None:
    """Read who is unsubscribed now; None when that fails (outcomes are then less precise)."""
    into = engine.data_dir / "destination" / f"{engine.new_id('unsubscribed')}.parquet"
    try:
        started = noted(engine, account.start_unsubscribed_export())
        await_activities(engine, account, [started], beat)
        write_addresses(known(engine, account, started), into)
    except ConstantContactError as error:
        engine.ledger.runs.note(
            run.id,
            message("Unsubscribed people could not be read: {problem}", problem=error.message),
            actor=run.actor,
        )
        return None
    return into


def renew_deliveries(
    engine: Engine, run: Run, plan: Plan, verified: Verified | None, batches: Sequence[Batch]
) -> int:
    """Update the deliveries of the list with what this run did; return how many people were removed.

    Without `verified`, what was sent counts as unknown, and removals count only when every activity was completed.
    """
    base = engine.ledger.files.deliveries(run.account_id, run.list_id)
    name = f"{run.id}.{engine.term}.parquet"
    into = engine.data_dir / "deliveries" / _safe(run.account_id) / run.list_id / name
    settled: dict[BatchKind, list[int]] = {}
    for batch in batches:
        if batch.state in {BatchState.COMPLETED, BatchState.FAILED, BatchState.UNKNOWN, BatchState.SUBMITTED}:
            settled.setdefault(batch.kind, []).append(batch.number)
    ledger = engine.ledger
    read = set(ledger.runs.facts(run.id).readings)
    export = ledger.exports.at(run.export_id, run.export_version)
    holding = holders_for(ledger, run.account_id, export)
    removed = fold(
        base,
        plan,
        outcomes=verified.outcomes_path if verified else None,
        on_list=verified.on_list if verified else None,
        unsubscribed=verified.unsubscribed if verified else None,
        import_batches=settled.get(BatchKind.IMPORT, []),
        removed=BatchKind.REMOVE in settled and (verified is not None or _all_removed(batches)),
        readings=[
            as_seen(reading)
            for reading_id, reading in ledger.files.readings_of(run.account_id, run.list_id)
            if reading_id in read and reading.on_list.exists()
        ],
        holders=holding,
        export_id=run.export_id,
        run_id=run.id,
        at=engine.clock(),
        into=into,
        memory_limit=engine.memory_limit,
        temp_dir=engine.data_dir / "temp",
    )
    engine.ledger.files.replace_deliveries(run.account_id, run.list_id, into, run_id=run.id)
    return removed


def _all_removed(batches: Sequence[Batch]) -> bool:
    return all(b.state is BatchState.COMPLETED for b in batches if b.kind is BatchKind.REMOVE)


def _safe(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in text)
