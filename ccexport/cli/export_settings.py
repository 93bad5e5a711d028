"""The settings of an export as options, the same for `exports create` and `exports change`.

No option has a default value, so that *not given* differs from *none*. `settings` turns the given options
into settings of `ExportDraft`. Must never check what saving checks.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from ccexport.cli.pairs import pair
from ccexport.errors import BadInput
from ccexport.model.export_drafts import default_of
from ccexport.model.words import Mode, Moved

Texts = list[str] | None
OPTIONS: Mapping[str, Any] = {
    "connection": Annotated[str | None, typer.Option(help="The name of the connection.")],
    "contact_list": Annotated[str | None, typer.Option("--list", help="The contact list, by id or name.")],
    "segment": Annotated[Texts, typer.Option(help="A segment by name; may be repeated.")],
    "exclude": Annotated[Texts, typer.Option(help="A segment of which nobody is sent; may be repeated.")],
    "no_exclude": Annotated[bool, typer.Option("--no-exclude", help="Exclude no segment.")],
    "yields_to": Annotated[
        Texts,
        typer.Option(
            help="An export that comes first: whom it takes, this one leaves to it; may be repeated."
        ),
    ],
    "no_yields_to": Annotated[bool, typer.Option("--no-yields-to", help="No export comes first.")],
    "mapping": Annotated[
        Texts,
        typer.Option(
            "--map",
            help='contact_field=profile_field, or =JSON such as {"source": F, "transforms": ["title"]}; '
            "email=… is needed; may be repeated, and is the whole mapping.",
        ),
    ],
    "mode": Annotated[
        Mode | None,
        typer.Option(
            help="mirror also takes off the list who left the segments; remove takes the people of the segments "
            "off it and sends nothing."
        ),
    ],
    "resend_unchanged": Annotated[
        bool | None,
        typer.Option("--resend-unchanged/--skip-unchanged", help="Send also what has not changed."),
    ],
    "consent": Annotated[
        str | None,
        typer.Option(help="profile_field=value[,value…]: only profiles that hold one of them are sent."),
    ],
    "no_consent": Annotated[bool, typer.Option("--no-consent", help="No consent rule.")],
    "refusal": Annotated[
        Texts,
        typer.Option(
            help="profile_field=value[,value…]: who holds one of them said no, and so did every profile with "
            "the address; may be repeated."
        ),
    ],
    "no_refusals": Annotated[bool, typer.Option("--no-refusals", help="No refusal.")],
    "newest_by": Annotated[str | None, typer.Option(help="The date field that decides between duplicates.")],
    "no_newest_by": Annotated[
        bool, typer.Option("--no-newest-by", help="The newest change of a profile decides.")
    ],
    "international_phones": Annotated[
        bool | None,
        typer.Option(
            "--international-phones/--no-international-phones",
            help="Send phone numbers that are not of North America too.",
        ),
    ],
    "moved": Annotated[
        Moved | None,
        typer.Option(
            help="What becomes of the old address of somebody whose address changed: by default taken off in mirror "
            "mode, and left otherwise."
        ),
    ],
    "no_moved": Annotated[bool, typer.Option("--no-moved", help="What the mode does by default.")],
    "guard": Annotated[
        Texts,
        typer.Option(help="NAME=VALUE, off or default: a limit that blocks a run; may be repeated."),
    ],
}
SAME = (
    "connection",
    "contact_list",
    "mode",
    "resend_unchanged",
    "newest_by",
    "international_phones",
    "moved",
)


def takes_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command with these options in place of its `**options`."""
    given = inspect.signature(command)
    own = [p for p in given.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    more = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if name.startswith("no_") else None,
            annotation=option,
        )
        for name, option in OPTIONS.items()
    ]
    first, rest = own[:1], [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own[1:]]
    command.__signature__ = given.replace(parameters=[*first, *more, *rest])  # type: ignore[attr-defined]
    command.__annotations__ |= OPTIONS
    return command


def settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the settings that were given, by the names of `ExportDraft`."""
    found = {name: options[name] for name in SAME if options[name] is not None}
    if options["segment"]:
        found["segments"] = options["segment"]
    found |= {name: options[name] for name in ("exclude", "yields_to") if options[name]}
    if options["mapping"]:
        found |= _mapped(options["mapping"])
    if options["consent"] is not None:
        found["consent"] = _words(options["consent"], "--consent")
    if options["refusal"]:
        found["refusals"] = [_words(text, "--refusal") for text in options["refusal"]]
    if options["guard"]:
        found["guards"] = dict(_guard(text) for text in options["guard"])
    for option in OPTIONS:
        name = option.removeprefix("no_")
        if option.startswith("no_") and options[option]:
            if name in found:
                raise BadInput(
                    "Choose one of --{dashed} and --{dashed2}.", dashed=_dashed(name), dashed2=_dashed(option)
                )
            found[name] = None
    return found


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _mapped(mapping: Sequence[str]) -> dict[str, Any]:
    """Return the address field and the other mapped fields. Raises `BadInput`."""
    pairs = [pair(text, "--map") for text in mapping]
    emails = [source for target, source in pairs if target == "email"]
    if len(emails) != 1:
        raise BadInput("An export needs exactly one --map email=FIELD.")
    fields: dict[str, Any] = {}
    for target, source in pairs:
        if target in fields:
            raise BadInput("--map {target} is given more than once.", target=target)
        if target != "email":
            fields[target] = _field(target, source)
    return {"email": emails[0], "fields": fields}


def _field(target: str, source: str) -> Any:
    if not source.startswith("{"):
        return source
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        raise BadInput(
            "--map {target} is not JSON: column {colno}: {msg}.",
            target=target,
            colno=error.colno,
            msg=error.msg,
        ) from error


def _words(text: str, option: str) -> dict[str, Any]:
    """Return a field and its values that count."""
    field, values = pair(text, option)
    return {"field": field, "values": [v.strip() for v in values.split(",") if v.strip()]}


def _guard(text: str) -> tuple[str, Any]:
    """Return the name and the value of one limit; `off` means no limit, `default` the default value."""
    name, value = pair(text, "--guard")
    if value == "off":
        return name, None
    if value == "default":
        return name, getattr(default_of("guards"), name, None)
    return name, value
