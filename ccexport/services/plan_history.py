"""Use cases of the plans of an export, also those that were never run: the list of them, and two of them compared.

Must never make a plan, and never show an address to a viewer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ccexport.errors import BadInput, NotFound
from ccexport.model.exports import Actor
from ccexport.model.plans import Plan
from ccexport.model.runs import Run
from ccexport.model.words import Role, Verdict
from ccexport.plan.comparing import ComparedContact, Difference, Side, because, compare
from ccexport.plan.freeze import load_plan
from ccexport.services.access import masked, require, sees_personal
from ccexport.services.wiring import UseCases

MOST = 100


@dataclass(frozen=True)
class KeptPlan:
    """One plan of an export as it was made; `run_id` is the run that sent it, empty for a preview."""

    id: str
    made_at: datetime
    digest: str
    candidates: int
    verdicts: Mapping[Verdict, int]
    left_out: int
    run_id: str = ""


@dataclass(frozen=True)
class PlansCompared:
    """Two plans of an export: how many contacts differ, why, and a page of them.

    `new` has what the earlier plan said of the new contacts, `gone` what the later one says of those that are gone.
    """

    earlier: KeptPlan
    later: KeptPlan
    differences: Mapping[Difference, int]
    new: Mapping[str, int]
    gone: Mapping[str, int]
    contacts: Sequence[ComparedContact]


class PlanHistory(UseCases):
    """Plans that are kept."""

    def plans(self, actor: Actor, name: str) -> Sequence[KeptPlan]:
        """Return the plans of the export that are kept, newest first."""
        require(actor, Role.VIEWER, "see previews")
        export = self._ledger.exports.named(name)
        runs = self._ledger.runs.all(export_id=export.id, limit=1_000)
        ran = {run.plan_id: run.id for run in reversed(runs)}
        rows = self._ledger.files.plans_of(export.id, limit=MOST)
        return [_kept(load_plan(r["folder"]), ran.get(r["id"], "")) for r in rows if r["folder"].exists()]

    def compare_plans(
        self,
        actor: Actor,
        name: str,
        one: str,
        other: str,
        *,
        what: str | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> PlansCompared:
        """Compare two plans of the export, each by the id of a plan or of a run; the one made earlier comes first."""
        require(actor, Role.VIEWER, "see previews")
        export_id = self._ledger.exports.named(name).id
        sides = [self._side(export_id, name, asked) for asked in (one, other)]
        (first, ran), (second, ran_later) = sorted(
            sides, key=lambda side: (side[0].plan.made_at, side[0].plan.id)
        )
        differences, contacts = compare(first, second, what=what, offset=offset, limit=limit)
        new, gone = because(first, second)
        return PlansCompared(
            _kept(first.plan, ran),
            _kept(second.plan, ran_later),
            differences,
            new,
            gone,
            contacts if sees_personal(actor) else [mask_contact(c) for c in contacts],
        )

    def _side(self, export_id: str, name: str, asked: str) -> tuple[Side, str]:
        """Return the plan of that id, or of the run of that id, and the run's id."""
        run = self._run(asked)
        plan_id = (run.plan_id or "") if run else asked
        folder = self._ledger.files.plan_folder(plan_id)
        if not folder.exists():
            raise NotFound("The contacts of the plan {plan} are not kept any more.", plan=plan_id)
        plan = load_plan(folder)
        if plan.export_id != export_id:
            raise BadInput("The plan {plan} is not one of {export}.", plan=asked, export=name)
        return Side(plan, run.outcomes_path if run else None), run.id if run else ""

    def _run(self, asked: str) -> Run | None:
        return self._ledger.runs.get(asked) if asked.startswith("run-") else None


def _kept(plan: Plan, run_id: str) -> KeptPlan:
    return KeptPlan(
        id=plan.id,
        made_at=plan.made_at,
        digest=plan.digest,
        candidates=plan.candidates,
        verdicts=plan.verdicts,
        left_out=sum(plan.reasons.values()),
        run_id=run_id,
    )


def mask_contact(contact: ComparedContact) -> ComparedContact:
    """Return a compared contact without personal data."""
    return replace(contact, address=masked(contact.address) or "", changes=())
