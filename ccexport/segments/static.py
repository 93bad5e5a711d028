"""Member lists of static segments: read once from a file or a list, then matched in every snapshot.

A list holds profile ids, addresses, or both. Must never drop an entry without reporting it: entries that match no
profile are counted and can be listed.
"""

import csv
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ccexport.errors import BadInput
from ccexport.files import published
from ccexport.model.profiles import PROFILE_ID, ROW, Segment, Snapshot
from ccexport.profiles.addresses import OTHER_FORM, USABLE, address_in_cell, code_column, hash_column
from ccexport.profiles.csv_dialect import open_as_text
from ccexport.profiles.database import DuckDB, quote_identifier
from ccexport.profiles.identify import ADDRESS_NAME, ID_NAMES, plain_name

_SCHEMA = pa.schema([("seq", pa.int64()), ("id", pa.string()), ("address", pa.string())])
_BATCH = 50_000
Entry = tuple[str | None, str | None]  # id, address


def store_static(path: Path, members: Path | Sequence[str], *, current: Snapshot | None) -> Path:
    """Write the list as a Parquet file of seq, id and address; valid addresses are normalised."""
    entries = _entries_of_file(members, current) if isinstance(members, Path) else map(_entry, members)
    with published(path) as part:
        count = _write(part, (e for e in entries if any(e)))
        if not count:
            name = members.name if isinstance(members, Path) else "The list"
            raise BadInput("{name} holds no profile ids or addresses.", name=name)
    return path


def _write(part: Path, entries: Iterator[Entry]) -> int:
    count = 0
    with pq.ParquetWriter(part, _SCHEMA) as writer:
        while batch := list(islice(entries, _BATCH)):
            rows = {
                "seq": list(range(count, count + len(batch))),
                "id": [i for i, _ in batch],
                "address": [a for _, a in batch],
            }
            writer.write_table(pa.table(rows, schema=_SCHEMA))
            count += len(batch)
    return count


def resolve_static(db: DuckDB, segment: Segment, path: Path, snapshot: Snapshot) -> int:
    """Make the tables `_matched(_row)` and `_unmatched` in this session; return the count of unmatched entries."""
    del segment
    db.run("CREATE TEMP TABLE _list AS SELECT seq, id, address FROM read_parquet($path)", {"path": str(path)})
    by_address = "".join(_by_address_sql(f) for f in snapshot.address_fields)
    db.run(
        f"""CREATE TEMP TABLE _found AS
            SELECT l.seq, p.{ROW} FROM _list l JOIN s.profiles p ON p.{PROFILE_ID} = l.id {by_address}"""
    )
    db.run(f"CREATE TEMP TABLE _matched AS SELECT DISTINCT {ROW} FROM _found")
    db.run("CREATE TEMP TABLE _unmatched AS SELECT * FROM _list WHERE seq NOT IN (SELECT seq FROM _found)")
    (count,) = db.row("SELECT count(*) FROM _unmatched")
    return int(count)


def _by_address_sql(field: str) -> str:
    """SQL: entries with an address, matched by the hash of its normal form, unless the id matched."""
    code, hashed = quote_identifier(code_column(field)), quote_identifier(hash_column(field))
    return f"""
        UNION ALL SELECT l.seq, p.{ROW} FROM _list l JOIN s.profiles p ON p.{hashed} = hash(l.address)
        WHERE l.address IS NOT NULL AND p.{code} IN ({USABLE}, {OTHER_FORM})
          AND (l.id IS NULL OR l.id NOT IN (SELECT {PROFILE_ID} FROM s.profiles))"""


def _entry(value: str) -> Entry:
    """Read one value of unknown kind: it is an address when it has an @-sign."""
    text = str(value).strip()
    return (None, _address(text)) if "@" in text else (text or None, None)


def _address(text: str) -> str | None:
    return address_in_cell(text)[0] or text.strip() or None


def _entries_of_file(path: Path, current: Snapshot | None) -> Iterator[Entry]:
    with open_as_text(path, path.name) as (file, delimiter):
        reader = csv.reader(file, delimiter=delimiter)
        try:
            first = next(reader, [])
            yield from _entries(first, reader, path.name, current)
        except csv.Error as error:
            raise BadInput(
                "{file}, line {line}: {problem}.", problem=error, file=path.name, line=reader.line_num
            ) from error


def _entries(
    first: list[str], rows: Iterator[list[str]], name: str, current: Snapshot | None
) -> Iterator[Entry]:
    header = [cell.strip() for cell in first]
    id_at, address_at = _find_columns(header, current)
    if id_at is None and address_at is None:
        if len(header) != 1:
            raise BadInput(
                "{name} has no column with profile ids or addresses; its header is {header}. Name "
                "one of them profile_id or email.",
                name=name,
                header=list(header),
                file=name,
                line=1,
            )
        yield from (_entry(row[0]) for row in chain([first], rows) if row)
        return
    for row in rows:
        profile_id = row[id_at].strip() if id_at is not None and id_at < len(row) else ""
        address = row[address_at] if address_at is not None and address_at < len(row) else ""
        yield profile_id or None, _address(address)


def _find_columns(header: list[str], current: Snapshot | None) -> tuple[int | None, int | None]:
    """Return the columns that the header names as profile id and as address."""
    own = [current.id_field.casefold()] if current else []
    addresses = [f.casefold() for f in current.address_fields] if current else []
    lowered = [h.casefold() for h in header]
    ids = [n for n, h in enumerate(lowered) if h in own] or [
        n for n, h in enumerate(header) if plain_name(h) in ID_NAMES
    ]
    found = [n for n, h in enumerate(lowered) if h in addresses] or [
        n for n, h in enumerate(header) if "@" not in h and ADDRESS_NAME.search(h.lower())
    ]
    return (ids[0] if ids else None), (found[0] if found else None)
