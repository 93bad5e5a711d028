"""Making an installation from a back-up. Must never write where something is already."""

import os
import shutil
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from ccexport.errors import BadInput, Conflict
from ccexport.files import published
from ccexport.ledger.dump import restore_rows
from ccexport.services.backup_manifest import FILES, LEDGER, Manifest, check
from ccexport.settings import Settings, make_data_dir


def restore(source: Path, settings: Settings) -> Manifest:
    """Make the empty data directory of `settings`, and its empty ledger, hold the back-up at `source`.

    Everything is checked before anything is written. As root, what is written belongs to the owner of the data
    directory. Raises `BadInput`, `Conflict` when something is there already, and `StoreTrouble`.
    """
    root = settings.data_dir
    if root.exists() and any(root.iterdir()):
        raise Conflict(
            "The data directory {place} is not empty: restore into a new one (CCEXPORT_DATA_DIR).",
            place=str(root),
        )
    make_data_dir(root)
    with TemporaryDirectory(prefix="work-", dir=root) as name:
        scratch = Path(name)
        folder = _unpacked(source, scratch / "unpacked") if source.is_file() else source
        manifest = check(folder)
        try:
            _copy_files(folder / FILES, root, manifest)
            work = scratch / "ledger"
            work.mkdir()
            restore_rows(folder / LEDGER, manifest.ledger_version, settings.ledger_address, work)
        except BaseException:
            _empty(root)  # as it was: nothing is half restored
            raise
    _hand_over(root)
    return manifest


def _copy_files(source: Path, root: Path, manifest: Manifest) -> None:
    for one in manifest.files:
        target = root / one.path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with published(target) as part:
            shutil.copy2(source / one.path, part)


def _empty(root: Path) -> None:
    for path in root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _unpacked(source: Path, into: Path) -> Path:
    try:
        with tarfile.open(source) as archive:
            archive.extractall(into, filter="data")
    except (tarfile.TarError, OSError) as error:
        raise BadInput(
            "{place} is no back-up: it is not a tar file that can be read.", place=str(source)
        ) from error
    return into


def _hand_over(root: Path) -> None:
    """As root: everything belongs to whom the data directory belongs to."""
    owner = root.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for path in root.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid)
