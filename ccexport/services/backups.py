"""Use cases of backing up: the whole installation as a folder or one tar file.

A back-up can run while dashboards and workers run. It copies the rows of the ledger first, in one transaction.
The files that the rows name are written once and never changed, so copies made afterwards match the rows.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ccexport import __version__
from ccexport.errors import BadInput
from ccexport.files import published
from ccexport.ledger.dump import dump
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services.access import require
from ccexport.services.backup_manifest import (
    FILES,
    LEDGER,
    MANIFEST,
    BackedUpFile,
    Manifest,
    check,
    digest,
    read_manifest,
)
from ccexport.services.wiring import UseCases
from ccexport.settings import Settings

KEY = "secret.key"
_SANDBOX = "sandbox.sqlite"
_NEVER = ("ledger.sqlite", _SANDBOX, "work-")  # copied in another way, or temporary


class BackupUseCases(UseCases):
    """Backing up. Restoring needs no installation; see `restoring`."""

    def back_up(self, actor: Actor, to: Path, *, with_key: bool = False) -> Manifest:
        """Write a back-up to the folder `to`, or to one file when its name ends in `.tar`.

        A folder that holds an earlier back-up is brought up to date: unchanged files stay. Raises `BadInput`
        for a place that cannot take it and `StoreTrouble` when what was written is not what was read.
        """
        require(actor, Role.ADMINISTRATOR, "back up")
        settings = self._wiring.settings
        self._ledger.audit.add(actor.name, "backed up", "with the key" if with_key else "without the key")
        make = _Backup(settings, self._ledger.clock, with_key=with_key)
        if to.suffix != ".tar":
            return make.into(_checked_folder(to, settings.data_dir))
        if to.exists():
            raise BadInput("{place} is there already: name a new file.", place=str(to))
        with TemporaryDirectory(prefix="work-", dir=settings.data_dir) as folder:
            manifest = make.into(Path(folder))
            with published(to) as part:
                with tarfile.open(part, "w") as archive:
                    archive.add(folder, arcname=".")
                part.chmod(0o600)
        return manifest


class _Backup:
    """One back-up while it is being made."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime], *, with_key: bool) -> None:
        self._settings, self._root = settings, settings.data_dir
        self._clock, self._with_key = clock, with_key

    def into(self, folder: Path) -> Manifest:
        before = _earlier(folder)
        (folder / FILES).mkdir(exist_ok=True, mode=0o700)
        current = self._current()
        version, rows = self._ledger(folder)
        files = list(self._copied(folder / FILES, before))
        if current is not None:
            files.append(_kept(folder / FILES, "profiles/current", current))
        manifest = Manifest(
            made_at=self._clock().isoformat(),
            program=__version__,
            ledger_version=version,
            rows=rows,
            files=files,
            key=self._with_key,
            reused=sum(one == before.get(one.path) for one in files),
        )
        _forget_others(folder / FILES, {one.path for one in files})
        text = json.dumps(asdict(manifest), indent=1)
        with published(folder / MANIFEST) as part:
            part.write_text(text, "utf-8")
        check(folder)
        return manifest

    def _current(self) -> bytes | None:
        """Read which snapshot is current. Read it before the ledger, so that the rows include this snapshot."""
        path = self._root / "profiles" / "current"
        return path.read_bytes() if path.exists() else None

    def _ledger(self, folder: Path) -> tuple[str, dict[str, int]]:
        made = folder / f"{LEDGER}.new"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(mode=0o700)
        version, rows = dump(self._settings.ledger_address, made)
        shutil.rmtree(folder / LEDGER, ignore_errors=True)
        made.rename(folder / LEDGER)
        return version, rows

    def _copied(self, into: Path, before: dict[str, BackedUpFile]) -> Iterator[BackedUpFile]:
        for path in sorted(self._root.rglob("*")):
            place = path.relative_to(self._root).as_posix()
            if path.is_file() and not path.is_symlink() and self._belongs(place):
                found = _taken(path, into / place, place, before.get(place))
                if found is not None:
                    yield found
        if (self._root / _SANDBOX).exists():
            yield _copied_sqlite(self._root / _SANDBOX, into / _SANDBOX)

    def _belongs(self, place: str) -> bool:
        if place == KEY:
            return self._with_key
        parts = place.split("/")
        if place == "profiles/current" or any(p.startswith((*_NEVER, ".")) for p in parts):
            return False
        return not place.endswith((".lock", ".new", ".part", "-wal", "-shm"))


def _checked_folder(to: Path, data_dir: Path) -> Path:
    if to.resolve().is_relative_to(data_dir.resolve()):
        raise BadInput("{place} is inside the data directory: name a place outside of it.", place=str(to))
    try:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
        others = {one.name for one in to.iterdir()} - {MANIFEST, LEDGER, FILES, f"{LEDGER}.new"}
    except OSError as error:
        raise BadInput(
            "{place} cannot be made or read as a folder: {why}.", place=str(to), why=error.strerror or ""
        ) from error
    if others:
        raise BadInput(
            "{place} holds other things ({name}): name an empty folder.",
            place=str(to),
            name=sorted(others)[0],
        )
    return to


def _earlier(folder: Path) -> dict[str, BackedUpFile]:
    """Return the files of the back-up that the folder already holds, by path."""
    try:
        return {one.path: one for one in read_manifest(folder).files}
    except BadInput:
        return {}


def _taken(source: Path, target: Path, place: str, before: BackedUpFile | None) -> BackedUpFile | None:
    """Put a file into the back-up: keep an unchanged one, or link or copy it. None if it no longer exists."""
    try:
        status = source.stat()
        if (
            before
            and target.exists()
            and (before.size, before.changed_ns) == (status.st_size, status.st_mtime_ns)
        ):
            return before
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.unlink(missing_ok=True)
        _link_or_copy(source, target)
    except FileNotFoundError:  # tidied meanwhile: no row of the ledger needs it
        return None
    return BackedUpFile(place, status.st_size, digest(target), status.st_mtime_ns)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system
        with published(target) as part:
            shutil.copy2(source, part)


def _kept(into: Path, place: str, content: bytes) -> BackedUpFile:
    target = into / place
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with published(target) as part:
        part.write_bytes(content)
    return BackedUpFile(place, len(content), hashlib.sha256(content).hexdigest(), 0)


def _copied_sqlite(source: Path, target: Path) -> BackedUpFile:
    """Copy a database that may be written meanwhile, with SQLite's own backup."""
    target.unlink(missing_ok=True)
    here, there = sqlite3.connect(source), sqlite3.connect(target)
    try:
        here.backup(there)
    finally:
        here.close()
        there.close()
    return BackedUpFile(_SANDBOX, target.stat().st_size, digest(target), 0)


def _forget_others(into: Path, kept: set[str]) -> None:
    for path in sorted(into.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(into).as_posix() not in kept:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
