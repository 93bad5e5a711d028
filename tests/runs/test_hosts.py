"""Several hosts on one PostgreSQL: whatever happens to one of them, the run ends well and once.

Real workers in processes of their own, with leases of four seconds instead of thirty.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from ccexport.ledger.tables import leases
from ccexport.model.runs import Run
from ccexport.model.words import RunState
from tests.conftest import ROOT
from tests.world import CARL, World, person

PEOPLE = 5
OURS = "contacts_json_import"


class Hosts:
    """Workers on the ledger and data directory of a world."""

    def __init__(self, world: World, root: Path) -> None:
        self._world = world
        self._root = root
        self._all: list[subprocess.Popen[bytes]] = []

    def start(self, *, ledger: str = "", ahead: float = 0, inside: tuple[str, ...] = ()) -> Any:
        """One more worker; `inside` is a command that starts it somewhere else."""
        settings = self._world.settings
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")} | {
            "CCEXPORT_DATA_DIR": str(settings.data_dir),
            "CCEXPORT_LEDGER_URL": ledger or settings.ledger_url,
            "CCEXPORT_CC_API_URL": str(settings.cc_api_url),
            "CCEXPORT_CC_AUTH_URL": str(settings.cc_auth_url),
            "CCEXPORT_CC_CLIENT_ID": "key",
            "CCEXPORT_CC_CLIENT_SECRET": "a-client-secret",
            "CCEXPORT_VERIFY_GRACE": "0",
            "CCEXPORT_LOG_LEVEL": "INFO",
        }
        with (self._root / f"host-{len(self._all)}.log").open("wb") as log:
            started = subprocess.Popen(
                [*inside, sys.executable, "-m", "tests.runs.host", str(ahead)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._all.append(started)
        return started

    def log(self, number: int) -> str:
        return (self._root / f"host-{number}.log").read_text()

    def end(self) -> None:
        for one in self._all:
            with suppress(ProcessLookupError):
                one.send_signal(signal.SIGCONT)
                one.kill()
            one.wait()


class Wire:
    """A way to the server that can be cut: nothing passes, and later every connection breaks."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._passing = threading.Event()
        self._passing.set()
        self._open: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._door.accept()
                there = socket.create_connection(self._target)
                self._open += [here, there]
                for ends in ((here, there), (there, here)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65_536):
                self._passing.wait()
                sink.sendall(piece)

    def cut(self) -> None:
        self._passing.clear()

    def mend(self) -> None:
        """What was open is broken; new connections pass."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._passing.set()

    def close(self) -> None:
        self._door.close()
        self.mend()


@pytest.fixture
def shared(tmp_path: Path, empty_database: str) -> Iterator[World]:
    made = World(tmp_path, ledger_url=empty_database)
    made.ready([person(n) for n in range(PEOPLE)])
    yield made
    made.close()


@pytest.fixture
def hosts(shared: World, tmp_path: Path) -> Iterator[Hosts]:
    made = Hosts(shared, tmp_path)
    yield made
    made.end()


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for it; a minute is for ever."""
    for _ in range(1200):
        if true():
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"not seen within a minute: {what}")


def number(world: World, run: Run) -> int:
    """How many holders the run's lease has had."""
    with world.services.ledger._database.read() as connection:
        query = select(leases.c.number).where(leases.c.name == f"run:{run.id}")
        return connection.execute(query).scalar() or 0


def state(world: World, run: Run) -> RunState:
    return world.services.ledger.runs.get(run.id).state


def slow(world: World) -> None:
    """Constant Contact works on every job until `quick`."""
    world.sandbox.admin("PATCH", "config", {"activity_overhead_seconds": 600})


def quick(world: World) -> None:
    world.sandbox.admin("PATCH", "config", {"activity_overhead_seconds": 0})
    world.sandbox.admin("POST", "clock", {"advance": 700})


def ends_well(world: World, run: Run) -> None:
    until(lambda: state(world, run).ended, "the end of the run")
    ended = world.services.ledger.runs.get(run.id)
    story = [str(event.text) for event in world.services.ledger.runs.events(run.id)]
    jobs = world.sandbox.admin("GET", "inspect/activities")["activities"]
    assert (ended.state, ended.counts["verified"]) == (RunState.SUCCEEDED, PEOPLE), story
    assert sum(job["kind"] == OURS for job in jobs) == 1
    assert not any("cannot become" in text for text in story)
    assert len(world.on_list()) == PEOPLE


@pytest.mark.parametrize("at", [RunState.PLANNING, RunState.SETTLING])
def test_a_worker_that_was_stopped_harms_nothing_when_it_comes_back(
    shared: World, hosts: Hosts, at: RunState
) -> None:
    if at is RunState.PLANNING:
        slow(shared)
    run = shared.services.runs.start(CARL, "News")
    if at is RunState.SETTLING:  # reading the list is quick, importing is not
        shared.sandbox.admin("PATCH", "config", {"rows_per_second": 0.01})
    stopped = hosts.start()
    until(lambda: state(shared, run) is at, f"the run is {at}")
    stopped.send_signal(signal.SIGSTOP)
    hosts.start()
    until(lambda: number(shared, run) == 2, "another host has the run")
    stopped.send_signal(signal.SIGCONT)
    until(lambda: "is handed over" in hosts.log(0), "the first lets go")
    shared.sandbox.admin("PATCH", "config", {"rows_per_second": 0})
    quick(shared)

    ends_well(shared, run)


def test_a_worker_cut_off_from_the_ledger_harms_nothing_when_it_is_back(shared: World, hosts: Hosts) -> None:
    url = make_url(shared.settings.ledger_url)
    with closing(Wire((url.host or "", url.port or 0))) as wire:
        slow(shared)
        run = shared.services.runs.start(CARL, "News")
        hosts.start(ledger=str(url.set(port=wire.port).render_as_string(hide_password=False)))
        until(lambda: state(shared, run) is RunState.PLANNING, "the run is being planned")
        wire.cut()
        hosts.start()
        until(lambda: number(shared, run) == 2, "another host has the run")
        wire.mend()
        until(lambda: "handed over" in hosts.log(0) or "stopped" in hosts.log(0), "the first lets go")
        quick(shared)

        ends_well(shared, run)


def test_two_containers_of_one_name_do_not_take_each_other_for_dead(shared: World, hosts: Hosts) -> None:
    apart = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False).returncode:
        pytest.skip("process namespaces cannot be made here")
    slow(shared)
    run = shared.services.runs.start(CARL, "News")
    for _ in range(2):
        hosts.start(inside=apart)
    until(lambda: state(shared, run) is RunState.PLANNING, "the run is being planned")
    until(lambda: all("Working" in hosts.log(n) for n in range(2)), "both are there")
    for _ in range(40):  # both look for runs every half second
        threading.Event().wait(0.1)
        assert number(shared, run) == 1
    quick(shared)

    ends_well(shared, run)
    assert number(shared, run) == 1


def test_a_host_whose_clock_is_ahead_takes_nobodys_run(shared: World, hosts: Hosts) -> None:
    slow(shared)
    run = shared.services.runs.start(CARL, "News")
    hosts.start()
    until(lambda: state(shared, run) is RunState.PLANNING, "the run is being planned")
    hosts.start(ahead=31)
    until(lambda: len(shared.services.ledger.leases.held("worker:")) == 1, "a worker says that it is there")
    for _ in range(40):
        threading.Event().wait(0.1)
        assert number(shared, run) == 1
    quick(shared)

    ends_well(shared, run)
