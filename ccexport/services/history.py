"""Use cases of the history of runs: the list of runs, and the progress, events and batches of one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccexport.errors import NotFound
from ccexport.messages import NOTHING, Message, counted, message
from ccexport.model.exports import Actor, Export
from ccexport.model.runs import Batch, Run, RunEvent, RunsEver
from ccexport.model.words import BatchKind, BatchState, Outcome, Role, RunState
from ccexport.runs.settle import PATIENCE, PATIENCE_CANCELLED
from ccexport.services.access import require
from ccexport.services.wiring import UseCases

STUCK = timedelta(minutes=10)


@dataclass(frozen=True)
class Progress:
    """How far a run is, for a live view. `eta_seconds` is None until a rate is known."""

    run: Run
    batches_done: int
    batches_total: int
    contacts_sent: int
    contacts_total: int
    eta_seconds: float | None
    oldest: Batch | None = None
    """The request whose activity Constant Contact has been working on longest."""


class RunHistory(UseCases):
    """Past and live runs."""

    def get(self, actor: Actor, run_id: str) -> Run:
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.get(run_id)

    def list(
        self,
        actor: Actor,
        *,
        export: str | None = None,
        contact_list: str | None = None,
        state: RunState | None = None,
        live: bool | None = None,
        person: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> Sequence[Run]:
        """Return runs, newest first. `export` and `contact_list` are names or ids, removed ones included."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.all(
            export_id=self._export_id(export) if export else None,
            list_id=_meant(contact_list, self._ledger.history.ever().lists) if contact_list else None,
            state=state,
            live=live,
            actor=person,
            since=since,
            until=until,
            limit=limit,
            offset=offset,
        )

    def ever(self, actor: Actor) -> RunsEver:
        """Return the exports, contact lists and people by which the history can be filtered."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.ever()

    def last_of(self, actor: Actor, exports: Sequence[Export]) -> Mapping[str, Run]:
        """Return the newest run of each of these exports that ever ran, by export id."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.last_of([export.id for export in exports])

    def last_times(self, actor: Actor) -> Mapping[str, datetime]:
        """Return when each export last ran, by export id."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.last_times()

    def went_wrong(self, actor: Actor, *, limit: int) -> Sequence[Run]:
        """Return the newest run of each export if it failed or was blocked, newest first."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.last_in(RunState.FAILED, RunState.BLOCKED, limit=limit)

    def totals(self, actor: Actor, since: datetime) -> tuple[int, Mapping[str, int]]:
        """Return how many runs began since then, and how many contacts they sent and verified."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.totals(since, ("sent", "verified"))

    def outcomes(self, actor: Actor, edges: Sequence[datetime]) -> Sequence[Mapping[str, int]]:
        """Return contacts by outcome, of the runs that ended between each edge and the next."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.history.by_period(edges, tuple(Outcome))

    def _export_id(self, name: str) -> str:
        try:
            return self._ledger.exports.named(name).id
        except NotFound:
            ran = self._ledger.history.ever().exports
            if _meant(name, ran) not in ran:
                raise
            return _meant(name, ran)

    def story(self, actor: Actor, run_id: str) -> Sequence[RunEvent]:
        """Return the events of the run, oldest first."""
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.events(run_id)

    def batches(self, actor: Actor, run_id: str) -> Sequence[Batch]:
        require(actor, Role.VIEWER, "see runs")
        return self._ledger.runs.batches(run_id)

    def progress(self, actor: Actor, run_id: str) -> Progress:
        """Return how many of the planned batches and contacts are done, counted and never estimated."""
        run = self.get(actor, run_id)
        batches = [b for b in self._ledger.runs.batches(run_id) if b.kind is not BatchKind.HALVE]
        gone = [b for b in batches if b.activity_id]
        done = [
            b for b in batches if b.state in {BatchState.COMPLETED, BatchState.FAILED, BatchState.UNKNOWN}
        ]
        return Progress(
            run=run,
            batches_done=len(done),
            batches_total=len(batches),
            contacts_sent=sum(b.contacts for b in gone),
            contacts_total=sum(b.contacts for b in batches),
            eta_seconds=self._eta(run, done, batches),
            oldest=min(
                (b for b in batches if b.state is BatchState.SUBMITTED and b.submitted_at),
                key=lambda b: b.submitted_at or self._ledger.clock(),
                default=None,
            ),
        )

    def stuck(self, actor: Actor, run_id: str) -> Message:
        """Return which activity has been in progress for more than ten minutes, and for how long; else nothing."""
        oldest = self.progress(actor, run_id).oldest
        if oldest is None or oldest.submitted_at is None:
            return NOTHING
        age = self._ledger.clock() - oldest.submitted_at
        if age < STUCK:
            return NOTHING
        return message(
            "Constant Contact has been working on activity {activity} for {age}. The run waits up to {patience}; "
            "cancelled, it lets go of the list after {cancelled}.",
            activity=oldest.activity_id,
            age=timedelta(seconds=int(age.total_seconds())),
            patience=PATIENCE,
            cancelled=PATIENCE_CANCELLED,
        )

    def seconds(self, actor: Actor, runs: Sequence[Run]) -> Mapping[str, float]:
        """Return how long each of these runs took, or has taken up to now, without waiting for approval."""
        require(actor, Role.VIEWER, "see runs")
        waited = self._ledger.history.awaiting_approval([run.id for run in runs])
        now = self._ledger.clock()
        took = {run.id: (run.ended_at or now) - run.started_at for run in runs if run.started_at}
        return {
            run_id: max((time - waited.get(run_id, timedelta())).total_seconds(), 0.0)
            for run_id, time in took.items()
        }

    def gone_out(self, actor: Actor, run_id: str) -> Message:
        """Return what of a live run has left already: cancelling takes nothing of it back."""
        now = self.progress(actor, run_id)
        if not now.contacts_sent:
            return message("Nothing of it has been sent.")
        return counted(
            "{sent} of {n} contact has been sent already; that is settled and read back, and nothing more is sent.",
            "{sent} of {n} contacts have been sent already; that is settled and read back, and nothing more is sent.",
            n=now.contacts_total,
            sent=now.contacts_sent,
        )

    def _eta(self, run: Run, done: Sequence[Batch], batches: Sequence[Batch]) -> float | None:
        settled = [b.settled_at for b in done if b.settled_at]
        if run.started_at is None or run.state.ended or not settled:
            return None
        per_batch = (max(settled) - run.started_at).total_seconds() / len(settled)
        return per_batch * (len(batches) - len(done))


def _meant(name: str, there: Mapping[str, str]) -> str:
    """Return the id of that name, or the name itself when it is unknown, so that nothing is found."""
    return name if name in there else next((i for i, n in there.items() if n == name), name)
