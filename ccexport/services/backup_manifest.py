"""The manifest of a back-up: what the back-up holds, and whether it is complete.

`manifest.json` beside the rows of the ledger (`ledger/<table>.parquet`) and the files of the data directory
(`files/…`).
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.errors import BadInput, StoreTrouble

MANIFEST, LEDGER, FILES = "manifest.json", "ledger", "files"
FORMAT = 1


@dataclass(frozen=True)
class BackedUpFile:
    """One file of the data directory: its relative path, size in bytes and SHA-256."""

    path: str
    size: int
    sha256: str
    changed_ns: int
    """When the file was last changed, in nanoseconds; a later back-up does not copy an unchanged file again."""


@dataclass(frozen=True)
class Manifest:
    """What a back-up holds. `rows` is the number of rows in each table of the ledger."""

    made_at: str
    program: str
    ledger_version: str
    rows: dict[str, int]
    files: list[BackedUpFile]
    key: bool
    format: int = FORMAT
    reused: int = field(default=0, compare=False)

    @property
    def bytes(self) -> int:
        return sum(one.size for one in self.files)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of the back-up in `folder`. Raises `BadInput` when there is none."""
    try:
        told = json.loads((folder / MANIFEST).read_text("utf-8"))
        told["files"] = [BackedUpFile(**one) for one in told["files"]]
        manifest = Manifest(**told)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(
            "{place} is no back-up: manifest.json is missing or cannot be read.", place=str(folder)
        ) from error
    if manifest.format != FORMAT:
        raise BadInput(
            "This back-up is of format {found}, and this program knows format {known}.",
            found=str(manifest.format),
            known=str(FORMAT),
        )
    return manifest


def check(folder: Path) -> Manifest:
    """Compare every byte of a back-up with its manifest. Raises `StoreTrouble` naming the first difference."""
    manifest = read_manifest(folder)
    for one in manifest.files:
        path = folder / FILES / one.path
        if not path.is_file() or path.stat().st_size != one.size or digest(path) != one.sha256:
            raise StoreTrouble("{path} of the back-up is missing or damaged.", path=one.path)
    for name in manifest.rows:
        if not (folder / LEDGER / f"{name}.parquet").is_file():
            raise StoreTrouble("The table {name} of the ledger is missing in the back-up.", name=name)
    return manifest


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
