"""Loads a JSON file: an object on each line, one list of objects, or a list inside an object.

Its texts stay texts: what looks like a date in them is judged as in a CSV file. Must never drop or repair a
line without reporting it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.model.reading import FileReading
from ccexport.model.sources import Given
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path
from ccexport.profiles.encodings import UTF8, as_utf8, find_encoding
from ccexport.profiles.load_native import made_whole
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, field_names, renamed_fields
from ccexport.profiles.tolerant_reader import LINE, Reject

_RAW_KEPT = 2_000
_WHOLE_FILE = 256_000_000  # bytes of a file that does not have one object per line and is read as a whole
_DEEPEST = 100
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# Types that DuckDB derives from texts; in `STRUCT(DATE …)` a space precedes the type.
_MADE_OF_TEXT = re.compile(
    r'"(?:[^"]|"")*"|\b(?:TIMESTAMP(?: WITH TIME ZONE|_NS|_S|_MS)?|DATE|TIME(?: WITH TIME ZONE)?|UUID)(?=[\[\],)]|$)'
)


def load_json(loading: Loading, given: Given, name: str, path: Path, work: Path, table: str) -> Part:
    """Load every good object; a damaged line is rejected with its number."""
    found = find_encoding(path, name, thorough=True, wanted=given.encoding)
    if found.name not in UTF8 or found.name == "utf-8-sig":
        path = as_utf8(path, found.name, work / "utf8.json")
    rows, member = _rows(path, name, given.member, work)
    rejects: tuple[Reject, ...] = ()
    columns = None if found.damaged else _columns(loading.db, rows, loading.limit)
    if columns is None:
        copy = work / "careful.jsonl"
        rejects = tuple(_read_carefully(rows, name, copy))
        if not copy.stat().st_size:
            raise BadInput("{file} holds no JSON objects.", file=name)
        rows, columns = copy, _columns(loading.db, copy, loading.limit)
        if columns is None:
            raise BadInput("{file} holds JSON that is nested too deep or too large to be read.", file=name)
    fields = _load(loading, name, rows, columns, table)
    (count,) = loading.db.row(f"SELECT count(*) FROM {table}")
    own = [n for n in columns if n != LINE]
    reading = FileReading(
        name,
        given.name,
        "json",
        encoding=found.name,
        sure=found.sure,
        member=member,
        counts={"unwrapped": 1} if member else {},
        renamed=renamed_fields(own, list(fields)),
        others=found.others,
    )
    loading.samples[name] = found.samples
    return Part(name, table, tuple(fields.items()), count, 1, rejects, json=True, reading=reading)


def _columns(db: DuckDB, path: Path, limit: int | None) -> dict[str, str] | None:
    """Return the columns with their types, texts as texts; None when the file cannot be read unchanged."""
    reader = f"read_json({quote_path(path)}, sample_size = {limit or -1}, format = {_format(path)})"
    try:
        described = db.rows(f"DESCRIBE SELECT * FROM {reader}")
    except BadInput:
        return None
    if [n for n, *_ in described] == ["json"]:  # DuckDB's name for values that are not objects
        return None
    return {name: _as_text(declared) for name, declared, *_ in described}


def _as_text(declared: str) -> str:
    return _MADE_OF_TEXT.sub(lambda m: m.group() if m.group().startswith('"') else "VARCHAR", declared)


def _format(path: Path) -> str:
    with path.open("rb") as file:
        return "'array'" if file.read(1_000).lstrip()[:1] == b"[" else "'newline_delimited'"


def _load(loading: Loading, name: str, path: Path, columns: Mapping[str, str], table: str) -> dict[str, str]:
    """Make the table; return its fields with their types."""
    own = [n for n in columns if n != LINE]
    fields = field_names(own, name)
    chosen = ", ".join(
        f"{_plain(n, columns[n])} AS {quote_identifier(f)}" for n, f in zip(own, fields, strict=True)
    )
    line = f"CAST({LINE} AS BIGINT)" if LINE in columns else "CAST(NULL AS BIGINT)"
    types = ", ".join(f"{_key(n)}: {_text(t)}" for n, t in columns.items())
    reader = f"read_json({quote_path(path)}, format = {_format(path)}, columns = {{{types}}})"
    loading.create(table, f"SELECT {chosen}, {line} AS {LINE} FROM {reader}", path=path, what=name)
    declared = {
        f: "VARCHAR" if columns[n] == "JSON" else columns[n] for n, f in zip(own, fields, strict=True)
    }
    return declared | made_whole(loading.db, table, declared)


def _key(name: str) -> str:
    return quote_identifier(name)


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(name: str, declared: str) -> str:
    """SQL: the column; a column with both texts and numbers becomes text without the quotes."""
    column = quote_identifier(name)
    return f"{column} ->> '$'" if declared == "JSON" else column


def _rows(path: Path, name: str, member: str | None, work: Path) -> tuple[Path, str]:
    """Return the file whose rows are read, and the name of the list inside an object they come from."""
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"").strip()
        more = any(line.strip() for line in file)
    if first[:1] != b"{":
        return path, ""
    if more and _is_object(first) and member is None:
        return path, ""  # one object on each line
    try:
        value = _whole(path, name)
    except ValueError:
        return path, ""  # not one value: reading line by line reports what is wrong
    if not isinstance(value, dict):
        return path, ""
    tables = dict(_tables(value))
    if not tables:
        return _written([value], work / "rows.jsonl"), ""
    chosen = _chosen(tables, name, member)
    return _written(tables[chosen], work / "rows.jsonl"), chosen


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _whole(path: Path, name: str) -> Any:
    if path.stat().st_size > _WHOLE_FILE:
        raise BadInput(
            "{file} is one JSON object of more than 256 MB: write one object on each line.", file=name
        )
    try:
        return json.loads(path.read_text("utf-8", "surrogateescape"))
    except RecursionError as error:
        raise BadInput("{file} holds JSON that is nested too deep to be read.", file=name) from error


def _tables(value: Mapping[str, Any], before: str = "", depth: int = 3) -> Iterator[tuple[str, list[Any]]]:
    """Yield the lists of objects inside an object, by the path to them."""
    for key, inner in value.items():
        if isinstance(inner, list) and inner and all(isinstance(each, dict) for each in inner):
            yield before + key, inner
        elif isinstance(inner, dict) and depth > 1:
            yield from _tables(inner, f"{before}{key}.", depth - 1)


def _chosen(tables: Mapping[str, Any], name: str, wanted: str | None) -> str:
    if wanted is None and len(tables) == 1:
        return next(iter(tables))
    if wanted is not None and wanted in tables:
        return wanted
    raise BadInput("{file} holds the tables {tables}: say which one.", file=name, tables=list(tables))


def _written(rows: list[Any], copy: Path) -> Path:
    with copy.open("w", encoding="utf-8", errors="surrogateescape") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return copy


def _read_carefully(path: Path, name: str, copy: Path) -> Iterator[Reject]:
    """Write the good objects, each with its line number in `_line`; yield the bad lines."""
    with (
        copy.open("w", encoding="utf-8") as out,
        path.open(encoding="utf-8", errors="surrogateescape") as file,
    ):
        for at, line in enumerate(file, start=1):
            if not line.strip():
                continue
            value, reason, detail = _checked(line)
            if reason:
                raw = _NOT_UTF8.sub("\ufffd", line.strip())[:_RAW_KEPT]
                yield Reject(name, at, reason, detail, raw)
            else:
                out.write(json.dumps({LINE: at, **value}, ensure_ascii=False) + "\n")


def _checked(line: str) -> tuple[Any, str, str]:
    if _NOT_UTF8.search(line):
        return None, "encoding", "some bytes of the line do not fit the encoding of the file"
    try:
        value = json.loads(line)
    except RecursionError:
        return None, "json", "the object is nested too deep"
    except ValueError as error:
        return None, "json", str(error)
    if not isinstance(value, dict):
        return None, "json", "the line is not an object"
    if _depth(value) > _DEEPEST:
        return None, "json", "the object is nested too deep"
    return value, "", ""


def _depth(value: Any) -> int:
    deepest, left = 0, [(value, 1)]
    while left:
        inner, depth = left.pop()
        deepest = max(deepest, depth)
        if isinstance(inner, dict | list):
            left += [(each, depth + 1) for each in (inner.values() if isinstance(inner, dict) else inner)]
    return deepest
