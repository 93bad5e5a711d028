"""Makes the table `standing`: what we now believe of every address of a list, and who holds it.

It starts from the deliveries and applies every later reading, in the order in which they
were taken, by the table of `beliefs`. Must never write a file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.plan.beliefs import Belief, cells, key_sql, types_sql
from ccexport.profiles.database import DuckDB, quote_path, quote_text

MOST_HOLDERS = 120
OURS = 1
"""The bit of the planned export; every other export of the list has a higher one."""

_NO_DELIVERIES = (
    "(SELECT ''::VARCHAR AS address, ''::VARCHAR AS profile_id, ''::VARCHAR AS contact, "
    "NULL::UBIGINT AS content, ''::VARCHAR AS state, ''::VARCHAR AS contact_id, ''::VARCHAR AS run_id, "
    "NULL::TIMESTAMP AS at, 0::INTEGER AS refused WHERE false)"
)
_NO_HOLDS = (
    "(SELECT ''::VARCHAR AS address, ''::VARCHAR AS export_id, 0::INTEGER AS version, NULL::TIMESTAMP AS asked, "
    "NULL::TIMESTAMP AS since, NULL::TIMESTAMP AS until, ''::VARCHAR AS ended WHERE false)"
)


@dataclass(frozen=True)
class Seen:
    """One reading of the list; `unsubscribed` is set when the account was asked for them too."""

    on_list: Path
    unsubscribed: Path | None = None


def holds_path(deliveries: Path) -> Path:
    """Return the path of the holds of these deliveries, one row for each address and export."""
    return deliveries.with_suffix(".holds.parquet")


@dataclass(frozen=True)
class Source:
    """SQL to read deliveries and holds, whichever version wrote them."""

    deliveries: str
    state: str
    holds: str
    refused: str = "v.refused"
    """How many times in a row Constant Contact refused the same contact."""


def source_of(db: DuckDB, deliveries: Path | None) -> Source:
    """Return the SQL for these deliveries; earlier versions kept the holders in a list in each row."""
    if deliveries is None:
        return Source(_NO_DELIVERIES, "v.state", _NO_HOLDS)
    rows = f"read_parquet({quote_path(deliveries)})"
    names = {name for name, *_ in db.rows(f"DESCRIBE FROM {rows}")}
    refused = "v.refused" if "refused" in names else f"(v.state = '{Belief.REJECTED}')::INTEGER"
    if holds_path(deliveries).exists():
        return Source(rows, "v.state", f"read_parquet({quote_path(holds_path(deliveries))})", refused)
    if "exports" not in names:
        return Source(rows, "v.state", _NO_HOLDS, refused)
    state = (
        f"CASE WHEN v.state = '{Belief.ON_LIST}' AND len(v.exports) = 0 THEN '{Belief.OWN}' ELSE v.state END"
    )
    holds = (
        "(SELECT d.address, unnest(d.exports) AS export_id, NULL::INTEGER AS version, d.at AS asked, "
        f"CASE WHEN d.state = '{Belief.ON_LIST}' THEN d.at END AS since, NULL::TIMESTAMP AS until, "
        f"''::VARCHAR AS ended FROM {rows} d "
        f"WHERE d.state IN ('{Belief.ON_LIST}', '{Belief.MISSING}', '{Belief.UNKNOWN}'))"
    )
    return Source(rows, state, holds, refused)


def make_standing(
    db: DuckDB,
    deliveries: Path | None,
    *,
    ours: str,
    holders: Mapping[str, int] | None,
    earlier: Sequence[Seen] = (),
    content: str = "NULL::UBIGINT",
    key: str = "hash({})",
) -> Source:
    """Make the tables `standing`, `cells` and `holders`, after applying the readings in `earlier`.

    `standing`: `h` (`key` of the address), `state`, `content`, the bits of the exports that hold it (`held`)
    or asked to (`asked`), whether it was there before (`was`), and held by `ours` then (`was_ours`).
    `holders` are the exports that may hold somebody on the list, each with the first of its versions that
    counts; without it all exports may.
    """
    db.run(types_sql())
    with db.given("_cells", cells()):
        db.run("CREATE TABLE cells AS SELECT key, now::belief AS now, holds::holding AS holds FROM _cells")
    source = source_of(db, deliveries)
    _holders(db, source, ours, holders)
    one = db.row("SELECT count(*) FROM holders")[0] == 1
    gathered = "{}" if one else "bit_or({})"
    bits = ", ".join(
        f"coalesce({gathered.format(f'CASE WHEN x.since IS {known} THEN o.bit END')}, 0) AS {name}"
        for name, known in (("held", "NOT NULL"), ("asked", "NULL"))
    )
    db.run(
        f"CREATE TABLE standing AS WITH holding AS (SELECT {key.format('x.address')} AS h, {bits} "
        f"FROM {source.holds} x JOIN holders o ON o.export_id = x.export_id "
        "WHERE x.until IS NULL AND coalesce(x.version, o.first) >= o.first"
        f"{'' if one else ' GROUP BY 1'}), "
        f"v AS (SELECT {key.format('v.address')} AS h, ({source.state})::belief AS state, {content} AS content "
        f"FROM {source.deliveries} v) "
        "SELECT v.h, v.state, v.content, coalesce(x.held, 0) AS held, coalesce(x.asked, 0) AS asked, "
        f"v.state IN ('{Belief.ON_LIST}', '{Belief.OWN}', '{Belief.REMOVING}') AS was, "
        f"v.state = '{Belief.ON_LIST}' AND coalesce(x.held, 0) & {OURS} <> 0 AS was_ours "
        "FROM v LEFT JOIN holding x ON x.h = v.h"
    )
    for n, reading in enumerate(earlier):
        for table, path in ((f"there_{n}", reading.on_list), (f"gone_{n}", reading.unsubscribed)):
            address_table(db, table, path, key)
        see(db, f"there_{n}", f"gone_{n}", strangers=True)
        db.run(f"DROP TABLE there_{n}; DROP TABLE gone_{n}")
    return source


def _holders(db: DuckDB, source: Source, ours: str, holders: Mapping[str, int] | None) -> None:
    if holders is None:
        found = db.rows(f"SELECT DISTINCT export_id FROM {source.holds} ORDER BY 1")
        holders = dict.fromkeys((export_id for (export_id,) in found), 0)
    names = [ours, *sorted(set(holders) - {ours})]
    if len(names) > MOST_HOLDERS:
        raise BadInput(
            "At most {most} exports can go to one contact list; this one has {count}.",
            most=MOST_HOLDERS,
            count=len(names),
        )
    kind = "BIGINT" if len(names) < 62 else "HUGEINT"
    rows = ", ".join(
        f"({quote_text(name)}, 1::{kind} << {n}, {int(holders.get(name, 0))})" for n, name in enumerate(names)
    )
    db.run(f"CREATE TABLE holders AS SELECT * FROM (VALUES {rows}) AS t(export_id, bit, first)")


def address_table(db: DuckDB, table: str, path: Path | None, key: str = "hash({})") -> None:
    """Make a table of the addresses of a file as `h`, once each."""
    rows = f"read_parquet({quote_path(path)})" if path else "(SELECT NULL::VARCHAR WHERE false)"
    text = "CASE WHEN starts_with(a, ' ') OR ends_with(a, ' ') THEN trim(a) ELSE a END"
    # Looking for spaces first takes a third of the time of trimming.
    db.run(
        f"CREATE TABLE {table} AS SELECT {key.format(f'lower({text})')} AS h FROM {rows} AS t(a) WHERE a IS NOT NULL"
    )


def see(db: DuckDB, there: str, unsubscribed: str, *, strangers: bool) -> None:
    """Apply one reading to `standing`; with `strangers`, addresses there that we do not know get a row."""
    shown = (
        f"CASE WHEN EXISTS (FROM {unsubscribed} u WHERE u.h = s.h) THEN 'unsubscribed'::shown "
        f"WHEN EXISTS (FROM {there} o WHERE o.h = s.h) THEN 'there'::shown ELSE 'absent'::shown END"
    )
    key = key_sql("s.state", "'nothing'::deed", "'applied'::certainty", "s.shown")
    more = (
        f" UNION ALL SELECT DISTINCT o.h, '{Belief.OWN}'::belief, NULL, 0, 0, true, false FROM {there} o "
        "WHERE NOT EXISTS (FROM standing s WHERE s.h = o.h)"
        if strangers
        else ""
    )
    db.run(
        f"CREATE TABLE seen AS WITH s AS (SELECT s.*, {shown} AS shown FROM standing s) "
        "SELECT s.h, c.now AS state, CASE WHEN c.now = s.state THEN s.content END AS content, "
        "CASE c.holds WHEN 'end' THEN 0 WHEN 'confirm' THEN s.held | s.asked ELSE s.held END AS held, "
        "CASE WHEN c.holds IN ('end', 'confirm') THEN 0 ELSE s.asked END AS asked, s.was, s.was_ours "
        f"FROM s JOIN cells c ON c.key = {key}{more};"
        "DROP TABLE standing; ALTER TABLE seen RENAME TO standing"
    )
