"""`people add`, `list`, `role`, `disable`, `password`."""

import getpass
import sys
from typing import Annotated

import typer

from ccexport.cli.output import emit, table
from ccexport.cli.session import DataDir, Json, opened
from ccexport.model.words import Role

app = typer.Typer(help="Who may sign in to the dashboard.")


def _password() -> str:
    """Ask for a password without showing it, or read it from standard input if that is no terminal."""
    return getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


@app.command()
def add(
    name: str,
    role: Annotated[Role, typer.Option(help="viewer, contributor or administrator.")],
    display_name: str = "",
    email: str = "",
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Add a person; the password is asked for, or read from standard input.

    Example: ccexport people add kari --role contributor --email kari@example.com
    """
    with opened(data_dir) as (services, actor):
        made = services.people.add(
            actor, name, role=role, password=_password(), display_name=display_name, email=email
        )
    emit(as_json, {"name": made.name, "role": made.role}, [f"{made.name} may sign in as {made.role}."])


@app.command("list")
def list_(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Everybody who may sign in.

    Example: ccexport people list
    """
    with opened(data_dir) as (services, actor):
        rows = [
            {"name": p.name, "display_name": p.display_name, "role": p.role, "disabled": p.disabled}
            for p in services.people.list(actor)
        ]
    emit(as_json, rows, table(rows, ["name", "display_name", "role", "disabled"]))


@app.command()
def role(name: str, role: Role, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Give a person another role.

    Example: ccexport people role kari administrator
    """
    with opened(data_dir) as (services, actor):
        changed = services.people.change_role(actor, name, role)
    emit(as_json, {"name": changed.name, "role": changed.role}, [f"{changed.name} is now {changed.role}."])


@app.command()
def disable(
    name: str,
    enable: Annotated[bool, typer.Option("--enable", help="Let them sign in again.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Disable a person and end their sessions.

    Example: ccexport people disable kari
    """
    with opened(data_dir) as (services, actor):
        changed = services.people.disable(actor, name, disabled=not enable)
    word = "disabled" if changed.disabled else "enabled"
    emit(as_json, {"name": changed.name, "disabled": changed.disabled}, [f"{changed.name} is {word}."])


@app.command()
def password(name: str, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Set a person's password and end their sessions.

    Example: ccexport people password kari
    """
    with opened(data_dir) as (services, actor):
        services.people.set_password(actor, name, _password())
    emit(as_json, {"name": name}, [f"{name} has a new password and must sign in again."])
