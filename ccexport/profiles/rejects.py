"""Rows that could not become profiles: each with its file, line, reason, and the original row.

Must never lose one: profiles + rejects is what was read.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ccexport.profiles.database import DuckDB, quote_identifier, quote_path
from ccexport.profiles.staged import STAGED, Staged
from ccexport.profiles.surroundings import odd_rows
from ccexport.profiles.tolerant_reader import LINE

_REJECTS = "_rejects"
_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("raw", pa.string()),
    ]
)


def reject_unusable_ids(db: DuckDB, staged: Staged, id_field: str, key: str | None = None) -> dict[str, int]:
    """Remove rows with an empty or repeated id from the staged table; the first of each id stays.

    `key` is the SQL of the id when it is not just the trimmed field. Returns how many rows of this source
    were rejected for each reason, including unreadable rows found earlier.
    """
    columns = "file VARCHAR, line BIGINT, reason VARCHAR, detail VARCHAR, raw VARCHAR"
    db.run(f"CREATE TEMP TABLE IF NOT EXISTS {_REJECTS} ({columns})")
    before = _counted(db)
    if staged.rejects:
        table = pa.Table.from_pylist([vars(r) for r in staged.rejects], schema=_SCHEMA)
        with db.given("_found", table):
            db.run(f"INSERT INTO {_REJECTS} SELECT * FROM _found")
    text = f"coalesce({key or f'trim(CAST({quote_identifier(id_field)} AS VARCHAR))'}, '')"
    total, different = db.row(f"SELECT count(*), count(DISTINCT nullif({text}, '')) FROM {STAGED}")
    odd = odd_rows(db, staged)
    if total != different or odd:
        _find_unusable(db, text, odd)
        _keep(db, staged, id_field)
        db.run(f"DELETE FROM {STAGED} WHERE rowid IN (SELECT r FROM _unusable)")
    return {r: n - before.get(r, 0) for r, n in _counted(db).items() if n > before.get(r, 0)}


def _counted(db: DuckDB) -> dict[str, int]:
    return {r: int(n) for r, n in db.rows(f"SELECT reason, count(*) FROM {_REJECTS} GROUP BY 1 ORDER BY 1")}


def write_rejects(db: DuckDB, path: Path) -> Path:
    """Write the rejects as a Parquet file, in the order of files and lines."""
    db.run(f"COPY (SELECT * FROM {_REJECTS} ORDER BY file, line) TO {quote_path(path)} (FORMAT parquet)")
    return path


def _find_unusable(db: DuckDB, text: str, odd: Sequence[tuple[int, str]]) -> None:
    """Make `_unusable`: the odd rows, and of the others those with an empty or repeated id."""
    db.run("CREATE OR REPLACE TEMP TABLE _unusable (r BIGINT, reason VARCHAR)")
    for row, reason in odd:
        db.run("INSERT INTO _unusable VALUES (?, ?)", [row, reason])
    db.run(
        f"""INSERT INTO _unusable
            SELECT rowid, 'empty_id' FROM {STAGED}
            WHERE {text} = '' AND rowid NOT IN (SELECT r FROM _unusable)
            UNION ALL
            SELECT r, 'repeated_id' FROM (
              SELECT rowid AS r, row_number() OVER (PARTITION BY {text} ORDER BY rowid) AS n FROM {STAGED}
              WHERE {text} IN (SELECT {text} FROM {STAGED} GROUP BY ALL HAVING count(*) > 1) AND {text} <> '')
            WHERE n > 1 AND r NOT IN (SELECT r FROM _unusable)"""
    )


def _keep(db: DuckDB, staged: Staged, id_field: str) -> None:
    """Store the unusable rows with their lines: the position in the file plus earlier line breaks in values."""
    breaks = _breaks_sql(staged)
    names = pa.table(
        {
            "part": list(range(len(staged.parts))),
            "file": [p[0] for p in staged.parts],
            "start": [p[1] for p in staged.parts],
            "first_line": [p[2] for p in staged.parts],
        }
    )
    with db.given("_parts", names):
        db.run(
            f"""INSERT INTO {_REJECTS}
                WITH breaks AS (
                  SELECT rowid AS r, {_part_sql(staged, "rowid")} AS part, {breaks} AS n FROM {STAGED}
                  WHERE {breaks} > 0),
                summed AS (SELECT r, part, sum(n) OVER (PARTITION BY part ORDER BY r) AS n FROM breaks),
                bad AS (
                  SELECT u.r, u.reason, s.{LINE} AS line, to_json(s) AS raw,
                    {_part_sql(staged, "u.r")} AS part
                  FROM _unusable u JOIN {STAGED} s ON s.rowid = u.r)
                SELECT p.file, coalesce(bad.line, bad.r - p.start + p.first_line + coalesce(summed.n, 0)),
                  bad.reason, CASE bad.reason WHEN 'empty_id' THEN ? WHEN 'repeated_id' THEN ?
                    ELSE 'the row is no profile' END, bad.raw
                FROM bad JOIN _parts p USING (part)
                ASOF LEFT JOIN summed ON bad.part = summed.part AND bad.r > summed.r""",
            [f"the field {id_field} is empty", f"the field {id_field} repeats an earlier row's"],
        )


def _part_sql(staged: Staged, rowid: str) -> str:
    """SQL: which source a staged row came from."""
    cases = " ".join(
        f"WHEN {rowid} >= {start} THEN {number}"
        for number, (_, start, _) in reversed(list(enumerate(staged.parts)))
    )
    return f"CASE {cases} END"


def _breaks_sql(staged: Staged) -> str:
    texts = (
        [quote_identifier(n) for n, declared in staged.types if declared == "VARCHAR"] if staged.text else []
    )
    counts = (
        f"length({c}) - length(replace({c}, chr(10), ''))" for c in (f"coalesce({t}, '')" for t in texts)
    )
    return " + ".join(counts) or "0"
