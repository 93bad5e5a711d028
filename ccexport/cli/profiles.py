"""`profiles ingest`, `show`, `fields`, `search` and `person`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import emit, say, table
from ccexport.cli.progress import ingest_bar
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput, NotFound
from ccexport.model.profiles import IngestReport
from ccexport.model.words import FieldType

if TYPE_CHECKING:
    from ccexport.services.profiles import FieldSummary

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


@app.command()
def fields(
    name: Annotated[str | None, typer.Argument(help="One field in depth; all at a glance without.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """How full each field is and about how many values it has, or the values of one.

    Example: ccexport profiles fields Country
    """
    with opened(data_dir) as (services, actor):
        if name is not None:
            _emit_field(as_json, services.profiles.field_summary(actor, name))
            return
        found = services.profiles.field_table(actor)
    rows = [
        {
            "field": f.field.name,
            "type": f.field.type,
            "filled": f.filled,
            "of": f.profiles,
            "distinct": f.distinct,
        }
        for f in found
    ]
    emit(as_json, rows, table(rows, ["field", "type", "filled", "of", "distinct"]))


def _emit_field(as_json: bool, found: "FieldSummary") -> None:
    document = {
        "field": found.field.name,
        "type": found.field.type,
        "profiles": found.profiles,
        "filled": found.filled,
        "distinct": found.distinct,
        "minimum": found.minimum,
        "maximum": found.maximum,
        "top": [{"value": value, "profiles": count} for value, count in found.top],
        "histogram": [{"from": b.low, "to": b.high, "profiles": b.profiles} for b in found.histogram],
    }
    head = f"{found.field.name} ({found.field.type}): {found.filled} of {found.profiles} filled, "
    lines = [f"{head}{found.distinct} different.", *table(document["top"], ["value", "profiles"])]
    emit(as_json, document, lines)


@app.command()
def search(
    words: list[str],
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Profiles in which every word occurs somewhere, whatever its case.

    Example: ccexport profiles search hansen oslo
    """
    with opened(data_dir) as (services, actor):
        text = " ".join(words)
        count = services.profiles.count(actor, search=text)
        rows = services.profiles.page(actor, search=text, limit=limit) if count else []
    columns = [key for key in rows[0] if key != "_id"][:6] if rows else []
    emit(as_json, {"profiles": count, "rows": rows}, table(rows, columns))
    say(f"{len(rows)} of {count}.")


@app.command()
def person(profile_id: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """One profile: its fields, its segments, and every kept run of an export it was part of.

    Example: ccexport profiles person C-0000001
    """
    with opened(data_dir) as (services, actor):
        row = services.profiles.profile(actor, profile_id)
        if row is None:
            raise NotFound("There is no profile with this id.")
        inside = [s.name for s, holds in services.segments.of_profile(actor, profile_id) if holds]
        parts = services.profiles.history(actor, profile_id)
    runs = [
        {
            "run": part.run.id,
            "at": part.run.created_at,
            "export": part.run.export_name,
            "list": part.run.list_name,
            "verdict": part.verdict,
            "reason": part.reason,
            "outcome": part.outcome,
        }
        for part in parts
    ]
    values = [{"field": k, "value": v} for k, v in row.items() if k != "_id"]
    lines = [*table(values, ["field", "value"]), "", f"in the segments {', '.join(inside) or '(none)'}", ""]
    lines += table(runs, ["at", "export", "list", "verdict", "reason", "outcome"])
    emit(as_json, {"profile": row, "segments": inside, "runs": runs}, lines)
