"""What comes from outside must not look like a record of its own in the log."""

import io
import json
import logging

import pytest

from ccexport import logs

FORGED = "nothing\nERROR ccexport.worker: run-1 failed\r\nWARNING x\u2028INFO y\x0bDEBUG z\x1b[31m"


@pytest.mark.parametrize("kind", ["text", "json"])
def test_nothing_from_outside_begins_a_line(kind: str) -> None:
    """Neither by a line break nor by what a terminal takes for one."""
    stream = io.StringIO()
    handler = logs.configure(kind, "INFO", stream)
    try:
        logging.getLogger("ccexport.test").info("somebody asked for %s", FORGED)
    finally:
        logging.getLogger().removeHandler(handler)
    first, *others = stream.getvalue().splitlines()
    if kind == "json":
        assert (json.loads(first)["logger"], others) == ("ccexport.test", [])
    else:
        assert first.startswith("INFO ccexport.test: somebody asked for nothing")
        assert others and all(line.startswith("    ") for line in others)
