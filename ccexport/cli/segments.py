"""`segments create`, `list`, `show`, `remove`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.opened import DataDir, Json, json_or_file, opened
from ccexport.cli.output import emit, say, table
from ccexport.errors import BadInput
from ccexport.model.exports import Actor

if TYPE_CHECKING:
    from ccexport.services import Services

app = typer.Typer(help="Named sets of profiles.")


@app.command()
def create(
    name: str,
    rule: Annotated[
        str | None, typer.Option(help="A rule as JSON, or the name of a file that holds one.")
    ] = None,
    members: Annotated[Path | None, typer.Option(help="A CSV file of profile ids or addresses.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All profiles.")] = False,
    description: str = "",
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Create a segment from a rule, a member list, or all profiles.

    Example: ccexport segments create Norway --rule '{"field": "Country", "op": "is", "value": "Norway"}'
    """
    parsed = json_or_file(rule, "The rule") if rule is not None else None
    if parsed is not None and not isinstance(parsed, dict):
        raise BadInput("The rule must be a JSON object.")
    with opened(data_dir) as (services, actor):
        services.segments.create(
            actor, name, rule=parsed, members=members, everybody=everybody, description=description
        )
        document = _document(services, actor, name)
    emit(as_json, document, [f"Segment {document['name']}: {_how_many(document)}."])
    if document.get("unmatched"):
        say(f"{document['unmatched']} entries of the member list match no profile.")


def _how_many(document: dict[str, Any]) -> str:
    return "not counted yet" if document["members"] is None else f"{document['members']} members"


def _document(services: "Services", actor: Actor, name: str) -> dict[str, Any]:
    segment = services.segments.get(actor, name)
    members = services.segments.members(actor, name) if services.profiles.find_current(actor) else None
    return {
        "name": segment.name,
        "kind": segment.kind,
        "rule": segment.rule,
        "members": members.count if members else None,
        "unmatched": members.unmatched if members else None,
        "snapshot": members.snapshot_id if members else None,
        "in_words": services.segments.in_words(actor, name),
        "version": segment.version,
        "description": segment.description,
        "used_by": [e.name for e in services.segments.used_by(actor, name)],
    }


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """All segments with their sizes.

    Example: ccexport segments list
    """
    with opened(data_dir) as (services, actor):
        rows = [_document(services, actor, s.name) for s in services.segments.list(actor)]
    emit(as_json, rows, table(rows, ["name", "kind", "members", "in_words"]))


@app.command()
def show(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """One segment: its rule, its size, what uses it.

    Example: ccexport segments show Norway --json
    """
    with opened(data_dir) as (services, actor):
        document = _document(services, actor, name)
    used = ", ".join(document["used_by"]) or "nothing"
    lines = [
        f"{document['name']} ({document['kind']}): {document['in_words']}",
        f"{_how_many(document)} in snapshot {document['snapshot']}; used by {used}.",
    ]
    emit(as_json, document, lines)


@app.command()
def remove(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Remove a segment that nothing uses.

    Example: ccexport segments remove Norway
    """
    with opened(data_dir) as (services, actor):
        services.segments.remove(actor, name)
    emit(as_json, {"removed": name}, [f"Segment {name} is removed."])
