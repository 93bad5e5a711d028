"""`history sql`: the history as tables."""

from typing import Annotated

import typer

from ccexport.cli.output import emit, table
from ccexport.cli.session import DataDir, Json, opened

app = typer.Typer(help="The history as tables (docs/history.md).")


@app.callback()
def _group() -> None:
    """Keep `sql` a command of its own."""


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT over runs, batches, outcomes and segment_sizes.")],
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many rows at most.")] = 1000,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Ask the history in SQL; nothing can be changed, and nothing else is read.

    Example: ccexport history sql "SELECT export, sum(verified) AS verified FROM runs GROUP BY export"
    """
    with opened(data_dir) as (services, actor):
        found = services.history.ask(actor, query, limit=limit)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    emit(as_json, rows, table(rows, found.columns))
