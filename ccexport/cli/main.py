"""Puts the commands together; the only place that turns errors into exit codes."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from ccexport.cli import (
    backup,
    configuration,
    connections,
    doctor,
    exports,
    exports_plan,
    exports_plans,
    exports_saving,
    history,
    notices,
    operate,
    people,
    profiles,
    repeats,
    runs,
    schedules,
    schedules_refresh,
    segments,
    segments_insight,
    sources,
    tokens,
    upkeep,
)
from ccexport.cli.output import ExitCode, emit_error, say
from ccexport.cli.remote import AT_HAND, let_remote, remote_of
from ccexport.cli.remote_commands import THERE
from ccexport.errors import CcexportError, StoreTrouble, WrongUse, storage_sentence
from ccexport.logs import configure

_log = logging.getLogger("ccexport.cli")
app = typer.Typer(
    name="ccexport",
    help="Segments of customer profiles onto Constant Contact lists: shown before, proved after.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="Exit codes: 0 done, 1 failed or blocked, 2 wrong use or settings, 3 finished with rejects, 4 waiting, "
    "5 would change something, 6 well but for warnings (doctor).",
)
for name, room in (
    ("profiles", profiles),
    ("sources", sources),
    ("segments", segments),
    ("connections", connections),
    ("exports", exports),
    ("runs", runs),
    ("schedules", schedules),
    ("refresh", schedules_refresh),
    ("notices", notices),
    ("people", people),
    ("tokens", tokens),
    ("history", history),
):
    app.add_typer(room.app, name=name, no_args_is_help=True)
app.add_typer(connections.lists, name="lists", no_args_is_help=True)
app.add_typer(operate.suppression, name="suppression", no_args_is_help=True)
operate.register(app)
exports_saving.register(exports.app)
exports_plan.register(exports.app)
exports_plans.register(exports.app)
repeats.register(runs.app)
segments_insight.register(segments.app)
upkeep.register(app)
configuration.register(app)
doctor.register(app)
backup.register(app)


@app.callback()
def _where(
    remote: Annotated[
        str | None, typer.Option(help="Ask the installation at this address instead (docs/api.md).")
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="The file that holds the token for it.")] = None,
) -> None:
    AT_HAND.set(remote_of(remote, token_file))


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in given
    configure("text", "ERROR")  # until the settings are read
    try:
        command = get_command(app)
        let_remote(command, THERE)
        outcome = command.main(args=given, prog_name="ccexport", standalone_mode=False)
        sys.stdout.flush()  # raises here, and not at exit, if the reader of stdout is gone
    except CcexportError as error:
        sys.exit(emit_error(as_json, error))
    except BrokenPipeError:
        _let_go_of_stdout()
        sys.exit(ExitCode.FAILED)
    except OSError as error:
        sys.exit(emit_error(as_json, StoreTrouble(storage_sentence(error))))
    except typer.Exit as left:
        sys.exit(left.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        say("Stopped; what was begun can be resumed.")
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the person gets a sentence, the log gets the rest
        sys.exit(_unforeseen(as_json, error))
    sys.exit(int(outcome or 0))


def _unforeseen(as_json: bool, error: Exception) -> ExitCode:
    """Report Click's errors about arguments, and bugs of ours without their text, which may hold an address."""
    if hasattr(error, "format_message"):
        said = str(error.format_message()).replace("Value error, ", "").strip()
        if said.startswith("Usage: "):  # a group without a command: the answer is its help
            say(said)
            return ExitCode.WRONG_USE
        return emit_error(as_json, WrongUse(said))
    kind = type(error).__name__
    _log.debug("unforeseen", exc_info=error)
    return emit_error(
        as_json,
        CcexportError(
            "Something unforeseen went wrong ({kind}). Try again; `ccexport doctor` looks at "
            "what could be the matter, and CCEXPORT_LOG_LEVEL=DEBUG shows where it happened.",
            kind=kind,
        ),
    )


def _let_go_of_stdout() -> None:
    """Detach from stdout when its reader is gone, as with `| head`, so that the exit raises no error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
