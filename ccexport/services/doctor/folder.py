"""Checks of the data directory: whether it can be written, by whom, how much room there is, what was left behind.

Asks the file system and never tries to write: a check that writes would change what it looks at.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ccexport.messages import Size, counted, message
from ccexport.services.doctor.findings import Finding, fail, ok, warn
from ccexport.services.doctor.patient import Patient

WHAT = "data directory"
GIB = 2**30
LITTLE_SPACE, NO_SPACE = 2 * GIB, GIB // 4
FEW_FILES = 10_000
TIMES_A_SNAPSHOT = 3
"""Room that a refresh needs while it reads, as a multiple of the current snapshot."""
LEFT_BEHIND = ("work-", ".ccexport-")
_OWN = "Give the account that ccexport runs as the right to write it, or set CCEXPORT_DATA_DIR."


def data_dir(patient: Patient) -> Iterator[Finding]:
    """Check that the folder is there, or can be made, and that only its owner reads it."""
    path = patient.root
    if not path.exists():
        yield _not_made(path)
        return
    if not path.is_dir():
        advice = message("Set CCEXPORT_DATA_DIR to a folder.")
        yield fail("data_dir_no_folder", WHAT, message("{path} is a file.", path=path), advice)
        return
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK) or not path.stat().st_mode & stat.S_IWUSR:
        said = message("{path} cannot be written.", path=path)
        yield fail("data_dir_not_writable", WHAT, said, message(_OWN))
        return
    if path.stat().st_mode & 0o077:
        yield warn(
            "data_dir_open",
            WHAT,
            message("{path} is open to other accounts.", path=path),
            message("It holds customers' data: chmod 700 {path}", path=path),
        )
    else:
        yield ok("data_dir", WHAT, message("{path} can be written.", path=path))


def _not_made(path: Path) -> Finding:
    above = next(parent for parent in path.parents if parent.exists())
    if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
        return ok("data_dir", WHAT, message("{path} is made at the first start.", path=path))
    said = message("{path} is not there and cannot be made in {above}.", path=path, above=above)
    return fail("data_dir_not_writable", WHAT, said, message(_OWN))


def owners(patient: Patient) -> Iterator[Finding]:
    """Check that everything in the folder belongs to its owner, who can read it and write the folders."""
    if not patient.root.is_dir():
        return
    owner = patient.root.stat().st_uid
    foreign: list[Path] = []
    closed: list[Path] = []
    for path in _everything(patient.root):
        try:
            about = path.lstat()
        except FileNotFoundError:
            continue  # a temporary file that has gone meanwhile
        if about.st_uid != owner:
            foreign.append(path)
        elif not _usable(path, about):
            closed.append(path)
    if foreign:
        yield fail(
            "files_of_others",
            WHAT,
            counted(
                "{n} file belongs to another account, such as {file}.",
                "{n} files belong to another account, such as {file}.",
                n=len(foreign),
                file=_name(patient, foreign[0]),
            ),
            message("chown -R --reference={path} {path}", path=patient.root),
        )
    if closed:
        yield fail(
            "files_closed",
            WHAT,
            counted(
                "{n} file cannot be used by its own account, such as {file}.",
                "{n} files cannot be used by their own account, such as {file}.",
                n=len(closed),
                file=_name(patient, closed[0]),
            ),
            message("chmod -R u+rwX {path}", path=patient.root),
        )
    key = patient.root / "secret.key"
    if key.is_file() and key.stat().st_mode & 0o077:
        yield warn(
            "key_open",
            "key",
            message("secret.key can be read by other accounts."),
            message("chmod 600 {path}; consider a new key (rotate-key).", path=key),
        )


def _everything(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        yield from (Path(folder) / name for name in [*folders, *files])


def _usable(path: Path, about: os.stat_result) -> bool:
    written = path.name in {"ledger.sqlite", "sandbox.sqlite"}
    needed = stat.S_IRWXU if stat.S_ISDIR(about.st_mode) else stat.S_IRUSR | (stat.S_IWUSR if written else 0)
    if not stat.S_ISLNK(about.st_mode) and about.st_mode & needed != needed:
        return False
    return os.geteuid() != about.st_uid or os.access(path, os.R_OK)


def _name(patient: Patient, path: Path) -> str:
    return path.relative_to(patient.root).as_posix()


def space(patient: Patient) -> Iterator[Finding]:
    """Check free bytes and names, and that the next refresh would fit."""
    path = next(p for p in (patient.root, *patient.root.parents) if p.exists())
    free, what = shutil.disk_usage(path).free, "free space"
    said = message("{size} are free.", size=Size(free))
    advice = message("Make room, or keep less (CCEXPORT_RETENTION_MONTHS).")
    if free < NO_SPACE:
        yield fail("space_none", what, said, advice)
    elif free < LITTLE_SPACE:
        yield warn("space_low", what, said, advice)
    elif free < (needed := TIMES_A_SNAPSHOT * _current_size(patient)):
        more = message("{said} Reading the profiles anew needs {needed}.", said=said, needed=Size(needed))
        yield warn("space_for_refresh", what, more, advice)
    else:
        yield ok("space", what, said)
    names = os.statvfs(path)
    if names.f_files and names.f_favail < FEW_FILES:
        said = counted("{n} more file can be made.", "{n} more files can be made.", n=names.f_favail)
        yield warn("space_names", what, said, message("Remove small files, or use a disk with more inodes."))


def _current_size(patient: Patient) -> int:
    sizes = [p.stat().st_size for p in (patient.root / "profiles").glob("*.duckdb")]
    return max(sizes, default=0)


def temporary(patient: Patient) -> Iterator[Finding]:
    """Check the folders for temporary files, and what killed processes left in them."""
    what = "temporary files"
    for path in (patient.root / "tmp", patient.root / "temp", Path(tempfile.gettempdir())):
        if path.exists() and not (path.is_dir() and os.access(path, os.W_OK | os.X_OK)):
            yield fail(
                "temporary_unusable",
                what,
                message("{path} cannot be used for temporary files.", path=path),
                message("Make it a folder that the account ccexport runs as can write."),
            )
            return
    left = [p for p in _everything(patient.root) if p.name.startswith(LEFT_BEHIND) and _abandoned(p)]
    size = sum(f.stat().st_size for folder in left for f in folder.rglob("*") if f.is_file())
    if size >= GIB // 10:
        said = message("Processes that were killed left {size} behind.", size=Size(size))
        yield warn(
            "temporary_left", what, said, message("They go at the next start, or with `ccexport tidy`.")
        )
    else:
        yield ok("temporary", what, message("They have a place."))


def _abandoned(folder: Path) -> bool:
    """Whether no process has the lock on a temporary folder any more."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return not _held_elsewhere(handle)
    except OSError:
        return False
    finally:
        os.close(handle)


def _held_elsewhere(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
