"""Unpacks gzip and zip, and counts the bytes meanwhile. Must never write more than is allowed."""

import gzip
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ccexport.errors import BadInput
from ccexport.messages import Size
from ccexport.profiles.file_kinds import is_known

MOST = 20_000_000_000  # bytes, unpacked
_ALWAYS = 100_000_000
_RATIO = 200  # tables pack to a tenth, and hardly ever to less than a fiftieth
_CHUNK = 1 << 20


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unpacked_limit(packed: int) -> int:
    """Return how many bytes a file of that size may unpack to."""
    return min(MOST, max(_ALWAYS, packed * _RATIO))


def gunzip(path: Path, name: str, copy: Path) -> Path:
    """Unpack a gzip file to `copy`."""
    try:
        with gzip.open(path) as source:
            return _copied(source, copy, name, path.stat().st_size)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput("{file} is not a whole gzip file.", file=name) from error


def members_of(path: Path) -> tuple[str, ...]:
    """Return the tables of a zip."""
    with zipfile.ZipFile(path) as packed:
        return tuple(i.filename for i in packed.infolist() if not i.is_dir() and _is_table(i.filename))


def _is_table(name: str) -> bool:
    parts = Path(name).parts
    return is_known(name) and "__MACOSX" not in parts and not parts[-1].startswith((".", "~$"))


def unzip(path: Path, name: str, member: str | None, copy: Path) -> tuple[Path, str]:
    """Unpack the only table of a zip, or the one asked for; return it with its name."""
    try:
        there = members_of(path)
        chosen = _chosen(there, name, member)
        with zipfile.ZipFile(path) as packed, packed.open(chosen) as source:
            return _copied(source, copy, name, path.stat().st_size), chosen
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error) as error:
        raise BadInput("{file} is not a whole zip file, or is protected by a password.", file=name) from error


def _chosen(there: Sequence[str], name: str, wanted: str | None) -> str:
    if not there:
        raise BadInput("{file} holds no table: no CSV, JSON or Parquet file and no workbook.", file=name)
    if wanted is None and len(there) == 1:
        return there[0]
    found = next((m for m in there if wanted and m.casefold() == wanted.casefold()), None)
    if found is None:
        raise BadInput("{file} holds {members}: say which one.", file=name, members=list(there))
    return found


def _copied(source: _Readable, copy: Path, name: str, packed: int) -> Path:
    limit, size = unpacked_limit(packed), 0
    with copy.open("wb") as out:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise BadInput(
                    "{file} unpacks to more than {limit}, which no table of its size does: it is not read.",
                    file=name,
                    limit=Size(limit),
                )
            out.write(chunk)
    return copy
