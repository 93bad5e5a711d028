"""Use cases of the preview: the plan, its rows, and the rows about one person.

The preview is the plan that a run would send; there is no second computation.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ccexport.errors import ConstantContactError, NotFound
from ccexport.files import private_folder
from ccexport.messages import Message, counted, message
from ccexport.model.exports import Actor, Export, ExportConfig
from ccexport.model.plans import Plan
from ccexport.model.words import Role, Verdict
from ccexport.plan import download, reading
from ccexport.plan.freeze import load_plan
from ccexport.plan.reading import PlanRow, changes
from ccexport.runs.estimate import Expected, expect
from ccexport.runs.planning import Planner, resending
from ccexport.services.access import masked, require, require_use, sees_personal
from ccexport.services.pieces import pieces
from ccexport.services.plan_files import PlanFiles
from ccexport.services.plan_history import PlanHistory
from ccexport.services.wiring import UseCases

STALE = timedelta(minutes=15)
OFTEN = timedelta(minutes=1)  # a reading costs several of the day's requests


class MakePreviews(UseCases):
    """Plans as a run would send them."""

    def preview(
        self, actor: Actor, name: str, *, fresh: bool | None = None, resend_all: bool = False
    ) -> Plan:
        """Plan the export now; with `resend_all`, as a run that also sends unchanged contacts.

        `fresh`: True reads the destination again, False uses the last reading however old, None reads
        again when the last reading is older than 15 minutes. When Constant Contact cannot be asked, the plan
        uses the last reading or none; `destination_read_at` shows which. A viewer's preview never asks Constant
        Contact; in the dashboard an export's destination is read at most once a minute.
        """
        require(actor, Role.VIEWER, "see previews")
        export = self._ledger.exports.named(name)
        if resend_all:
            export = resending(export)
        planner = Planner(self._wiring.engine)
        if not actor.role.covers(Role.CONTRIBUTOR):
            return planner.plan_without_destination(export)
        fresh = self._is_fresh(actor, planner, export, fresh)
        try:
            return planner.plan(export, fresh=fresh)
        except ConstantContactError:
            return planner.plan_without_destination(export)

    def _is_fresh(self, actor: Actor, planner: Planner, export: Export, fresh: bool | None) -> bool:
        at_hand = planner.last_reading(export)
        if at_hand is None:
            return True
        age = self._ledger.clock() - at_hand.read_at
        if fresh is None:
            return age > STALE
        return fresh and not (actor.session and age < OFTEN)

    def remarks(self, actor: Actor, name: str, plan: Plan) -> Sequence[Message]:
        """Return what a person should know before running this plan, besides its numbers; one sentence each."""
        require(actor, Role.VIEWER, "see previews")
        config = self._ledger.exports.named(name).config
        return [*(sentence for applies, sentence in _remarks(config, plan) if applies), *_kept_for(plan)]

    def expected(self, actor: Actor, name: str, plan: Plan) -> Expected:
        """Estimate how long a run of this plan will take, from the last runs of the export's connection."""
        require(actor, Role.VIEWER, "see previews")
        connection = self._ledger.exports.named(name).config.connection_id
        return expect(plan.requests, self._ledger.runs.durations(connection))

    def last(self, actor: Actor, name: str) -> Plan | None:
        """Return the newest stored plan of the export; never make a new one. None when there is none."""
        require(actor, Role.VIEWER, "see previews")
        plans = self._ledger.files.plans_of(self._ledger.exports.named(name).id)
        kept = next((row["folder"] for row in plans if row["folder"].exists()), None)
        return load_plan(kept) if kept else None

    def by_id(self, actor: Actor, plan_id: str) -> Plan:
        require(actor, Role.VIEWER, "see previews")
        folder = self._ledger.files.plan_folder(plan_id)
        if not folder.exists():
            raise NotFound("The contacts of the plan {plan} are not kept any more.", plan=plan_id)
        return load_plan(folder)

    def rows(
        self,
        actor: Actor,
        plan: Plan,
        *,
        what: str | None = None,
        segment: str | None = None,
        search: str | None = None,
        offset: int = 0,
        limit: int = 200,
    ) -> list[PlanRow]:
        """Return rows of the plan; `what` is a verdict or a reason. A viewer gets masked rows and no search."""
        require(actor, Role.VIEWER, "see previews")
        personal = sees_personal(actor)
        found = reading.rows(
            plan, what=what, segment=segment, search=search if personal else None, offset=offset, limit=limit
        )
        return found if personal else [mask_row(row) for row in found]

    def person(self, actor: Actor, name: str, address_or_id: str) -> list[PlanRow]:
        """Return every row of the export's last plan about one person. Raises `NotFound` without a plan."""
        require(actor, Role.CONTRIBUTOR, "look people up")
        plan = self.last(actor, name)
        if plan is None:
            raise NotFound("{name} has not been previewed yet.", name=name)
        return reading.person(plan, address_or_id)

    def rejects_csv(self, actor: Actor, name: str, plan: Plan) -> Iterator[str]:
        """Return as CSV everybody who would not be sent, with the reason; safe in a spreadsheet. Audited."""
        export = self._ledger.exports.named(name)
        require_use(
            actor, self._ledger.connections.get(export.config.connection_id), "download from this export"
        )
        self._ledger.audit.add(actor.name, "rejects downloaded", export.name, {"plan": plan.id})
        return reading.rejects_csv(plan)

    def parquet(self, actor: Actor, plan_id: str) -> Iterator[bytes]:
        """Return every row of a plan as a Parquet file. Audited."""
        plan = self.by_id(actor, plan_id)
        export = self._ledger.exports.get(plan.export_id)
        require_use(
            actor, self._ledger.connections.get(export.config.connection_id), "download from this export"
        )
        self._ledger.audit.add(actor.name, "preview downloaded", export.name, {"plan": plan.id})
        with private_folder(self._wiring.engine.data_dir / "temp") as folder:
            into = folder / "preview.parquet"
            download.contacts_parquet(plan, None, into)
            return pieces(into.open("rb"))


class PreviewUseCases(MakePreviews, PlanHistory, PlanFiles):
    """Plans for people: new ones, and those that are kept."""


def _remarks(config: ExportConfig, plan: Plan) -> Iterator[tuple[bool, Message]]:
    adds = plan.verdicts.get(Verdict.ADD, 0)
    yield (
        plan.destination_read_at is None,
        message(
            "Constant Contact could not be asked who is unsubscribed or on the list: a run would wait for that."
        ),
    )
    yield (
        config.consent is None and not config.refusals,
        message(
            "This export has no consent rule: everybody in its segments counts as having agreed to get mail."
        ),
    )
    yield (
        config.consent is None and bool(config.refusals),
        message(
            "This export has no consent rule: everybody who did not refuse counts as having agreed to get mail."
        ),
    )
    # https://developer.constantcontact.com/api_guide/contacts_autoresponder.html
    yield (
        adds > 0,
        counted(
            "Automations that start when somebody joins {list} start for the {n} who is added.",
            "Automations that start when somebody joins {list} start for the {n} who are added.",
            n=adds,
            list=config.list_name,
        ),
    )


def _kept_for(plan: Plan) -> list[Message]:
    """Return for whom people stay on the list who left the segments: each other export by its name."""
    kept: dict[str, int] = json.loads(plan.inputs.get("kept_for", "{}"))
    return [
        counted(
            "{n} contact that left the segments stays on the list for {export}.",
            "{n} contacts that left the segments stay on the list for {export}.",
            n=count,
            export=export,
        )
        for export, count in kept.items()
    ]


def mask_row(row: Any) -> Any:
    """Return a plan row without personal data."""
    return replace(row, address=masked(row.address), contact=None, before=None)


__all__ = ["PlanRow", "PreviewUseCases", "changes", "mask_row"]
