"""The log: one line a record, as text or JSON, with the run and the batch it is about.

Every record passes through here, and what looks like an address or a token is left
out. Must never decide what is worth logging.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TextIO

from ccexport.model.notices import scrubbed

_BREAKS = re.compile(r"[\r\x0b\x0c\x1b\x1c-\x1e\x85\u2028\u2029]")
_ABOUT: ContextVar[Mapping[str, Any]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**facts: Any) -> Iterator[None]:
    """Mark everything logged inside the block as about this run or batch."""
    token = _ABOUT.set({**_ABOUT.get(), **facts})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def facts() -> Mapping[str, Any]:
    """Return what the current work is about: a run, a batch."""
    return _ABOUT.get()


class JsonLines(logging.Formatter):
    """Formats records as JSON: `at`, `level`, `logger`, `message`, what the record is about, the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": scrubbed(record.getMessage()),
            **_ABOUT.get(),
        }
        if record.exc_info:
            line["traceback"] = scrubbed(self.formatException(record.exc_info))
        text = json.dumps(line, ensure_ascii=False, default=str)
        return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class TextLines(logging.Formatter):
    """Formats the same content for people."""

    def format(self, record: logging.LogRecord) -> str:
        facts = "".join(f" {key}={value}" for key, value in _ABOUT.get().items())
        return _indented(scrubbed(super().format(record)) + facts)


def _indented(text: str) -> str:
    """Indent further lines, so that outside text cannot look like another record."""
    return _BREAKS.sub(lambda found: repr(found[0])[1:-1], text).replace("\n", "\n    ")


def configure(kind: str, level: str, stream: TextIO | None = None) -> logging.Handler:
    """Send the log to stderr. Third-party libraries are logged from WARNING on, whatever the level."""
    handler = logging.StreamHandler(stream or sys.stderr)
    plain = TextLines("%(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if kind == "json" else plain)
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old.formatter, JsonLines | TextLines):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.getLogger("ccexport").setLevel(level)
    return handler
