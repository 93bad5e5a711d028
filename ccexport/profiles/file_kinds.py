"""Finds the kind of a file from its first bytes and its name. Must never read more than the beginning."""

import re
import zipfile
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.messages import mark, word

CSV, JSON, PARQUET, WORKBOOK, GZIP, ZIP = "csv", "json", "parquet", "workbook", "gzip", "zip"
_BY_SUFFIX = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".psv", ".tab"), CSV),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), JSON),
    **dict.fromkeys((".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"), WORKBOOK),
    ".parquet": PARQUET,
}
_MAGIC = ((b"\x1f\x8b", GZIP), (b"PAR1", PARQUET), (b"\xd0\xcf\x11\xe0", WORKBOOK))
_OTHERS = (
    (
        rb"(?is)\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|table|head|body|meta)\b",
        mark("a web page (HTML)"),
    ),
    (rb"(?i)\s*BEGIN:VCARD", mark("a file of vCards")),
    (rb"(?i)\s*BEGIN:VCALENDAR", mark("a calendar")),
    (rb"(?s)\s*<\?xml.*urn:schemas-microsoft-com:office:spreadsheet", mark("an XML spreadsheet of 2003")),
    (rb"\s*<\?xml|\s*<[A-Za-z]+[ >]", mark("XML")),
    (rb"%PDF", mark("a PDF")),
    (rb"\{\\rtf", mark("a text document (RTF)")),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", mark("a picture")),
    (rb"SQLite format 3", mark("an SQLite database")),
    (rb"7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", mark("an archive that cannot be unpacked here")),
    (rb"(?i)(?:Received|Return-Path|From|MIME-Version): ", mark("a mail")),
)
_WORKBOOK_PARTS = {"[Content_Types].xml", "mimetype"}


def kind_of(path: Path, name: str) -> str:
    """Return one of the readable kinds. Raises `BadInput` that names what the file is instead."""
    with path.open("rb") as file:
        head = file.read(4_096)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK") and zipfile.is_zipfile(path):
        return _zip_or_workbook(path)
    text = _as_ascii(head)
    for pattern, what in _OTHERS:
        if re.match(pattern, text):
            raise BadInput(
                "{file} is {what}, not a table: export it as CSV or as a workbook.",
                file=name,
                what=word(what),
            )
    by_name = _BY_SUFFIX.get(Path(name).suffix.lower())
    if by_name is None:
        raise BadInput(
            "{file} cannot be read: give CSV (.csv, .tsv, .psv, .txt), Parquet (.parquet), JSON (.jsonl, .ndjson, "
            ".json), a workbook (.xlsx, .xlsm, .xls, .xlsb, .ods), or one of them packed (.gz, .zip).",
            file=name,
        )
    if by_name == WORKBOOK and b"\0" not in head and head[:2] != b"PK":
        raise BadInput(
            "{file} is a text, not a workbook that can be read: if it is a table, give it the ending .csv.",
            file=name,
        )
    return by_name


def _as_ascii(head: bytes) -> bytes:
    """Return the bytes without a mark and without UTF-16's zeros."""
    return (
        head.removeprefix(b"\xef\xbb\xbf")
        .removeprefix(b"\xff\xfe")
        .removeprefix(b"\xfe\xff")
        .replace(b"\0", b"")
    )


def _zip_or_workbook(path: Path) -> str:
    with zipfile.ZipFile(path) as packed:
        return WORKBOOK if _WORKBOOK_PARTS & set(packed.namelist()) else ZIP


def is_known(name: str) -> bool:
    """Whether the name ends like that of a table."""
    return Path(name.removesuffix(".gz")).suffix.lower() in _BY_SUFFIX
