"""Writes rows as a workbook: cells are typed, so a text is never read as a formula and needs no mark.

Must never hold more than a row in memory.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ccexport.errors import BadInput

MOST_ROWS = 1_048_575  # rows besides the header; the maximum of a sheet
LONGEST_CELL = 32_767
_EXACT_DIGITS = 15


def write_workbook(
    into: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], *, temp_dir: Path
) -> None:
    """Write one sheet with a header; it is complete or absent. Raises `BadInput` for more rows than a sheet holds."""
    part = into.with_name(f".{into.name}.part")
    options = {"constant_memory": True, "tmpdir": str(temp_dir), "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(part), options) as book:
            sheet = book.add_worksheet()
            formats: dict[type, Format] = {date: book.add_format({"num_format": "yyyy-mm-dd"})}
            formats[datetime] = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            for column, name in enumerate(header):
                sheet.write_string(0, column, _short(name))
            for number, row in enumerate(rows, 1):
                if number > MOST_ROWS:
                    raise BadInput("A workbook holds {most} rows; take CSV or Parquet.", most=MOST_ROWS)
                for column, value in enumerate(row):
                    _write(sheet, number, column, value, formats)
        part.replace(into)
    finally:
        part.unlink(missing_ok=True)


def _write(sheet: Worksheet, row: int, column: int, value: Any, formats: dict[type, Format]) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(row, column, value)
        case int() | float() | Decimal() if _exact(value):
            sheet.write_number(row, column, float(value))
        case datetime() if value.year >= 1901 and not value.microsecond:
            sheet.write_datetime(row, column, value, formats[datetime])
        case date() if not isinstance(value, datetime) and value.year >= 1901:
            sheet.write_datetime(row, column, value, formats[date])
        case _:
            sheet.write_string(row, column, _short(str(value)))


def _exact(value: float | Decimal) -> bool:
    digits = Decimal(str(value)).normalize().as_tuple()
    return len(digits.digits) <= _EXACT_DIGITS


def _short(text: str) -> str:
    if len(text) > LONGEST_CELL:
        raise BadInput(
            "A cell of a workbook holds {most} characters; take CSV or Parquet.", most=LONGEST_CELL
        )
    return text
