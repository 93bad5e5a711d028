"""Progress bars on a terminal for long commands; in a pipe, a file or a log there are none.

They are drawn on stderr, so that stdout stays the same. Must never slow the work down or end it.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ccexport.errors import CcexportError
from ccexport.model import sources
from ccexport.model.words import RunState

if TYPE_CHECKING:
    from ccexport.model.exports import Actor
    from ccexport.model.runs import Run
    from ccexport.services import Services
    from ccexport.services.history import Progress

Tell = Callable[[float | None, str], None]
LOOK_SECONDS = 0.5
_STEPS = {
    "reading": "reading",
    "checking": "finding the types",
    "joining": "joining the sources",
    "writing": "writing",
    "addresses": "judging the addresses",
}


@contextmanager
def bar(what: str) -> Iterator[Tell]:
    """Yield a function that takes the share done (None if unknown) and a few words; any thread may call it."""
    if not sys.stderr.isatty():
        yield lambda share, words: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as drawn:
        line = drawn.add_task(what, total=None)

        def tell(share: float | None, words: str) -> None:
            total = None if share is None else 1.0
            drawn.update(line, total=total, completed=share or 0.0, description=f"{what}: {words}")

        yield tell


@contextmanager
def ingest_bar() -> Iterator[sources.Tell]:
    """Yield a function that shows an ingest's step and the bytes or rows done."""
    with bar("Ingest") as tell:
        yield lambda progress: tell(progress.share, _ingest_words(progress))


def _ingest_words(progress: sources.Progress) -> str:
    size = 1_000_000 if progress.unit == "bytes" else 1
    unit = "MB" if progress.unit == "bytes" else "rows"
    counted = f"{progress.done / size:,.0f}" if progress.done else ""
    counted += f" of {progress.total / size:,.0f}" if progress.total else ""
    words = (_STEPS.get(progress.step, "done"), progress.what[:40], f"{counted} {unit}" if counted else "")
    return " ".join(filter(None, words))


def driven(services: "Services", actor: "Actor", run_id: str) -> "Run":
    """Drive the run in this process, with a bar that shows its progress, and return it."""
    ended = threading.Event()
    with bar(run_id) as tell:
        watching = threading.Thread(target=_watch, args=(services, actor, run_id, tell, ended), daemon=True)
        if sys.stderr.isatty():
            watching.start()
        try:
            return services.runs.drive_here(run_id)
        finally:
            ended.set()
            if watching.ident is not None:
                watching.join()


def _watch(services: "Services", actor: "Actor", run_id: str, tell: Tell, ended: threading.Event) -> None:
    while not ended.wait(LOOK_SECONDS):
        try:
            tell(*_where(services.runs.progress(actor, run_id)))
        except CcexportError:  # the ledger is busy: try again
            continue


def _where(now: "Progress") -> tuple[float | None, str]:
    """Return how much of its current step the run has done, and the words for it."""
    if now.run.state is RunState.SENDING and now.contacts_total:
        share = now.contacts_sent / now.contacts_total
        return share, f"sent {now.contacts_sent:,} of {now.contacts_total:,} contacts"
    if now.run.state is RunState.SETTLING and now.batches_total:
        share = now.batches_done / now.batches_total
        return share, f"{now.batches_done} of {now.batches_total} requests worked through"
    return None, "reading the list back" if now.run.state is RunState.VERIFYING else str(now.run.state)
