"""Use cases of the contacts of runs: their outcomes, two runs compared, downloads.

Must never compute a verdict again, and never show an address to a viewer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccexport.errors import BadInput, NotFound, StoreTrouble
from ccexport.files import private_folder, published
from ccexport.messages import stored
from ccexport.model.exports import Actor
from ccexport.model.plans import Plan
from ccexport.model.runs import Run
from ccexport.model.words import Role
from ccexport.plan import download, reading
from ccexport.plan.comparing import ComparedContact, Difference, Side, compare
from ccexport.plan.freeze import load_plan
from ccexport.services.access import require, sees_personal, usable_run
from ccexport.services.pieces import pieces
from ccexport.services.plan_history import mask_contact
from ccexport.services.previews import mask_row
from ccexport.services.wiring import UseCases


@dataclass(frozen=True)
class Comparison:
    """Two runs compared: `counts` has both numbers of every count, the earlier run's first."""

    earlier: Run
    later: Run
    counts: Mapping[str, tuple[int, int]]
    differences: Mapping[Difference, int]
    contacts: Sequence[ComparedContact]


class RunContacts(UseCases):
    """The contacts of runs and their outcomes, also long afterwards."""

    def plan(self, actor: Actor, run_id: str) -> Plan | None:
        """Return the plan of the run; None before it is made. Raises `NotFound` when its rows were removed."""
        run = self._get(actor, run_id)
        removed = self._ledger.runs.facts(run_id).rows_removed
        if removed:
            raise NotFound(
                "{removed} The counts, requests and story of run {run} stay.",
                removed=stored(removed),
                run=run_id,
            )
        return load_plan(self._ledger.files.plan_folder(run.plan_id)) if run.plan_id else None

    def contacts(
        self,
        actor: Actor,
        run_id: str,
        *,
        what: str | None = None,
        email: str | None = None,
        search: str | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> Sequence[reading.PlanRow]:
        """Return the contacts of the run with their outcomes. `what` is a verdict, a reason or an outcome."""
        run = self._get(actor, run_id)
        plan = self.plan(actor, run_id)
        if plan is None:
            return []
        if email or search:
            require(actor, Role.CONTRIBUTOR, "look people up")
        outcomes = run.outcomes_path
        if email:
            return reading.person(plan, email, outcomes=outcomes)
        found = reading.rows(plan, what=what, search=search, offset=offset, limit=limit, outcomes=outcomes)
        return found if sees_personal(actor) else [mask_row(row) for row in found]

    def contacts_csv(self, actor: Actor, run_id: str) -> Iterator[str]:
        """Return every row of the run as CSV, safe to open in a spreadsheet. Audited."""
        run, plan = self._to_download(actor, run_id, "csv")
        return download.contacts_csv(plan, run.outcomes_path)

    def contacts_parquet(self, actor: Actor, run_id: str) -> Iterator[bytes]:
        """Return the same rows as a Parquet file, in pieces; the temporary file is deleted. Audited."""
        with private_folder(self._wiring.engine.data_dir / "temp") as folder:
            file = self.contacts_file(actor, run_id, folder / "contacts.parquet").open("rb")
        return pieces(file)

    def contacts_xlsx(self, actor: Actor, run_id: str) -> Iterator[bytes]:
        """Return the same rows as a workbook, in pieces. Audited."""
        with private_folder(self._wiring.engine.data_dir / "temp") as folder:
            file = self.contacts_file(actor, run_id, folder / "contacts.xlsx").open("rb")
        return pieces(file)

    def contacts_file(self, actor: Actor, run_id: str, into: Path) -> Path:
        """Write the same rows to a CSV, XLSX or Parquet file, by its extension; completely or not at all. Audited."""
        kind = into.suffix.lower().removeprefix(".")
        if kind not in {"csv", "parquet", "xlsx"}:
            raise BadInput("{into}: a download is a .csv, .xlsx or .parquet file.", into=into.name)
        run, plan = self._to_download(actor, run_id, kind)
        try:
            into.parent.stat()  # a missing folder is an error; it is not created
            if kind == "parquet":
                download.contacts_parquet(plan, run.outcomes_path, into)
            elif kind == "xlsx":
                download.contacts_xlsx(plan, run.outcomes_path, into)
            else:
                _write_text(into, download.contacts_csv(plan, run.outcomes_path))
        except OSError as error:
            raise StoreTrouble(
                "The file {into} cannot be written: {problem}.", into=into, problem=error.strerror
            ) from error
        return into

    def _to_download(self, actor: Actor, run_id: str, kind: str) -> tuple[Run, Plan]:
        run = usable_run(self._ledger, actor, run_id, "download from this run")
        plan = self.plan(actor, run_id)
        if plan is None:
            raise NotFound("Run {run} has no contacts yet: its plan is not made.", run=run_id)
        detail = {"run": run.id, "kind": kind}
        self._ledger.audit.add(actor.name, "contacts downloaded", run.export_name, detail)
        return run, plan

    def compare(
        self,
        actor: Actor,
        run_id: str,
        other_id: str,
        *,
        what: str | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> Comparison:
        """Compare two runs; the earlier one comes first, in whichever order they are given."""
        runs = (self._get(actor, run_id), self._get(actor, other_id))
        earlier, later = sorted(runs, key=lambda run: (run.created_at, run.id))
        differences, contacts = compare(
            self._side(actor, earlier), self._side(actor, later), what=what, offset=offset, limit=limit
        )
        names = dict.fromkeys([*earlier.counts, *later.counts])
        return Comparison(
            earlier,
            later,
            counts={n: (earlier.counts.get(n, 0), later.counts.get(n, 0)) for n in names},
            differences=differences,
            contacts=contacts if sees_personal(actor) else [mask_contact(c) for c in contacts],
        )

    def _side(self, actor: Actor, run: Run) -> Side:
        plan = self.plan(actor, run.id)
        if plan is None:
            raise NotFound("Run {run} has no contacts: its plan was not made.", run=run.id)
        return Side(plan, run.outcomes_path)

    def _get(self, actor: Actor, run_id: str) -> Run:
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.get(run_id)


def _write_text(into: Path, pieces: Iterator[str]) -> None:
    with published(into) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.writelines(pieces)
