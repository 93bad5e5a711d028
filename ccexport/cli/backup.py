"""`backup`, `restore`: write the whole installation to a folder or file, and restore it from there."""

from pathlib import Path
from typing import Annotated

import typer

from ccexport.cli.output import ExitCode, emit, say
from ccexport.cli.session import DataDir, Json, opened
from ccexport.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add these commands at the top level."""
    app.command()(backup)
    app.command()(restore)


def backup(
    to: Path,
    with_key: Annotated[
        bool,
        typer.Option("--with-key", help="With secret.key too: who has the back-up can use the connections."),
    ] = False,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Back up the installation into a folder, or into one file named NAME.tar, while it is running.

    A folder with an earlier back-up is brought up to date. Example: ccexport backup /backup/ccexport
    """
    with opened(data_dir) as (services, actor):
        made = services.backups.back_up(actor, to, with_key=with_key)
    emit(
        as_json,
        _document(made),
        [
            f"{sum(made.rows.values()):,} rows of the ledger and {len(made.files):,} files ({made.bytes:,} bytes) are "
            f"in {to}, and were compared byte for byte; {made.reused:,} were there already."
        ],
    )
    if not with_key:
        say("The key is not in it: keep secret.key, or CCEXPORT_SECRET_KEY, in a safe place of its own.")


def restore(source: Path, as_json: Json = False, data_dir: DataDir = None) -> int:
    """Make an installation from a back-up, in an empty data directory and an empty ledger, and look it over.

    Exit code 1 when the doctor finds something that fails. Example: ccexport restore /backup/ccexport
    """
    from ccexport.services.doctor import Health, diagnose
    from ccexport.services.restoring import restore as restored

    made = restored(source, load_settings(data_dir=data_dir))
    findings = [f for f in diagnose(data_dir) if f.health is not Health.OK]
    emit(
        as_json,
        {**_document(made), "findings": [f.document() for f in findings]},
        [
            f"The back-up of {made.made_at} is restored: {sum(made.rows.values()):,} rows, {len(made.files):,} files.",
            *(f"{f.health:4}  {f.what}: {f.found} {f.to_do}".rstrip() for f in findings),
        ],
    )
    return ExitCode.FAILED if Health.FAIL in {f.health for f in findings} else ExitCode.DONE


def _document(made: object) -> dict[str, object]:
    """Return a manifest as JSON, with the number of files instead of their names."""
    told = dict(vars(made))
    files = told.pop("files")
    return told | {"files": len(files), "bytes": sum(one.size for one in files), "rows": dict(told["rows"])}
