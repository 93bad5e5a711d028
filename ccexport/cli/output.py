"""The output of the command line and its exit codes, on which other people's scripts rely.

A command prints one JSON document or a few readable lines on stdout, and everything else on stderr.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from ccexport.cli.hints import with_hint
from ccexport.errors import CcexportError, WrongUse
from ccexport.messages import NOTHING, Message
from ccexport.model.runs import Run
from ccexport.model.words import RunState


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    WRONG_USE = 2
    WITH_REJECTS = 3
    WAITING = 4
    WOULD_CHANGE = 5
    WARNINGS = 6


def emit(as_json: bool, document: Any, lines: Iterable[str]) -> None:
    """Print the document as JSON, or the lines."""
    text = json.dumps(document, default=_plain, ensure_ascii=False, indent=2) if as_json else "\n".join(lines)
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Print a message on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def emit_error(as_json: bool, error: CcexportError) -> ExitCode:
    """Print an error on stderr (with `as_json` also as JSON on stdout), and return its exit code."""
    said = with_hint(error)
    say(f"error: {said}")
    if as_json:
        emit(True, {"error": {"kind": type(error).__name__, "message": said}}, ())
    return ExitCode.WRONG_USE if isinstance(error, WrongUse) else ExitCode.FAILED


def exit_code_of(run: Run) -> ExitCode:
    """Return the exit code for the end, or the current state, of a run."""
    if run.state is RunState.SUCCEEDED:
        return ExitCode.DONE
    if run.state is RunState.SUCCEEDED_WITH_REJECTS:
        return ExitCode.WITH_REJECTS
    return ExitCode.FAILED if run.state.ended else ExitCode.WAITING


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[str]:
    """Return rows as aligned text, or one line saying that there are none."""
    if not rows:
        return ["(none)"]
    cells = [[str(_short(row.get(c))) for c in columns] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells)) for i, c in enumerate(columns)]
    head = "  ".join(c.replace("_", " ").ljust(w) for c, w in zip(columns, widths, strict=True))
    return [head.rstrip()] + [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


def facts(document: Mapping[str, Any]) -> list[str]:
    """Return one line for each key of the document, for people."""
    return [f"{key.replace('_', ' ')}: {_said(value)}" for key, value in document.items()]


def _said(value: Any) -> str:
    if value is None or value in ({}, [], (), "", NOTHING):
        return "(none)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_said(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return str(_short(value))


def _short(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return (
            f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value.tzinfo else f"{value:%Y-%m-%d %H:%M:%S}"
        )
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return list(value) if isinstance(value, set | frozenset | tuple) else str(value)
