"""Loads one sheet of a workbook. Its cells become text and are typed like the columns of a CSV file,
because a column of a workbook has no type.

Owns which sheet is read and how a cell is written. Must never evaluate a formula: it uses the value that
was saved with the workbook.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from ccexport.errors import BadInput
from ccexport.model.reading import FileReading
from ccexport.model.sources import Given
from ccexport.profiles.csv_dialect import checked_header, find_header
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, drop_empty, field_names, renamed_fields
from ccexport.profiles.tolerant_reader import LINE, Reject
from ccexport.profiles.workbook_formats import Place, check_size, padded, padded_cells

_AT_ONCE = 10_000
_LOOKED_AT = 200  # rows in which the header is looked for
Row = list[str | None]


def sheets_of(path: Path, name: str) -> tuple[str, ...]:
    """Return the visible sheets that hold anything."""
    with _opened(path, name) as book:
        seen = [s.name for s in book.sheets_metadata if s.visible is SheetVisibleEnum.Visible]
        return tuple(n for n in seen if book.get_sheet_by_name(n).total_height)


def load_excel(loading: Loading, name: str, path: Path, given: Given, table: str) -> Part:
    """Load a sheet, from the row that names the fields; `line` of a reject is the row of the sheet."""
    with _opened(path, name) as book:
        chosen = _chosen(book, sheets_of(path, name), given.sheet, name)
        rows = _Rows(chosen, name, given.skip_rows, padded_cells(path, chosen.name))
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
        raise BadInput("{file} has no rows besides its header.", file=name)
    fields = drop_empty(loading.db, table, rows.header, rows.fields)
    counts = {"title_lines": rows.titles, "empty_fields": len(rows.fields) - len(fields)}
    reading = FileReading(
        name,
        given.name,
        "workbook",
        header_line=rows.header_at,
        sheet=chosen.name,
        counts={code: n for code, n in counts.items() if n},
        renamed=renamed_fields(rows.header, rows.fields),
    )
    types = tuple((f, "VARCHAR") for f in fields)
    rejects = tuple(rows.rejects)
    return Part(name, table, types, made, rows.header_at + 1, rejects, text=True, reading=reading)


def _opened(path: Path, name: str) -> CalamineWorkbook:
    check_size(path, name)
    try:
        return CalamineWorkbook.from_path(str(path.resolve()))
    except (CalamineError, OSError) as error:
        raise BadInput(
            "{name} is not a workbook that can be read: it is damaged, protected by a password, "
            "or no Excel file.",
            name=name,
            file=name,
        ) from error


def _chosen(book: CalamineWorkbook, there: Sequence[str], wanted: str | None, name: str) -> CalamineSheet:
    listed = ", ".join(f"'{s}'" for s in there)
    if wanted is None and len(there) == 1:
        wanted = there[0]
    if not there:
        raise BadInput("{name} is empty: no sheet holds anything.", name=name, file=name)
    if wanted is None:
        raise BadInput("{name} has the sheets {names}: choose one.", name=name, names=listed, file=name)
    found = next((s for s in book.sheet_names if s.casefold() == wanted.casefold()), None)
    if found is None:
        raise BadInput(
            "{name} has no sheet '{wanted}'; its sheets are {names}.",
            name=name,
            wanted=wanted,
            names=listed,
            file=name,
        )
    return book.get_sheet_by_name(found)


class _Rows:
    """The rows of a sheet as text, from its header on."""

    def __init__(
        self, sheet: CalamineSheet, name: str, skip_rows: int | None, formats: Mapping[Place, str]
    ) -> None:
        rows = self._texts(sheet, formats)
        first = list(islice(rows, _LOOKED_AT))
        skipped = skip_rows or 0
        looked = [(at - skipped, [cell or "" for cell in row]) for at, row in first if at > skipped]
        before, self.titles, header = find_header(looked, sure=skip_rows is not None)
        self._name = name
        self.rejects: list[Reject] = []
        self.header_at = skipped + before + 1
        self.at = self.header_at
        while header and not header[-1]:
            header.pop()
        self.header = checked_header(header, name, self.header_at)
        self.fields = field_names(self.header, name)
        self._rows = chain((r for r in first if r[0] > self.header_at), rows)

    def _texts(self, sheet: CalamineSheet, formats: Mapping[Place, str]) -> Iterator[tuple[int, Row]]:
        for at, row in enumerate(sheet.iter_rows()):
            texts = [_text(cell) for cell in row]
            if formats:
                texts = [
                    padded(t, formats[at, n]) if t and (at, n) in formats else t for n, t in enumerate(texts)
                ]
            yield at + 1, texts

    def batches(self, schema: pa.Schema, limit: int | None) -> Iterator[pa.RecordBatch]:
        """Yield the good rows, each with its number in the sheet; blank rows are left out."""
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
    """Return a cell as a CSV file would have it: whole numbers without a decimal point, ISO dates and times."""
    if cell == "" and isinstance(cell, str):
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e21 else repr(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
