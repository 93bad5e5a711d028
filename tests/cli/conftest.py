"""The command line as other people's scripts meet it: arguments in, an exit code and two streams out."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ccexport.cli.main import main
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


def commanded(arguments: tuple[str | Path, ...], settings: Mapping[str, str], stdin: str = "") -> Said:
    """One command in this process: a process of its own for each would take most of the time of these tests."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as here, redirect_stdout(out), redirect_stderr(err):
        here.setattr(sys, "stdin", io.StringIO(stdin))
        for key, value in settings.items():
            here.setenv(f"CCEXPORT_{key.upper()}", value)
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
    return Said(int(str(left.value.code)), out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """A command sets up the log of its process; here that is the log of all tests."""
    root, ours = logging.getLogger(), logging.getLogger("ccexport")
    before = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


@pytest.fixture
def ccexport(tmp_path: Path) -> Callable[..., Said]:
    """Runs `ccexport …` on a data directory of this test."""

    def run(*arguments: str | Path, stdin: str = "", **settings: str) -> Said:
        return commanded(arguments, {"data_dir": str(tmp_path / "store"), **settings}, stdin)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., Said]:
    """The same in a process of its own."""

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
