"""The commands, put together, and the one place that turns errors into exit codes."""

import sys

import typer
from typer.main import get_command

from ccexport.cli import (
    configuration,
    connections,
    doctor,
    exports,
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
    upkeep,
)
from ccexport.cli.output import ExitCode, emit_error, say
from ccexport.errors import CcexportError, StoreTrouble, storage_sentence
from ccexport.logs import configure

app = typer.Typer(
    name="ccexport",
    help="Segments of customer profiles onto Constant Contact lists: shown before, proved after.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 failed or blocked, 2 wrong use or settings, 3 finished with rejects, 4 waiting.",
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
):
    app.add_typer(room.app, name=name, no_args_is_help=True)
app.add_typer(connections.lists, name="lists", no_args_is_help=True)
app.add_typer(operate.suppression, name="suppression", no_args_is_help=True)
operate.register(app)
repeats.register(runs.app)
segments_insight.register(segments.app)
upkeep.register(app)
configuration.register(app)
doctor.register(app)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    configure("text", "ERROR")  # until the settings are read
    try:
        outcome = get_command(app).main(args=given, prog_name="ccexport", standalone_mode=False)
    except CcexportError as error:
        sys.exit(emit_error("--json" in given, error))
    except BrokenPipeError:
        raise
    except OSError as error:
        sys.exit(emit_error("--json" in given, StoreTrouble(storage_sentence(error))))
    except typer.Exit as left:
        sys.exit(left.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        say("Stopped; what was begun can be resumed.")
        sys.exit(130)
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own complaints about arguments
            say(f"error: {error.format_message()}")
            sys.exit(ExitCode.WRONG_USE)
        raise
    sys.exit(int(outcome or 0))
