"""`--people`: what becomes of the people an export put on its list, when it stops holding them there."""

from typing import TYPE_CHECKING, Annotated

import typer

from ccexport.model.words import People

if TYPE_CHECKING:
    from ccexport.model.exports import Actor
    from ccexport.model.runs import Run
    from ccexport.services import Services

PeopleOption = Annotated[
    People, typer.Option(help="What becomes of the people whom only this export holds on its list.")
]


def taking_off(services: "Services", actor: "Actor", name: str, people: People) -> "Run | None":
    """Return the run that was queued to take people off the list; None when they are left."""
    if people is People.LEAVE:
        return None
    return next(iter(services.runs.list(actor, export=name, live=True, limit=1)), None)


def people_lines(run: "Run | None", *, held: bool = False) -> list[str]:
    """Return what becomes of the people, in a sentence. `held`: the export still holds those that are left."""
    if run is not None:
        return [f"Run {run.id} takes off {run.list_name} the people whom only this export held there."]
    if held:
        return ["The people it put on the list stay there; it holds them until it goes to another list."]
    return ["The people it put on the list stay there, and it holds them no more."]
