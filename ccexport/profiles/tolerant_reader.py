"""Reads a damaged file line by line: keeps every good record, and gives each bad one a line and reason.

It is only used when the fast loader fails or its counts do not match. Must never drop a line
without reporting it, and never repair a value by guessing.
"""

import csv
import io
import re
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from ccexport.profiles.csv_dialect import CsvDialect

LINE = "_line"
_JOINED_LINES = 200  # how far a quoted field with line breaks may reach before its quote counts as unclosed
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_RAW_KEPT = 2_000
_NOTE = re.compile(r"[^\W\d]\W*[ (]|[( ]\W*[^\W\d]")  # words, not a truncated row
LONGEST = 2_000_000  # bytes of a record; DuckDB's loader stops at a longer one


@dataclass(frozen=True)
class Reject:
    """A row that could not be read: where, why, and the original text."""

    file: str
    line: int
    reason: str
    detail: str
    raw: str


# Reasons of lines that are not damaged: they never were rows of the table.
SURROUNDINGS = ("after_table", "total", "units")


class _Lines:
    """Physical lines with their numbers, and a look ahead."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8", errors="surrogateescape", newline="")
        self._waiting: deque[str] = deque()
        self.number = 0

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def ahead(self, count: int) -> str | None:
        """Return the line `count` lines after the current one, or None at the end."""
        while len(self._waiting) < count:
            line = self._file.readline()
            if not line:
                return None
            self._waiting.append(line)
        return self._waiting[count - 1]

    def take(self) -> str | None:
        """Return the next line."""
        line = self._waiting.popleft() if self._waiting else self._file.readline()
        if not line:
            return None
        self.number += 1
        return line


def read_csv_carefully(dialect: CsvDialect, copy: Path) -> tuple[list[Reject], int]:
    """Write the good records to `copy`, each with its line number first; return the bad ones.

    Also returns how many records ended with too many delimiters. Records are copied unchanged, with the file's
    delimiter and a header of our own.
    """
    last, trailing = 0, 0
    rejects: list[Reject] = []
    names = [LINE, *(f"c{n}" for n in range(len(dialect.header)))]
    with _Lines(dialect.path) as lines, copy.open("w", encoding="utf-8", newline="") as out:
        out.write(dialect.delimiter.join(names) + "\n")
        _take_header(lines, dialect)
        while (line := lines.take()) is not None:
            at = lines.number
            record, trouble = _check_record(lines, line, dialect)
            if trouble:
                reason, detail = trouble
                raw = _NOT_UTF8.sub("\ufffd", line)[:_RAW_KEPT].rstrip("\r\n")
                rejects.append(Reject(dialect.name, at, reason, detail, raw))
            elif len(record) * 4 > LONGEST and len(record.encode()) > LONGEST:
                detail = f"the line is longer than {LONGEST:,} bytes"
                rejects.append(Reject(dialect.name, at, "too_long", detail, record[:_RAW_KEPT]))
            elif record:
                out.write(f"{at}{dialect.delimiter}{record}\n")
                last = at
                trailing += len(record) < len(line.rstrip("\r\n"))
    return [_after_table(r, last) for r in rejects], trailing


def _after_table(reject: Reject, last: int) -> Reject:
    """Mark a line of another width after the last good record as a footer."""
    if reject.line > last > 0 and reject.reason == "fields" and _NOTE.search(reject.raw):
        return replace(reject, reason="after_table", detail="the line comes after the table")
    return reject


def _take_header(lines: _Lines, dialect: CsvDialect) -> None:
    for _ in range(dialect.before_header):
        lines.take()
    line = (lines.take() or "").removeprefix("\ufeff")
    if line.count('"') % 2 == 1:
        _join(lines, line, dialect)


def _check_record(lines: _Lines, line: str, dialect: CsvDialect) -> tuple[str, tuple[str, str] | None]:
    """Return the text of the record that starts with this line, or what is wrong; "" for a blank line."""
    width, text = len(dialect.header), line.rstrip("\r\n")
    if not text.isascii() and _NOT_UTF8.search(text):
        return "", ("encoding", f"some bytes of the line are not {dialect.encoding.name}")
    if '"' not in text:
        if (found := text.count(dialect.delimiter) + 1) == width:
            return text, None
        if found > width and text.endswith(dialect.delimiter * (found - width)):
            return text[: width - found], None
        return "", (("fields", _width_trouble(found, width)) if text.strip() else None)
    alone = _parse(text, dialect.delimiter)
    if isinstance(alone, list) and len(alone) == width:
        return text, None
    if (
        isinstance(alone, list)
        and (more := len(alone) - width) > 0
        and text.endswith(dialect.delimiter * more)
    ):
        return text[:-more], None
    if text.count('"') % 2 == 1:
        joined = _join(lines, line, dialect)
        return joined or "", None if joined else ("quote", _QUOTE_TROUBLE)
    if isinstance(alone, list):
        return "", ("fields", _width_trouble(len(alone), width))
    return "", ("quote", alone)


_QUOTE_TROUBLE = "a quote is opened and never closed, or closed on a line of another record"


def _width_trouble(found: int, width: int) -> str:
    return f"the line has {found} fields where the header has {width}"


def _join(lines: _Lines, line: str, dialect: CsvDialect) -> str | None:
    """Return the text of a record whose quoted field goes on over the following lines, which are consumed."""
    text = line
    for count in range(1, _JOINED_LINES + 1):
        following = lines.ahead(count)
        if following is None or _NOT_UTF8.search(following):
            return None
        text += following
        if text.count('"') % 2 == 0:
            record = _parse(text, dialect.delimiter)
            if isinstance(record, list) and len(record) == len(dialect.header):
                for _ in range(count):
                    lines.take()
                return text.rstrip("\r\n")
    return None


def _parse(text: str, delimiter: str) -> list[str] | str:
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return str(error)
    return records[0] if len(records) == 1 else "more than one record"
