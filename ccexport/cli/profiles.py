"""`profiles ingest`, `show`, `export`, `fields`, `search` and `person`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import emit, say, table
from ccexport.cli.progress import ingest_bar
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput, NotFound
from ccexport.model.profiles import IngestReport
from ccexport.model.reading import FieldReading
from ccexport.model.sources import checked_encoding, checked_format
from ccexport.model.words import FieldType

if TYPE_CHECKING:
    from ccexport.services.profiles import FieldSummary

Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        help="FIELD=day_first, month_first, decimal_comma, decimal_point, excel_serial or %d.%m.%y; several times.",
    ),
]
Encoding = Annotated[
    str | None, typer.Option(help="How the text is encoded, such as cp1250; found by itself.")
]
SkipRows = Annotated[
    int | None, typer.Option(min=0, max=10_000, help="Lines before the header; found by themselves.")
]
Member = Annotated[str | None, typer.Option(help="Which file of a zip, or which table of a JSON object.")]
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
    formats: Formats = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    member: Member = None,
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
    how = overrides(sheet, types, formats, encoding, skip_rows, member)
    if not files and (id_field or how):
        raise BadInput("--id-field, --sheet, --type and the like go with a file; a named source has its own.")
    with opened(data_dir) as (services, actor), ingest_bar() as tell:
        asked: dict[str, Any] = {"accept_changes": accept_changes, "progress": tell}
        if files:
            report = services.profiles.ingest(actor, files, id_field=id_field, **asked, **how)
        else:
            report = services.sources.ingest(actor, **asked)
    emit_report(as_json, report)


def overrides(
    sheet: str | None,
    types: list[str] | None,
    formats: list[str] | None,
    encoding: str | None,
    skip_rows: int | None,
    member: str | None,
) -> dict[str, Any]:
    """Return the given overrides of how to read a file, without those not given. Raises `BadInput`."""
    try:
        said: dict[str, Any] = {"encoding": checked_encoding(encoding) if encoding else None}
    except ValueError as error:
        raise BadInput("--encoding: {problem}.", problem=error) from error
    said |= {"sheet": sheet, "skip_rows": skip_rows, "member": member}
    said |= {"types": field_types(types or []) or None, "formats": field_formats(formats or []) or None}
    return {name: value for name, value in said.items() if value is not None}


def field_formats(written: list[str]) -> dict[str, str]:
    """Return `FIELD=format` options as a mapping. Raises `BadInput`."""
    found = {}
    for text in written:
        name, sign, wanted = text.rpartition("=")
        if not sign or not name:
            raise BadInput("--format {text}: write FIELD=FORMAT, such as Birthday=day_first.", text=text)
        try:
            found[name] = checked_format(name, wanted)
        except ValueError as error:
            raise BadInput("--format {text}: {problem}.", text=text, problem=error) from error
    return found


def field_types(written: list[str]) -> dict[str, FieldType]:
    """Return `FIELD=type` options as a mapping. Raises `BadInput`."""
    found = {}
    for text in written:
        name, sign, type_ = text.rpartition("=")
        if not sign or not name or type_ not in {t.value for t in FieldType} - {"list"}:
            raise BadInput(
                "--type {text}: write FIELD=TYPE with text, number, boolean, date or timestamp, such "
                "as Code=text.",
                text=text,
            )
        found[name] = FieldType(type_)
    return found


def emit_report(as_json: bool, report: IngestReport) -> None:
    """Print the result of an ingest: the snapshot, and the rows it rejected."""
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
        "readings": [reading_document(r) for r in snapshot.readings],
        "files": [vars(f) for f in snapshot.files],
        "remarks": [str(r.message) for r in snapshot.remarks],
    }
    emit(
        as_json,
        document,
        [f"{snapshot.profiles} profiles in snapshot {snapshot.id} (id field: {snapshot.id_field})."],
    )
    for name, count in snapshot.conflicts:
        say(f"The sources disagree on {name} for {count} profiles; the first in their order was taken.")
    for remark in snapshot.remarks:
        say(str(remark.message))
    if snapshot.rejects:
        say(
            f"{snapshot.rejects} rows were rejected; they are kept with line and reason in {report.rejects_path}."
        )


def reading_document(reading: FieldReading) -> dict[str, Any]:
    """Return how a field was read, without empty entries."""
    return {name: value for name, value in vars(reading).items() if value not in (None, "", {}, 0)}


@app.command()
def show(as_json: Json = False, data_dir: DataDir = None) -> None:
    """What the current snapshot holds.

    Example: ccexport profiles show --json
    """
    with opened(data_dir) as (services, actor):
        snapshot = services.profiles.current(actor)
        digest = services.profiles.digest(actor)
    read = {r.field: r for r in reversed(snapshot.readings)}
    fields = [
        {"name": f.name, "type": f.type}
        | ({"format": read[f.name].format, "sure": read[f.name].sure} if f.name in read else {})
        for f in snapshot.fields
    ]
    document = {
        "snapshot": snapshot.id,
        "created_at": snapshot.created_at,
        "profiles": snapshot.profiles,
        "rejects": snapshot.rejects,
        "id_field": snapshot.id_field,
        "address_fields": list(snapshot.address_fields),
        "updated_field": snapshot.updated_field,
        "digest": digest,
        "sources": list(snapshot.sources),
        "fields": fields,
        "readings": [reading_document(r) for r in snapshot.readings],
        "files": [vars(f) for f in snapshot.files],
        "remarks": [str(r.message) for r in snapshot.remarks],
    }
    head = f"{snapshot.profiles} profiles in snapshot {snapshot.id}, {snapshot.rejects} rows rejected."
    emit(as_json, document, [head, *table(fields, ["name", "type", "format", "sure"])])
    for remark in snapshot.remarks:
        say(str(remark.message))


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    form: Annotated[str, typer.Option("--format", help="csv, parquet or xlsx.")] = "csv",
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Write all profiles to a file that can be ingested again. In CSV no text is taken for a formula.

    Example: ccexport profiles export --format xlsx --out profiles.xlsx
    """
    if not out.absolute().parent.is_dir():
        raise BadInput(f"--out {out}: its folder is not there.")
    with opened(data_dir) as (services, actor):
        snapshot = services.profiles.export(actor, out, form=form)
        digest = services.profiles.digest(actor)
    document = {"file": out, "format": form, "profiles": snapshot.profiles, "digest": digest}
    emit(as_json, document, [f"{snapshot.profiles} profiles are in {out}."])


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
