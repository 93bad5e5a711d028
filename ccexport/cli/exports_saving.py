"""`exports create`, `change`, `detach`: save the settings of exports. Saving never runs anything."""

from typing import Annotated, Any

import typer

from ccexport.cli.documents import export_document
from ccexport.cli.export_people import PeopleOption, people_lines, taking_off
from ccexport.cli.export_settings import settings, takes_settings
from ccexport.cli.output import emit
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput
from ccexport.model.words import People


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
    people: PeopleOption = People.LEAVE,
    as_json: Json = False,
    data_dir: DataDir = None,
    **options: Any,
) -> None:
    """Make a new version of an export; what is not named stays. A detached one gets a connection so.

    With another list or connection, or as no mirror any more, it ends holding the people it put on its list:
    --people says what becomes of them.

    Example: ccexport exports change Newsletter --segment Norway --segment Sweden --mode mirror --no-consent
    """
    given = settings(options) | ({} if new_name is None else {"name": new_name})
    if not given:
        raise BadInput("Nothing to change was named; `ccexport exports change --help` shows what there is.")
    with opened(data_dir) as (services, actor):
        old = services.exports.get(actor, name)
        saved = services.exports.change(actor, old.id, take_off=people is People.TAKE_OFF, **given)
        run = taking_off(services, actor, saved.id, people)
        ended = services.exports.ended_holds(actor, old, saved)
        document = export_document(services, actor, saved) | {"run": run.id if run else None}
    lines = [f"Export {saved.name} is saved as version {saved.version}; nothing was sent."]
    lines += people_lines(run) if ended else []
    lines += [f"It is paused: exports pause {saved.name!r} --go-on"] * saved.paused
    emit(as_json, document, lines)


def detach(
    name: str,
    people: PeopleOption = People.LEAVE,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Take an export off its connection and pause it; all else stays as it is.

    Example: ccexport exports detach Newsletter
    """
    with opened(data_dir) as (services, actor):
        detached = services.exports.detach(actor, name, take_off=people is People.TAKE_OFF)
        run = taking_off(services, actor, detached.id, people)
        document = export_document(services, actor, detached) | {"run": run.id if run else None}
    lines = [
        f"Export {document['name']} is detached from its connection, and paused.",
        *people_lines(run, held=True),
        f"Choose another: exports change {document['name']!r} --connection C --list L",
    ]
    emit(as_json, document, lines)
