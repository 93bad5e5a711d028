"""Reads from a workbook how far its cells reach, and the leading zeros of its numbers.

A cell with the format `00000` shows 2134 as 02134, and that is what the person means. Only .xlsx and .xlsm say
so in a readable form. Must never read more of a workbook than is allowed to unpack.
"""

import re
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from xml.etree import ElementTree

from ccexport.errors import BadInput
from ccexport.messages import Size
from ccexport.profiles.unpack import unpacked_limit

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_ZEROS = re.compile(r"0{2,}(?:[- ]0+)*")
_CELL = re.compile(rb'<(?:\w+:)?c [^>]*?r="([A-Z]{1,3})(\d{1,7})"')
_MOST_CELLS = 60_000_000  # cells of the rectangle they span: the reader holds all of it
_CHUNK = 1 << 20
Place = tuple[int, int]  # row and column, from 0


@lru_cache(maxsize=8)  # a workbook is opened more than once
def check_size(path: Path, name: str) -> None:
    """Raise `BadInput` when the parts of a workbook would unpack to too much, or its cells lie too far apart."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as book:
        limit = unpacked_limit(path.stat().st_size)
        if sum(part.file_size for part in book.infolist()) > limit:
            raise BadInput(
                "{file} unpacks to more than {limit}, which no table of its size does: it is not read.",
                file=name,
                limit=Size(limit),
            )
        for part in book.namelist():
            if part.startswith("xl/worksheets/") and part.endswith(".xml"):
                _check_extent(book, part, name)


def _check_extent(book: zipfile.ZipFile, part: str, name: str) -> None:
    rows = columns = 0
    rest = b""
    with book.open(part) as sheet:
        while chunk := sheet.read(_CHUNK):
            for column, row in _CELL.findall(rest + chunk):
                rows, columns = max(rows, int(row)), max(columns, _number(column.decode()))
            rest = chunk[-200:]
    if rows * columns > _MOST_CELLS:
        raise BadInput(
            "A sheet of {file} reaches over {rows} rows and {columns} columns: delete what lies far off, or give "
            "CSV.",
            file=name,
            rows=rows,
            columns=columns,
        )


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def padded_cells(path: Path, sheet: str) -> dict[Place, str]:
    """Return the number formats of only zeros, by cell; empty for other kinds of workbooks."""
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as book:
        if "xl/workbook.xml" not in book.namelist():
            return {}
        try:
            formats = _zero_formats(book)
            part = _part_of(book, sheet) if formats else None
            return dict(_cells(book, part, formats)) if part else {}
        except (ElementTree.ParseError, KeyError, ValueError):
            return {}  # another parser reads the values and reports what is wrong


def _zero_formats(book: zipfile.ZipFile) -> dict[str, str]:
    """Return the styles of cells whose number format is only zeros."""
    if "xl/styles.xml" not in book.namelist():
        return {}
    with book.open("xl/styles.xml") as file:
        styles = ElementTree.parse(file).getroot()  # noqa: S314 (expat limits what entities expand to)
    codes = {f.get("numFmtId"): f.get("formatCode", "") for f in styles.iter(f"{_MAIN}numFmt")}
    xfs = styles.find(f"{_MAIN}cellXfs")
    found = {}
    for number, xf in enumerate(xfs if xfs is not None else ()):
        code = codes.get(xf.get("numFmtId"), "").replace("\\", "").replace('"', "").split(";")[0]
        if _ZEROS.fullmatch(code):
            found[str(number)] = code
    return found


def _part_of(book: zipfile.ZipFile, sheet: str) -> str | None:
    with book.open("xl/workbook.xml") as file:
        sheets = ElementTree.parse(file).getroot().iter(f"{_MAIN}sheet")  # noqa: S314
        wanted = next((s.get(f"{_OFFICE}id") for s in sheets if s.get("name") == sheet), None)
    with book.open("xl/_rels/workbook.xml.rels") as file:
        relations = ElementTree.parse(file).getroot()  # noqa: S314
    target = next((r.get("Target") for r in relations if r.get("Id") == wanted), None)
    if target is None:
        return None
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _cells(book: zipfile.ZipFile, part: str, formats: dict[str, str]) -> Iterator[tuple[Place, str]]:
    with book.open(part) as file:
        for _, element in ElementTree.iterparse(file):  # noqa: S314
            if element.tag == f"{_MAIN}c":
                code = formats.get(element.get("s", ""))
                place = re.fullmatch(r"([A-Z]+)(\d+)", element.get("r", "")) if code else None
                if code and place:
                    yield (int(place[2]) - 1, _number(place[1]) - 1), code
            elif element.tag == f"{_MAIN}row":
                element.clear()


def padded(text: str, code: str) -> str:
    """Return a whole number as the format of zeros shows it."""
    if not re.fullmatch(r"\d+", text):
        return text
    digits = text.rjust(code.count("0"), "0")
    extra = len(digits) - code.count("0")
    shown, at = digits[:extra], extra
    for sign in code:
        shown += digits[at] if sign == "0" else sign
        at += sign == "0"
    return shown
