"""A bar on a real terminal, none in a pipe; what scripts read is the same with both."""

import json
import os
import pty
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.cli.main import main
from tests.world import World, person, write_csv


class Terminal:
    """One side of a pseudo-terminal; what was drawn on it is read from the other."""

    def __init__(self) -> None:
        ours, theirs = pty.openpty()
        self.stream = os.fdopen(theirs, "w", buffering=1)
        self.drawn = b""
        self._ours = ours
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 4096)
            except OSError:  # the other side is closed
                return
            if not piece:
                return
            self.drawn += piece

    def closed(self) -> str:
        self.stream.close()
        self._reading.join(5)
        os.close(self._ours)
        return self.drawn.decode()


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(tmp_path)
    world.ready([person(n) for n in range(5)])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("CCEXPORT_CC_CLIENT_SECRET", "a-client-secret")
    monkeypatch.setenv("CCEXPORT_VERIFY_GRACE", "0")
    for name in ("data_dir", "cc_api_url", "cc_auth_url", "cc_client_id"):
        monkeypatch.setenv(f"CCEXPORT_{name.upper()}", str(getattr(world.settings, name)))
    yield world
    world.close()


RUN = ["exports", "run", "News", "--wait", "--json"]


def test_a_run_is_drawn_on_a_terminal_and_not_in_a_pipe(
    ready: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    with pytest.raises(SystemExit, match="0"):
        main(RUN)
    drawn = terminal.closed()
    monkeypatch.undo()
    on_terminal = json.loads(capsys.readouterr().out)
    assert on_terminal["state"] == "succeeded"
    assert "━" in drawn  # the bar
    assert "\x1b[" in drawn


def test_an_ingest_says_its_steps_on_a_terminal(
    ready: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = write_csv(ready.root / "more.csv", [person(n) for n in range(3000)])
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    with pytest.raises(SystemExit, match="0"):
        main(["profiles", "ingest", str(more), "--json"])
    drawn = terminal.closed()
    monkeypatch.undo()

    assert "Ingest" in drawn
    assert json.loads(capsys.readouterr().out)["profiles"] == 3000


def test_in_a_pipe_nothing_is_drawn(ready: World, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(RUN)
    said = capsys.readouterr()

    assert json.loads(said.out)["state"] == "succeeded"
    assert said.err == f"Run {json.loads(said.out)['run_id']} is queued.\n"
