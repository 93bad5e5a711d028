"""Staging a source: each of its files, or its query, loaded and stacked into one table.

Must never write to a source, and never decide what a row means.
"""

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.sources import Given
from ccexport.profiles.database import DuckDB, quote_path
from ccexport.profiles.load_excel import load_excel
from ccexport.profiles.load_files import load_csv, load_json, load_parquet
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, Staged, check_alike, stack

_IN_MEMORY_SHARE = 0.2  # of the memory limit that sources may have to be staged in memory
_JSON = {".jsonl", ".ndjson", ".json"}
_TEXT = {".csv", ".tsv", ".txt"}
_EXCEL = {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}
_KNOWN = (
    "CSV (.csv, .tsv, .txt), Parquet (.parquet), JSON lines (.jsonl, .ndjson, .json) "
    "or a workbook (.xlsx, .xls, .ods)"
)


def make_room(db: DuckDB, sources: Sequence[Given], folder: Path) -> None:
    """The database `staging`: in memory for small sources; in a file, which needs no spilling, for big ones and
    for those whose size nobody knows. It is not compressed, as long as `pack` has not been called: what is
    read a few times and thrown away is not worth a third of the time of loading it.
    """
    size = sum(f.stat().st_size for s in sources for f in s.files if f.is_file())
    size += sum(f.stat().st_size * 9 for s in sources for f in s.files if is_workbook(f) and f.is_file())
    unknown = any(s.database for s in sources)
    big = unknown or size > _IN_MEMORY_SHARE * db.memory_limit
    target = folder / "staging.duckdb" if big else Path(":memory:")
    db.run(f"ATTACH {quote_path(target)} AS staging")
    db.run("SET force_compression = 'uncompressed'")


def pack(db: DuckDB) -> None:
    """From now on what is written is compressed, as a snapshot should be."""
    db.run("SET force_compression = 'auto'")


def stage(loading: Loading, source: Given, folder: Path) -> Staged:
    """Load the query, or every file in the order given, into the table `_staged` of `staging`."""
    if source.database:
        # Only now: the driver brings pandas along, which takes longer to import than all of ccexport.
        from ccexport.profiles.load_query import load_query

        return stack(loading.db, [load_query(loading, source, "staging._part0")])
    if not source.files:
        raise BadInput("No file was given.")
    parts: list[Part] = []
    for number, file in enumerate(source.files):
        work = folder / f"source-{source.name or 'file'}-{number}"
        work.mkdir()
        parts.append(_load(loading, source, file, work, f"staging._part{number}"))
        check_alike(parts[0], parts[-1])
    return stack(loading.db, parts)


def is_workbook(file: Path) -> bool:
    """Whether the name says so."""
    return _suffix(file) in _EXCEL


def _suffix(file: Path) -> str:
    suffixes = [s.lower() for s in file.suffixes]
    return suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes or [""])[-1]


def _load(loading: Loading, source: Given, file: Path, work: Path, table: str) -> Part:
    if not file.is_file():
        raise BadInput(f"{file.name} is not there, or is not a file.", file=file.name)
    if file.stat().st_size == 0:
        raise BadInput(f"{file.name} is empty.", file=file.name)
    suffix = _suffix(file)
    if suffix in _EXCEL:
        return load_excel(loading, file.name, file, source.sheet, table)
    if suffix in _TEXT:
        return load_csv(loading, file.name, _safely_named(file, work), work, table)
    if suffix in _JSON:
        return load_json(loading, file.name, _safely_named(file, work), work, table)
    if suffix == ".parquet":
        return load_parquet(loading, file.name, _safely_named(file, work), table)
    raise BadInput(f"{file.name} cannot be read: give {_KNOWN}.", file=file.name)


def _safely_named(file: Path, work: Path) -> Path:
    """The file under a name of ours: the loader takes `*` and `[` in a path as a pattern."""
    safe = work / "source"
    with file.open("rb") as opened:
        packed = opened.read(2) == b"\x1f\x8b"
    if not packed:
        safe.symlink_to(file.absolute())
        return safe
    try:
        with gzip.open(file) as source, safe.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except (OSError, EOFError) as error:
        raise BadInput(f"{file.name} is not a whole gzip file.", file=file.name) from error
    return safe
