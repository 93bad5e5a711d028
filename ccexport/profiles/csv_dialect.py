"""Finds how a CSV file is written: encoding, delimiter, header, and the lines before it. Found once, then fixed.

A loader that guesses the dialect can lose rows without an error, so nothing here is left to the
loader. Must never change the source file: another encoding is written as a UTF-8 copy elsewhere.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ccexport.errors import BadInput
from ccexport.profiles.encodings import SAMPLE, UTF8, Encoding, as_utf8, chunks, find_encoding

DELIMITERS = ",;\t|"
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.\w+")
_DATA_LIKE = re.compile(r"[^@\s]+@[^@\s]+\.\w+|[-+]?\d[\d.,]*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_SEP = re.compile(r"\"?sep=[,;\t|]\"?[ ]*")
_LOOKED_FOR = 40  # the header is looked for among this many records
_ENOUGH = 0.6  # a header has to name this share of the columns


@dataclass(frozen=True)
class CsvDialect:
    """A CSV file as UTF-8 text: `path` may be a transcoded copy of the file called `name`.

    There are `before_header` lines before the header; `titles` of them are neither blank nor Excel's `sep=;`.
    """

    name: str
    path: Path
    encoding: Encoding
    delimiter: str
    header: tuple[str, ...]
    lines: int
    before_header: int = 0
    titles: int = 0
    guarded: bool = True  # a value may begin with a spreadsheet's mark
    scientific: bool = True  # a number may be written as 4.79E+10


def find_dialect(
    path: Path,
    name: str,
    folder: Path,
    *,
    thorough: bool = False,
    encoding: str | None = None,
    skip_rows: int | None = None,
) -> CsvDialect:
    """Read the beginning, or every byte when `thorough`.

    A loader stops at a byte that is not UTF-8, so loading needs `thorough`. Makes a UTF-8 copy in `folder` when
    the file has another encoding or its lines end with a carriage return only. A person may give the
    encoding and the number of lines before the header.
    """
    found = find_encoding(path, name, thorough=thorough, wanted=encoding)
    if found.name not in UTF8 or (found.damaged and encoding):
        path = as_utf8(path, found.name, folder / "utf8.csv")
    sample = _sample(path)
    if "\r" in sample and "\n" not in sample:
        path = _with_line_ends(path, folder / "lines.csv")
        sample = _sample(path)
    if not sample.strip():
        raise BadInput("{file} is empty.", file=name)
    skipped = _skip(sample, skip_rows) if skip_rows is not None else 0
    sample = _without_lines(sample, skipped)
    delimiter = _find_delimiter(sample)
    before, titles, header = _find_header(sample, delimiter, sure=skip_rows is not None)
    names = checked_header(header, name, skipped + before + 1)
    lines, guarded, scientific = _look_through(path, delimiter)
    return CsvDialect(
        name,
        path,
        found,
        delimiter,
        names,
        lines,
        skipped + before,
        skipped + titles,
        guarded,
        scientific,
    )


@contextmanager
def open_as_text(path: Path, name: str) -> Iterator[tuple[TextIO, str]]:
    """Open a small file of any encoding as text; also gives its delimiter. Works with or without a header."""
    if not path.is_file():
        raise BadInput("{file} is not there, or is not a file.", file=name)
    found = find_encoding(path, name, thorough=True).name
    encoding = {"windows-1252": "cp1252", "utf-8": "utf-8-sig"}.get(found, found)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        delimiter = _find_delimiter(file.read(SAMPLE))
        file.seek(0)
        yield file, delimiter


def _with_line_ends(path: Path, copy: Path) -> Path:
    with copy.open("wb") as out:
        for chunk in chunks(path):
            out.write(chunk.replace(b"\r", b"\n"))
    return copy


def _sample(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(SAMPLE)
        cut = len(data) == SAMPLE
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return text[: text.rfind("\n") + 1] or text if cut else text


def _skip(sample: str, lines: int) -> int:
    return min(lines, sample.count("\n"))


def _without_lines(sample: str, lines: int) -> str:
    return "".join(sample.splitlines(keepends=True)[lines:]) if lines else sample


def _find_delimiter(sample: str) -> str:
    """Return the delimiter that splits the most records into about the usual number of fields, more than one."""

    def worth(delimiter: str) -> tuple[float, int]:
        widths = [len(_trimmed(r)) for _, r in _records(sample, delimiter, 200) if any(r)]
        many = [w for w in widths if w > 1]
        if not many:
            return 0.0, 1
        usual = Counter(many).most_common(1)[0][0]
        near = sum(w > 1 and abs(w - usual) <= max(1, usual // 4) for w in widths)
        return near / len(widths), usual

    found = max(DELIMITERS, key=worth)
    return found if worth(found)[0] >= 0.3 else ","


def _trimmed(record: Sequence[str]) -> Sequence[str]:
    """Return the record without the empty fields at the end."""
    filled = [n for n, cell in enumerate(record, 1) if cell.strip()]
    return record[: filled[-1]] if filled else ()


def _records(sample: str, delimiter: str, count: int) -> list[tuple[int, list[str]]]:
    """Return the first records, each with the number of its last line; blank lines are empty records."""
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            found.append((reader.line_num, record))
            if len(found) == count:
                break
    except csv.Error:
        pass  # the records read before the error are sample enough
    return found


def _find_header(sample: str, delimiter: str, *, sure: bool) -> tuple[int, int, list[str]]:
    """Return the number of lines before the header, how many of them are titles, and the header."""
    records = _records(sample, delimiter, 200)
    if records and _SEP.fullmatch(delimiter.join(records[0][1])):
        records[0] = (records[0][0], [])
    return find_header(records, sure=sure)


def find_header(records: Sequence[tuple[int, Sequence[str]]], *, sure: bool) -> tuple[int, int, list[str]]:
    """Find the first record that names most of the columns.

    Returns how many lines are before it, how many of them are titles, and the record. Each record comes with the
    number of its last line; with `sure` the first filled record is the header.
    """
    widths = Counter(len(_trimmed(r)) for _, r in records if any(cell.strip() for cell in r))
    wide = [(count, width) for width, count in widths.items() if width > 1]
    usual = max(wide)[1] if wide else 1
    before = titles = 0
    for end, record in records[:_LOOKED_FOR]:
        cells = [cell.replace("\0", "").strip() for cell in record]
        if any(cells) and (sure or usual == 1 or _names_columns(cells, usual)):
            return before, titles, cells
        titles += end - before if any(cells) else 0
        before = end
    first = next((r for _, r in records if any(r)), [])
    return 0, 0, [cell.strip() for cell in first]


def _names_columns(cells: Sequence[str], usual: int) -> bool:
    """Return whether enough cells are filled. A value in a short record (`Generated,2026-11-30,`) means a title.

    Years among more words than years are names.
    """
    filled = [cell for cell in cells if cell]
    if len(filled) < max(2, _ENOUGH * usual):
        return False
    values = [cell for cell in filled if _DATA_LIKE.fullmatch(cell)]
    only_years = 2 * len(values) < len(filled) and all(map(_YEAR.fullmatch, values))
    return len(filled) >= usual or only_years


def checked_header(header: Sequence[str], name: str, line: int = 1) -> tuple[str, ...]:
    """Return the names of the fields. Raises `BadInput` when the line holds values instead of names.

    A number, such as a year, counts as a name when most others are words.
    """
    filled = [cell for cell in header if cell]
    like_data = [cell for cell in filled if _DATA_LIKE.fullmatch(cell)]
    if not filled or any(map(_ADDRESS.fullmatch, filled)) or 2 * len(like_data) > len(filled):
        raise BadInput(
            "{file} has no header: its first line holds values, not field names. "
            "Add a first line with the names of the fields.",
            file=name,
            line=str(line),
        )
    return tuple(header)


def _look_through(path: Path, delimiter: str) -> tuple[int, bool, bool]:
    """Return the number of lines, whether a value may begin with a mark, and whether there is an `E+`.

    One pass over the bytes saves the queries for what the file does not have.
    """
    starts = [f"{before}'".encode() for before in (delimiter, '"', "\n", " ")] + [b'="']
    lines, last, guarded, scientific = 0, b"", False, False
    for chunk in chunks(path):
        lines += chunk.count(b"\n")
        if not guarded:
            joined = last[-1:] + chunk
            guarded = any(start in joined for start in starts)
        scientific = scientific or b"E+" in last[-1:] + chunk
        last = chunk
    return lines if last.endswith(b"\n") else lines + 1, guarded, scientific
