"""`tidy`, `erase`: what is kept, and for how long."""

import typer

from ccexport.cli.opened import DataDir, Json, opened
from ccexport.cli.output import emit


def register(app: typer.Typer) -> None:
    """Put these commands at the top level."""
    app.command()(tidy)


def tidy(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Remove what is not kept any more, as the worker does once a day.

    Contacts of runs that ended CCEXPORT_RETENTION_MONTHS ago, previews and readings older than a week.
    Counts, requests and stories of runs stay. Example: ccexport tidy --json
    """
    with opened(data_dir) as (services, actor):
        found = services.upkeep.tidy(actor)
    lines = [
        f"The contacts of {found.runs} runs, {found.plans} previews, {found.readings} readings and "
        f"{found.files} other files were removed: {found.bytes:,} bytes."
    ]
    emit(as_json, vars(found), lines)
