"""`runs undo`, `retry`, `compare`: commands that follow up a run."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from ccexport.cli.documents import preview_document, run_document, run_lines
from ccexport.cli.output import ExitCode, emit, exit_code_of, say, table
from ccexport.cli.progress import driven
from ccexport.cli.session import DataDir, Json, opened
from ccexport.model.runs import Run

Wait = Annotated[bool, typer.Option("--wait", help="Drive it here, to its end or until it has to wait.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the others of `runs`."""
    app.command()(undo)
    app.command()(retry)
    app.command()(compare)


def undo(
    run_id: str,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show what it would do, and the digest.")
    ] = False,
    digest: Annotated[
        str | None, typer.Option(help="Run exactly the undo that was previewed, or refuse.")
    ] = None,
    wait: Wait = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Take off the list whom a run added, and send back the values it replaced.

    Example: ccexport runs undo RUN --preview; and then ccexport runs undo RUN --digest D --wait
    """
    with opened(data_dir) as (services, actor):
        if preview:
            plan = services.runs.undo_preview(actor, run_id)
            from ccexport.services.start_runs import undo_sentences

            said = list(map(str, undo_sentences(plan)))
            shown = services.previews.rows(actor, plan, limit=20)
            document = preview_document(services.runs.get(actor, run_id).export_name, plan, shown)
            emit(as_json, document | {"undo_of": run_id, "sentences": said}, [*said, f"digest {plan.digest}"])
            return ExitCode.DONE
        started = services.runs.undo(actor, run_id, digest=digest)
        return _driven(services, actor, started, wait=wait, as_json=as_json)


def retry(
    run_id: str,
    halve: Annotated[
        bool, typer.Option("--halve", help="Split what is lost again until those who make it so are found.")
    ] = False,
    wait: Wait = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Run the export again from fresh data: what was rejected, missing or unknown is tried once more.

    Example: ccexport runs retry RUN --wait
    """
    with opened(data_dir) as (services, actor):
        started = services.runs.retry(actor, run_id, in_halves=halve)
        return _driven(services, actor, started, wait=wait, as_json=as_json)


def compare(
    run_id: str,
    other_id: str,
    what: Annotated[str | None, typer.Option(help="Only new, gone, changed or same contacts.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many contacts to show.")] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Two runs side by side: their numbers, and who is new, gone or changed.

    Example: ccexport runs compare RUN OTHER --what gone
    """
    with opened(data_dir) as (services, actor):
        found = services.runs.compare(actor, run_id, other_id, what=what, offset=offset, limit=limit)
    numbers = [{"count": name, "earlier": a, "later": b} for name, (a, b) in found.counts.items()]
    contacts = [asdict(contact) for contact in found.contacts]
    document = {
        "earlier": run_document(found.earlier),
        "later": run_document(found.later),
        "differences": {str(word): n for word, n in found.differences.items()},
        "contacts": contacts,
    }
    said = ", ".join(f"{n} {word}" for word, n in found.differences.items())
    lines = [f"From {found.earlier.id} to {found.later.id}: {said}.", *table(numbers, list(numbers[0]))]
    columns = ["difference", "address", "profile_id", "before", "after", "why"]
    emit(as_json, document, [*lines, *(table(contacts, columns) if contacts else [])])


def _driven(services: Any, actor: Any, started: Run, *, wait: bool, as_json: bool) -> int:
    say(f"Run {started.id} is queued.")
    ended = driven(services, actor, started.id) if wait else started
    emit(as_json, run_document(ended, services.runs.batches(actor, ended.id)), run_lines(ended))
    return exit_code_of(ended) if wait else ExitCode.DONE
