"""Reading a damaged file line by line: every good record is kept, every bad one gets its line and reason.

Only used when the fast loader stumbles or its count does not come out right. Must never drop a line
in silence, and never repair a value by guessing.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ccexport.profiles.csv_dialect import CsvDialect

LINE = "_line"
_JOINED_LINES = 200  # how far a quoted field with line breaks may reach before its quote counts as lost
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_RAW_KEPT = 2_000


@dataclass(frozen=True)
class Reject:
    """A row that could not be taken: where, why, and as it stood."""

    file: str
    line: int
    reason: str
    detail: str
    raw: str


class _Lines:
    """Physical lines with their numbers, and a look ahead."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8", errors="surrogateescape", newline="")
        self._waiting: list[str] = []
        self.number = 0

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def ahead(self, count: int) -> str | None:
        """The line `count` lines after the current one, or None at the end."""
        while len(self._waiting) < count:
            line = self._file.readline()
            if not line:
                return None
            self._waiting.append(line)
        return self._waiting[count - 1]

    def take(self) -> str | None:
        """The next line."""
        line = self.ahead(1)
        if line is not None:
            self._waiting.pop(0)
            self.number += 1
        return line


def read_csv_carefully(dialect: CsvDialect, copy: Path) -> list[Reject]:
    """Write the good records, each with its line number first, to `copy`; return the bad ones."""
    rejects: list[Reject] = []
    with _Lines(dialect.path) as lines, copy.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([LINE, *(f"c{n}" for n in range(len(dialect.header)))])
        _take_record(lines, dialect, first=True)
        while (line := lines.ahead(1)) is not None:
            at = lines.number + 1
            found = _take_record(lines, dialect)
            if isinstance(found, str):
                raw = _NOT_UTF8.sub("\ufffd", line)[:_RAW_KEPT].rstrip("\r\n")
                reason, _, detail = found.partition(": ")
                rejects.append(Reject(dialect.name, at, reason, detail, raw))
            elif found:
                writer.writerow([at, *found])
    return rejects


def _take_record(lines: _Lines, dialect: CsvDialect, first: bool = False) -> list[str] | str:
    """The fields of the record that starts at the next line, or `reason: detail`; [] for a blank line."""
    line = lines.take() or ""
    if first:
        line = line.removeprefix("\ufeff")
    if not line.strip():
        return []
    if _NOT_UTF8.search(line):
        return f"encoding: some bytes of the line are not {dialect.encoding}"
    width = len(dialect.header)
    alone = _parse(line, dialect.delimiter)
    if isinstance(alone, list) and len(alone) == width:
        return alone
    if line.count('"') % 2 == 1:
        joined = _join(lines, line, dialect, width)
        return joined or "quote: a quote is opened and never closed, or closed on a line of another record"
    if isinstance(alone, list):
        return f"fields: the line has {len(alone)} fields where the header has {width}"
    return f"quote: {alone}"


def _join(lines: _Lines, line: str, dialect: CsvDialect, width: int) -> list[str] | None:
    """The record when a quoted field goes on over the following lines; they are taken then."""
    text = line
    for count in range(1, _JOINED_LINES + 1):
        following = lines.ahead(count)
        if following is None or _NOT_UTF8.search(following):
            return None
        text += following
        if text.count('"') % 2 == 0:
            record = _parse(text, dialect.delimiter)
            if isinstance(record, list) and len(record) == width:
                for _ in range(count):
                    lines.take()
                return record
    return None


def _parse(text: str, delimiter: str) -> list[str] | str:
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        return str(error)
    return records[0] if len(records) == 1 else "more than one record"


def read_json_carefully(path: Path, name: str, copy: Path) -> list[Reject]:
    """The same for JSON lines: each good object gets its line number in `_line`."""
    rejects: list[Reject] = []
    with copy.open("w", encoding="utf-8") as out:
        for at, line in _json_lines(path):
            try:
                value = json.loads(line)
            except ValueError as error:
                rejects.append(Reject(name, at, "json", str(error), line[:_RAW_KEPT]))
                continue
            if not isinstance(value, dict):
                rejects.append(Reject(name, at, "json", "the line is not an object", line[:_RAW_KEPT]))
                continue
            out.write(json.dumps({LINE: at, **value}, ensure_ascii=False) + "\n")
    return rejects


def _json_lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for at, line in enumerate(file, start=1):
            if line.strip():
                yield at, line.strip()
