"""`refresh show`, `set`, `on`, `off`, `run`, `history`: reading the watched sources again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import ExitCode, emit, say, table
from ccexport.cli.progress import bar
from ccexport.cli.schedules import At, Daily, Weekly, Zone, recurrence
from ccexport.cli.session import DataDir, Json, opened
from ccexport.model.exports import Actor
from ccexport.model.firings import Refresh, RefreshState
from ccexport.model.schedules import RefreshSettings

if TYPE_CHECKING:
    from ccexport.services import Services

app = typer.Typer(help="Reading the watched files anew, and then the exports that follow.")


def _document(services: "Services", actor: Actor, settings: RefreshSettings) -> dict[str, Any]:
    return settings.model_dump(mode="json") | {
        "in_words": services.refreshes.words(settings),
        "next": services.refreshes.next(actor),
        "named_sources": [source.name for source in services.sources.list(actor)],
    }


def _emit(as_json: bool, document: dict[str, Any]) -> None:
    lines = [f"The refresh is {document['in_words']}."]
    named = document["named_sources"]
    lines += [f"  reads the source {name}" for name in named]
    lines += [f"  watches {source}" for source in document["sources"] if not named]
    lines += [f"  next {moment:%Y-%m-%d %H:%M} UTC" for moment in document["next"]]
    emit(as_json, document, lines)


@app.command()
def show(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Which files are watched, when they are read, the next three times.

    Example: ccexport refresh show
    """
    with opened(data_dir) as (services, actor):
        document = _document(services, actor, services.refreshes.settings(actor))
    _emit(as_json, document)


@app.command("set")
def set_(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Files or patterns such as '/srv/crm/*.csv'; none to read the named sources."),
    ] = None,
    id_field: Annotated[str | None, typer.Option(help="The field that holds the profile id.")] = None,
    daily: Daily = False,
    weekly: Weekly = None,
    at: At = None,
    zone: Zone = "UTC",
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Watch these files. It stays off, or on, as it was.

    Example: ccexport refresh set /srv/crm/customers.csv --id-field "Customer Id" --daily --at 03:00
    """
    values: dict[str, Any] = {"sources": files or [], "id_field": id_field, "zone": zone}
    found = recurrence(daily=daily, weekly=weekly, at=at)
    with opened(data_dir) as (services, actor):
        if found is not None:
            values["recurrence"] = found
        document = _document(services, actor, services.refreshes.change(actor, **values))
    _emit(as_json, document)
    if not document["on"]:
        say("The refresh is off: switch it on with `refresh on`.")


def _switch(on: bool, as_json: bool, data_dir: Any) -> None:
    with opened(data_dir) as (services, actor):
        document = _document(services, actor, services.refreshes.change(actor, on=on))
    _emit(as_json, document)


@app.command()
def on(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Switch the refresh on. A worker (or the dashboard) has to run for it.

    Example: ccexport refresh on
    """
    _switch(True, as_json, data_dir)


@app.command()
def off(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Switch the refresh off; exports that follow it run by hand only.

    Example: ccexport refresh off
    """
    _switch(False, as_json, data_dir)


@app.command()
def run(
    accept_changes: Annotated[
        bool, typer.Option(help="Take a source that is not what it was, which a check stopped.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Read the watched files now and queue the exports that follow; a worker drives those.

    Example: ccexport refresh run --json
    """
    with opened(data_dir) as (services, actor), bar("Refresh"):
        done = services.refreshes.run_here(actor, accept_changes=accept_changes)
    emit(as_json, _row(done), [f"Refresh {done.id} is {done.state}. {done.note}".strip()])
    wrong = done.state in {RefreshState.STOPPED, RefreshState.FAILED}
    return ExitCode.FAILED if wrong else ExitCode.DONE if done.ended_at else ExitCode.WAITING


def _row(refresh: Refresh) -> dict[str, Any]:
    keys = ("id", "state", "actor", "due_at", "started_at", "ended_at", "snapshot_id", "profiles", "note")
    row = {key: getattr(refresh, key) for key in keys}
    seconds = refresh.seconds
    return row | {"seconds": round(seconds, 1) if seconds is not None else None}


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1)] = 50, as_json: Json = False, data_dir: DataDir = None
) -> None:
    """Every refresh with how long it took, newest first.

    Example: ccexport refresh history --limit 10
    """
    with opened(data_dir) as (services, actor):
        rows = [_row(r) for r in services.refreshes.history(actor, limit=limit)]
    emit(as_json, rows, table(rows, ["due_at", "state", "actor", "seconds", "profiles", "note"]))
