"""Private temporary folders, and the one way to publish a file: complete and on disk before it gets its name.

Must never leave a half-written file under a name that others read, nor give a name that a power cut could undo
once the block has ended.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_wiped: set[tuple[Path, str]] = set()
_PART = ".ccexport-"  # an unmistakable name: such files are also made next to files that people download


@contextmanager
def private_folder(parent: Path, *, prefix: str = "work-") -> Iterator[Path]:
    """Provide a 0700 folder for DuckDB's temporary files and unfinished files; deleted afterwards.

    It is locked while in use, so that folders left by a killed process are recognised and deleted.
    """
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (parent, prefix) not in _wiped:
        _wiped.add((parent, prefix))
        _wipe_abandoned(parent.glob(f"{prefix}*"))
    folder, handle = _locked_folder(parent, prefix)
    try:
        yield folder
    finally:
        os.close(handle)
        shutil.rmtree(folder, ignore_errors=True)


def _locked_folder(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_SH)
        if folder.exists():
            return folder, handle
        os.close(handle)  # before it was locked, another process took it for an abandoned folder


@contextmanager
def published(path: Path) -> Iterator[Path]:
    """Provide a temporary path to write; at the end of the block the file replaces any file at `path`.

    The file is on disk before it is renamed, and the rename before this returns. When the block fails, or the
    process dies, `path` stays unchanged.
    """
    make_folder(path.parent)
    with private_folder(path.parent, prefix=_PART) as folder:
        part = folder / path.name
        yield part
        _flush(part)
        part.replace(path)
        _flush(path.parent)


@contextmanager
def published_folder(path: Path) -> Iterator[Path]:
    """As `published`, for a folder with everything in it.

    A folder cannot replace another in one step: `recover_folder` repairs what a crash between the two steps leaves.
    """
    make_folder(path.parent)
    old = _old(path)
    with private_folder(path.parent, prefix=_PART) as folder:
        part = folder / path.name
        part.mkdir()
        yield part
        for made in (*part.rglob("*"), part):
            _flush(made)
        if path.exists():
            path.rename(old)
        part.rename(path)
        _flush(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(path: Path) -> None:
    """Recover from a crash while the folder was replaced: delete the old folder, or give it its name back."""
    old = _old(path)
    if old.exists() and path.exists():
        shutil.rmtree(old)
    elif old.exists():
        old.rename(path)
        _flush(path.parent)


def _old(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def make_folder(path: Path, mode: int = 0o777) -> None:
    """Make the folder with that mode, and its parents, so that a power cut cannot undo it."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode, exist_ok=True)
        _flush(path.parent)


def wipe_parts(root: Path) -> None:
    """Delete what dead processes were writing anywhere below `root`."""
    _wipe_abandoned(root.rglob(f"{_PART}*"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let only one process at a time inside, for the same path."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _flush(path: Path) -> None:
    """Wait until the disk has the file, or the names in the folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _wipe_abandoned(folders: Iterable[Path]) -> None:
    for folder in list(folders):
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
