"""`dump` and `apply`: segments, exports, schedules, the refresh and the suppression list as code."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from ccexport.cli.output import ExitCode, emit, say
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput

if TYPE_CHECKING:
    from ccexport.services.configuration import Difference


def register(app: typer.Typer) -> None:
    """Add these commands at the top level."""
    app.command()(dump)
    app.command()(apply)


def dump(
    show_schema: Annotated[
        bool, typer.Option("--schema", help="The JSON schema of the document instead.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the configuration as YAML: names, a stable order, no secrets.

    Example: ccexport dump > ccexport.yaml
    """
    if show_schema:
        from ccexport.services.configuration_document import schema

        emit(True, schema(), ())
        return
    with opened(data_dir) as (services, actor):
        document = services.configuration.dump(actor)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
    emit(as_json, document, [text.rstrip("\n")])


def apply(
    file: Annotated[Path, typer.Argument(help="A YAML document as `dump` prints it; - for standard input.")],
    check: Annotated[
        bool, typer.Option("--check", help="Only show the difference; 1 when there is one.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Make the configuration like the document, showing the difference first. Removes nothing, runs nothing.

    Example: ccexport apply ccexport.yaml --check
    """
    raw = _read(file)
    with opened(data_dir) as (services, actor):
        document = services.configuration.read(actor, raw, str(file))
        todo = services.configuration.differences(actor, document)
        if not as_json:  # printed first, so that it is there if applying stops half-way
            emit(False, None, _lines(todo, "would be changed" if check else "is to be changed"))
            from ccexport.services.configuration_differences import LEFT

            if any(LEFT in d.details for d in todo):
                say("`exports change NAME --people take_off` takes them off.")
        if not check:
            services.configuration.apply(actor, document)
    rows = [{"action": d.action, "kind": d.kind, "name": d.name, "details": list(d.details)} for d in todo]
    if as_json:
        emit(True, {"differences": rows, "applied": not check}, ())
    elif todo and not check:
        say("Applied.")
    return ExitCode.FAILED if check and todo else ExitCode.DONE


def _lines(todo: Sequence["Difference"], nothing: str) -> list[str]:
    said = [f"{d.action} {d.kind} {d.name}" + "".join(f"\n    {line}" for line in d.details) for d in todo]
    return said or [f"Nothing {nothing}."]


def _read(file: Path) -> object:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "The file {file} cannot be read: {getattr}.",
            file=file,
            getattr=getattr(error, "strerror", "it is not UTF-8"),
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInput(
            "The file {file} is not YAML:{where} {getattr}.",
            file=file,
            where=where,
            getattr=getattr(error, "problem", ""),
        ) from error
