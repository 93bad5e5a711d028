"""The activity engine: applies what is due, in the order in which activities finish.

Owns the working off, on every read and in a background thread. Must never decide when something is
due: the timeline was fixed when the activity was queued.
"""

import json
import logging
import sqlite3
import threading
import time
from functools import partial

from ccexport.sandbox import activities, exports, imports, list_jobs
from ccexport.sandbox.activities import Activity
from ccexport.sandbox.apply import Effect, Outcome
from ccexport.sandbox.store import Store, config_of, note

log = logging.getLogger(__name__)
_PREPARE = {
    "contacts_json_import": imports.prepare,
    "contacts_file_import": imports.prepare,
    "contact_exports": exports.prepare,
    "remove_list_memberships": list_jobs.prepare,
    "add_list_memberships": list_jobs.prepare,
    "contact_delete": list_jobs.prepare,
    "list_delete": list_jobs.prepare,
    "contacts_taggings_add": list_jobs.prepare,
    "contacts_taggings_remove": list_jobs.prepare,
    "contacts_tags_delete": list_jobs.prepare,
}
# These end without any effect; the others end completed, or failed half-way.
_WITHOUT_EFFECT = ("failed", "timed_out", "cancelled")
_TICK_SECONDS = 0.1


class Engine:
    """Works activities off. One at a time per process; two processes never apply the same one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._one_at_a_time = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin working in the background."""
        self._thread = threading.Thread(target=self._run, name="sandbox-engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background work after the activity in hand."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def catch_up(self) -> None:
        """Apply everything that is due by now."""
        if self._next() is None:
            return
        with self._one_at_a_time:
            while (due := self._next()) is not None:
                self._work(due)

    def _next(self) -> Activity | None:
        with self._store.read() as db:
            where = "done = 0 AND finishes_at <= :now ORDER BY finishes_at, no LIMIT 1"
            found = activities.select(db, where, {"now": self._store.now(db)})
        return found[0] if found else None

    def _work(self, activity: Activity) -> None:
        began = time.perf_counter()
        effect = self._effect(activity)
        try:
            self._apply(activity, effect, began)
        except (
            sqlite3.IntegrityError,
            sqlite3.ProgrammingError,
            ValueError,
            LookupError,
            TypeError,
        ) as error:
            # A bug of ours must not make the engine try the same activity for ever.
            log.exception("activity %s failed", activity.activity_id)
            self._apply(activity, Effect(partial(self._broken, activity, error)), began, state="failed")

    def _effect(self, activity: Activity) -> Effect:
        if activity.outcome in _WITHOUT_EFFECT:
            return Effect(lambda db: Outcome({}))
        assert activity.finishes_at is not None  # noqa: S101 - only due activities come here
        return _PREPARE[activity.kind](self._store, activity, activity.finishes_at)

    def _apply(self, activity: Activity, effect: Effect, began: float, state: str = "completed") -> None:
        if activity.outcome in _WITHOUT_EFFECT:
            state = activity.outcome
        if activity.outcome == "partial_failed":
            state = "failed"
        with self._store.write(before=effect.stage) as db:
            undone = "SELECT 1 FROM activities WHERE no = ? AND done = 0"
            if db.execute(undone, (activity.no,)).fetchone() is None:
                return
            outcome = effect.apply(db)
            told = (state, json.dumps(outcome.counters), json.dumps(outcome.errors))
            db.execute(
                "UPDATE activities SET done = 1, state = ?, counters = ?, errors = ?, seconds = ?"
                " WHERE no = ?",
                (*told, time.perf_counter() - began, activity.no),
            )

    def _broken(self, activity: Activity, error: Exception, db: sqlite3.Connection) -> Outcome:
        note(db, self._store.now(db), "internal_error", activity=activity.activity_id, error=repr(error))
        return Outcome({})

    def _run(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            try:
                with self._store.read() as db:
                    wanted = config_of(db).background_engine
                if wanted:
                    self.catch_up()
            except sqlite3.OperationalError:
                log.exception("the store was busy for too long; trying again")
