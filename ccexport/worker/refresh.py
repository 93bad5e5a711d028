"""Refreshes: reads the watched sources into a new snapshot and computes the segments again.

A refresh that a check stops, or that fails, leaves the profiles unchanged and starts nothing.
Must never start an export: the timetable does that when a refresh is done.
"""

import logging
import threading
from datetime import datetime

from ccexport.errors import CcexportError, Conflict, HandOver, WrongUse
from ccexport.logs import about
from ccexport.messages import NOTHING, Message, counted, joined, message
from ccexport.model.firings import SCHEDULE_ACTOR, Refresh, RefreshState
from ccexport.model.notices import scrubbed
from ccexport.model.profiles import Snapshot
from ccexport.model.schedules import LOOK_BACK, times
from ccexport.runs.engine import Engine
from ccexport.runs.sent_to import sent_by
from ccexport.telemetry import span
from ccexport.worker.claims import Claim
from ccexport.worker.sources import to_read

log = logging.getLogger(__name__)
LEASE = "refresh"


class Refresher:
    """Carries out due refreshes, one at a time across all processes."""

    def __init__(self, engine: Engine, stop: threading.Event, *, accept_changes: bool = False) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._stop = stop
        self._accept_changes = accept_changes  # a person accepted changes that a check would stop

    def tick(self) -> None:
        """Record a refresh that is due by the clock, and carry out open ones."""
        self._note_due()
        if self._ledger.refreshes.open():
            self._carry_out()

    def ask(self, *, actor: str) -> Refresh:
        """Record a refresh that a person asked for; a worker carries it out."""
        return self._add(f"person:{self._engine.new_id('asked')}", self._engine.clock(), actor)

    def _note_due(self) -> None:
        settings, since = self._ledger.refreshes.settings()
        if not settings.on or settings.recurrence is None:
            return
        now = self._engine.clock()
        start = max(since, self._ledger.refreshes.last_time() or since, now - LOOK_BACK)
        due: datetime | None = None
        for moment in times(settings.recurrence, settings.zone, start):
            if moment > now:
                break
            due = moment  # only the newest of several missed times is caught up
        if due is not None:
            self._add(f"time:{due.isoformat()}", due, SCHEDULE_ACTOR)

    def _add(self, cause: str, at: datetime, actor: str) -> Refresh:
        made = Refresh(self._engine.new_id("refresh"), cause, RefreshState.DUE, actor, at)
        self._ledger.refreshes.add(made)
        return made

    def _carry_out(self) -> None:
        claim = Claim(self._engine, LEASE, self._stop, name=LEASE)
        if not claim.take():
            return
        try:
            for refresh in self._ledger.refreshes.open():
                with about(refresh=refresh.id), span("refresh"):
                    self._one(refresh, claim)
        except HandOver:
            log.info("the refresh is handed over")
        finally:
            claim.drop()

    def _one(self, refresh: Refresh, claim: Claim) -> None:
        self._ledger.refreshes.change(
            refresh.id, state=RefreshState.RUNNING, started_at=self._engine.clock(), note=NOTHING
        )
        try:
            self._done(refresh, self._read_anew(claim))
        except (WrongUse, Conflict) as error:
            self._end(refresh, RefreshState.STOPPED, error.message)
        except CcexportError as error:
            log.error("refresh %s: %s", refresh.id, error.log)
            self._end(refresh, RefreshState.FAILED, error.message)
        except HandOver:
            raise
        except Exception:
            # A bug of ours must not stop all later refreshes.
            log.exception("refresh %s stopped by a fault in ccexport", refresh.id)
            self._end(
                refresh, RefreshState.FAILED, message("A fault in ccexport stopped it; the log says where.")
            )

    def _read_anew(self, claim: Claim) -> Snapshot:
        settings, _ = self._ledger.refreshes.settings()
        sources = to_read(self._ledger, settings)
        report = self._engine.profiles.ingest_sources(
            sources, accept_changes=self._accept_changes, progress=lambda progress: claim.beat()
        )
        return report.snapshot

    def _done(self, refresh: Refresh, snapshot: Snapshot) -> None:
        trouble = self._compute_segments(snapshot)
        said = [counted("{n} profile.", "{n} profiles.", n=snapshot.profiles)]
        if snapshot.rejects:
            said.append(counted("{n} row was rejected.", "{n} rows were rejected.", n=snapshot.rejects))
        self._ledger.audit.add(
            refresh.actor, "profiles refreshed", snapshot.id, {"profiles": snapshot.profiles}
        )
        self._end(
            refresh,
            RefreshState.DONE,
            joined([*said, *trouble]),
            snapshot_id=snapshot.id,
            profiles=snapshot.profiles,
        )

    def _compute_segments(self, snapshot: Snapshot) -> list[Message]:
        """Compute every segment. Returns a sentence for each that fails; it stops only exports that use it."""
        lookup = self._ledger.segments.named
        trouble = []
        for segment in self._ledger.segments.all():
            try:
                self._engine.members.members(segment, snapshot, lookup=lookup, sent_by=sent_by(self._engine))
            except CcexportError as error:
                trouble.append(
                    message(
                        "The segment {segment} cannot be computed: {why}",
                        segment=segment.name,
                        why=error.message,
                    )
                )
        return trouble

    def _end(self, refresh: Refresh, state: RefreshState, note: Message, **values: object) -> None:
        self._ledger.refreshes.change(
            refresh.id, state=state, note=note.with_texts(_tidied), ended_at=self._engine.clock(), **values
        )
        log.info("the refresh is %s", state)


def _tidied(text: str) -> str:
    """Return the text on one line, without anything that looks like an address or a token."""
    return " ".join(scrubbed(text).split())
