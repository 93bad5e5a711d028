"""`tidy`, `repair`, `erase`: removing expired data, correcting wrong deliveries, and erasing a person."""

from dataclasses import asdict
from typing import Annotated

import typer

from ccexport.cli.output import ExitCode, emit
from ccexport.cli.session import DataDir, Json, opened
from ccexport.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add these commands at the top level."""
    app.command()(tidy)
    app.command()(repair)
    app.command()(erase)


def tidy(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Remove what is not kept any more, as the worker does once a day.

    Contacts of runs that ended CCEXPORT_RETENTION_MONTHS ago, previews and readings older than a week.
    Counts, requests and stories of runs stay. Example: ccexport tidy --json
    """
    with opened(data_dir) as (services, actor):
        found = services.maintenance.tidy(actor)
    lines = [
        f"The contacts of {found.runs} runs, {found.plans} previews, {found.readings} readings and "
        f"{found.files} other files were removed: {found.bytes:,} bytes."
    ]
    emit(as_json, vars(found), lines)


def repair(
    check: Annotated[
        bool, typer.Option("--check", help="Only say what would be corrected; 1 when there is something.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Correct who is wrongly said to have left a list, where the history of its runs tells; may be run again.

    Earlier versions wrote that of people whom ccexport had taken off itself, and of some who never arrived.
    Example: ccexport repair --check
    """
    with opened(data_dir) as (services, actor):
        found = services.maintenance.repair(actor, check=check)
    lines = [
        f"{one.list_name}: {one.removed} were taken off by us, {one.missing} never arrived." for one in found
    ]
    emit(as_json, {"lists": [asdict(one) for one in found]}, lines or ["Nothing to correct."])
    return ExitCode.FAILED if check and found else ExitCode.DONE


def erase(
    address: str,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, for good: it cannot be undone.")] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Erase one person from profiles, plans, deliveries and history; prints a receipt without the address.

    Nobody is deleted at Constant Contact: the receipt says which lists still hold the contact.
    Example: ccexport erase somebody@example.com --yes
    """
    if not yes:
        raise BadInput("Erasing cannot be undone. Say --yes when you mean it.")
    with opened(data_dir) as (services, actor):
        receipt = services.maintenance.erase(actor, address)
    lines = [f"Receipt {receipt.id}."]
    lines += [f"  {n} {what.replace('_', ' ')}" for what, n in receipt.touched.items()] or [
        "  Nothing was found."
    ]
    lines += [f"  still at Constant Contact on {name}" for name in receipt.still_on]
    emit(as_json, receipt, [*lines, *map(str, receipt.remarks)])
