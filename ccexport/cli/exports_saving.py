"""`exports create`, `change`, `detach`: saving what goes where. Nothing is ever run by it."""

from typing import Annotated, Any

import typer

from ccexport.cli.documents import export_document
from ccexport.cli.exports import pair
from ccexport.cli.output import emit
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput
from ccexport.model.exports import ConsentRule, MappedField, Refusal
from ccexport.model.words import Mode

_MODE = "mirror also takes off the list who left the segments."
_RESEND = "Send also what has not changed."
_CONSENT = "profile_field=value[,value…]: only profiles that hold one of them are sent."
_REFUSAL = (
    "profile_field=value[,value…]: who holds one of them said no, and so did every profile with the address; "
    "may be repeated."
)
_NEWEST = "The date field that decides between duplicates."
_PHONES = "Send phone numbers that are not of North America too."


def register(app: typer.Typer) -> None:
    """Put these commands beside the others of `exports`."""
    for command in (create, change, detach):
        app.command()(command)


def create(
    name: str,
    connection: Annotated[str, typer.Option(help="The name of the connection.")],
    segment: Annotated[list[str], typer.Option(help="A segment by name; may be repeated.")],
    mapping: Annotated[
        list[str],
        typer.Option("--map", help="contact_field=profile_field; email=… is needed; may be repeated."),
    ],
    contact_list: Annotated[
        str | None, typer.Option("--list", help="The contact list, by id or name.")
    ] = None,
    list_per_segment: Annotated[
        bool,
        typer.Option(
            "--list-per-segment",
            help="Instead of --list: an export for each segment, each to a list named like the segment.",
        ),
    ] = False,
    mode: Annotated[Mode, typer.Option(help=_MODE)] = Mode.ADD_AND_UPDATE,
    resend_unchanged: Annotated[bool, typer.Option("--resend-unchanged", help=_RESEND)] = False,
    consent: Annotated[str | None, typer.Option(help=_CONSENT)] = None,
    refusal: Annotated[list[str] | None, typer.Option(help=_REFUSAL)] = None,
    newest_by: Annotated[str | None, typer.Option(help=_NEWEST)] = None,
    international_phones: Annotated[bool, typer.Option("--international-phones", help=_PHONES)] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Save an export. Saving runs nothing.

    Example: ccexport exports create Newsletter --connection Main --list Newsletter --segment Norway
    --map email=Email --map first_name="First Name"
    """
    if (contact_list is None) is not list_per_segment:
        raise BadInput("An export needs a contact list: --list NAME, or --list-per-segment.")
    given: dict[str, Any] = {"connection": connection, "segments": segment, **_mapped(mapping)} | {
        "mode": mode,
        "resend_unchanged": resend_unchanged,
        "consent": _consent(consent),
        "refusals": _refusals(refusal),
        "newest_by": newest_by,
        "international_phones": international_phones,
    }
    with opened(data_dir) as (services, actor):
        if contact_list is None:
            made = list(services.exports.create_per_segment(actor, name, **given))
        else:
            made = [services.exports.create(actor, name, contact_list=contact_list, **given)]
        documents = [export_document(services, actor, export) for export in made]
    lines = [f"Export {e.name} to {e.config.list_name} is saved; nothing was sent." for e in made]
    lines.append(
        f"Preview it: exports preview {made[0].name!r}" if len(made) == 1 else "Preview each of them."
    )
    emit(as_json, documents if list_per_segment else documents[0], lines)


def change(
    name: str,
    connection: Annotated[str | None, typer.Option(help="Another connection; say --list too.")] = None,
    contact_list: Annotated[
        str | None, typer.Option("--list", help="Another contact list, by id or name.")
    ] = None,
    segment: Annotated[
        list[str] | None, typer.Option(help="The segments from now on; may be repeated.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="The whole mapping from now on, as in create; may be repeated."),
    ] = None,
    mode: Annotated[Mode | None, typer.Option(help=_MODE)] = None,
    resend_unchanged: Annotated[
        bool | None, typer.Option("--resend-unchanged/--skip-unchanged", help=_RESEND)
    ] = None,
    consent: Annotated[str | None, typer.Option(help=_CONSENT)] = None,
    refusal: Annotated[list[str] | None, typer.Option(help=_REFUSAL + " All refusals from now on.")] = None,
    newest_by: Annotated[str | None, typer.Option(help=_NEWEST)] = None,
    new_name: Annotated[str | None, typer.Option(help="Rename it.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new version of an export; what is not named stays. A detached one gets a connection so.

    Example: ccexport exports change Newsletter --segment Norway --segment Sweden --mode mirror
    """
    told: dict[str, Any] = {
        "connection": connection,
        "contact_list": contact_list,
        "segments": segment or None,
        "mode": mode,
        "resend_unchanged": resend_unchanged,
        "consent": _consent(consent),
        "refusals": _refusals(refusal) or None,
        "newest_by": newest_by,
        "name": new_name,
    }
    given = {key: value for key, value in told.items() if value is not None}
    if mapping:
        given |= _mapped(mapping)
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


def _mapped(mapping: list[str]) -> dict[str, Any]:
    """The address field and the others. Raises `BadInput`."""
    pairs = [pair(text, "--map") for text in mapping]
    emails = [source for target, source in pairs if target == "email"]
    if len(emails) != 1:
        raise BadInput("An export needs exactly one --map email=FIELD.")
    fields = [MappedField(target=target, source=source) for target, source in pairs if target != "email"]
    return {"email": emails[0], "fields": fields}


def _consent(text: str | None) -> ConsentRule | None:
    if text is None:
        return None
    field, values = pair(text, "--consent")
    return ConsentRule(field=field, values=_values(values))


def _refusals(texts: list[str] | None) -> tuple[Refusal, ...]:
    pairs = [pair(text, "--refusal") for text in texts or ()]
    return tuple(Refusal(field=field, values=_values(values)) for field, values in pairs)


def _values(text: str) -> tuple[str, ...]:
    return tuple(v.strip() for v in text.split(","))
