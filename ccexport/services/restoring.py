"""Makes an installation from a back-up. Must never overwrite anything."""

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
    """Restore the back-up at `source` into the empty data directory and the empty ledger of `settings`.

    Everything is checked before anything is written. When root restores, the files get the owner of the data
    directory. Raises `BadInput`, `StoreTrouble`, and `Conflict` when the target is not empty.
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
            _empty(root)  # empty as before: nothing stays half restored
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
    """As root, give everything to the owner of the data directory."""
    owner = root.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for path in root.rglob("*"):
        os.chown(path, owner.st_uid, owner.st_gid)
