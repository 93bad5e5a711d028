"""Splits lost contacts into halves until the contacts that cause the loss are known by name.

Owns which contacts go into which smaller request. All of it follows from the earlier requests and the list
as it was read back, so a restart continues where it was. Must never send a contact that the run's plan does
not send. Must never call a contact refused unless it was alone in a request that ended well.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ccexport.files import published_folder
from ccexport.messages import mark, message
from ccexport.model.plans import Plan
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState
from ccexport.plan.erasing import HALVES
from ccexport.plan.pack import request_body
from ccexport.plan.verify import UNSURE
from ccexport.profiles.database import quote_path, quote_text, session
from ccexport.runs.engine import Engine
from ccexport.runs.settle import line_hints
from ccexport.runs.totals import left
from ccexport.runs.verify import Told, doubtful

MOST_REQUESTS = 200
BODY = "0001.json"
FOUND = mark(
    "Refused without a reason: found by halving, alone in its request. Correct it or suppress it before the next "
    "run, or its whole request may be lost again."
)
Seqs = npt.NDArray[np.int32]


def halves(batches: Sequence[Batch]) -> list[Batch]:
    """Return the smaller requests of a run that exist so far."""
    return [b for b in batches if b.kind is BatchKind.HALVE]


def next_halves(
    engine: Engine, run: Run, plan: Plan, outcomes: Path, batches: Sequence[Batch]
) -> list[Batch]:
    """Write the next requests to disk and return them; none when all causes are known or it would take too many."""
    made = halves(batches)
    if any(not left(b) for b in made):
        return []  # refused for good, or cancelled: the other requests would fare the same
    groups = [part for group in _lost(engine, plan, outcomes, made) for part in _split(group)]
    if len(made) + len(groups) > MOST_REQUESTS:
        text = message(
            "Halving stops here: more than {most} requests would be needed to tell all of them apart.",
            most=MOST_REQUESTS,
        )
        engine.ledger.runs.note(run.id, text, actor=run.actor)
        return []
    return [_written(engine, run, plan, n, group) for n, group in enumerate(groups, start=len(made) + 1)]


def told(plan: Plan, batches: Sequence[Batch]) -> Told | None:
    """Return what the smaller requests of a run have shown so far; None when there are none."""
    singled: dict[int, str] = {}
    arrived: set[int] = set()
    for batch in halves(batches):
        rows = _rows_of(batch)
        if batch.state is BatchState.COMPLETED and len(rows) == 1:
            singled[rows[0]] = FOUND
        singled |= {rows[line]: text for (_, line), text in line_hints([batch]).items() if line < len(rows)}
        arrived.update(() if doubtful(batch) else rows)
    return Told(singled, frozenset(arrived)) if halves(batches) else None


def _lost(engine: Engine, plan: Plan, outcomes: Path, made: Sequence[Batch]) -> Iterator[Seqs]:
    """Yield rows lost for an unknown reason, grouped by the last request they were in.

    Rows that were alone in a request are already explained.
    """
    files = {"plan": quote_path(plan.path), "outcomes": quote_path(outcomes)}
    with session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db:
        found = db.arrow(_LOST.format(**files, unsure=quote_text(UNSURE))).read_all()
    seqs, request = found["seq"].to_numpy(), -found["batch"].to_numpy()
    for batch in made:
        again = np.isin(seqs, _rows_of(batch))
        request = np.where(again, batch.number, request)
    alone = {b.number for b in made if b.contacts == 1}
    yield from (seqs[request == one] for one in np.unique(request) if one not in alone)


# Requests of the plan get negative numbers, smaller ones positive numbers.
_LOST = """
SELECT r.seq, r.batch FROM read_parquet({plan}) r JOIN read_parquet({outcomes}) o ON o.seq = r.seq
WHERE o.outcome IN ('missing', 'unknown') OR o.note = {unsure} ORDER BY r.seq
"""


def _split(group: Seqs) -> list[Seqs]:
    middle = (len(group) + 1) // 2
    return [part for part in (group[:middle], group[middle:]) if len(part)]


def _rows_of(batch: Batch) -> list[int]:
    rows: list[int] = json.loads((batch.file.parent / "rows.json").read_text())
    return rows


def _written(engine: Engine, run: Run, plan: Plan, number: int, group: Seqs) -> Batch:
    """Write one smaller request to disk: the contacts exactly as planned, and which rows they are."""
    folder = plan.path.parent / HALVES / f"{number:04}.{engine.term}"
    query = (
        f"SELECT contact FROM read_parquet({quote_path(plan.path)}) r SEMI JOIN wanted USING (seq) "
        f"WHERE r.seq BETWEEN {group[0]} AND {group[-1]} ORDER BY r.seq"
    )
    with (
        published_folder(folder) as part,
        session(memory_limit=engine.memory_limit, temp_dir=engine.data_dir / "temp") as db,
        db.given("wanted", pa.table({"seq": pa.array(group, pa.int32())})),
    ):
        contacts = db.arrow(query).read_all()["contact"]
        body = request_body(contacts, [plan.list_id])
        (part / BODY).write_bytes(body)
        (part / "rows.json").write_text(json.dumps(group.tolist()))
    return Batch(
        run_id=run.id,
        number=number,
        kind=BatchKind.HALVE,
        state=BatchState.PENDING,
        contacts=len(contacts),
        bytes=len(body),
        file=folder / BODY,
        sha256=hashlib.sha256(body).hexdigest(),
    )
