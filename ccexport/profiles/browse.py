"""Queries on profiles: pages, search, one person, the values of a field, and a segment compared with everybody.

Every function reads through a session that has the snapshot as `s`. Must never write, and never mask:
the callers decide who may see what.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput
from ccexport.model.profiles import PROFILE_ID, ROW, ProfileField, Snapshot
from ccexport.model.words import FieldType
from ccexport.profiles.database import DuckDB, quote_identifier

_BINS = 20
_TOP = 10
_GLANCED = 50_000  # values that are checked for whether there is anything to choose from
_CHOSEN_FROM = 5_000
_SCALES = (FieldType.NUMBER, FieldType.DATE, FieldType.TIMESTAMP)


@dataclass(frozen=True)
class Bin:
    """How many profiles have a value from `low` to below `high` (the last bin includes `high`)."""

    low: Any
    high: Any
    profiles: int
    everybody: int = 0


@dataclass(frozen=True)
class FieldSummary:
    """What one field holds in a snapshot (or among members)."""

    field: ProfileField
    profiles: int
    filled: int
    distinct: int
    minimum: Any
    maximum: Any
    top: tuple[tuple[Any, int], ...]
    histogram: tuple[Bin, ...] = ()

    @property
    def fill_rate(self) -> float:
        """Share of filled values, from 0 to 1."""
        return self.filled / self.profiles if self.profiles else 0.0


@dataclass(frozen=True)
class FieldOverview:
    """Summary of one field; `distinct` is an estimate (HyperLogLog, within a few percent)."""

    field: ProfileField
    filled: int
    profiles: int
    distinct: int


def named_field(snapshot: Snapshot, name: str) -> ProfileField:
    """Return the field of that name. Raises `BadInput`."""
    found = snapshot.field(name)
    if found is None:
        raise BadInput("The snapshot has no field '{name}'.", name=name, field=name)
    return found


def page(
    db: DuckDB,
    snapshot: Snapshot,
    *,
    search: str = "",
    offset: int = 0,
    limit: int = 50,
    members: Path | None = None,
    sort: str | None = None,
    descending: bool = False,
) -> list[dict[str, Any]]:
    """Return profiles in file order, or sorted by a field with empty values last."""
    where, params = _where(snapshot, search, members)
    order = ROW
    if sort:
        way = "DESC" if descending else "ASC"
        order = f"{quote_identifier(named_field(snapshot, sort).name)} {way} NULLS LAST, {ROW}"
    return _profiles(db, snapshot, where, params, order=order, offset=offset, limit=limit)


def count(db: DuckDB, snapshot: Snapshot, *, search: str = "", members: Path | None = None) -> int:
    """Return how many profiles `page` finds in all."""
    where, params = _where(snapshot, search, members)
    return int(db.row(f"SELECT count(*) FROM s.profiles p WHERE {where}", params)[0])


def chosen(
    db: DuckDB,
    snapshot: Snapshot,
    condition: str,
    params: Mapping[str, Any],
    *,
    offset: int = 0,
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return profiles for which a compiled rule (on alias `p`) holds, in file order."""
    return _profiles(db, snapshot, condition, params, order=ROW, offset=offset, limit=limit)


def profile(db: DuckDB, snapshot: Snapshot, profile_id: str) -> dict[str, Any] | None:
    """Return the profile of that id, or None."""
    found = _profiles(
        db, snapshot, f"{PROFILE_ID} = $id", {"id": profile_id.strip()}, order=ROW, offset=0, limit=1
    )
    return found[0] if found else None


def row_of(db: DuckDB, profile_id: str) -> int | None:
    """Return the row number of the profile of that id, or None."""
    found = db.rows(
        f"SELECT {ROW} FROM s.profiles WHERE {PROFILE_ID} = $id LIMIT 1", {"id": profile_id.strip()}
    )
    return int(found[0][0]) if found else None


def holds(db: DuckDB, members: Path, row: int) -> bool:
    """Return whether a members file has that row: the file is sorted, so one row group is read."""
    params = {"members": str(members), "row": row}
    return bool(db.rows(f"SELECT 1 FROM read_parquet($members) WHERE {ROW} = $row LIMIT 1", params))


def suggest(
    db: DuckDB, snapshot: Snapshot, field: str, prefix: str = "", limit: int = 50
) -> list[tuple[Any, int]]:
    """Return values of a field that start with the text (ignoring case), the most frequent first.

    Without a text, returns nothing for a field whose values nearly all differ: they are not useful choices.
    """
    source, value = _values(named_field(snapshot, field), None)
    if not prefix:
        (different,) = db.row(f"SELECT approx_count_distinct(v) FROM (FROM {source} LIMIT {_GLANCED})")
        if different > _CHOSEN_FROM:
            return []
    return [
        (v, int(n))
        for v, n in db.rows(
            f"""SELECT {value}, count(*) AS n FROM {source}
                WHERE {value} IS NOT NULL AND starts_with(lower(CAST({value} AS VARCHAR)), lower($prefix))
                GROUP BY 1 ORDER BY n DESC, 1 LIMIT $limit""",
            {"prefix": prefix, "limit": limit},
        )
    ]


def field_table(db: DuckDB, snapshot: Snapshot) -> list[FieldOverview]:
    """Return a summary of every field in one pass over the profiles."""
    asked: list[str] = []
    for field in snapshot.fields:
        column = quote_identifier(field.name)
        asked += [f"count({column})", f"approx_count_distinct({column})"]
    answers = db.row(f"SELECT {', '.join(asked)} FROM s.profiles")
    pairs = zip(answers[::2], answers[1::2], strict=True)
    return [
        FieldOverview(field, int(filled), snapshot.profiles, min(int(different), int(filled)))
        for field, (filled, different) in zip(snapshot.fields, pairs, strict=True)
    ]


def field_summary(db: DuckDB, snapshot: Snapshot, field: str, members: Path | None = None) -> FieldSummary:
    """Return exact fill rate, distinct values, top values and a histogram."""
    found = named_field(snapshot, field)
    source, value = _values(found, members)
    params = {"members": str(members)} if members else {}
    rows, filled = _filled(db, found, members)
    distinct, low, high = db.row(
        f"SELECT count(DISTINCT {value}), min({value}), max({value}) FROM {source}", params
    )
    top = db.rows(
        f"""SELECT {value}, count(*) AS n FROM {source} WHERE {value} IS NOT NULL
            GROUP BY 1 ORDER BY n DESC, 1 LIMIT {_TOP}""",
        params,
    )
    scale = found.type in _SCALES and low is not None and low != high
    bins = tuple(_histogram(db, source, value, params, low, high)) if scale else ()
    return FieldSummary(found, rows, filled, distinct, low, high, tuple((v, int(n)) for v, n in top), bins)


def breakdown(
    db: DuckDB, snapshot: Snapshot, field: str, members: Path, limit: int = 20
) -> list[tuple[Any, int, int]]:
    """For the values most frequent among members, return how many members and how many profiles have each.

    Numbers, dates and times come as `Bin`s over the range of everybody.
    """
    found = named_field(snapshot, field)
    source, value = _values(found, None, "*")
    inside = f"{ROW} IN (SELECT {ROW} FROM read_parquet($members))"
    params = {"members": str(members)}
    if found.type in _SCALES:
        low, high = db.row(f"SELECT min({value}), max({value}) FROM {source}")
        if low is not None and low != high:
            bins = _histogram(db, source, value, params, low, high, inside)
            return [((b.low, b.high), b.profiles, b.everybody) for b in bins]
    rows = db.rows(
        f"""SELECT {value}, count(*) FILTER ({inside}) AS n, count(*) AS everybody FROM {source}
            GROUP BY 1 ORDER BY n DESC, everybody DESC, 1 LIMIT {int(limit)}""",
        params,
    )
    return [(v, int(n), int(everybody)) for v, n, everybody in rows]


def _where(snapshot: Snapshot, search: str, members: Path | None) -> tuple[str, dict[str, Any]]:
    """Return the condition: every word must be in some text field; the members file narrows it further."""
    parts, params = ["true"], {}
    texts = [quote_identifier(f.name) for f in snapshot.fields if f.type is FieldType.TEXT]
    for number, word in enumerate(search.split()[:10]):
        test, params[f"word{number}"] = _occurs(word, f"$word{number}")
        parts.append(f"({' OR '.join(test.format(t=t) for t in [PROFILE_ID, *texts])})")
    if members is not None:
        params["members"] = str(members)
        parts.append(f"{ROW} IN (SELECT {ROW} FROM read_parquet($members))")
    return " AND ".join(parts), params


def _occurs(word: str, param: str) -> tuple[str, str]:
    """Return the test of one column, and its parameter. ILIKE costs a third less, but treats wildcards specially."""
    plain = unicodedata.normalize("NFC", word)
    if "%" in plain or "_" in plain:
        return f"contains(lower({{t}}), lower({param}))", plain
    return f"{{t}} ILIKE {param}", f"%{plain}%"


def _profiles(
    db: DuckDB,
    snapshot: Snapshot,
    where: str,
    params: Mapping[str, Any],
    *,
    order: str,
    offset: int,
    limit: int,
) -> list[dict[str, Any]]:
    names = [PROFILE_ID, *(f.name for f in snapshot.fields)]
    columns = ", ".join(f"p.{quote_identifier(n)}" for n in names)
    # The rows are chosen by number first, so that only those are read in full.
    rows = db.rows(
        f"""SELECT {columns} FROM s.profiles p
            JOIN (SELECT {ROW}, row_number() OVER () AS place FROM (
              SELECT {ROW} FROM s.profiles p WHERE {where} ORDER BY {order}
              LIMIT {max(0, int(limit))} OFFSET {max(0, int(offset))})) c USING ({ROW})
            ORDER BY c.place""",
        params,
    )
    return [dict(zip(names, row, strict=True)) for row in rows]


def _values(field: ProfileField, members: Path | None, also: str = "") -> tuple[str, str]:
    """Return what to select from, and the SQL of one value: a list field gives each of its entries."""
    narrowed = f" WHERE {ROW} IN (SELECT {ROW} FROM read_parquet($members))" if members else ""
    column = quote_identifier(field.name)
    chosen = f"{ROW}, " if also else ""
    value = f"unnest({column})" if field.type is FieldType.LIST else column
    return f"(SELECT {chosen}{value} AS v FROM s.profiles{narrowed})", "v"


def _filled(db: DuckDB, field: ProfileField, members: Path | None) -> tuple[int, int]:
    narrowed = f" WHERE {ROW} IN (SELECT {ROW} FROM read_parquet($members))" if members else ""
    rows, filled = db.row(
        f"SELECT count(*), count({quote_identifier(field.name)}) FROM s.profiles{narrowed}",
        {"members": str(members)} if members else {},
    )
    return int(rows), int(filled)


def _histogram(
    db: DuckDB, source: str, value: str, params: Mapping[str, Any], low: Any, high: Any, inside: str = "true"
) -> Sequence[Bin]:
    """Return bins of equal width from the lowest to the highest value."""
    start, end = _as_number(low), _as_number(high)
    width = (end - start) / _BINS
    number = f"CAST({value} AS DOUBLE)" if not isinstance(low, date) else f"epoch({value})"
    found = {
        int(b): (int(n), int(everybody))
        for b, n, everybody in db.rows(
            f"""SELECT least(floor(({number} - $start) / $width), {_BINS - 1}) AS b,
                  count(*) FILTER ({inside}), count(*)
                FROM {source} WHERE {value} IS NOT NULL GROUP BY 1""",
            {**params, "start": start, "width": width},
        )
    }
    edges = [_like(low, start + width * n) for n in range(_BINS)] + [high]
    return [Bin(edges[n], edges[n + 1], *found.get(n, (0, 0))) for n in range(_BINS)]


def _as_number(value: Any) -> float:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).timestamp()
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()
    return float(value)


def _like(example: Any, number: float) -> Any:
    """Return a bin's edge in the type of the field."""
    if isinstance(example, datetime):
        return datetime.fromtimestamp(number, UTC).replace(tzinfo=None)
    if isinstance(example, date):
        return datetime.fromtimestamp(number, UTC).date()
    return number
