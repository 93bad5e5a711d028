"""Looks for changes of state and puts notices into the outbox, once per change.

It reads what the ledger already holds, so a crash loses nothing. Must never send a notice itself,
nor put an address of a contact or a token into one.
"""

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from statistics import median

from ccexport.ledger.notices import FINE
from ccexport.model.exports import Connection, Export
from ccexport.model.firings import RefreshState
from ccexport.model.notices import Channel, Notice, NoticeEvent, scrubbed
from ccexport.model.words import RunState, Trigger, WaitReason
from ccexport.runs.engine import Engine

log = logging.getLogger(__name__)
FOR_A_PERSON = {WaitReason.APPROVAL, WaitReason.RECONNECT}
USUAL_RUNS = 10
FEWEST_RUNS = 3
BAND = 0.5  # less than half or more than twice the usual size is unusual
_WORDS = {
    RunState.SUCCEEDED: FINE,
    RunState.SUCCEEDED_WITH_REJECTS: NoticeEvent.REJECTS,
    RunState.FAILED: NoticeEvent.FAILED,
    RunState.BLOCKED: NoticeEvent.BLOCKED,
}
TITLES = {
    NoticeEvent.FAILED: "failed",
    NoticeEvent.BLOCKED: "is blocked",
    NoticeEvent.WAITING: "waits for a person",
    NoticeEvent.REJECTS: "finished with rejects",
    NoticeEvent.RECOVERED: "recovered",
    NoticeEvent.SIZE: "has an unusual size",
}


class Herald:
    """Turns changes of state into notices in the outbox."""

    def __init__(self, engine: Engine, *, base_url: str, mail: bool) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._base_url = base_url
        self._mail = mail  # whether mail to the owners of an export is possible
        self._seen = -1

    def tick(self) -> None:
        """Put notices about all changes since the last tick into the outbox."""
        told = self._ledger.notices.told()
        self._look_at_refreshes(told)
        for connection in self._ledger.connections.all():
            self._look_at_connection(connection, told)
        newest = self._ledger.notices.newest_event()
        if newest == self._seen:
            return
        numbers = self._ledger.notices.newest_events()
        for export in self._ledger.exports.all():
            if numbers.get(export.id, 0) > told.get(f"export:{export.id}", (FINE, 0))[1]:
                self._look_at_export(export, told)
        self._seen = newest

    # -- what changed ---------------------------------------------------------------------------

    def _look_at_export(self, export: Export, told: dict[str, tuple[str, int]]) -> None:
        subject = f"export:{export.id}"
        state, before = told.get(subject, (FINE, 0))
        seen, made = before, list[Notice]()
        for seen, run_id, run_state, text in self._ledger.notices.events_after(export.id, before):  # noqa: B007
            word = self._word(run_id, run_state)
            if word is not None and word != state:
                event = NoticeEvent.RECOVERED if word == FINE else NoticeEvent(word)
                lines = [text, f"Contact list: {export.config.list_name}. Run: {run_id}."]
                made += self._notices(subject, export.name, event, lines, export=export)
                state = word
            if run_state in _WORDS and run_state is not RunState.FAILED:
                made += self._unusual(export, run_id)
        made = [  # the outbox sorts by time, so each gets its own
            replace(notice, created_at=notice.created_at + timedelta(microseconds=place))
            for place, notice in enumerate(made)
        ]
        self._ledger.notices.tell(subject, state, seen, made, before=before)

    def _word(self, run_id: str, state: RunState) -> str | None:
        """Return what an event means for people; None when it changes nothing for them."""
        if state is RunState.WAITING:
            run = self._ledger.runs.get(run_id)
            needs_somebody = run.state is RunState.WAITING and run.wait_reason in FOR_A_PERSON
            return NoticeEvent.WAITING if needs_somebody else None
        return _WORDS.get(state)

    def _unusual(self, export: Export, run_id: str) -> list[Notice]:
        """Return notices when the size of a run is unusual, unless that of the run before was unusual too."""
        ended = [
            run
            for run in self._ledger.runs.all(export_id=export.id, live=False, limit=3 * USUAL_RUNS)
            if run.state in _WORDS and run.trigger is not Trigger.UNDO and "candidates" in run.counts
        ]
        place = next((n for n, run in enumerate(ended) if run.id == run_id), None)
        if place is None:
            return []
        sizes = [run.counts["candidates"] for run in ended[place:]]
        if not _left_the_band(sizes) or _left_the_band(sizes[1:]):
            return []
        line = f"{sizes[0]} candidates; usual are {median(sizes[1 : USUAL_RUNS + 1]):.0f}."
        return self._notices(
            f"export:{export.id}", export.name, NoticeEvent.SIZE, [line, f"Run: {run_id}."], export=export
        )

    def _look_at_connection(self, connection: Connection, told: dict[str, tuple[str, int]]) -> None:
        word = FINE if connection.state == "connected" else NoticeEvent.WAITING
        text = str(connection.state_reason) or f"It is {connection.state}."
        self._changed(f"connection:{connection.id}", connection.name, word, text, told, connection)

    def _look_at_refreshes(self, told: dict[str, tuple[str, int]]) -> None:
        ended = next((r for r in self._ledger.refreshes.all(limit=5) if r.ended_at), None)
        if ended is None:
            return
        words = {RefreshState.STOPPED: NoticeEvent.BLOCKED, RefreshState.FAILED: NoticeEvent.FAILED}
        self._changed(
            "refresh", "The refresh of the profiles", words.get(ended.state, FINE), str(ended.note), told
        )

    def _changed(
        self,
        subject: str,
        name: str,
        word: str,
        text: str,
        told: dict[str, tuple[str, int]],
        connection: Connection | None = None,
    ) -> None:
        state, before = told.get(subject, (FINE, 0))
        if word == state:
            return
        event = NoticeEvent.RECOVERED if word == FINE else NoticeEvent(word)
        made = self._notices(subject, name, event, [text], connection=connection)
        self._ledger.notices.tell(subject, word, before + 1, made, before=before)

    # -- recipients -----------------------------------------------------------------------------

    def _notices(
        self,
        subject: str,
        name: str,
        event: NoticeEvent,
        lines: Iterable[str],
        *,
        export: Export | None = None,
        connection: Connection | None = None,
    ) -> list[Notice]:
        now = self._engine.clock()
        text = scrubbed("\n".join([*lines, self._base_url]))
        return [
            Notice(
                id=self._engine.new_id("notice"),
                recipient=recipient,
                label=label,
                event=event,
                subject=subject,
                title=scrubbed(f"{name} {TITLES[event]}"),
                text=text,
                created_at=now,
                next_at=now,
            )
            for recipient, label in self._recipients(event, export, connection)
        ]

    def _recipients(
        self, event: NoticeEvent, export: Export | None, connection: Connection | None
    ) -> list[tuple[str, str]]:
        """Return subscribers and owners; an owner gets notices without being an administrator."""
        connection_id = export.config.connection_id if export else connection.id if connection else None
        found = [
            (f"subscriber:{s.id}", s.label, s.channel)
            for s in self._ledger.notices.subscribers()
            if event in s.events
            and (s.export_id is None or (export is not None and s.export_id == export.id))
            and (s.connection_id is None or s.connection_id == connection_id)
        ]
        written = {label for _, label, channel in found if channel is Channel.EMAIL}
        owners = self._owners(export, connection) if self._mail else []
        return [(r, label) for r, label, _ in found] + [o for o in owners if o[1] not in written]

    def _owners(self, export: Export | None, connection: Connection | None) -> list[tuple[str, str]]:
        names = [export.created_by, export.updated_by] if export else []
        names += [connection.export_person or "", connection.connected_by] if connection else []
        people = [self._ledger.people.find(name) for name in dict.fromkeys(names) if name]
        return [(f"person:{p.name}", p.email) for p in people if p and p.email and not p.disabled]


def _left_the_band(sizes: list[int]) -> bool:
    """Whether the first size is far from the median of the earlier ones; False when there are too few."""
    usual = sizes[1 : USUAL_RUNS + 1]
    if len(usual) < FEWEST_RUNS:
        return False
    middle = median(usual)
    return sizes[0] < middle * BAND or sizes[0] > middle / BAND
