"""Private temporary folders, and files that appear under their name only when they are whole.

Must never leave a half-written file under a name somebody reads.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_wiped: set[Path] = set()


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A 0700 folder for what DuckDB spills and for files in the making; gone afterwards.

    It is locked while in use, so that folders left by a killed process are known and wiped.
    """
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if parent not in _wiped:
        _wiped.add(parent)
        _wipe_abandoned(parent)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=parent))
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def publish(made: Path, final: Path) -> None:
    """Move a finished file into place: on disk first, then under its name."""
    _sync(made)
    made.replace(final)
    _sync(final.parent)


def write_text(final: Path, text: str, folder: Path) -> None:
    """Write a small file through a temporary name in `folder`."""
    made = folder / f"{final.name}.new"
    made.write_text(text, encoding="utf-8")
    publish(made, final)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Only one process at a time is inside, for the same path."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _wipe_abandoned(parent: Path) -> None:
    for folder in parent.glob("work-*"):
        try:
            handle = os.open(folder, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # in use by a living process
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)
