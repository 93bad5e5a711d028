"""Runs one long statement and reports its progress. Must never guess: DuckDB knows what it has read."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from ccexport.profiles.database import DuckDB, Params

_EVERY = 0.15  # seconds


def run_told(db: DuckDB, sql: str, tell: Callable[[float | None], None], params: Params = None) -> None:
    """Run to the end; meanwhile call `tell` in this thread with the share done, if known.

    When `tell` raises, the statement is stopped and the error propagates.
    """
    db.run("SET enable_progress_bar = true")
    db.run("SET enable_progress_bar_print = false")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(db.run, sql, params)
        try:
            while not _done(running):
                tell(_share(db))
        except BaseException:
            if not running.done():
                db.interrupt()
            raise
    running.result()


def _done(running: "Future[None]") -> bool:
    return bool(wait([running], timeout=_EVERY).done)


def _share(db: DuckDB) -> float | None:
    percent = float(db.raw.query_progress())
    return percent / 100 if percent >= 0 else None
