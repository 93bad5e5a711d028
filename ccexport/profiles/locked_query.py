"""Runs one question that a person wrote, over tables that were filled before and nothing else.

The database is its own, in memory; once it is filled, it opens no file and no address, and nobody can change that.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ccexport.errors import BadInput, StoreTrouble
from ccexport.files import private_folder
from ccexport.profiles.database import DuckDB, _connected, translated_errors


def ask_locked(
    sql: str, fill: Callable[[DuckDB], None], *, memory_limit: str, temp_dir: Path, limit: int
) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Return the names of the columns, and the rows. Raises `BadInput` for what is not one SELECT."""
    with private_folder(temp_dir) as folder, _connected(":memory:", memory_limit, folder) as db:
        fill(db)
        db.run("SET enable_external_access = false")
        db.run("SET lock_configuration = true")
        question = f"SELECT * FROM (\n{sql.strip().rstrip(';')}\n) LIMIT {limit}"
        try:
            with translated_errors():
                if len(db.raw.extract_statements(question)) != 1:
                    raise _refused("several statements")
            found = db.arrow(question)
            names = list(found.schema.names)
            return names, [tuple(row.values()) for batch in found for row in batch.to_pylist()]
        except StoreTrouble as error:
            if (
                "problem" not in error.message.values
            ):  # memory, or stopped: nothing is wrong with the question
                raise
            raise _refused(str(error.message.values["problem"])) from error


def _refused(problem: str) -> BadInput:
    return BadInput(
        "The query cannot be run: it is one SELECT over the tables of docs/history.md ({problem}).",
        problem=problem,
    )
