"""`sources set`, `list`, `preview`, `order`, `remove`: the named sources of profiles."""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ccexport.cli.output import emit, say, table
from ccexport.cli.profiles import Encoding, Formats, Member, SkipRows, overrides
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput
from ccexport.model.sources import Source

app = typer.Typer(help="Named sources of profiles, joined by a key; the refresh reads them.")
PASSWORD = "CCEXPORT_SOURCE_PASSWORD"  # noqa: S105 (the name of the variable)


@app.command("set")
def set_(
    name: str,
    files: Annotated[
        list[str] | None, typer.Option("--file", help="A file or a pattern; several times.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Which sheet of a workbook.")] = None,
    database: Annotated[
        str | None, typer.Option(help="postgresql://person@host/name, without a password.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="One SELECT, or the name of a file that holds it.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The field by which sources are joined.")] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="FIELD=TYPE, as of `profiles ingest`; several times.")
    ] = None,
    formats: Formats = None,
    encoding: Encoding = None,
    skip_rows: SkipRows = None,
    member: Member = None,
    first_in: Annotated[
        list[str] | None, typer.Option(help="A field in which this source wins; several times.")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option(help=f"A file with the password (or {PASSWORD}, or you are asked).")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make or change a source; what is not named stays. The first source made wins.

    Example: ccexport sources set CRM --file '/srv/crm/*.csv' --key "Customer Id"
    """
    values: dict[str, Any] = {"files": files, "database": database, "key": key}
    values |= {"query": _query(query) if query else None, "first_in": first_in}
    values |= overrides(sheet, types, formats, encoding, skip_rows, member)
    with opened(data_dir) as (services, actor):
        password = _password(password_file, asked=database is not None)
        saved = services.sources.save(
            actor, name, password=password, **{k: v for k, v in values.items() if v is not None}
        )
        kept = services.sources.has_password(actor, saved.name)
    emit(as_json, _document(saved) | {"password": kept}, [f"Source {saved.name}: {_where(saved)}."])


def _query(text: str) -> str:
    path = Path(text)
    try:
        return path.read_text("utf-8") if " " not in text.strip() and path.is_file() else text
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("The query in {file} cannot be read as text.", file=path.name) from error


def _password(file: Path | None, *, asked: bool) -> str | None:
    """Read the password from a file, the environment or a prompt, not from arguments, which others can see."""
    if file is not None:
        try:
            return file.read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput("The password file {file} cannot be read.", file=file.name) from error
    if PASSWORD in os.environ:
        return os.environ[PASSWORD]
    if asked and sys.stdin.isatty():
        return getpass.getpass("Password of the database (empty: none): ", stream=sys.stderr)
    return None


def _where(source: Source) -> str:
    return ", ".join(source.files) if source.files else f"a query of {source.database}"


def _document(source: Source) -> dict[str, Any]:
    return source.model_dump(mode="json")


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """All sources in their order of precedence.

    Example: ccexport sources list
    """
    with opened(data_dir) as (services, actor):
        found = services.sources.list(actor)
        rows = [_document(s) | {"password": services.sources.has_password(actor, s.name)} for s in found]
    shown = [
        {"name": s.name, "key": s.key, "from": _where(s), "first in": ", ".join(s.first_in)} for s in found
    ]
    emit(as_json, rows, table(shown, ["name", "key", "from", "first in"]))


@app.command()
def preview(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """The fields and first rows of a source, read now; nothing is kept.

    Example: ccexport sources preview CRM
    """
    with opened(data_dir) as (services, actor):
        found = services.sources.preview(actor, name)
    document = {
        "id_field": found.id_field,
        "fields": found.fields,
        "rows": found.rows,
        "remarks": [str(r.message) for r in found.remarks],
    }
    fields = [{"field": n, "type": t, "first": _first(found.rows, n)} for n, t in found.fields.items()]
    emit(as_json, document, table(fields, ["field", "type", "first"]))
    for remark in found.remarks:
        say(str(remark.message))


def _first(rows: Any, name: str) -> str:
    return next((str(row[name])[:60] for row in rows if row[name] is not None), "")


@app.command()
def order(names: list[str], as_json: Json = False, data_dir: DataDir = None) -> None:
    """Every source, the one that wins first.

    Example: ccexport sources order CRM Shop
    """
    with opened(data_dir) as (services, actor):
        found = [s.name for s in services.sources.order(actor, names)]
    emit(as_json, {"order": found}, [f"{n}. {name}" for n, name in enumerate(found, 1)])


@app.command()
def remove(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Forget a source and its password; the profiles stay until the next ingest.

    Example: ccexport sources remove Shop
    """
    with opened(data_dir) as (services, actor):
        services.sources.remove(actor, name)
    emit(as_json, {"removed": name}, [f"Source {name} is removed."])
