"""What a process does that runs one export and dies by kill -9 at the n-th fault point, for test_kill.py.

With a folder for it, the process leaves behind what a power cut at that point would.

Fault points are before and after every ledger write, file rename and request. They are put around
the real functions from outside; the product has no hook for them.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

# A run imports these late; here they are imported once, before the processes that die are forked.
import alembic.command  # noqa: F401
import httpcore  # noqa: F401
import pandas  # noqa: F401

from ccexport.constant_contact.transport import Transport
from ccexport.ledger.database import Database
from ccexport.services import Services
from ccexport.settings import Settings
from tests.disk import Disk
from tests.world import CARL, brief

ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27,}|^\d{4}(?=/)|(run|plan|reading|back|unsubscribed|members|snap|segment)-[0-9a-z]{9}-[0-9a-z]{5}(\.\d+(?=\.parquet))?"
    r"(\.\d+(?=\.parquet))?|(?<=remove-0001)\.\d+|(?<=^\d{4})\.\d+(?=/)"
)


# Leases are renewed by a thread of their own at any time; a lost slot of the pace costs a quarter of a second.
UNCOUNTED = {f"ledger write shared.{name}" for name in ("take", "change", "renew")}


def _nothing() -> bool:
    return False


class Points:
    """Counts fault points, writes down their names and whether a power cut would differ, dies at the fatal one."""

    def __init__(self, fatal: int, names: Path, disk: Disk | None, cut: Path | None) -> None:
        self._at_death = partial(disk.leave, cut) if disk and cut else _nothing
        self._at_risk = disk.at_risk if disk else _nothing
        self._count = 0
        self._fatal = fatal
        self._names = names.open("a")

    def __call__(self, name: str) -> None:
        self._count += 1
        self._names.write(f"{name}\t{int(self._at_risk())}\n")
        self._names.flush()
        if self._count == self._fatal:
            self._at_death()
            os.kill(os.getpid(), signal.SIGKILL)


def put_around_writes(point: Points) -> None:
    """Ledger writes, by the function that makes them."""
    original = Database.write

    @contextmanager
    def write(self: Database) -> Iterator[Any]:
        caller = sys._getframe(2).f_code
        name = f"ledger write {Path(caller.co_filename).stem}.{caller.co_name}"
        if name in UNCOUNTED:
            with original(self) as connection:
                yield connection
            return
        with original(self) as connection:
            yield connection
            point(f"before {name}")
        point(f"after {name}")

    Database.write = write  # type: ignore[method-assign]


def put_around_renames(point: Points) -> None:
    for name in ("replace", "rename"):  # Path's own methods end here too
        original: Callable[..., Any] = getattr(os, name)

        def renamed(source: Any, target: Any, *rest: Any, _original: Callable[..., Any] = original) -> Any:
            what = ID.sub("…", "/".join(Path(target).parts[-2:]))
            what = re.sub(r"(?<=^halves/)[0-9.]+", "…", what)  # one kind of point, whichever half it is
            if "/sandbox" in str(target):
                return _original(source, target, *rest)
            point(f"before rename to {what}")
            answer = _original(source, target, *rest)
            point(f"after rename to {what}")
            return answer

        setattr(os, name, renamed)


def put_around_requests(point: Points) -> None:
    for name in ("send", "download"):
        original: Callable[..., Any] = getattr(Transport, name)

        def sent(self: Transport, request: Any, *rest: Any, _original: Callable[..., Any] = original) -> Any:
            what = f"{request.method} {ID.sub('…', request.url.split('/v3')[-1].split('?')[0])}"
            point(f"before {what}")
            answer = _original(self, request, *rest)
            point(f"after {what}")
            return answer

        setattr(Transport, name, sent)


def run_until_killed(
    settings: dict[str, Any], export: str, fatal: int, names: Path, in_halves: bool, cut: Path | None
) -> None:
    """Run the export in this process, which is there for nothing else; `fatal` 0 lets it live.

    `cut` becomes the data directory as a power cut leaves it.
    """
    disk = Disk(Path(settings["data_dir"])) if cut or not fatal else None
    if disk is not None:
        disk.watch()
    services = Services(Settings(**settings), sleep=brief)
    point = Points(fatal, names, disk, cut)
    put_around_writes(point)
    put_around_renames(point)
    put_around_requests(point)
    started = services.runs.start(CARL, export, in_halves=in_halves)
    services.runs.drive_here(started.id)
    services.close()
