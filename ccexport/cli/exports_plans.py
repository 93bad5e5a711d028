"""`exports previews`, `compare`: the plans of an export that are kept, and two of them side by side."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport.cli.output import emit, table
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import NotFound

if TYPE_CHECKING:
    from ccexport.services.plan_history import KeptPlan, PlansCompared


def register(app: typer.Typer) -> None:
    """Add these commands to the others of `exports`."""
    app.command()(previews)
    app.command()(compare)


def previews(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """The plans of an export that are kept, newest first, also those that were never run.

    Example: ccexport exports previews Newsletter
    """
    with opened(data_dir) as (services, actor):
        rows = [_document(plan) for plan in services.previews.plans(actor, name)]
    shown = [row | row["verdicts"] for row in rows]
    columns = [
        "plan_id",
        "made_at",
        "candidates",
        "add",
        "update",
        "unchanged",
        "remove",
        "left_out",
        "run_id",
    ]
    emit(as_json, rows, table(shown, columns))


def compare(
    name: str,
    earlier: Annotated[str, typer.Argument(help="The id of a plan or of a run.")],
    later: Annotated[
        str | None, typer.Argument(help="Another one; without it, the newest plan that is kept.")
    ] = None,
    what: Annotated[str | None, typer.Option(help="Only new, gone, changed or same contacts.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many contacts to show.")] = 100,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Two plans of an export side by side: how many contacts more and fewer, because of what, and who.

    Example: ccexport exports compare Newsletter PLAN
    """
    with opened(data_dir) as (services, actor):
        if later is None:
            later = next((plan.id for plan in services.previews.plans(actor, name)), None)
            if later is None:
                raise NotFound("{name} has not been previewed yet.", name=name)
        found = services.previews.compare_plans(actor, name, earlier, later, what=what, limit=limit)
    contacts = [asdict(contact) for contact in found.contacts]
    document = {
        "earlier": _document(found.earlier),
        "later": _document(found.later),
        "differences": {str(word): n for word, n in found.differences.items()},
        "new_because": dict(found.new),
        "gone_because": dict(found.gone),
        "contacts": contacts,
    }
    columns = ["difference", "address", "profile_id", "before", "after", "why"]
    emit(as_json, document, [*_lines(found), *(table(contacts, columns) if contacts else [])])


def _document(plan: "KeptPlan") -> dict[str, Any]:
    verdicts = {str(verdict): n for verdict, n in plan.verdicts.items()}
    return {
        "plan_id": plan.id,
        "made_at": plan.made_at,
        "digest": plan.digest,
        "candidates": plan.candidates,
        "verdicts": verdicts,
        "left_out": plan.left_out,
        "run_id": plan.run_id or None,
    }


def _lines(found: "PlansCompared") -> list[str]:
    since = f"Since {found.earlier.made_at:%Y-%m-%d %H:%M} UTC"
    counts = {str(word): n for word, n in found.differences.items()}
    lines = [f"{since}: {counts['new']:,} more, {counts['gone']:,} fewer, {counts['changed']:,} changed."]
    return [*lines, *_because("more", "was", found.new), *_because("fewer", "is", found.gone)]


def _because(word: str, verb: str, why: Mapping[str, int]) -> list[str]:
    return [f"  {n:,} {word}: {verb} {reason.replace('_', ' ')}" for reason, n in why.items()]
