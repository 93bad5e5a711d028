"""Loading one sheet of a workbook. Its cells become text and are typed like the columns of a CSV file,
because a column of a workbook has no type.

Owns which sheet is meant and how a cell is written. Must never evaluate a formula: the value the
workbook was saved with counts.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from ccexport.errors import BadInput
from ccexport.profiles.csv_dialect import checked_header
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, field_names
from ccexport.profiles.tolerant_reader import LINE, Reject

_AT_ONCE = 10_000
Row = list[str | None]


def sheets_of(path: Path, name: str) -> tuple[str, ...]:
    """The visible sheets that hold anything."""
    with _opened(path, name) as book:
        seen = [s.name for s in book.sheets_metadata if s.visible is SheetVisibleEnum.Visible]
        return tuple(n for n in seen if book.get_sheet_by_name(n).total_height)


def load_excel(loading: Loading, name: str, path: Path, sheet: str | None, table: str) -> Part:
    """A sheet whose first filled row names the fields; `line` of a reject is the row of the sheet."""
    with _opened(path, name) as book:
        chosen = _chosen(book, sheets_of(path, name), sheet, name)
        rows = _Rows(chosen, name)
        schema = pa.schema([*((f, pa.string()) for f in rows.fields), (LINE, pa.int64())])
        total = min(chosen.total_height, loading.limit or chosen.total_height)
        loading.db.run(f"DROP TABLE IF EXISTS {table}")
        made = 0
        for batch in rows.batches(schema, loading.limit):
            with loading.db.given("_sheet", pa.Table.from_batches([batch])):
                how = f"INSERT INTO {table}" if made else f"CREATE TABLE {table} AS"
                loading.db.run(f"{how} SELECT * FROM _sheet")
            made += batch.num_rows
            loading.say("reading", rows.at, total, what=name)
    if not made:
        raise BadInput(f"{name} has no rows besides its header.", file=name)
    types = tuple((f, "VARCHAR") for f in rows.fields)
    return Part(name, table, types, made, rows.header_at + 1, tuple(rows.rejects), text=True)


def _opened(path: Path, name: str) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_path(str(path.resolve()))
    except (CalamineError, OSError) as error:
        raise BadInput(
            f"{name} is not a workbook that can be read: it is damaged, protected by a password, or no "
            "Excel file.",
            file=name,
        ) from error


def _chosen(book: CalamineWorkbook, there: Sequence[str], wanted: str | None, name: str) -> CalamineSheet:
    listed = ", ".join(f"'{s}'" for s in there)
    if wanted is None and len(there) == 1:
        wanted = there[0]
    if not there:
        raise BadInput(f"{name} is empty: no sheet holds anything.", file=name)
    if wanted is None:
        raise BadInput(f"{name} has the sheets {listed}: say which one with --sheet.", file=name)
    found = next((s for s in book.sheet_names if s.casefold() == wanted.casefold()), None)
    if found is None:
        raise BadInput(f"{name} has no sheet '{wanted}'; its sheets are {listed}.", file=name)
    return book.get_sheet_by_name(found)


class _Rows:
    """The rows of a sheet as text, from its header on."""

    def __init__(self, sheet: CalamineSheet, name: str) -> None:
        self._rows: Iterator[tuple[int, Row]] = (
            (at, [_text(cell) for cell in row]) for at, row in enumerate(sheet.iter_rows(), start=1)
        )
        self._name = name
        self.rejects: list[Reject] = []
        self.header_at, first = next(((at, row) for at, row in self._rows if any(row)), (1, []))
        self.at = self.header_at
        while first and first[-1] is None:
            first.pop()
        header = checked_header([(cell or "").strip() for cell in first], name, self.header_at)
        self.fields = field_names(header, name)

    def batches(self, schema: pa.Schema, limit: int | None) -> Iterator[pa.RecordBatch]:
        """The good rows, each with its number in the sheet; blank rows are left out."""
        good = islice(self._good(), limit)
        while rows := list(islice(good, _AT_ONCE)):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(c, t) for c, t in zip(columns, schema.types, strict=True)]
            yield pa.record_batch(arrays, schema=schema)

    def _good(self) -> Iterator[tuple[Any, ...]]:
        width = len(self.fields)
        for at, row in self._rows:
            self.at = at
            if any(cell is not None for cell in row[width:]):
                self._reject(at, row)
            elif any(cell is not None for cell in row):
                yield (*row[:width], *([None] * (width - len(row))), at)

    def _reject(self, at: int, row: Row) -> None:
        last = max(n for n, cell in enumerate(row, start=1) if cell is not None)
        detail = f"the row has {last} cells where the header has {len(self.fields)}"
        raw = "\t".join(cell or "" for cell in row)[:2_000]
        self.rejects.append(Reject(self._name, at, "fields", detail, raw))


def _text(cell: Any) -> str | None:
    """A cell as a CSV file would have it: whole numbers without a point, ISO dates and times."""
    if cell == "" and isinstance(cell, str):
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
