"""`profiles ingest` and `profiles show`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ccexport.cli.opened import DataDir, Json, opened
from ccexport.cli.output import emit, say, table
from ccexport.cli.progress import ingest_bar
from ccexport.errors import BadInput
from ccexport.model.profiles import IngestReport
from ccexport.model.words import FieldType

app = typer.Typer(help="The customer profiles: take files in, see what is there.")


@app.command()
def ingest(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="CSV, Parquet, JSON-lines or Excel files; none to read the named sources."),
    ] = None,
    id_field: Annotated[
        str | None, typer.Option(help="The field that names a profile; found by itself if clear.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Which sheet of a workbook.")] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="FIELD=text, number, boolean, date or timestamp; several times."),
    ] = None,
    accept_changes: Annotated[
        bool,
        typer.Option(help="Take it although fields are gone, types changed or half the rows are missing."),
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new snapshot of all profiles from files, or from the named sources (see `sources`).

    Example: ccexport profiles ingest customers.csv --id-field "Customer Id" --type Code=text
    """
    chosen = field_types(types or [])
    if not files and (id_field or sheet or chosen):
        raise BadInput("--id-field, --sheet and --type go with a file; a named source has its own.")
    with opened(data_dir) as (services, actor), ingest_bar() as tell:
        how: dict[str, Any] = {"accept_changes": accept_changes, "progress": tell}
        if files:
            how |= {"id_field": id_field, "sheet": sheet, "types": chosen}
            report = services.profiles.ingest(actor, files, **how)
        else:
            report = services.sources.ingest(actor, **how)
    emit_report(as_json, report)


def field_types(written: list[str]) -> dict[str, FieldType]:
    """`FIELD=type` as a mapping. Raises `BadInput`."""
    found = {}
    for text in written:
        name, sign, type_ = text.rpartition("=")
        if not sign or not name or type_ not in {t.value for t in FieldType} - {"list"}:
            raise BadInput(
                f"--type {text}: write FIELD=TYPE with text, number, boolean, date or timestamp, such as Code=text."
            )
        found[name] = FieldType(type_)
    return found


def emit_report(as_json: bool, report: IngestReport) -> None:
    """What an ingest made, and what it could not take."""
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
        "parts": {part.name: part.rows for part in snapshot.parts},
        "conflicts": dict(snapshot.conflicts),
    }
    emit(
        as_json,
        document,
        [f"{snapshot.profiles} profiles in snapshot {snapshot.id} (id field: {snapshot.id_field})."],
    )
    for name, count in snapshot.conflicts:
        say(f"The sources disagree on {name} for {count} profiles; the first in their order was taken.")
    if snapshot.rejects:
        say(
            f"{snapshot.rejects} rows were rejected; they are kept with line and reason in {report.rejects_path}."
        )


@app.command()
def show(as_json: Json = False, data_dir: DataDir = None) -> None:
    """What the current snapshot holds.

    Example: ccexport profiles show --json
    """
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
