"""What every loader is given: the database, a callback for its progress, and the maximum number of rows.

Must never know a format.
"""

from dataclasses import dataclass, field
from pathlib import Path

from ccexport.model.sources import Progress, Tell
from ccexport.profiles.database import DuckDB
from ccexport.profiles.progress import run_told

QUERY_ROWS = 20_000_000


@dataclass
class Loading:
    """`limit` is set for a preview, which needs only the first rows."""

    db: DuckDB
    tell: Tell
    limit: int | None = None
    query_rows: int = QUERY_ROWS  # the most that a query may find
    samples: dict[str, tuple[str, ...]] = field(default_factory=dict)  # file → words that show its encoding

    def say(
        self, step: str, done: int = 0, total: int | None = None, *, unit: str = "rows", what: str = ""
    ) -> None:
        """Report the progress of one of our loaders."""
        self.tell(Progress(step, done, total, unit, what))

    def create(self, table: str, select: str, *, path: Path, what: str) -> None:
        """Make the table from the query over a file, and report how many of its bytes are read."""
        size = path.stat().st_size
        first = f" LIMIT {int(self.limit)}" if self.limit else ""

        def told(share: float | None) -> None:
            if share is not None:
                self.say("reading", int(share * size), size, unit="bytes", what=what)

        run_told(self.db, f"CREATE OR REPLACE TABLE {table} AS {select}{first}", told)
