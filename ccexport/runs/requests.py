"""Sends the requests of one run, a few at once, and settles them without losing any.

Owns the loops around `send` and `settle`. Must never decide what becomes of the run, nor look for a lost
answer while another request of the run is in flight.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from datetime import timedelta

from ccexport.constant_contact.account import Account
from ccexport.errors import OutcomeUnknown, Refused
from ccexport.logs import about
from ccexport.model.runs import Batch, Run
from ccexport.model.words import BatchKind, BatchState
from ccexport.runs.asked import is_paused
from ccexport.runs.destination import Beat
from ccexport.runs.engine import Engine, Ticks
from ccexport.runs.remove import ids_in
from ccexport.runs.send import IN_FLIGHT, Post, find_again, in_flight, send_batch, to_send
from ccexport.runs.settle import PATIENCE, PATIENCE_CANCELLED, settle_once

log = logging.getLogger(__name__)
LOST_ANSWERS = 3


class ExportPaused(Exception):
    """Not an error: the export was paused, so the run sends nothing more until it goes on."""


# The limit is four a second. With four in flight an answer may take a second, and the pace is the limit.
AT_ONCE = 4


class Requests:
    """What a run has to send to its account; `beat` is called often and may raise."""

    def __init__(self, engine: Engine, run: Run, account: Account, beat: Beat) -> None:
        self._engine = engine
        self._runs = engine.ledger.runs
        self._run = run
        self._account = account
        self._beat = beat

    def send(self, kind: BatchKind) -> None:
        """Send every import of the kind, a few at once, until none is left or sending has to stop."""
        ticks = Ticks()
        while not self._cancelled():
            self._beat()
            batches = self._runs.batches(self._run.id)
            waiting = [b for b in to_send(batches) if b.kind is kind]
            room = IN_FLIGHT - len(in_flight(batches))
            if not waiting:
                break
            self._refuse_while_paused()
            if room <= 0:
                if settle_once(self._engine, self._account, batches) >= IN_FLIGHT:
                    self._engine.sleep(ticks.next())
                continue
            ticks = Ticks()
            in_doubt = waiting[0].state is BatchState.SUBMITTING
            if not (self._sent(waiting[0]) if in_doubt else self._sent_at_once(waiting[:room])):
                break

    def _cancelled(self) -> bool:
        return self._runs.get(self._run.id).cancel_requested

    def _patience(self) -> timedelta:
        return PATIENCE_CANCELLED if self._cancelled() else PATIENCE

    def _paused(self) -> bool:
        return is_paused(self._engine.ledger, self._run)

    def _refuse_while_paused(self) -> None:
        if self._paused():
            raise ExportPaused

    def send_removals(self) -> None:
        """Send every removal, one after the other. Cancelling does not stop it half-way; pausing the export does."""
        while waiting := to_send(self._of(BatchKind.REMOVE)):
            self._beat()
            self._refuse_while_paused()
            self._posted(
                waiting[0], lambda _, body: self._account.remove_from_list(ids_in(body), self._run.list_id)
            )

    def settle(self, kind: BatchKind) -> None:
        """Wait until every activity of the kind has ended; a cancelled run waits no longer than it says."""
        ticks = Ticks()
        while settle_once(self._engine, self._account, self._of(kind), patience=self._patience()):
            self._beat()
            self._engine.sleep(ticks.next())

    def settle_everything(self) -> None:
        """Wait for everything that left, also what a run sent before it died and was cancelled.

        A contact taken off after the list was read back would seem to have left by its own choice.
        """
        for batch in self._runs.batches(self._run.id):
            if batch.state is BatchState.SUBMITTING:
                find_again(self._engine, self._account, batch)
        for kind in BatchKind:
            self.settle(kind)

    def _of(self, kind: BatchKind) -> list[Batch]:
        return [b for b in self._runs.batches(self._run.id) if b.kind is kind]

    def _sent_at_once(self, batches: Sequence[Batch]) -> bool:
        """Send these batches at the same time, as far as possible. None is in flight afterwards.

        Returns False when Constant Contact refuses one for good. A batch whose answer was lost stays `submitting`.
        """
        on_their_way: set[Future[bool]] = set()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="send") as pool:
            for batch in batches:
                if len(on_their_way) == AT_ONCE:
                    done, on_their_way = wait(on_their_way, return_when=FIRST_COMPLETED)
                    if not all(sent.result() for sent in done):
                        return False
                if self._cancelled() or self._paused():
                    break
                self._beat()
                on_their_way.add(pool.submit(copy_context().run, self._sent, batch, once=True))
            return all(sent.result() for sent in on_their_way)

    def _sent(self, batch: Batch, *, once: bool = False) -> bool:
        """Send a batch. Returns False when Constant Contact refuses it for good; the others would fare the same."""
        try:
            self._posted(batch, lambda _, body: self._account.import_contacts(body), once=once)
        except Refused as error:
            self._runs.change_batch(
                batch, state=BatchState.FAILED, note=error.message, settled_at=self._engine.clock()
            )
            return False
        return True

    def _posted(self, batch: Batch, post: Post, *, once: bool = False) -> None:
        """Send a batch. After a lost answer, look for it at once and again before leaving the wait to the worker.

        With `once`, leave that for when nothing else is in flight.
        """
        ticks = Ticks(first=1.0, factor=3.0)
        with about(batch=batch.number):
            for _ in range(1 if once else LOST_ANSWERS):
                try:
                    self._post_and_say(batch, post)
                except OutcomeUnknown as lost:
                    log.warning("batch %s of %s: %s", batch.number, batch.run_id, lost.log)
                    self._engine.sleep(ticks.next())
                    batch = self._runs.change_batch(batch, ambiguous=True)
                else:
                    return
            if not once:
                self._post_and_say(batch, post)

    def _post_and_say(self, batch: Batch, post: Post) -> None:
        send_batch(self._engine, self._account, batch, post)
        log.info("sent %s contacts in %s bytes", batch.contacts, batch.bytes)
