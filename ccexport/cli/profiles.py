"""`profiles ingest` and `profiles show`."""

from pathlib import Path
from typing import Annotated

import typer

from ccexport.cli.opened import DataDir, Json, opened
from ccexport.cli.output import emit, say, table

app = typer.Typer(help="The customer profiles: take files in, see what is there.")


@app.command()
def ingest(
    files: Annotated[
        list[Path], typer.Argument(help="CSV, Parquet or JSON-lines files about the same people.")
    ],
    id_field: Annotated[
        str | None, typer.Option(help="The field that names a profile; found by itself if clear.")
    ] = None,
    accept_changes: Annotated[
        bool,
        typer.Option(help="Take it although fields are gone, types changed or half the rows are missing."),
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new snapshot of all profiles from files.

    Example: ccexport profiles ingest customers.csv --id-field "Customer Id"
    """
    with opened(data_dir) as (services, actor):
        report = services.profiles.ingest(actor, files, id_field=id_field, accept_changes=accept_changes)
    snapshot = report.snapshot
    document = {
        "snapshot": snapshot.id,
        "profiles": snapshot.profiles,
        "rows_read": report.rows_read,
        "rejects": snapshot.rejects,
        "reject_reasons": dict(report.reasons),
        "rejects_file": report.rejects_path,
        "id_field": snapshot.id_field,
        "fields": [{"name": f.name, "type": f.type} for f in snapshot.fields],
    }
    emit(
        as_json,
        document,
        [f"{snapshot.profiles} profiles in snapshot {snapshot.id} (id field: {snapshot.id_field})."],
    )
    if snapshot.rejects:
        say(
            f"{snapshot.rejects} rows were rejected; they are kept with line and reason in {report.rejects_path}."
        )


@app.command()
def show(as_json: Json = False, data_dir: DataDir = None) -> None:
    """What the current snapshot holds."""
    with opened(data_dir) as (services, actor):
        snapshot = services.profiles.current(actor)
    fields = [{"name": f.name, "type": f.type} for f in snapshot.fields]
    document = {
        "snapshot": snapshot.id,
        "created_at": snapshot.created_at,
        "profiles": snapshot.profiles,
        "rejects": snapshot.rejects,
        "id_field": snapshot.id_field,
        "address_fields": list(snapshot.address_fields),
        "updated_field": snapshot.updated_field,
        "sources": list(snapshot.sources),
        "fields": fields,
    }
    head = f"{snapshot.profiles} profiles in snapshot {snapshot.id}, {snapshot.rejects} rows rejected."
    emit(as_json, document, [head, *table(fields, ["name", "type"])])
