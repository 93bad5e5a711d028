"""`exports list`, `show`, `preview`, `run`, `pause`, `remove`; `exports_saving` has the commands that save."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccexport.cli.documents import (
    export_document,
    preview_document,
    run_document,
    run_lines,
)
from ccexport.cli.export_people import PeopleOption, people_lines
from ccexport.cli.output import ExitCode, emit, exit_code_of, facts, say, table
from ccexport.cli.pairs import pair
from ccexport.cli.progress import driven
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput
from ccexport.model.plans import Plan
from ccexport.model.words import People, Trigger, Verdict

if TYPE_CHECKING:
    from ccexport.model.exports import Actor
    from ccexport.runs.estimate import Expected
    from ccexport.services import Services
    from ccexport.services.previews import PlanRow

app = typer.Typer(help="Saved exports: what goes to which contact list.")


@app.command("suggest")
def suggest(as_json: Json = False, data_dir: DataDir = None) -> None:
    """What the profile fields suggest for an export: mapping, consent and refusals. Nothing is saved.

    Example: ccexport exports suggest --json
    """
    with opened(data_dir) as (services, actor):
        found = services.exports.suggest(actor)
    rows = [
        {
            "target": s.target,
            "source": s.source,
            "confidence": s.confidence,
            "why": str(s.why),
            "values": list(s.values),
        }
        for s in found
    ]
    emit(as_json, rows, table(rows, ["target", "source", "confidence", "values", "why"]))


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """All exports.

    Example: ccexport exports list
    """
    with opened(data_dir) as (services, actor):
        rows = [export_document(services, actor, e) for e in services.exports.list(actor)]
    shown = [
        row
        | {"segments": ", ".join(row["segments"]), "last_run": (row["last_run"] or {}).get("state", "never")}
        for row in rows
    ]
    emit(as_json, rows, table(shown, ["name", "connection", "list", "segments", "mode", "last_run"]))


@app.command()
def show(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """One export's configuration.

    Example: ccexport exports show Newsletter --json
    """
    with opened(data_dir) as (services, actor):
        document = export_document(services, actor, services.exports.get(actor, name))
    emit(as_json, document, facts(document))


@app.command()
def preview(
    name: str,
    rows: Annotated[int, typer.Option(help="How many contacts to show.", min=0)] = 10,
    what: Annotated[str | None, typer.Option(help="Show rows of one verdict or reason instead.")] = None,
    resend_all: Annotated[
        bool, typer.Option("--resend-all", help="As a run with --resend-all would send it.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Plan the export and show exactly what a run would send.

    Example: ccexport exports preview Newsletter --rows 20
    """
    with opened(data_dir) as (services, actor):
        plan = services.previews.preview(actor, name, resend_all=resend_all)
        shown = [] if rows == 0 else services.previews.rows(actor, plan, what=what or "sent", limit=rows)
        remarks = [str(remark) for remark in services.previews.remarks(actor, name, plan)]
        expected = services.previews.expected(actor, name, plan)
    more = {"remarks": remarks, "expected": vars(expected)}
    emit(as_json, preview_document(name, plan, shown) | more, _preview_lines(plan, shown, expected))
    for remark in remarks:
        say(remark)
    return ExitCode.DONE


def _preview_lines(plan: Plan, shown: list["PlanRow"], expected: "Expected") -> list[str]:
    verdicts = ", ".join(f"{plan.verdicts.get(v, 0)} {v}" for v in Verdict)
    lines = [f"{plan.candidates} candidates: {verdicts}."]
    lines += [f"  {n} not sent: {reason}" for reason, n in plan.reasons.items() if n]
    lines += [f"  {n} warned: {warning}" for warning, n in plan.warnings.items() if n]
    lines.append(f"{plan.to_send} contacts would be sent in {plan.requests} requests.")
    lines += [] if not plan.requests else [f"That takes {_time(expected)}."]
    for guard in plan.guards:
        lines.append(f"BLOCKED by {guard.name}: {guard.sentence}")
        if guard.name == "gone_percent":
            lines.append("  To put them back: exports run … --put-back REASON")
        lines.append(f"  To release it once: exports run … --release {guard.name}=REASON")
    lines.append(f"digest {plan.digest}")
    rows = [{"verdict": r.verdict or r.reason, "address": r.address, "contact": r.contact} for r in shown]
    return lines + (table(rows, ["verdict", "address", "contact"]) if rows else [])


def _time(expected: "Expected") -> str:
    if not expected.runs:
        return f"at least {expected.seconds:.0f} s; no run of this connection tells more yet"
    return f"about {expected.seconds:.0f} s, going by the last {expected.runs} runs of the connection"


@app.command()
def run(
    name: str,
    digest: Annotated[
        str | None, typer.Option(help="Run exactly the plan that was previewed, or refuse.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="Run exactly the plan of this file, or refuse (exports plan --out).")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Drive the run here, to its end or until it has to wait.")
    ] = False,
    release: Annotated[
        list[str] | None, typer.Option(help="Release a guard once, as guard=reason; may be repeated.")
    ] = None,
    put_back: Annotated[
        str | None,
        typer.Option(
            help="Put back the people who are gone from the list since the last run; the reason is kept."
        ),
    ] = None,
    resend_all: Annotated[
        bool, typer.Option("--resend-all", help="Send unchanged contacts too, this once.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Run the export. Without --wait a worker (the dashboard, or `ccexport worker`) drives it.

    Example: ccexport exports run Newsletter --digest D --wait
    """
    with opened(data_dir) as (services, actor):
        if plan is not None:
            digest, resend_all = _of_file(services, actor, name, plan, digest, resend_all)
        for text in release or []:
            guard, reason = pair(text, "--release")
            services.runs.release(actor, name, guard, reason=reason)
        if put_back is not None:
            services.runs.put_back(actor, name, reason=put_back)
        started = services.runs.start(actor, name, digest=digest, resend_all=resend_all)
        say(f"Run {started.id} is queued.")
        if not wait and not _worker_at_work(services):
            say(
                f"No worker is at work, so nothing drives it: start `ccexport worker`, or `ccexport runs resume "
                f"{started.id}`."
            )
        ended = driven(services, actor, started.id) if wait else started
        batches = services.runs.batches(actor, ended.id)
    emit(as_json, run_document(ended, batches), run_lines(ended))
    return exit_code_of(ended) if wait else ExitCode.DONE


def _of_file(
    services: "Services", actor: "Actor", name: str, file: Path, digest: str | None, resend_all: bool
) -> tuple[str, bool]:
    """Return digest and kind of the plan in the file, if a run would send exactly that now."""
    if digest is not None or resend_all:
        raise BadInput("--plan names the digest and how it was planned: leave out --digest and --resend-all.")
    found = services.previews.read_plan_file(actor, file)
    export = services.exports.get(actor, name).name
    if export != found.export:
        raise BadInput("The plan is one of {export}, not of {name}.", export=found.export, name=export)
    now = services.previews.preview(actor, name, resend_all=found.resend_all)
    services.previews.refuse_other(actor, found, now)
    return found.digest, found.resend_all


def _worker_at_work(services: "Services") -> bool:
    from ccexport.worker.presence import machines_with_workers

    return bool(machines_with_workers(services.ledger))


@app.command()
def pause(
    name: str,
    go_on: Annotated[bool, typer.Option("--go-on", help="Let it run again.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Pause an export, or let it go on. A run that is sending stops before its next request, and goes on then.

    Example: ccexport exports pause Newsletter --go-on
    """
    with opened(data_dir) as (services, actor):
        found = services.exports.pause(actor, name, paused=not go_on)
        live = services.runs.list(actor, export=found.id, live=True, limit=1) if found.paused else []
    held = "It stops before its next request and goes on when the export does; or cancel it."
    lines = [f"{name} is {'paused' if found.paused else 'going on'}."]
    lines += [f"Run {run.id} is {run.state}. {held}" for run in live if run.trigger is not Trigger.UNDO]
    emit(as_json, {"name": name, "paused": found.paused, "run": live[0].id if live else None}, lines)


@app.command()
def remove(
    name: str,
    people: PeopleOption = People.LEAVE,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Remove an export; its history stays. Whom it put on the list is left there, or taken off by a run.

    Example: ccexport exports remove Newsletter --people take_off
    """
    with opened(data_dir) as (services, actor):
        run = services.runs.remove_export(actor, name, take_off=people is People.TAKE_OFF)
    lines = [f"Export {name} is removed; its history stays.", *people_lines(run)]
    emit(as_json, {"removed": name, "run": run.id if run else None}, lines)
