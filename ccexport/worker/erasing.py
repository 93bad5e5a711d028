"""Erases one person by address: from snapshots, plans, bodies, outcomes, deliveries, readings and lists.

Owns the order of steps and the receipt. The list of hashes keeps the person out of later data, such as a
reading of a list that still holds the contact, or a file that still has the person. Must never write the
address anywhere, and never ask Constant Contact to delete anybody: a person decides that there.
"""

import shutil
from collections import Counter
from pathlib import Path

from ccexport.errors import BadInput, Conflict, ConstantContactError
from ccexport.files import recover_folder, wipe_parts
from ccexport.messages import Message, message
from ccexport.model.maintenance import Receipt
from ccexport.model.profiles import Snapshot
from ccexport.model.runs import Run
from ccexport.model.words import RunState, WaitReason
from ccexport.plan.erasing import erase_from_plan, erase_rows, forget_notes, is_address, rows_of
from ccexport.plan.standing import holds_path
from ccexport.profiles.addresses import normalise_address
from ccexport.profiles.database import quote_text
from ccexport.profiles.store import ProfileStore
from ccexport.runs.engine import Engine
from ccexport.runs.erased import ErasedList


def drop_erased(store: ProfileStore, root: Path, snapshot: Snapshot) -> Snapshot:
    """Return the snapshot if it holds no erased people, else a new one without them that replaces it."""
    erased = ErasedList(root)
    if not len(erased) or not store.with_address(snapshot, erased.condition):
        return snapshot
    made = store.without(snapshot, erased.condition)
    store.remove(snapshot)
    return made


class Eraser:
    """Erases people from one data directory. Repeating an erasure after a crash finishes it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._root = engine.data_dir

    def erase(self, text: str) -> Receipt:
        """Erase the person with that address. Raises `Conflict`, before any change, while a run is under way."""
        address, _, reason = normalise_address(text)
        if address is None:
            raise BadInput("This is not an address that could be erased: {reason}", reason=reason)
        self._refuse_while_running()
        wipe_parts(self._root)
        ErasedList(self._root).add(address)  # first, so that no new data can bring the person back
        touched: Counter[str] = Counter()
        remarks: list[Message] = []
        still_on, contact_ids = self._at_constant_contact(address, remarks)
        touched["suppression_entries"] += self._ledger.suppression.remove(address)
        self._plans(address, contact_ids, touched)
        self._files(address, touched)
        self._snapshots(address, touched)
        if (touched["suppression_entries"] or touched["messages"]) and not self._ledger.scrub():
            remarks.append(
                message("The ledger is busy: deleted rows stay in its file until the next erasure.")
            )
        if still_on:
            remarks.append(
                message(
                    "Constant Contact still has the contact; delete it there, where consent and history are kept."
                )
            )
        remarks.append(
            message(
                "A file that still has the person may be ingested: they are dropped then, as long as the "
                "data directory keeps its list of erased hashes."
            )
        )
        return Receipt(
            self._engine.new_id("erasure"),
            self._engine.clock(),
            dict(sorted((k, n) for k, n in touched.items() if n)),
            tuple(still_on),
            tuple(remarks),
        )

    def _refuse_while_running(self) -> None:
        for run in self._ledger.runs.all(live=True, limit=1000):
            asleep = run.state is RunState.QUEUED or run.wait_reason is WaitReason.APPROVAL
            if not asleep:
                raise Conflict(
                    "Run {run} is under way, and what it sends cannot be changed. Erase when it has "
                    "ended, or cancel it first.",
                    run=run.id,
                )

    # -- at Constant Contact --------------------------------------------------------------------

    def _at_constant_contact(self, address: str, remarks: list[Message]) -> tuple[list[str], set[str]]:
        """Return the lists that hold the contact, and its ids. Asks every account and changes none."""
        still_on, ids = [], set()
        for connection in self._ledger.connections.all():
            try:
                account = self._engine.account_for(connection.id)
                contact = account.contact_by_email(address)
                if contact is not None:
                    ids.add(contact.id)
                    names = {found.id: found.name for found in account.lists()}
                    lists = [names.get(i, i) for i in contact.lists] or ["no list, but the account"]
                    still_on += [f"{connection.name}: {name}" for name in lists]
            except ConstantContactError as error:
                remarks.append(
                    message(
                        "{connection} could not be asked whether it has the contact: {why}",
                        connection=connection.name,
                        why=error.message,
                    )
                )
        return still_on, ids

    # -- in this installation -------------------------------------------------------------------

    def _plans(self, address: str, contact_ids: set[str], touched: Counter[str]) -> None:
        """Rewrite plans of runs without the person; remove previews that hold the person."""
        runs: dict[str | None, list[Run]] = {}
        offset = 0
        while page := self._ledger.runs.all(limit=500, offset=offset):
            for run in page:
                runs.setdefault(run.plan_id, []).append(run)
            offset += len(page)
        for plan_id, folder, _ in self._ledger.files.all_plans():
            recover_folder(folder)
            if not folder.exists():
                continue
            if plan_id in runs:
                if contact_ids or rows_of(folder, address):
                    rows, seqs = erase_from_plan(folder, address, contact_ids)
                    touched["plans"] += rows > 0
                    touched["plan_rows"] += rows
                    self._outcomes(runs[plan_id], address, seqs, touched)
            elif rows_of(folder, address):
                shutil.rmtree(folder)
                self._ledger.files.forget_plan(plan_id)
                touched["previews_removed"] += 1

    def _outcomes(self, runs: list[Run], address: str, seqs: list[int], touched: Counter[str]) -> None:
        for run in runs:
            if run.outcomes_path is not None and seqs:
                forget_notes(run.outcomes_path, seqs)
                touched["outcomes"] += len(seqs)
            for batch in self._ledger.runs.batches(run.id):
                kept = [e for e in batch.errors if address not in e.lower()]
                if len(kept) < len(batch.errors):
                    touched["messages"] += len(batch.errors) - len(kept)
                    self._ledger.runs.change_batch(batch, errors=kept)

    def _files(self, address: str, touched: Counter[str]) -> None:
        hit, root = is_address("address", address), self._root
        current = {path for _, _, path in self._ledger.files.all_deliveries()}
        holds = {holds_path(path) for path in current}
        for path in sorted(root.glob("deliveries/*/*/*.parquet")):
            if path in current:
                touched["deliveries"] += erase_rows(path, hit)
            elif path in holds:
                erase_rows(path, hit)
            else:
                path.unlink()  # replaced; nothing refers to it
        for path in [*root.glob("destination/*/*.parquet"), *root.glob("destination/*.parquet")]:
            touched["readings"] += erase_rows(path, hit)
        for path in root.glob("members/static/*.parquet"):
            touched["list_entries"] += erase_rows(path, hit)
        for path in [*root.glob("suppression/*.parquet"), *root.glob("sent/*.parquet")]:
            path.unlink()  # written again when they are needed

    def _snapshots(self, address: str, touched: Counter[str]) -> None:
        """Replace the current snapshot by one without the person; remove older ones that hold the person."""
        store, wanted = self._engine.profiles, quote_text(address)
        current = store.current()
        for snapshot in store.snapshots():
            found = store.with_address(snapshot, lambda column: f"coalesce({column} = {wanted}, false)")
            if not found:
                continue
            touched["profiles"] += len(found)
            self._static_ids(found, touched)
            if current is not None and snapshot.id == current.id:
                drop_erased(store, self._root, snapshot)
                touched["snapshots_made_anew"] += 1
            else:
                store.remove(snapshot)
                touched["snapshots_removed"] += 1
            shutil.rmtree(self._root / "members" / snapshot.id, ignore_errors=True)

    def _static_ids(self, profile_ids: list[str], touched: Counter[str]) -> None:
        listed = ", ".join(quote_text(i) for i in profile_ids)
        for path in self._root.glob("members/static/*.parquet"):
            touched["list_entries"] += erase_rows(path, f"id IN ({listed})")
