"""`demo`, `worker`, `sandbox`, `suppression`."""

import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccexport.cli.documents import run_document, run_lines
from ccexport.cli.output import ExitCode, emit, exit_code_of, say, table
from ccexport.cli.progress import driven
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput

if TYPE_CHECKING:
    from ccexport.services import Services

suppression = typer.Typer(help="Addresses and domains that are never sent.")


def register(app: typer.Typer) -> None:
    """Add these commands at the top level."""
    app.command()(demo)
    app.command()(worker)
    app.command()(sandbox)


def demo(as_json: Json = False, data_dir: DataDir = None) -> int:
    """The whole job against the sandbox: ingest, preview, run, verify. Nothing leaves this machine.

    Example: ccexport demo --data-dir /tmp/ccexport-demo
    """
    from ccexport.services.demo import ensure_demo

    with opened(data_dir) as (services, actor):
        if not services.settings.sandbox_on:
            raise BadInput(
                "The demo needs the sandbox, but a Constant Contact client id is set (CCEXPORT_CC_CLIENT_ID); "
                "set CCEXPORT_SANDBOX=on to use the sandbox all the same."
            )
        say("Setting up: sandbox, 20,000 sample profiles, segments, a connection, two exports …")
        made = ensure_demo(services)
        name = made.exports[0]
        snapshot = services.profiles.current(actor)
        say(f"{snapshot.profiles} profiles are in snapshot {snapshot.id}.")
        plan = services.previews.preview(actor, name)
        left_out = ", ".join(f"{n} {reason}" for reason, n in plan.reasons.items() if n)
        say(
            f"The preview of {name}: {plan.candidates} candidates, {plan.to_send} to send, left out: {left_out}."
        )
        started = services.runs.start(actor, name, digest=plan.digest)
        say(f"Run {started.id}: sending, waiting for Constant Contact's answer, reading the list back …")
        ended = driven(services, actor, started.id)
        document = run_document(ended, services.runs.batches(actor, ended.id))
    counts = document["counts"]
    lines = [
        *run_lines(ended),
        f"{counts['verified']} of {counts['sent']} contacts were verified on the list {ended.list_name}.",
    ]
    emit(as_json, document, lines)
    return exit_code_of(ended)


def worker(
    once: Annotated[bool, typer.Option("--once", help="Drive what is due now, then leave.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say whether a worker was at work here in the last minute.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Claim and drive runs. Any number of workers may share a data directory.

    Example: ccexport worker --once
    """
    with opened(data_dir) as (services, _):
        if check:
            return _check_worker(services, as_json)
        working = services.worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop.set())
        if once:
            count = working.run_once()
            emit(as_json, {"driven": count}, [f"{count} runs were driven."])
            return ExitCode.DONE
        say("Working; stop with Ctrl-C.")
        working.run_forever()
        emit(as_json, {"stopped": True}, ["Stopped."])
    return ExitCode.DONE


def _check_worker(services: "Services", as_json: bool) -> int:
    """Check for a service manager: return 1 if no worker ran on this machine in the last minute."""
    from ccexport.worker.presence import machines_with_workers

    here = socket.gethostname() in machines_with_workers(services.ledger)
    emit(as_json, {"working": here}, ["A worker is at work here." if here else "No worker is at work here."])
    return ExitCode.DONE if here else ExitCode.FAILED


def sandbox(
    port: Annotated[int, typer.Option(help="The loopback port; 0 for any free one.")] = 8765,
    redirect_url: Annotated[
        list[str] | None, typer.Option(help="A redirect address to register; may be repeated.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """The local double of Constant Contact alone, for trying other programs against it.

    It says on stdout where it listens, and runs until it is stopped.
    Example: ccexport sandbox --port 8765
    """
    from ccexport.settings import load_settings, make_data_dir

    settings = load_settings(data_dir=data_dir)
    store = settings.data_dir / "sandbox.sqlite"
    make_data_dir(settings.data_dir)
    command = [sys.executable, "-m", "ccexport.sandbox", "--port", str(port), "--store", str(store)]
    for url in redirect_url or [settings.redirect_url]:
        command += ["--redirect-url", url]
    command += ["--json"] * as_json
    sys.stdout.flush()
    # Replace this process, so that stopping or killing it stops the double.
    os.execv(sys.executable, command)  # noqa: S606


@suppression.command("add")
def suppression_add(
    values: Annotated[list[str] | None, typer.Argument(help="Addresses or domains.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one entry a line.")] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Never send these addresses or domains.

    Example: ccexport suppression add somebody@example.com example.org
    """
    entries = list(values or [])
    if file is not None:
        try:
            entries += file.read_text("utf-8").splitlines()
        except OSError as error:
            raise BadInput(
                "The file {file} cannot be read: {problem}.", file=file, problem=error.strerror
            ) from error
    with opened(data_dir) as (services, actor):
        added = services.system.suppress(actor, entries)
    emit(as_json, {"added": added}, [f"{added} new entries are on the suppression list."])


@suppression.command("import")
def suppression_import(
    file: Annotated[Path, typer.Argument(help="Any file that `profiles ingest` reads.")],
    field: Annotated[
        str | None, typer.Option(help="The field with the addresses; found by itself if clear.")
    ] = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Never send any address of a whole file, such as one of cleaned or unsubscribed people.

    Example: ccexport suppression import cleaned_members.csv --field "Email Address"
    """
    with opened(data_dir) as (services, actor):
        added, found = services.system.suppress_file(actor, file, field=field)
    document = {
        "added": added,
        "addresses": len(found.addresses),
        "unusable": found.unusable,
        "field": found.field,
    }
    emit(as_json, document, [f"{added} new entries are on the suppression list (field: {found.field})."])
    if found.unusable:
        say(f"{found.unusable} rows have no usable address.")


@suppression.command("remove")
def suppression_remove(value: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Take one entry off the suppression list.

    Example: ccexport suppression remove example.org
    """
    with opened(data_dir) as (services, actor):
        gone = services.system.unsuppress(actor, value)
    emit(as_json, {"removed": gone}, ["Removed." if gone else "It was not on the suppression list."])


@suppression.command("list")
def suppression_list(as_json: Json = False, data_dir: DataDir = None) -> None:
    """The suppression list.

    Example: ccexport suppression list --json
    """
    with opened(data_dir) as (services, actor):
        rows = services.system.suppressed(actor)
    emit(as_json, rows, table(rows, ["value", "kind", "added_by", "added_at"]))
