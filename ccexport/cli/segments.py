"""`segments create`, `change`, `duplicate`, `split`, `freeze`, `list`, `show`, `remove`: segments."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import emit, say, table
from ccexport.cli.session import DataDir, Json, json_or_file, opened
from ccexport.errors import BadInput, WrongUse
from ccexport.model.exports import Actor

if TYPE_CHECKING:
    from ccexport.model.profiles import Members
    from ccexport.services import Services

app = typer.Typer(help="Named sets of profiles.")


RuleText = Annotated[str | None, typer.Option(help="A rule as JSON, or the name of a file that holds one.")]
MembersFile = Annotated[Path | None, typer.Option(help="A CSV file of profile ids or addresses.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A tag; several times.")]


@app.command()
def create(
    name: str,
    rule: RuleText = None,
    members: MembersFile = None,
    everybody: Annotated[bool, typer.Option("--all", help="All profiles.")] = False,
    description: str = "",
    tags: Tags = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Create a segment from a rule, a member list, or all profiles.

    Example: ccexport segments create Norway --rule '{"field": "Country", "op": "is", "value": "Norway"}'
    """
    texts: dict[str, Any] = {"description": description, "tags": tags or []}
    with opened(data_dir) as (services, actor):
        services.segments.create(actor, name, rule=_rule(rule), members=members, everybody=everybody, **texts)
        document = _document(services, actor, name)
    _emit(as_json, document)


@app.command()
def change(
    name: str,
    rule: RuleText = None,
    members: MembersFile = None,
    description: str | None = None,
    tags: Tags = None,
    new_name: Annotated[str | None, typer.Option(help="Rename it.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new version of a segment; what is not named stays. Exports that use it plan anew.

    Example: ccexport segments change Norway --description "Everybody in Norway" --tag country
    """
    texts: dict[str, Any] = {"description": description, "tags": tags, "new_name": new_name}
    with opened(data_dir) as (services, actor):
        saved = services.segments.change(actor, name, rule=_rule(rule), members=members, **texts)
        document = _document(services, actor, saved.id)
    _emit(as_json, document)


@app.command()
def duplicate(name: str, new_name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """The same segment under another name, to be changed by itself.

    Example: ccexport segments duplicate Norway "Norway, gold"
    """
    with opened(data_dir) as (services, actor):
        document = _document(services, actor, services.segments.duplicate(actor, name, new_name).id)
    _emit(as_json, document)


@app.command()
def split(
    name: str,
    share: Annotated[list[float], typer.Option(help="A part in percent; repeated, 100 together.")],
    salt: Annotated[
        str | None, typer.Option(help="Another one parts the profiles anew; by default the name.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Part a segment by chance; the same people stay together in later snapshots.

    Example: ccexport segments split Norway --share 90 --share 10
    """
    with opened(data_dir) as (services, actor):
        made = services.segments.split(actor, name, share, salt=salt)
        documents = [_document(services, actor, segment.id) for segment in made]
    emit(as_json, documents, table(documents, ["name", "members", "in_words"]))


@app.command()
def freeze(name: str, new_name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """A member list of those who are in a segment now; it stays when the rule or the profiles change.

    Example: ccexport segments freeze Norway "Norway in March"
    """
    with opened(data_dir) as (services, actor):
        document = _document(services, actor, services.segments.freeze(actor, name, new_name).id)
    _emit(as_json, document)


@app.command()
def schema(as_json: Json = True, data_dir: DataDir = None) -> None:
    """The JSON Schema of a rule, for editors and other programs; always JSON.

    Example: ccexport segments schema
    """
    from ccexport.services.segments import rule_schema

    emit(as_json, rule_schema(), ())


def _rule(text: str | None) -> dict[str, Any] | None:
    parsed = json_or_file(text, "The rule") if text is not None else None
    if parsed is not None and not isinstance(parsed, dict):
        raise BadInput("The rule must be a JSON object.")
    return parsed


def _emit(as_json: bool, document: dict[str, Any]) -> None:
    emit(as_json, document, [f"Segment {document['name']}: {_how_many(document)}."])
    if document.get("unmatched"):
        say(
            f"{document['unmatched']} entries of the member list match no profile: `segments unmatched` names them."
        )


def _how_many(document: dict[str, Any]) -> str:
    return "not counted yet" if document["members"] is None else f"{document['members']} members"


def _document(services: "Services", actor: Actor, name: str) -> dict[str, Any]:
    segment = services.segments.get(actor, name)
    members, trouble = _members(services, actor, name)
    return {
        "name": segment.name,
        "kind": segment.kind,
        "rule": services.segments.written(actor, name),
        "members": members.count if members else None,
        "unmatched": members.unmatched if members else None,
        "snapshot": members.snapshot_id if members else None,
        "in_words": services.segments.in_words(actor, name),
        "version": segment.version,
        "description": segment.description,
        "tags": list(segment.tags),
        "used_by": [e.name for e in services.segments.used_by(actor, name)],
        "mentioned_by": [s.name for s in services.segments.mentioned_by(actor, name)],
        "trouble": trouble,
    }


def _members(services: "Services", actor: Actor, name: str) -> tuple["Members | None", str | None]:
    """Return members, or the error: one rule that no longer fits the profiles must not hide other segments."""
    if services.profiles.find_current(actor) is None:
        return None, None
    try:
        return services.segments.members(actor, name), None
    except WrongUse as error:
        return None, str(error)


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
    uses = [f"the export {e}" for e in document["used_by"]]
    used = ", ".join(uses + [f"the segment {s}" for s in document["mentioned_by"]]) or "nothing"
    lines = [
        f"{document['name']} ({document['kind']}): {document['in_words']}",
        f"{_how_many(document)} in snapshot {document['snapshot']}; used by {used}.",
    ]
    emit(as_json, document, lines + ([document["trouble"]] if document["trouble"] else []))


@app.command()
def remove(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Remove a segment that nothing uses.

    Example: ccexport segments remove Norway
    """
    with opened(data_dir) as (services, actor):
        services.segments.remove(actor, name)
    emit(as_json, {"removed": name}, [f"Segment {name} is removed."])
