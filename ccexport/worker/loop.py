"""The worker: claims runs by lease, drives them in parallel, and hands over when it has to stop.

Any number of workers may share a data directory. Must never drive a run without holding its lease.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from ccexport.errors import CcexportError, HandOver
from ccexport.logs import about
from ccexport.model.runs import Run
from ccexport.model.words import RunState, WaitReason
from ccexport.runs.asked import is_paused
from ccexport.runs.driver import LONGEST_WAIT, Driver
from ccexport.runs.engine import Engine
from ccexport.telemetry import span
from ccexport.worker.claims import Claim
from ccexport.worker.holders import holder_is_dead

log = logging.getLogger(__name__)
IDLE_SECONDS = 0.5
SLICE_SECONDS = 1.0
SIDE_BY_SIDE = 4
CHORE_SECONDS = 2.0
CHORE_PATIENCE = 10.0
Chore = Callable[[], object]


class Worker:
    """Claims and drives due runs. Others set `stop` to make it hand over.

    `chores` (firing schedules, refreshing, sending notices) run every few seconds beside the
    runs, each in a thread of its own, so that a long ingest delays no schedule.
    """

    def __init__(self, engine: Engine, *, grace: timedelta) -> None:
        self._engine = engine
        self._grace = grace
        self.stop = threading.Event()
        self.chores: tuple[Chore, ...] = ()
        self._driving: dict[str, Future[None]] = {}

    def run_once(self) -> int:
        """Drive due runs one after the other until none is due. Returns how many were driven."""
        driven: set[str] = set()
        while not self.stop.is_set():
            for chore in self.chores:
                self._do(chore)
            due = [run for run in self._due() if run.id not in driven]
            if not due:
                break
            for run in due:
                self.drive(run.id)
                driven.add(run.id)
        return len(driven)

    def _do(self, chore: Chore) -> None:
        """Do one chore once; its errors are logged and do not stop the others."""
        try:
            chore()
        except CcexportError as error:
            log.error("a chore is in trouble: %s", error.log)
        except Exception:
            log.exception("a chore stopped by a fault in ccexport")

    def _keep_doing(self, chore: Chore) -> None:
        while not self.stop.wait(CHORE_SECONDS):
            self._do(chore)

    def run_forever(self) -> None:
        """Look for due runs until `stop`, and drive several in parallel."""
        beside = [threading.Thread(target=self._keep_doing, args=(c,), daemon=True) for c in self.chores]
        for thread in beside:
            thread.start()
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="run") as pool:
            while not self.stop.wait(IDLE_SECONDS):
                self._driving = {k: f for k, f in self._driving.items() if not f.done()}
                try:
                    for run in self._due():
                        if run.id not in self._driving and len(self._driving) < SIDE_BY_SIDE:
                            self._driving[run.id] = pool.submit(self._driven, run.id)
                except CcexportError as error:
                    log.error("the worker cannot look for runs: %s", error.log)
        for thread in beside:
            thread.join(CHORE_PATIENCE)

    def _driven(self, run_id: str) -> None:
        self.drive(run_id)

    def drive(self, run_id: str) -> Run | None:
        """Drive one run unless another worker does. Returns None then, or when it was handed over or failed."""
        with about(run=run_id), span("run"):
            return self._drive(run_id)

    def _drive(self, run_id: str) -> Run | None:
        claim = Claim(self._engine, run_id, self.stop)
        if not claim.take():
            return None
        try:
            engine = replace(self._engine, sleep=self._sleep).under(claim.lease, claim.check)
            return Driver(engine, grace=self._grace, beat=claim.beat).drive(run_id)
        except HandOver:
            log.info("run %s is handed over", run_id)
            return None
        except CcexportError as error:
            log.error("run %s stopped: %s", run_id, error.log)
            self.stop.wait(IDLE_SECONDS)
            return None
        except Exception:
            # A bug of ours must not end the worker; the run continues from its last step when claimed again.
            log.exception("run %s stopped by a fault in ccexport", run_id)
            self.stop.wait(IDLE_SECONDS * 10)
            return None
        finally:
            claim.drop()

    def _sleep(self, seconds: float) -> None:
        """Sleep in slices, so that `stop` takes effect while waiting for Constant Contact."""
        while seconds > 0 and not self.stop.is_set():
            self._engine.sleep(min(seconds, SLICE_SECONDS))
            seconds -= SLICE_SECONDS

    def _due(self) -> list[Run]:
        live = self._engine.ledger.runs.all(live=True, limit=1000)
        return [run for run in reversed(live) if self._is_due(run)]

    def _is_due(self, run: Run) -> bool:
        if self._held_by_the_living(run):
            return False
        if run.state is not RunState.WAITING or run.cancel_requested:
            return True
        if run.wait_reason is WaitReason.APPROVAL:
            return self._engine.ledger.runs.approved_by(run.id) is not None
        if run.wait_reason is WaitReason.RECONNECT:
            return self._engine.ledger.connections.get(run.connection_id).state == "connected"
        if run.wait_reason is WaitReason.PAUSED:
            return not is_paused(self._engine.ledger, run)
        if run.wait_until is None:
            return True
        left = run.wait_until - self._engine.clock()
        # Only a wait for the daily quota is that long; otherwise the clock was set back.
        set_back = run.wait_reason is not WaitReason.QUOTA and left > 2 * LONGEST_WAIT
        return left <= timedelta(0) or set_back

    def _held_by_the_living(self, run: Run) -> bool:
        holder = self._engine.ledger.leases.holder(f"run:{run.id}")
        return holder is not None and not holder_is_dead(holder)
