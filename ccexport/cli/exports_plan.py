"""`exports plan`: a plan as a file for a pipeline, as a comment for a pull request, or as an exit code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ccexport.cli.documents import preview_document
from ccexport.cli.output import ExitCode, emit
from ccexport.cli.session import DataDir, Json, opened
from ccexport.model.plans import Plan
from ccexport.model.words import Verdict

CHANGING = (Verdict.ADD, Verdict.UPDATE, Verdict.REMOVE)


def register(app: typer.Typer) -> None:
    """Add this command to the others of `exports`."""
    app.command()(plan)


def plan(
    name: str,
    out: Annotated[Path | None, typer.Option(help="Write the plan to this .zip file, signed.")] = None,
    rows: Annotated[bool, typer.Option("--rows", help="With everybody who is in it.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it for the comment of a pull request.")
    ] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 5 when a run would change something.")
    ] = False,
    resend_all: Annotated[
        bool, typer.Option("--resend-all", help="As a run with --resend-all would send it.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Plan the export for somebody who reviews it; `exports run --plan` then runs exactly that, or refuses.

    Example: ccexport exports plan Newsletter --out plan.zip --markdown
    """
    with opened(data_dir) as (services, actor):
        made = services.previews.preview(actor, name, resend_all=resend_all)
        export = services.exports.get(actor, name)
        if out is not None:
            services.previews.plan_file(actor, name, made, out, rows=rows, resend_all=resend_all)
    document: Mapping[str, Any] = preview_document(export.name, made, [])
    told = {"file": str(out) if out else None, "would_change": _changes(made) > 0}
    lines = in_markdown(export.name, made) if markdown else _lines(export.name, made, out)
    emit(as_json, {**document, **told}, lines)
    if made.guards and detailed_exitcode:
        return ExitCode.FAILED
    return ExitCode.WOULD_CHANGE if detailed_exitcode and _changes(made) else ExitCode.DONE


def _changes(made: Plan) -> int:
    return sum(made.verdicts.get(verdict, 0) for verdict in CHANGING)


def _lines(name: str, made: Plan, out: Path | None) -> list[str]:
    numbers = ", ".join(f"{made.verdicts.get(verdict, 0)} {verdict}" for verdict in Verdict)
    lines = [f"{name}: {made.candidates} candidates: {numbers}.", f"digest {made.digest}"]
    lines += [f"BLOCKED by {guard.name}: {guard.sentence}" for guard in made.guards]
    return [*lines, f"Written: {out}."] if out else lines


def in_markdown(name: str, made: Plan) -> list[str]:
    """Return the plan as Markdown, in which a name is text and nothing else."""
    lines = [f"### {_plain(name)}", "", "| verdict | contacts |", "|---|---:|"]
    lines += [f"| {verdict} | {made.verdicts.get(verdict, 0):,} |" for verdict in Verdict]
    lines += [f"| not sent: {reason} | {n:,} |" for reason, n in made.reasons.items() if n]
    lines += ["", f"{made.to_send:,} contacts in {made.requests:,} requests; digest `{made.digest}`."]
    return lines + [
        line
        for guard in made.guards
        for line in ("", f"**Blocked by {guard.name}**: {_plain(str(guard.sentence))}")
    ]


def _plain(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>~@" else " " if c in "\r\n" else c for c in text)
