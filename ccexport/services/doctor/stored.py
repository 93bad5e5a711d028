"""Checks of the files that the ledger names: there, of their size, and readable; with `deep` every byte.

A file that is gone is found here, and not by the run that needs it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
from pyarrow.lib import ArrowException

from ccexport.errors import CcexportError
from ccexport.messages import Message, counted, message
from ccexport.model.runs import Run
from ccexport.plan.freeze import load_plan
from ccexport.plan.standing import holds_path
from ccexport.runs.holders import misfits
from ccexport.runs.repair import wrongly_left
from ccexport.services.doctor.findings import Finding, fail, ok, warn
from ccexport.services.doctor.patient import Patient

RUNS = 100_000
AGAIN = message("Put it back from a back-up, or read the profiles anew (profiles ingest FILE).")
FROM_BACK_UP = message("Put the file back from a back-up.")


def snapshot(patient: Patient) -> Iterator[Finding]:
    """Open the current snapshot, and count its profiles."""
    what, folder = "profiles", patient.root / "profiles"
    try:
        current = patient.profiles.current()
        if current is None:
            if any(folder.glob("*.duckdb")):
                said = message("There are snapshots, and none is the current one (profiles/current is gone).")
                yield fail("snapshot_gone", what, said, AGAIN)
            else:
                yield ok("snapshot", what, message("There are none yet."))
            return
        with patient.profiles.open(current) as db:
            (count,) = db.row("SELECT count(*) FROM s.profiles")
            if patient.deep:
                db.row("SELECT bit_xor(hash(p)) FROM s.profiles p")
    except (CcexportError, OSError, UnicodeDecodeError) as error:
        yield fail("snapshot_damaged", what, _sentence(error), AGAIN)
        return
    if count != current.profiles:
        said = message(
            "The current snapshot holds {count} of {all} profiles.", count=count, all=current.profiles
        )
        yield fail("snapshot_damaged", what, said, AGAIN)
    else:
        yield ok("snapshot", what, message("The current snapshot holds {count} profiles.", count=count))


def plans(patient: Patient) -> Iterator[Finding]:
    """Open every plan that the ledger names, but those whose rows were removed after their time."""
    what, runs = "plans", {run.plan_id: run for run in patient.ledger.runs.all(limit=RUNS)}
    needed = {plan_id for plan_id, run in runs.items() if not run.state.ended}
    there, damaged = patient.ledger.files.all_plans(), []
    for plan_id, folder, _ in there:
        try:
            load_plan(folder, hashes=patient.deep)
        except CcexportError as error:
            if not _removed(patient, runs.get(plan_id)):
                damaged.append((plan_id, error.message))
    live = [sentence for plan_id, sentence in damaged if plan_id in needed]
    if live:
        advice = message("Cancel its run (runs cancel), and run the export again.")
        yield fail("plan_of_live_run", what, live[0], advice)
    elif damaged:
        said = counted(
            "{n} plan of the history is missing or damaged: {why}",
            "{n} plans of the history are missing or damaged: {why}",
            n=len(damaged),
            why=damaged[0][1],
        )
        yield warn("plan_damaged", what, said, FROM_BACK_UP)
    else:
        yield ok("plans", what, counted("{n} is whole.", "{n} are whole.", n=len(there)))


def deliveries(patient: Patient) -> Iterator[Finding]:
    """Open what we have put on each list, and who holds whom there."""
    what, there = "deliveries", patient.ledger.files.all_deliveries()
    for _, _, path in there:
        for file in (path, holds_path(path)):
            if (file == path or file.exists()) and (trouble := _parquet_trouble(file, deep=patient.deep)):
                yield fail("deliveries_damaged", what, trouble, FROM_BACK_UP)
                return
    yield ok(
        "deliveries",
        what,
        counted("Those of {n} list are whole.", "Those of {n} lists are whole.", n=len(there)),
    )


def outcomes(patient: Patient) -> Iterator[Finding]:
    """Open the outcomes of every run whose rows were not removed after their time."""
    for run in patient.ledger.runs.all(limit=RUNS):
        if run.outcomes_path and run.state.ended:
            trouble = _parquet_trouble(run.outcomes_path, deep=patient.deep)
            if trouble and not _removed(patient, run):
                yield warn("outcomes_damaged", "outcomes", trouble, FROM_BACK_UP)
                return
    yield ok("outcomes", "outcomes", message("Those of every run are whole."))


def _removed(patient: Patient, run: Run | None) -> bool:
    """Whether the rows of the run were removed after their time."""
    return run is not None and bool(patient.ledger.runs.facts(run.id).rows_removed)


def readings(patient: Patient) -> Iterator[Finding]:
    """Check that the newest reading of each list is there."""
    newest = {(r.account_id, r.list_id): r for _, r in patient.ledger.files.all_readings()}
    for reading in newest.values():
        if trouble := _parquet_trouble(reading.on_list, deep=patient.deep):
            advice = message("Nothing is lost: the next run reads the list anew.")
            yield warn("reading_damaged", "readings", trouble, advice)
            return
    yield ok("readings", "readings", message("The newest of every list is there."))


def member_lists(patient: Patient) -> Iterator[Finding]:
    """Open the member list of every static segment."""
    for segment in patient.ledger.segments.all():
        path = segment.members_path
        trouble = _parquet_trouble(patient.root / path, deep=patient.deep) if path else None
        if trouble:
            said = message("Segment {name}: {why}", name=segment.name, why=trouble)
            advice = message("Put the file back from a back-up, or give the segment its members again.")
            yield fail("members_missing", "segments", said, advice)
            return
    yield ok("segments", "segments", message("Every member list is there."))


def sandbox(patient: Patient) -> Iterator[Finding]:
    """Check the file of the built-in sandbox."""
    path = patient.root / "sandbox.sqlite"
    if not patient.settings.sandbox_on or not path.exists():
        return
    how = "mode=ro" if Path(f"{path}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True)) as db:
            (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        advice = message("It is a demo: move the data directory away and start anew.")
        why = message("Its file sandbox.sqlite is damaged: {why}", why=said)
        yield fail("sandbox_damaged", "sandbox", why, advice)


def left(patient: Patient) -> Iterator[Finding]:
    """Check that nobody is said to have left a list whom we took off, or who never arrived."""
    found = wrongly_left(patient.engine)
    people = sum(one.removed + one.missing for one in found)
    if not people:
        yield ok("left", "left", message("Nobody is wrongly said to have left a list."))
        return
    said = counted(
        "{n} person is said to have left {lists}, but was taken off by us or never arrived.",
        "{n} people are said to have left {lists}, but were taken off by us or never arrived.",
        n=people,
        lists=[one.list_name for one in found],
    )
    yield warn("left_wrong", "left", said, message("Correct it: `ccexport repair`."))


def holds(patient: Patient) -> Iterator[Finding]:
    """Check that each address is known once, and each hold belongs to an existing export."""
    found = misfits(patient.engine)
    if not found:
        yield ok("holds", "holds", message("Every address is known once, and every hold has its export."))
        return
    said = message(
        "{twice} addresses are known twice, and {without} holds have no export.",
        twice=found.twice,
        without=found.without_export,
    )
    advice = message("Run an export to that contact list: each run writes anew what is known of its list.")
    yield warn("holds_wrong", "holds", said, advice)


def _parquet_trouble(path: Path, *, deep: bool) -> Message | None:
    """Return what is wrong with a Parquet file, or None. Reads its foot, with `deep` all of it."""
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches() if deep else ():
                pass
    except FileNotFoundError:
        return message("{file} is missing.", file=path.name)
    except (ArrowException, OSError) as error:
        return message("{file} cannot be read ({kind}).", file=path.name, kind=type(error).__name__)
    return None


def _sentence(error: Exception) -> Message:
    if isinstance(error, CcexportError):
        return error.message
    return message("The current snapshot cannot be read ({kind}).", kind=type(error).__name__)
