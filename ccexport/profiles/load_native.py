"""Loads a Parquet file, or anything else that DuckDB reads with its own types.

Must never write to a source file.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.model.reading import FileReading
from ccexport.profiles.database import DuckDB, quote_identifier, quote_path
from ccexport.profiles.loading import Loading
from ccexport.profiles.staged import Part, field_names, renamed_fields
from ccexport.profiles.tolerant_reader import LINE

_EXACT_TO = 2**53  # above it, some whole numbers share one floating-point value


def load_parquet(loading: Loading, name: str, path: Path, table: str, source: str = "") -> Part:
    """Load a Parquet file with its own types. Unmarked bytes count as text when they are valid UTF-8."""
    for as_text in ("true", "false"):
        reader = f"read_parquet({quote_path(path)}, binary_as_string = {as_text})"
        try:
            return _load(loading, name, reader, table, path, source)
        except BadInput as error:
            last = error
    raise BadInput("{file} is not a whole Parquet file.", file=name) from last


def _load(loading: Loading, name: str, reader: str, table: str, path: Path, source: str) -> Part:
    db = loading.db
    index = _written_index(db, path)
    found = [(n, t) for n, t, *_ in db.rows(f"DESCRIBE SELECT * FROM {reader}") if n not in index]
    names = [n for n, _ in found]
    fields = field_names(names, name)
    chosen = ", ".join(
        f"{_value(n, t)} AS {quote_identifier(f)}" for (n, t), f in zip(found, fields, strict=True)
    )
    loading.create(
        table, f"SELECT {chosen}, CAST(NULL AS BIGINT) AS {LINE} FROM {reader}", path=path, what=name
    )
    (rows,) = db.row(f"SELECT count(*) FROM {table}")
    declared = {f: "VARCHAR" if t == "BLOB" else t for f, (_, t) in zip(fields, found, strict=True)}
    types = tuple((declared | made_whole(db, table, declared)).items())
    reading = FileReading(
        name,
        source,
        "parquet",
        counts={"index": 1} if index else {},
        renamed=renamed_fields(names, fields),
    )
    return Part(name, table, types, rows, 1, reading=reading)


def _value(name: str, declared: str) -> str:
    """SQL: the column; bytes that are not text as hexadecimal digits."""
    column = quote_identifier(name)
    return f"lower(hex({column}))" if declared == "BLOB" else column


def _written_index(db: DuckDB, path: Path) -> set[str]:
    """Return the columns that pandas made of an unnamed index."""
    rows = db.rows(
        f"SELECT decode(value) FROM parquet_kv_metadata({quote_path(path)}) WHERE decode(key) = 'pandas'"
    )
    try:
        columns = json.loads(rows[0][0])["index_columns"] if rows else []
    except (ValueError, KeyError, TypeError):
        return set()
    return {c for c in columns if isinstance(c, str) and c.startswith("__index_level_")}


def made_whole(db: DuckDB, table: str, declared: Mapping[str, str]) -> dict[str, str]:
    """Turn whole numbers stored as floating point into integers, so that the id 7 does not become the text 7.0.

    Tools that have no empty integers write them as floating point.
    """
    floats = [f for f, t in declared.items() if t in ("DOUBLE", "FLOAT")]
    if not floats:
        return {}
    tests = ", ".join(
        f"bool_and({c} = trunc({c}) AND abs({c}) <= {_EXACT_TO}) FILTER (isfinite({c}))"
        for c in map(quote_identifier, floats)
    )
    whole = [f for f, yes in zip(floats, db.row(f"SELECT {tests} FROM {table}"), strict=True) if yes]
    for c in map(quote_identifier, whole):
        number = f"CASE WHEN isfinite({c}) THEN CAST({c} AS BIGINT) END"
        db.run(f"ALTER TABLE {table} ALTER {c} TYPE BIGINT USING {number}")
    return dict.fromkeys(whole, "BIGINT")
