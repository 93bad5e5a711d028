"""Stages a source: loads each of its files, or its query, and stacks them into one table.

Must never write to a source, and never decide what a row means.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.sources import Given
from ccexport.profiles.database import DuckDB, quote_path
from ccexport.profiles.file_kinds import GZIP, JSON, PARQUET, WORKBOOK, ZIP, kind_of
from ccexport.profiles.load_csv import load_csv
from ccexport.profiles.load_excel import load_excel
from ccexport.profiles.load_json import load_json
from ccexport.profiles.load_native import load_parquet
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, Staged, check_alike, refuse_damaged, stack
from ccexport.profiles.unpack import gunzip, unzip

_IN_MEMORY_SHARE = 0.2  # the share of the memory limit up to which sources are staged in memory


def make_room(db: DuckDB, sources: Sequence[Given], folder: Path) -> None:
    """Attach the database `staging`: in memory for small sources, otherwise in a file.

    A file needs no spilling; it is also used when the size is unknown. The database is uncompressed until `pack`
    is called: compression takes a third of the loading time, and staged data is only read a few times.
    """
    size = sum(f.stat().st_size for s in sources for f in s.files if f.is_file())
    size += sum(f.stat().st_size * 9 for s in sources for f in s.files if is_workbook(f) and f.is_file())
    unknown = any(s.database for s in sources)
    big = unknown or size > _IN_MEMORY_SHARE * db.memory_limit
    target = folder / "staging.duckdb" if big else Path(":memory:")
    db.run(f"ATTACH {quote_path(target)} AS staging")
    db.run("SET force_compression = 'uncompressed'")


def pack(db: DuckDB) -> None:
    """Compress what is written from now on, as a snapshot should be."""
    db.run("SET force_compression = 'auto'")


def stage(loading: Loading, source: Given, folder: Path) -> Staged:
    """Load the query, or every file in the order given, into the table `_staged` of `staging`."""
    if source.database:
        # Imported only here: the driver imports pandas, which takes longer than all of ccexport.
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
    """Whether the name says that it is a workbook."""
    return file.suffix.lower() in (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")


def _load(loading: Loading, given: Given, file: Path, work: Path, table: str) -> Part:
    name = file.name
    if not file.is_file():
        raise BadInput("{file} is not there, or is not a file.", file=name)
    if file.stat().st_size == 0:
        raise BadInput("{file} is empty.", file=name)
    path, kind, member = _opened(file, given, work)
    if kind == WORKBOOK:
        part = load_excel(loading, name, path, given, table)
    elif kind == JSON:
        part = load_json(loading, given, name, path, work, table)
    elif kind == PARQUET:
        part = load_parquet(loading, name, path, table, given.name)
    else:
        part = load_csv(loading, given, name, path, work, table)
    if member and part.reading is not None:
        part = replace(part, reading=replace(part.reading, member=member))
    return refuse_damaged(part)


def _opened(file: Path, given: Given, work: Path) -> tuple[Path, str, str]:
    """Return the table of a file under a name of ours, its kind, and which member of a zip it is.

    The loader would read `*` and `[` in the original path as a pattern.
    """
    path = work / "source"
    path.symlink_to(file.absolute())
    kind, named, member = kind_of(path, file.name), file.name, ""
    if kind == ZIP:
        path, member = unzip(path, file.name, given.member, work / "member")
        kind, named = kind_of(path, member), member
    if kind == GZIP:
        path = gunzip(path, file.name, work / "unpacked")
        if not path.stat().st_size:
            raise BadInput("{file} is empty.", file=file.name)
        kind = kind_of(path, named.removesuffix(".gz"))
    if kind in (ZIP, GZIP):
        raise BadInput("{file} is packed more than once: unpack it first.", file=file.name)
    return path, kind, member
