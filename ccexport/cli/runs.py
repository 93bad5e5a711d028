"""`runs list`, `show`, `contacts`, `cancel`, `resume`, `approve`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ccexport.cli.documents import contact_document, run_document, run_lines
from ccexport.cli.output import emit, exit_code_of, table
from ccexport.cli.progress import driven
from ccexport.cli.session import DataDir, Json, opened
from ccexport.model.words import RunState

app = typer.Typer(help="What ran, what is running, and what became of whom.")


@app.command("list")
def list_(
    export: Annotated[str | None, typer.Option(help="Only of this export.")] = None,
    contact_list: Annotated[str | None, typer.Option("--list", help="Only to this contact list.")] = None,
    state: Annotated[RunState | None, typer.Option(help="Only in this state.")] = None,
    person: Annotated[str | None, typer.Option(help="Only asked for by this person.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only queued at or after this moment, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only queued before this moment, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Runs, newest first.

    Example: ccexport runs list --export Newsletter --state failed
    """
    with opened(data_dir) as (services, actor):
        found = services.runs.list(
            actor,
            export=export,
            contact_list=contact_list,
            state=state,
            person=person,
            since=since.replace(tzinfo=UTC) if since else None,
            until=until.replace(tzinfo=UTC) if until else None,
            limit=limit,
        )
        rows = [run_document(r) for r in found]
    shown = [row | row["counts"] for row in rows]
    columns = ["run_id", "export", "state", "created_at", "sent", "verified", "rejected", "missing"]
    emit(as_json, rows, table(shown, columns))


@app.command()
def show(run_id: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """One run: its numbers, its batches and its story.

    Example: ccexport runs show run-3kq2f81c0-9f3k2 --json
    """
    with opened(data_dir) as (services, actor):
        found = services.runs.get(actor, run_id)
        document = run_document(found, services.runs.batches(actor, run_id))
        stuck, took = services.runs.stuck(actor, run_id), services.runs.seconds(actor, [found])
        document |= {"stuck": str(stuck) or None, "seconds": took.get(found.id)}
        story = [
            {"at": e.at, "actor": e.actor, "state": e.state, "text": str(e.text)}
            for e in services.runs.story(actor, run_id)
        ]
    lines = [*run_lines(found), *[f"  {stuck}"] * bool(stuck)]
    lines += table(document["batches"], ["kind", "number", "state", "contacts", "bytes", "note"])
    emit(as_json, document | {"events": story}, [*lines, "", *table(story, ["at", "state", "text"])])


@app.command()
def contacts(
    run_id: str,
    verdict: Annotated[str | None, typer.Option(help="A verdict, a reason, or an outcome.")] = None,
    email: Annotated[str | None, typer.Option(help="One person, by address or profile id.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 1000,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write every row to this .csv, .xlsx or .parquet file instead.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """What became of whom: was this person put on the list, and if not, why?

    Example: ccexport runs contacts RUN --email somebody@example.com
    """
    with opened(data_dir) as (services, actor):
        if out is not None:
            written = services.runs.contacts_file(actor, run_id, out)
            emit(as_json, {"file": str(written)}, [f"Written: {written}."])
            return
        found = services.runs.contacts(actor, run_id, what=verdict, email=email, limit=limit, offset=offset)
    rows = [contact_document(row) for row in found]
    emit(as_json, rows, table(rows, ["email", "profile_id", "verdict", "reason", "outcome", "note"]))


def _changed(run_id: str, use_case: str, as_json: bool, data_dir: Any) -> None:
    with opened(data_dir) as (services, actor):
        found = getattr(services.runs, use_case)(actor, run_id)
        document = run_document(found, services.runs.batches(actor, run_id))
    emit(as_json, document, run_lines(found))


@app.command()
def cancel(run_id: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Stop sending; what already left is settled and read back.

    Example: ccexport runs cancel run-3kq2f81c0-9f3k2
    """
    with opened(data_dir) as (services, actor):
        out = services.runs.gone_out(actor, run_id)
        found = services.runs.cancel(actor, run_id)
        document = run_document(found, services.runs.batches(actor, run_id))
    emit(as_json, document, [*run_lines(found), f"  {out}"])


@app.command()
def approve(run_id: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Approve the plan a run waits with.

    Example: ccexport runs approve run-3kq2f81c0-9f3k2
    """
    _changed(run_id, "approve", as_json, data_dir)


@app.command()
def resume(run_id: str, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Go on with a run here and now, to its end or until it has to wait again.

    Example: ccexport runs resume run-3kq2f81c0-9f3k2
    """
    with opened(data_dir) as (services, actor):
        services.runs.resume(actor, run_id)
        found = driven(services, actor, run_id)
        document = run_document(found, services.runs.batches(actor, run_id))
    emit(as_json, document, run_lines(found))
    return exit_code_of(found)
