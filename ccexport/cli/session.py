"""Opens the use cases for one command, as the local administrator.

Anybody who can read the data directory and its key on this machine already has full access. The actor's
name still goes into the history.
"""

import getpass
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccexport import telemetry
from ccexport.errors import BadInput
from ccexport.logs import configure
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.settings import load_settings

if TYPE_CHECKING:
    from ccexport.services import Services

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where everything is kept (CCEXPORT_DATA_DIR).", show_default=False),
]


@contextmanager
def opened(data_dir: Path | None) -> Iterator[tuple["Services", Actor]]:
    """Yield the use cases and the actor; close the use cases afterwards."""
    settings = load_settings(data_dir=data_dir)
    configure(settings.log, settings.log_level)
    telemetry.configure()
    from ccexport.services import Services  # slow: imports databases, which a help text does not need

    services = Services(settings)
    try:
        yield services, Actor(f"cli:{_login()}", Role.ADMINISTRATOR)
    finally:
        services.close()


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def json_or_file(text: str, what: str) -> Any:
    """Return JSON given as text or as the name of a file. Raises `BadInput` naming the place of a mistake."""
    source = what
    if not text.lstrip().startswith(("{", "[")):
        path = Path(text)
        source = f"the file {text}"
        try:
            text = path.read_text("utf-8")
        except OSError as error:
            raise BadInput(
                "{what} is neither JSON nor a file that can be read: {text}.", what=what, text=text
            ) from error
        except UnicodeDecodeError as error:
            raise BadInput("{source} is not text in UTF-8.", source=source) from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(
            "{source} is not JSON: line {lineno}, column {colno}: {msg}.",
            source=source,
            lineno=error.lineno,
            colno=error.colno,
            msg=error.msg,
        ) from error
