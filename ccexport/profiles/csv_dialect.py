"""How a CSV file is written: its encoding, delimiter and header. Found once, then fixed.

A dialect sniffed while rows are loaded can lose rows without a word, so nothing here is left to the
loader. Must never change the source file: another encoding is written out as UTF-8 elsewhere.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from ccexport.errors import BadInput

DELIMITERS = ",;\t|"
_CHUNK = 1 << 20
_SAMPLE = 256 * 1024
_DATA_LIKE = re.compile(r"[^@\s]+@[^@\s]+\.\w+|[-+]?\d[\d.,]*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_BEFORE_HEADER = re.compile(r"(?:(?:\"?sep=[,;\t|]\"?)?[ ]*\r?\n)+")
_undefined_in_1252 = {n: bytes([n]).decode("latin-1") for n in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


@dataclass(frozen=True)
class CsvDialect:
    """A CSV file as UTF-8 text: `path` may be a transcoded copy of the file called `name`."""

    name: str
    path: Path
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    lines: int
    damaged: bool
    before_header: int = 0  # blank lines, or Excel's `sep=;`


def find_dialect(path: Path, name: str, folder: Path, *, thorough: bool = False) -> CsvDialect:
    """Read the beginning, or when `thorough` every byte: a loader that meets a byte which is not UTF-8
    stops, and the whole file must be seen to know what it is. A copy in UTF-8 is made in `folder` when
    the file is written in anything else.
    """
    encoding, damaged = _find_encoding(path, name, thorough)
    if encoding not in ("utf-8", "utf-8-sig"):
        path = _as_utf8(path, encoding, folder / "utf8.csv")
    sample = _sample(path)
    before = _BEFORE_HEADER.match(sample)
    preface = before.group() if before else ""
    sample = sample[len(preface) :]
    delimiter = _find_delimiter(sample)
    header = _find_header(sample, delimiter, name)
    return CsvDialect(
        name, path, encoding, delimiter, header, _count_lines(path), damaged, preface.count("\n")
    )


@contextmanager
def open_as_text(path: Path, name: str) -> Iterator[tuple[TextIO, str]]:
    """A small file of any encoding as text, and its delimiter; with or without a header."""
    if not path.is_file():
        raise BadInput(f"{name} is not there, or is not a file.", file=name)
    found, _ = _find_encoding(path, name, True)
    encoding = {"windows-1252": "cp1252", "utf-8": "utf-8-sig"}.get(found, found)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        delimiter = _find_delimiter(file.read(_SAMPLE))
        file.seek(0)
        yield file, delimiter


def _find_encoding(path: Path, name: str, thorough: bool) -> tuple[str, bool]:
    """The encoding, and whether some bytes do not fit it (those lines are rejected one by one)."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if len(head) == _SAMPLE and b"\n" in head:
        head = head[: head.rfind(b"\n") + 1]  # no character is cut in two
    if not head.strip():
        raise BadInput(f"{name} is empty.", file=name)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32", False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", False
    if unmarked := _utf16_without_mark(head[:200]):
        return unmarked, False
    marked = head.startswith(codecs.BOM_UTF8)
    good, bad = _count_non_ascii(_chunks(path) if thorough else iter([head]))
    if not thorough and bad:
        return _find_encoding(path, name, True)
    if marked or bad == 0 or good >= 10 * bad:
        return ("utf-8-sig" if marked else "utf-8"), bad > 0
    return "windows-1252", False


def _utf16_without_mark(head: bytes) -> str | None:
    """Every second byte is zero then; a zero byte here and there is only a blemish of some value."""
    zeros = head[::2].count(0), head[1::2].count(0)
    if max(zeros) * 4 < len(head) or min(zeros) * 4 > max(zeros):
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _count_non_ascii(chunks: Iterator[bytes]) -> tuple[int, int]:
    """How many characters outside ASCII are good UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    for chunk in chunks:
        text = decoder.decode(chunk)
        if not text.isascii():
            ascii_only = len(text.encode("ascii", "ignore"))
            escaped = len(text) - len(text.encode("utf-8", "ignore").decode("utf-8"))
            bad += escaped
            good += len(text) - ascii_only - escaped
    return good, bad + len(decoder.decode(b"", final=True))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _as_utf8(path: Path, encoding: str, copy: Path) -> Path:
    decoder = codecs.getincrementaldecoder("latin-1" if encoding == "windows-1252" else encoding)("replace")
    as_1252 = {n: _decode_1252(n) for n in range(0x80, 0xA0)}
    with copy.open("w", encoding="utf-8", newline="") as out:
        for chunk in _chunks(path):
            text = decoder.decode(chunk)
            out.write(text.translate(as_1252) if encoding == "windows-1252" else text)
        out.write(decoder.decode(b"", final=True))
    return copy


def _decode_1252(byte: int) -> str:
    return _undefined_in_1252.get(byte) or bytes([byte]).decode("windows-1252")


def _sample(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_SAMPLE)
        cut = len(data) == _SAMPLE
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    return text[: text.rfind("\n") + 1] or text if cut else text


def _find_delimiter(sample: str) -> str:
    """The one that splits the most records into as many fields as the header, more than one."""

    def worth(delimiter: str) -> tuple[float, int]:
        records = _records(sample, delimiter, 200)
        width = len(records[0]) if records else 1
        same = sum(len(r) == width for r in records) / max(1, len(records))
        return (same if width > 1 else 0.0, width)

    return max(DELIMITERS, key=worth)


def _records(sample: str, delimiter: str, count: int) -> list[list[str]]:
    found: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if record:
                found.append(record)
            if len(found) == count:
                break
    except csv.Error:
        pass  # what was read before the trouble is sample enough
    return found


def _find_header(sample: str, delimiter: str, name: str) -> tuple[str, ...]:
    records = _records(sample, delimiter, 1)
    return checked_header([cell.replace("\0", "").strip() for cell in records[0]] if records else [], name)


def checked_header(header: Sequence[str], name: str, line: int = 1) -> tuple[str, ...]:
    """The names of the fields; `BadInput` when the line holds values instead of names."""
    like_data = next((cell for cell in header if _DATA_LIKE.fullmatch(cell)), None)
    if like_data is not None or not any(header):
        raise BadInput(
            f"{name} has no header: its first line holds values, not field names. "
            "Add a first line with the names of the fields.",
            file=name,
            line=line,
        )
    return tuple(cell or f"column_{number}" for number, cell in enumerate(header, start=1))


def _count_lines(path: Path) -> int:
    lines, last = 0, b""
    for chunk in _chunks(path):
        lines += chunk.count(b"\n")
        last = chunk
    return lines if last.endswith(b"\n") else lines + 1
