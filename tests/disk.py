"""What a power cut would leave of a folder: what was flushed to the disk, and nothing else.

A file has the bytes of its last flush, or zeros; a name is there when its folder was flushed since. SQLite's
own files are taken as they are: it flushes them below Python, which tests/runs/test_flushed.py proves apart.
"""

import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

LEDGER = "ledger.sqlite"
PART = ".ccexport-"  # files in the making: nothing names them


class Disk:
    """Watches one folder from now on; all that is in it counts as flushed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._bytes: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._held: dict[int, int] = {}  # open descriptors: no number of a file is used twice
        self._lock = threading.Lock()
        self._undo = ExitStack()
        self._original: Callable[[int], None] = os.fsync
        for path in (root, *root.rglob("*")):
            self._flushed(path)

    def __enter__(self) -> "Disk":
        self.watch()
        return self

    def __exit__(self, *about: object) -> None:
        self._undo.close()
        for handle in self._held.values():
            os.close(handle)

    def watch(self) -> None:
        """Note every flush and check every rename from here on."""
        self._patch("fsync", self._fsync)
        for name in ("rename", "replace"):
            self._patch(name, self._checked(getattr(os, name)))

    def _patch(self, name: str, value: Any) -> None:
        self._undo.callback(setattr, os, name, getattr(os, name))
        setattr(os, name, value)

    def _fsync(self, handle: int) -> None:
        self._original(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_relative_to(self._root) and path.exists():
            self._flushed(path)

    def _flushed(self, path: Path) -> None:
        with self._lock:
            number = self._number(path)
            if path.is_dir():
                self._names[number] = {each.name: self._number(each) for each in path.iterdir()}
            elif path.is_file():
                self._bytes[number] = path.read_bytes()

    def _number(self, path: Path) -> int:
        number = path.stat().st_ino
        if number not in self._held:
            self._held[number] = os.open(path, os.O_RDONLY)
        return number

    def _checked(self, original: Callable[..., None]) -> Callable[..., None]:
        """A name that others see goes only to what is on disk."""

        def renamed(source: Any, target: Any, *rest: Any) -> None:
            old, new = Path(source), Path(target)
            watched = (
                new.is_relative_to(self._root) and PART not in str(new) and not new.name.endswith(".old")
            )
            lost = list(self._not_flushed(old)) if watched else []
            assert not lost, f"{lost} had not been flushed when {new.name} was given its name"
            original(source, target, *rest)

        return renamed

    def _not_flushed(self, path: Path) -> Iterator[str]:
        number = path.stat().st_ino
        if not path.is_dir():
            if self._bytes.get(number) != path.read_bytes():
                yield str(path.relative_to(self._root))
            return
        there = {each.name: each.stat().st_ino for each in path.iterdir() if not _passing(each)}
        kept = self._names.get(number, {})
        yield from (
            str((path / name).relative_to(self._root)) for name, n in there.items() if kept.get(name) != n
        )
        for each in path.iterdir():
            if not _passing(each):
                yield from self._not_flushed(each)

    def not_flushed(self) -> list[str]:
        """What a power cut now would take away."""
        with self._lock:
            return sorted(set(self._not_flushed(self._root)))

    def at_risk(self) -> bool:
        """Whether a power cut now would leave something else than a kill does."""
        with self._lock:
            return bool(list(self._not_flushed(self._root))) or self._comes_back(self._root)

    def _comes_back(self, folder: Path) -> bool:
        """Whether something was removed, and its folder not flushed since."""
        kept = self._names.get(folder.stat().st_ino, {})
        return any(
            not (folder / name).exists() or ((folder / name).is_dir() and self._comes_back(folder / name))
            for name in kept
            if not _passing(folder / name)
        )

    def leave(self, into: Path) -> None:
        """Make `into` what the folder is after a power cut now."""
        with self._lock:
            self._leave(self._root.stat().st_ino, into)
        for path in self._root.glob(f"{LEDGER}*"):
            if not path.name.endswith("-shm"):
                shutil.copyfile(path, into / path.name)

    def _leave(self, folder: int, into: Path) -> None:
        into.mkdir(mode=0o700)
        for name, number in self._names.get(folder, {}).items():
            about = os.fstat(self._held[number])
            if stat.S_ISDIR(about.st_mode):
                self._leave(number, into / name)
            elif not name.startswith(LEDGER):
                (into / name).write_bytes(self._bytes.get(number, bytes(about.st_size)))


def _passing(path: Path) -> bool:
    """Locks, the ledger's own files and work in progress: nothing names them."""
    return (
        path.name.startswith((PART, LEDGER))
        or path.name.endswith(".lock")
        or path.name in {"temp", "tmp", ".temp"}
    )
