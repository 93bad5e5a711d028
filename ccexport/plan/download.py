"""Writes every row of a plan to a file: CSV that no spreadsheet reads as formulas, a workbook, or Parquet.

Owns the columns of a download. Must never hold more than one piece of it in memory.
"""

from collections.abc import Iterator
from pathlib import Path

from ccexport.files import published
from ccexport.model.plans import Plan
from ccexport.plan.reading import MEMORY_LIMIT
from ccexport.profiles.csv_cells import csv_cell_sql
from ccexport.profiles.database import quote_path, session
from ccexport.profiles.workbook_writer import write_workbook

COLUMNS = (
    "profile_id",
    "address",
    "verdict",
    "reason",
    "outcome",
    "note",
    "winner",
    "segments",
    "warnings",
    "contact",
)


def contacts_csv(plan: Plan, outcomes: Path | None) -> Iterator[str]:
    """Yield the rows in plan order, in pieces of CSV text with a header."""
    yield ",".join(COLUMNS) + "\r\n"
    cells = " || ',' || ".join(csv_cell_sql(name) for name in COLUMNS)
    with session(memory_limit=MEMORY_LIMIT, temp_dir=_temp(plan)) as db:
        for batch in db.arrow(f"SELECT {cells} || chr(13) || chr(10) AS t FROM ({_rows(plan, outcomes)})"):
            yield "".join(batch.column(0).to_pylist())


def contacts_parquet(plan: Plan, outcomes: Path | None, into: Path) -> None:
    """Write the same rows as a Parquet file, which is complete or absent."""
    with published(into) as part, session(memory_limit=MEMORY_LIMIT, temp_dir=_temp(plan)) as db:
        db.run(f"COPY ({_rows(plan, outcomes)}) TO {quote_path(part)} (FORMAT parquet, COMPRESSION zstd)")


def contacts_xlsx(plan: Plan, outcomes: Path | None, into: Path) -> None:
    """Write the same rows as a workbook; its cells are typed, so none of them is a formula."""
    with session(memory_limit=MEMORY_LIMIT, temp_dir=_temp(plan)) as db:
        texts = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in COLUMNS)
        batches = db.arrow(f"SELECT {texts} FROM ({_rows(plan, outcomes)})")
        rows = (tuple(row.values()) for batch in batches for row in batch.to_pylist())
        write_workbook(into, COLUMNS, rows, temp_dir=into.parent)


def _rows(plan: Plan, outcomes: Path | None) -> str:
    found = f"read_parquet({quote_path(outcomes)})" if outcomes else _NONE
    names = ", ".join(f"o.{n}" if n in {"outcome", "note"} else f"r.{n}" for n in COLUMNS)
    return (
        f"SELECT {names} FROM read_parquet({quote_path(plan.path)}) r "
        f"LEFT JOIN {found} o ON o.seq = r.seq ORDER BY r.seq"
    )


_NONE = "(SELECT 0 AS seq, NULL::VARCHAR AS outcome, NULL::VARCHAR AS note WHERE false)"


def _temp(plan: Plan) -> Path:
    return plan.path.parents[1] / ".temp"
