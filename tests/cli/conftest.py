"""The command line as other people's scripts meet it: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def ccexport(tmp_path: Path) -> Callable[..., Said]:
    """Runs `python -m ccexport …` on a data directory of this test."""

    def run(*arguments: str | Path, stdin: str = "", **settings: str) -> Said:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")}
        environment |= {"CCEXPORT_DATA_DIR": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
        environment |= {f"CCEXPORT_{key.upper()}": value for key, value in settings.items()}
        done = subprocess.run(
            [sys.executable, "-m", "ccexport", *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run
