"""`doctor`, `rotate-key`, `ledger move`: commands for operators."""

from typing import Annotated

import typer

from ccexport.cli.output import ExitCode, emit, say
from ccexport.cli.session import DataDir, Json, opened

ledger = typer.Typer(help="The ledger as a whole.")


def register(app: typer.Typer) -> None:
    """Add these commands at the top level."""
    app.command()(doctor)
    app.command("rotate-key")(rotate_key)
    app.add_typer(ledger, name="ledger", no_args_is_help=True)


def doctor(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every stored byte, and compare what has a known hash.")
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> int:
    """Look the whole installation over without changing anything, and say what to do.

    Exit code 1 when something fails, 6 when there are only warnings. Example: ccexport doctor --json
    """
    from ccexport.services.doctor import Health, diagnose, worst_of

    found = diagnose(data_dir, deep=deep)
    wide = max(len(f.what) for f in found)
    lines = []
    for finding in found:
        lines.append(f"{finding.health:4}  {finding.what.ljust(wide)}  {finding.found}")
        if finding.to_do:
            lines.append(f"      {' ' * wide}  → {finding.to_do}")
    worst = worst_of(found)
    document = {"healthy": worst is not Health.FAIL, "findings": [f.document() for f in found]}
    emit(as_json, document, lines)
    codes = {Health.OK: ExitCode.DONE, Health.WARN: ExitCode.WARNINGS, Health.FAIL: ExitCode.FAILED}
    return codes[worst]


def rotate_key(as_json: Json = False, data_dir: DataDir = None) -> None:
    """Seal every stored secret with the newest key: the first of CCEXPORT_SECRET_KEY.

    Example: CCEXPORT_SECRET_KEY=new,old ccexport rotate-key
    """
    with opened(data_dir) as (services, actor):
        sealed = services.maintenance.rotate_key(actor)
    emit(
        as_json,
        {"resealed": sealed},
        [f"{sealed} secrets are sealed with the newest key; the older keys can go now."],
    )


@ledger.command("move")
def move(
    to: Annotated[str, typer.Option(help="Where to: postgresql://person:password@host/database.")],
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Copy the ledger into another, empty database; stop the dashboard and the workers first.

    Example: ccexport ledger move --to postgresql://ccexport:password@db/ccexport
    """
    with opened(data_dir) as (services, actor):
        moved = services.maintenance.move_ledger(actor, to)
    emit(
        as_json,
        {"rows": dict(moved.rows), "total": moved.total},
        [f"{moved.total} rows were copied. The old ledger is as it was."],
    )
    say("Set CCEXPORT_LEDGER_URL to the new address, then start again.")
