"""`exports create`, `change`, `detach`: save the settings of exports. Saving never runs anything."""

from typing import Annotated, Any

import typer

from ccexport.cli.documents import export_document
from ccexport.cli.export_settings import settings, takes_settings
from ccexport.cli.output import emit
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add these commands to the others of `exports`."""
    for command in (create, change, detach):
        app.command()(command)


@takes_settings
def create(
    name: str,
    list_per_segment: Annotated[
        bool,
        typer.Option(
            "--list-per-segment",
            help="Instead of --list: an export for each segment, each to a list named like the segment.",
        ),
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
    **options: Any,
) -> None:
    """Save an export. Saving runs nothing.

    Example: ccexport exports create Newsletter --connection Main --list Newsletter --segment Norway
    --map email=Email --map first_name="First Name"
    """
    for option, what in (("connection", "--connection"), ("segment", "--segment"), ("mapping", "--map")):
        if not options[option]:
            raise BadInput("Missing option '{what}'.", what=what)
    if (options["contact_list"] is None) is not list_per_segment:
        raise BadInput("An export needs a contact list: --list NAME, or --list-per-segment.")
    given = settings(options)
    with opened(data_dir) as (services, actor):
        if list_per_segment:
            made = list(services.exports.create_per_segment(actor, name, **given))
        else:
            made = [services.exports.create(actor, name, **given)]
        documents = [export_document(services, actor, export) for export in made]
    lines = [f"Export {e.name} to {e.config.list_name} is saved; nothing was sent." for e in made]
    lines.append(
        f"Preview it: exports preview {made[0].name!r}" if len(made) == 1 else "Preview each of them."
    )
    emit(as_json, documents if list_per_segment else documents[0], lines)


@takes_settings
def change(
    name: str,
    new_name: Annotated[str | None, typer.Option(help="Rename it.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
    **options: Any,
) -> None:
    """Make a new version of an export; what is not named stays. A detached one gets a connection so.

    Example: ccexport exports change Newsletter --segment Norway --segment Sweden --mode mirror --no-consent
    """
    given = settings(options) | ({} if new_name is None else {"name": new_name})
    if not given:
        raise BadInput("Nothing to change was named; `ccexport exports change --help` shows what there is.")
    with opened(data_dir) as (services, actor):
        saved = services.exports.change(actor, name, **given)
        document = export_document(services, actor, saved)
    lines = [f"Export {saved.name} is saved as version {saved.version}; nothing was sent."]
    lines += [f"It is paused: exports pause {saved.name!r} --go-on"] * saved.paused
    emit(as_json, document, lines)


def detach(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Take an export off its connection and pause it; all else stays as it is.

    Example: ccexport exports detach Newsletter
    """
    with opened(data_dir) as (services, actor):
        document = export_document(services, actor, services.exports.detach(actor, name))
    lines = [
        f"Export {document['name']} is detached from its connection, and paused.",
        f"Choose another: exports change {document['name']!r} --connection C --list L",
    ]
    emit(as_json, document, lines)
