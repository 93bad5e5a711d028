"""Reads the destination: who is on the list, and who is unsubscribed in the account.

It takes two bulk export activities, whatever the size of the list
(https://developer.constantcontact.com/api_guide/export_contacts.html). Must never compare
a reading with anything: the plan and the verification do that.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ccexport.constant_contact.account import Account, Activity
from ccexport.errors import ConstantContactDown
from ccexport.files import published
from ccexport.model.plans import DestinationReading
from ccexport.runs.engine import Engine, Ticks
from ccexport.runs.erased import ErasedList

LONGEST = timedelta(minutes=30)
CHUNK = 50_000
# How far a reading may fall short of the list's own count, which is slightly older and eventually consistent.
FEW, SHARE = 20, 0.05
AGAIN = 5.0
Beat = Callable[[], None]


def read_destination(
    engine: Engine, account: Account, account_id: str, list_id: str, beat: Beat
) -> DestinationReading:
    """Read the list and the unsubscribed people now, and register the reading.

    A reading with far fewer people than the list's own count would make the missing people look as if they had
    left. It is therefore repeated once, and then refused. Raises `NotFound` when the list no longer exists,
    what the account raises, and `ConstantContactDown` when the export activities do not finish or do not fit.
    """
    for last in (False, True):
        members = account.list(list_id).members
        reading_id, reading = _read(engine, account, account_id, list_id, beat)
        if members is None or members - reading.on_list_count <= max(FEW, members * SHARE):
            engine.ledger.files.add_reading(reading_id, reading)
            return reading
        if not last:
            engine.sleep(AGAIN)
    raise ConstantContactDown(
        "The contact list counts {members} members, but only {read} could be read; trying again later.",
        members=members,
        read=reading.on_list_count,
    )


def _read(
    engine: Engine, account: Account, account_id: str, list_id: str, beat: Beat
) -> tuple[str, DestinationReading]:
    """Read list and unsubscribed people into files; `beat` is called on every poll."""
    reading_id = engine.new_id("reading")
    folder = engine.data_dir / "destination" / reading_id
    read_at = engine.clock()
    started = [
        noted(engine, account.start_list_export(list_id)),
        noted(engine, account.start_unsubscribed_export()),
    ]
    await_activities(engine, account, started, beat)
    counts = [
        write_addresses(known(engine, account, activity), folder / name)
        for activity, name in zip(started, ("on_list.parquet", "unsubscribed.parquet"), strict=True)
    ]
    return reading_id, DestinationReading(
        account_id=account_id,
        list_id=list_id,
        on_list=folder / "on_list.parquet",
        unsubscribed=folder / "unsubscribed.parquet",
        on_list_count=counts[0],
        unsubscribed_count=counts[1],
        read_at=read_at,
    )


def read_list(engine: Engine, account: Account, list_id: str, into: Path, beat: Beat) -> int:
    """Write the addresses that are on the list now to `into`; return how many."""
    started = noted(engine, account.start_list_export(list_id))
    await_activities(engine, account, [started], beat)
    return write_addresses(known(engine, account, started), into)


def known(engine: Engine, account: Account, activity: str) -> Iterator[str]:
    """Yield the addresses of a finished export activity, without those erased here."""
    return ErasedList(engine.data_dir).without(account.export_addresses(activity))


def noted(engine: Engine, activity: Activity) -> str:
    """Record the activity as ours, so that it is never taken for a lost import; return its id."""
    engine.ledger.runs.note_activity(activity.id)
    return activity.id


def await_activities(engine: Engine, account: Account, ids: list[str], beat: Beat) -> None:
    """Poll until all these activities are completed."""
    deadline = engine.clock() + LONGEST
    ticks = Ticks()
    waiting = set(ids)
    while waiting:
        deadline = min(
            deadline, engine.clock() + LONGEST
        )  # a clock that is set back must not make the wait longer
        beat()
        engine.sleep(ticks.next())
        for activity in account.activities():
            if activity.id in waiting and activity.failed:
                # The next export activity may well succeed, so the run waits.
                raise ConstantContactDown(
                    "Constant Contact could not export the list for reading back; trying again later.",
                    key=activity.state,
                    activity=activity.id,
                )
            if activity.id in waiting and activity.finished:
                waiting.discard(activity.id)
        if waiting and engine.clock() > deadline:
            raise ConstantContactDown(
                "Constant Contact has not finished reading the list back; trying again later."
            )


def write_addresses(addresses: Iterable[str], into: Path) -> int:
    """Write normalised addresses to a Parquet file with one column, `address`; the file is complete or absent."""
    schema = pa.schema([("address", pa.string())])
    count = 0
    with published(into) as part, pq.ParquetWriter(part, schema) as writer:
        for chunk in _chunks(iter(addresses)):
            column = pc.utf8_lower(pc.utf8_trim_whitespace(pa.array(chunk, pa.string())))
            writer.write_table(pa.table([column], schema=schema))
            count += len(chunk)
    return count


def _chunks(values: Iterator[str]) -> Iterator[list[str]]:
    while chunk := list(islice(values, CHUNK)):
        yield chunk
