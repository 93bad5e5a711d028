"""`runs undo`, `runs retry`: commands that follow up a run."""

from typing import Annotated, Any

import typer

from ccexport.cli.exports import preview_document
from ccexport.cli.opened import DataDir, Json, opened
from ccexport.cli.output import ExitCode, emit, exit_code_of, say
from ccexport.cli.runs import run_document, run_lines
from ccexport.model.runs import Run
from ccexport.services.repeats import undo_sentences

Wait = Annotated[bool, typer.Option("--wait", help="Drive it here, to its end or until it has to wait.")]


def register(app: typer.Typer) -> None:
    """Put these commands beside the others of `runs`."""
    app.command()(undo)
    app.command()(retry)


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

    Example: ccexport runs undo RUN --preview, then ccexport runs undo RUN --digest D --wait
    """
    with opened(data_dir) as (services, actor):
        if preview:
            plan = services.runs.undo_preview(actor, run_id)
            said = undo_sentences(plan)
            shown = services.previews.rows(actor, plan, limit=20)
            document = preview_document(services.runs.get(actor, run_id).export_name, plan, shown)
            emit(as_json, document | {"undo_of": run_id, "sentences": said}, [*said, f"digest {plan.digest}"])
            return ExitCode.DONE
        started = services.runs.undo(actor, run_id, digest=digest)
        return _driven(services, actor, started, wait=wait, as_json=as_json)


def retry(run_id: str, wait: Wait = False, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Run the export again from fresh data: what was rejected, missing or unknown is tried once more.

    Example: ccexport runs retry RUN --wait
    """
    with opened(data_dir) as (services, actor):
        started = services.runs.retry(actor, run_id)
        return _driven(services, actor, started, wait=wait, as_json=as_json)


def _driven(services: Any, actor: Any, started: Run, *, wait: bool, as_json: bool) -> int:
    say(f"Run {started.id} is queued.")
    ended = services.runs.drive_here(started.id) if wait else started
    emit(as_json, run_document(ended, services.runs.batches(actor, ended.id)), run_lines(ended))
    return exit_code_of(ended) if wait else ExitCode.DONE
