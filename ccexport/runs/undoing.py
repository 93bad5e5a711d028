"""Makes the plan that undoes a run, from a new reading of the list.

The preview and the run both use it, so they cannot differ. Must never send anything, and never
work from an earlier reading of the list.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ccexport.errors import Conflict
from ccexport.files import private_folder
from ccexport.model.exports import Export
from ccexport.model.plans import DestinationReading, Plan
from ccexport.model.profiles import Members
from ccexport.model.runs import Run
from ccexport.plan.decide import decide
from ccexport.plan.freeze import load_plan
from ccexport.plan.inputs import PlanInputs
from ccexport.plan.undo import make_undo
from ccexport.runs.destination import Beat, read_destination
from ccexport.runs.disk_space import make_room
from ccexport.runs.engine import Engine
from ccexport.runs.holders import as_seen, holders, readings_since
from ccexport.runs.planning import Planner, file_digest

UNDO_OF = "undo_of"


def refuse_undo(run: Run, rows_gone: bool) -> None:
    """Raise `Conflict` with the reason when the run cannot be undone."""
    if not run.state.ended:
        raise Conflict("Run {run} has not ended; cancel it first, then undo what it sent.", run=run.id)
    if rows_gone:
        raise Conflict("Run {run} cannot be undone: its contacts are not kept any more.", run=run.id)
    if run.plan_id is None or run.outcomes_path is None:
        raise Conflict("Run {run} sent nothing, so there is nothing to undo.", run=run.id)


class Undoer:
    """Plans undos. One call returns one frozen, registered plan of kind `undo`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def plan(self, run_id: str, *, beat: Beat = lambda: None) -> Plan:
        """Read the list now and plan the undo of that run."""
        engine, ledger = self._engine, self._engine.ledger
        run = ledger.runs.get(run_id)
        refuse_undo(run, bool(ledger.runs.facts(run_id).rows_removed))
        done = load_plan(ledger.files.plan_folder(run.plan_id or ""))
        deliveries = ledger.files.deliveries(run.account_id, run.list_id)
        if deliveries is None or run.outcomes_path is None:
            raise Conflict("Run {run} sent nothing, so there is nothing to undo.", run=run.id)
        account = engine.account_for(run.connection_id)
        make_room(engine, done.candidates)
        reading = read_destination(engine, account, run.account_id, run.list_id, beat)
        export = ledger.exports.get(run.export_id)
        since = readings_since(engine, run.account_id, run.list_id, until=reading)
        # An export that was removed, or goes elsewhere by now, holds nobody: whom it left behind stays there.
        holding = {export.id: export.version + 1, **holders(ledger, run.account_id, run.list_id)}
        plan_id = engine.new_id("plan")
        folder = engine.data_dir / "plans" / plan_id
        with (
            Planner(engine).suppression() as (suppression, named),
            self._consented(export, reading) as consented,
        ):
            inputs = {
                "undo_of": run.id,
                "deliveries": deliveries.stem,
                "suppression": named,
                "on_list": file_digest(engine, reading.on_list),
                "unsubscribed": file_digest(engine, reading.unsubscribed),
                "export": f"{export.id} version {export.version}",
            }
            made = make_undo(
                done,
                folder,
                outcomes=run.outcomes_path,
                deliveries=deliveries,
                destination=reading,
                plan_id=plan_id,
                clock=engine.clock,
                run_id=run.id,
                suppression=suppression,
                consented=consented,
                earlier=[as_seen(r) for _, r in since if r.on_list != reading.on_list],
                holders=holding,
                memory_limit=engine.memory_limit,
                temp_dir=engine.data_dir / "temp",
            )
        ledger.files.add_plan(
            plan_id, export_id=export.id, digest=made.digest, folder=folder, inputs=inputs, kind="undo"
        )
        return replace(made, inputs=inputs)

    @contextmanager
    def _consented(self, export: Export, reading: DestinationReading) -> Iterator[Path | None]:
        """Provide the addresses that current consent and refusals allow; None when there is no rule.

        It looks at every profile, not at the segments: earlier values are sent to people who may have left them.
        """
        snapshot = self._engine.profiles.current()
        if not (export.config.consent or export.config.refusals) or snapshot is None:
            yield None
            return
        with private_folder(self._engine.data_dir / "temp") as folder:
            everybody, into = folder / "everybody.parquet", folder / "consented.parquet"
            pq.write_table(pa.table({"_row": pa.array(range(snapshot.profiles), pa.int64())}), everybody)
            members = Members("everybody", "Everybody", snapshot.id, everybody, snapshot.profiles)
            config = export.config.model_copy(update={"list_id": reading.list_id})
            given = PlanInputs(replace(export, config=config), snapshot, (members,), reading.account_id)
            with self._engine.profiles.open(snapshot) as db:
                decide(db, given)
                may = "reason IS DISTINCT FROM 'no_consent' AND address IS NOT NULL"
                pq.write_table(db.arrow(f"SELECT DISTINCT address FROM decided WHERE {may}").read_all(), into)
            yield into
