"""Loads the rows of a PostgreSQL query, streamed as Arrow through a read-only session.

Owns the connection. Must never write there, nor let the password into an error or a log line.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import adbc_driver_postgresql.dbapi as postgresql
import pyarrow as pa

from ccexport.errors import BadInput, CcexportError, Conflict, StoreTrouble
from ccexport.messages import Unusable
from ccexport.model.sources import Given
from ccexport.profiles.database import quote_identifier
from ccexport.profiles.loading import Loading
from ccexport.profiles.one_query import wrapped
from ccexport.profiles.progress import run_told
from ccexport.profiles.staged import NUMERIC_TEXT, Part, field_names
from ccexport.profiles.tolerant_reader import LINE

# In the options for the whole session; again in the transaction, for a pooler that drops options. The strings
# are as `one_query` reads them.
_LIMITS = {
    "transaction_read_only": "on",
    "statement_timeout": "30min",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "5min",
}
_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "default_transaction_read_only": "on",
        "standard_conforming_strings": "on",
        **{n: v for n, v in _LIMITS.items() if n != "transaction_read_only"},
    }.items()
)
_TO_CONNECT = "10"  # seconds
_SAID = re.compile(r"(?:ERROR|FATAL):\s*(.+?)(?:\n|$)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_UNREAD = ("money", "bytea", "inet", "cidr", "macaddr", "bit", "varbit", "point", "polygon", "box")


def load_query(loading: Loading, given: Given, table: str) -> Part:
    """Load the rows of one SELECT. Raises `BadInput` for a wrong query, `StoreTrouble` without a connection."""
    most = loading.query_rows
    with _found(given, loading.limit or most + 1) as (reader, kinds):
        fields = field_names(reader.schema.names, given.name)
        _check_types(given.name, kinds)
        counted = _Counted(reader, loading.limit)
        chosen = ", ".join(
            f"{quote_identifier(n)} AS {quote_identifier(f)}"
            for n, f in zip(reader.schema.names, fields, strict=True)
        )
        told = counted.stream()
        loading.db.raw.register("_found_rows", told)
        try:
            run_told(
                loading.db,
                f"CREATE OR REPLACE TABLE {table} AS SELECT {chosen}, CAST(NULL AS BIGINT) AS {LINE} "
                "FROM _found_rows",
                lambda share: loading.say("reading", counted.rows, what=given.name),
            )
        except CcexportError as error:
            raise counted.trouble or error from error
        finally:
            loading.db.raw.unregister("_found_rows")
    declared = [t for n, t, *_ in loading.db.rows(f"DESCRIBE {table}") if n != LINE]
    types = [
        (f, NUMERIC_TEXT if kinds[n] == "numeric" else t)
        for f, n, t in zip(fields, kinds, declared, strict=True)
    ]
    if not counted.rows:
        raise BadInput("The query of the source {source} finds no rows.", source=given.name)
    if counted.rows > most:
        raise BadInput(
            "The query of the source {source} finds more than {n} rows; narrow it, or raise "
            "CCEXPORT_QUERY_ROWS.",
            source=given.name,
            n=most,
        )
    return Part(given.name, table, tuple(types), counted.rows, 1)


class _Counted:
    """Counts the rows as they arrive; keeps an error of the database as a sentence."""

    def __init__(self, reader: pa.RecordBatchReader, limit: int | None) -> None:
        self._reader = reader
        self._limit = limit
        self.rows = 0
        self.trouble: BadInput | None = None

    def stream(self) -> pa.RecordBatchReader:
        plain = pa.schema([pa.field(f.name, _storage(f.type)) for f in self._reader.schema])
        return pa.RecordBatchReader.from_batches(plain, self._batches(plain))

    def _batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._reader:
                left = batch.num_rows if self._limit is None else self._limit - self.rows
                taken = batch.slice(0, left)
                self.rows += taken.num_rows
                yield pa.record_batch([_plain(c) for c in taken.columns], schema=schema)
                if self._limit is not None and self.rows >= self._limit:
                    return
        except (pa.ArrowException, postgresql.Error) as error:
            self.trouble = BadInput("The query stopped: {problem}.", problem=_sentence(error))
            raise


def _storage(type_: pa.DataType) -> pa.DataType:
    """Return the type without Arrow's extensions: a profile only needs a uuid as text."""
    if isinstance(type_, pa.BaseExtensionType):
        return pa.string() if type_.storage_type != pa.string() else type_.storage_type
    return type_


def _plain(column: pa.Array) -> pa.Array:
    if not isinstance(column.type, pa.BaseExtensionType):
        return column
    if column.type.storage_type == pa.string():
        return column.storage
    return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())


@contextmanager
def _found(given: Given, rows: int) -> Iterator[tuple[pa.RecordBatchReader, dict[str, str]]]:
    """Provide the first rows of the query, and PostgreSQL's name of each column's type."""
    query = _our_query(given, rows)
    with connected(given) as connection, connection.cursor() as cursor:
        _alone(cursor, given)
        try:
            cursor.execute(query)
            reader = cursor.fetch_record_batch()
        except postgresql.Error as error:
            raise BadInput(
                "The query of the source {source} is refused: {problem}.",
                source=given.name,
                problem=_sentence(error, ours=True),
            ) from None
        if not reader.schema.names:
            raise BadInput(
                "The query of the source {source} gives no columns: write one SELECT.", source=given.name
            )
        yield reader, {f.name: _kind(f) for f in reader.schema}


def _our_query(given: Given, rows: int) -> str:
    try:
        return wrapped(given.query or "", rows)
    except Unusable as error:
        raise BadInput(
            "The query of the source {source} is refused: {problem}.",
            source=given.name,
            problem=error.message,
        ) from None


@contextmanager
def connected(given: Given) -> Iterator[postgresql.Connection]:
    """Connect to the database of the source, in a transaction that reads only."""
    try:
        connection = postgresql.connect(_address(given.database or "", given.password))
    except postgresql.Error as error:
        raise _unreadable(given, error) from None  # the driver's own text may contain the query
    with connection:
        yield connection


def _alone(cursor: postgresql.Cursor, given: Given) -> None:
    """Set the limits of the transaction, and wait until nobody else is reading this query."""
    key = int.from_bytes(sha256(f"ccexport {given.query}".encode()).digest()[:8], signed=True)
    limits = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in _LIMITS.items())
    try:
        for statement in (f"SELECT {limits}", f"SELECT CAST(pg_advisory_xact_lock({key}) AS text)"):
            cursor.execute(statement)
            cursor.fetchall()
    except postgresql.Error as error:
        if "lock timeout" in str(error):
            raise Conflict(
                "The query of the source {source} is being read already; try again when that has ended.",
                source=given.name,
            ) from None
        raise _unreadable(given, error) from None


def _unreadable(given: Given, error: postgresql.Error) -> StoreTrouble:
    return StoreTrouble(
        "The database of the source {source} cannot be read: {problem}.",
        source=given.name,
        problem=_sentence(error),
    )


def _kind(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()


def _check_types(name: str, kinds: dict[str, str]) -> None:
    for column, kind in kinds.items():
        if kind in _UNREAD:
            raise BadInput(
                "The column '{column}' of the source {name} is {kind}; write CAST({column} AS text) "
                "in the query.",
                column=column,
                name=name,
                kind=kind,
                field=column,
            )


def _address(url: str, password: str) -> str:
    """Return the address with the password, a time limit and a read-only setting."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    asked["options"] = f"{asked.get('options', '')} {_OPTIONS}".strip()
    asked.setdefault("connect_timeout", _TO_CONNECT)
    person, at, host = parts.netloc.rpartition("@")
    if password:
        person, at = f"{person}:{quote(password, safe='')}", "@"
    query = urlencode(asked, quote_via=quote)
    return urlunsplit(("postgresql", f"{person}{at}{host}", parts.path, query, ""))


def _sentence(error: Exception, *, ours: bool = False) -> str:
    """Return what the server said. Quoted text is left out, unless it is from the query itself."""
    text = str(error)
    found = _SAID.search(text)
    if found:
        said = found.group(1)
    else:
        lines = [line for line in text.splitlines() if line.strip()] or ["no answer"]
        said = lines[0].split("failed: ")[-1].split("connect: ")[-1]
    if not ours or "@" in said:
        said = _QUOTED.sub("…", said)
    return said.strip().rstrip(".")[:200]
