"""What a refresh reads: the named sources, or without any the watched files.

Must never hold a password longer than the reading takes.
"""

import glob
from collections.abc import Sequence
from pathlib import Path

from ccexport.errors import BadInput
from ccexport.ledger import Ledger
from ccexport.model.schedules import RefreshSettings
from ccexport.model.sources import Given, Source


def to_read(ledger: Ledger, settings: RefreshSettings) -> list[Given]:
    """Return every named source in its order or, without any, the watched files.

    Raises `BadInput` naming what is missing.
    """
    named = ledger.sources.all()
    if named:
        return [given(ledger, source) for source in named]
    if not settings.sources:
        raise BadInput("No file is watched: refresh set FILE… first, or add a source (sources set).")
    return [Given(files=tuple(found_files(settings.sources)), key=settings.id_field)]


def given(ledger: Ledger, source: Source) -> Given:
    """Return a named source ready to read, with the current files and the decrypted password."""
    kept = {"name", "sheet", "member", "encoding", "skip_rows", "database", "query", "key", "first_in"}
    values = source.model_dump(include=kept)
    files = tuple(found_files(source.files))
    password = ledger.sources.password(source.name) if source.database else ""
    return Given(
        **values, files=files, types=dict(source.types), formats=dict(source.formats), password=password
    )


def found_files(patterns: Sequence[str]) -> list[Path]:
    """Return the files that the paths and patterns match now, each once. Raises `BadInput` if one matches none."""
    files: list[Path] = []
    for pattern in patterns:
        matches = glob.glob(pattern, recursive=True)  # noqa: PTH207 (the patterns are absolute)
        found = sorted(Path(p) for p in matches if Path(p).is_file())
        if not found and Path(pattern).is_file():
            found = [Path(pattern)]  # a file name that contains * or [
        if not found:
            raise BadInput("There is no file {pattern}.", pattern=pattern)
        files += [file for file in found if file not in files]
    return files
