"""Two workers and the dashboard on one data directory, killed at random while people go on working.

`python -m benchmarks chaos [--minutes M] [--seed S] [--ledger postgresql://…]`. Exports run, are cancelled and run
again, profiles change, contacts unsubscribe; every few seconds one of the three processes dies by SIGKILL and is
started anew. At the end whoever is left finishes what is open, and every promise of docs/reliability.md is checked.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ccexport.errors import Conflict
from ccexport.model.runs import Run
from ccexport.model.words import BatchKind, Mode, RunState
from ccexport.services import Services
from tests.world import ADA, CARL, World, person

ROOT = Path(__file__).parents[1]
EXPORTS = 4
PEOPLE = 40
LIVES = (1.0, 25.0)  # an interpreter takes a second or two of it to start
OURS = {"contacts_json_import", "remove_list_memberships"}
WELL = {RunState.SUCCEEDED, RunState.CANCELLED}


def main(arguments: list[str]) -> None:
    """Print what was done and seen; exit with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--ledger", default="", help="an empty PostgreSQL database; SQLite without it")
    told = parser.parse_args(arguments)
    seed = told.seed if told.seed is not None else random.randrange(10**6)
    folder = Path(tempfile.mkdtemp(prefix="ccexport-chaos-"))
    seen = chaos(folder, seconds=told.minutes * 60, seed=seed, ledger=told.ledger)
    for name, value in seen.lines():
        print(f"{name:<52}{value:>26}")
    for broken in seen.broken:
        print(f"BROKEN: {broken}")
    if seen.broken:
        print(f"Everything is kept in {folder} to look at.")
    else:
        shutil.rmtree(folder)
    sys.exit(1 if seen.broken else 0)


@dataclass
class Seen:
    """What was done, what came of it, and every promise that did not hold."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    hands: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    ambiguous: int = 0
    taken_over: int = 0
    activities: int = 0
    sent_twice: int = 0
    seconds: float = 0
    broken: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Name and value, for a table."""
        yield "seed", str(self.seed)
        yield "seconds of killing", f"{self.seconds:.0f}"
        yield from ((f"kill -9 of {name}", str(n)) for name, n in sorted(self.kills.items()))
        yield from ((f"runs ended {state}", str(n)) for state, n in sorted(self.ended.items()))
        yield from ((f"runs seen in the hands of {name}", str(n)) for name, n in sorted(self.hands.items()))
        yield "runs that passed from one process to another", str(self.taken_over)
        yield "imports and removals at the other side", str(self.activities)
        yield "requests whose answer a kill took away", str(self.ambiguous)
        yield "… of which were sent a second time", str(self.sent_twice)
        yield "promises broken", str(len(self.broken))


class Process:
    """One of the three: started anew whenever it died."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
        self.name = name
        self._command, self._environment, self._log = command, environment, log
        self.start()

    def start(self) -> None:
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._command],
                cwd=ROOT,
                env=self._environment,
                stdout=out,
                stderr=out,
            )
        self.pid = self._process.pid

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def chaos(root: Path, *, seconds: float, seed: int, dashboard: bool = True, ledger: str = "") -> Seen:
    """Kill for that long, let the rest finish, and say what was seen."""
    world = World(
        root, config={"activity_overhead_seconds": 0.2, "visibility_seconds": 0.2}, ledger_url=ledger
    )
    world.services.close()
    world.services = Services(world.settings)  # with real waiting
    seen, dice = Seen(seed), random.Random(seed)
    processes: list[Process] = []
    try:
        town = Town(world, dice)
        processes += _processes(world, root, dashboard=dashboard)
        _killing(world, town, processes, seen, dice, seconds)
        for process in processes[1:]:
            process.kill()
        _finish(world, processes[0], seen)
        town.everybody_once_more()
        _finish(world, processes[0], seen)
        _promises(world, town, seen)
    finally:
        for process in processes:
            process.kill()
        world.close()
    return seen


class Town:
    """People and what they do: profiles change, exports run and are cancelled, somebody unsubscribes."""

    def __init__(self, world: World, dice: random.Random) -> None:
        self._world, self._dice = world, dice
        self._round, self.gone = 0, set[str]()
        world.ready(self._people(), mode=Mode.MIRROR)
        self.exports = {"News": world.list_name}
        for number in range(1, EXPORTS):
            world.services.connections.create_list(ADA, "Main", f"List-{number}")
            world.export(f"Export {number}", contact_list=f"List-{number}", mode=Mode.MIRROR)
            self.exports[f"Export {number}"] = f"List-{number}"
        guest = {"email": "guest@example.org", "lists": list(self.exports.values())}
        world.sandbox.admin("POST", "contacts", {"contacts": [guest]})

    def _people(self) -> list[dict[str, object]]:
        """Everybody has a new name each round, and two or three are not there."""
        return [person(n, first_name=self.name_of(n)) for n in range(PEOPLE) if n % 17 != self._round % 17]

    def name_of(self, number: int) -> str:
        return f"Name{number}-{self._round}"

    def expected(self) -> dict[str, str]:
        """Address → first name of everybody who should be on every list now."""
        there = {
            f"person{n}@example.com": self.name_of(n) for n in range(PEOPLE) if n % 17 != self._round % 17
        }
        return {address: name for address, name in there.items() if address not in self.gone}

    def live(self) -> None:
        """Something small happens."""
        what = self._dice.random()
        if what < 0.08:
            self._round += 1
            self._world.ingest(self._people(), accept_changes=True)
        elif what < 0.12 and len(self.gone) < PEOPLE // 4:
            address = f"person{self._dice.randrange(PEOPLE)}@example.com"
            if any(address in self._world.on_list(name) for name in self.exports.values()):
                self._world.sandbox.admin("POST", "contacts/unsubscribe", {"email": address})
                self.gone.add(address)
        elif what < 0.125:
            self._cancel()
        else:
            self._start(self._dice.choice(list(self.exports)))

    def _start(self, export: str) -> None:
        with contextlib.suppress(Conflict):  # it is running already
            self._world.services.runs.start(CARL, export)

    def _cancel(self) -> None:
        live = self._world.services.runs.list(CARL, live=True)
        with contextlib.suppress(Conflict):  # it ended meanwhile
            if live:
                self._world.services.runs.cancel(CARL, self._dice.choice(live).id)

    def everybody_once_more(self) -> None:
        """A last run of every export, from what is true in the end."""
        for export in self.exports:
            self._start(export)


def _processes(world: World, root: Path, *, dashboard: bool) -> list[Process]:
    settings = world.settings
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")} | {
        "CCEXPORT_DATA_DIR": str(settings.data_dir),
        "CCEXPORT_LEDGER_URL": settings.ledger_url,
        "CCEXPORT_CC_API_URL": str(settings.cc_api_url),
        "CCEXPORT_CC_AUTH_URL": str(settings.cc_auth_url),
        "CCEXPORT_CC_CLIENT_ID": "key",
        "CCEXPORT_CC_CLIENT_SECRET": "a-client-secret",
        "CCEXPORT_VERIFY_GRACE": "2",
    }
    commands = {f"worker {n}": ["ccexport", "worker"] for n in (1, 2)}
    if dashboard:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        commands["the dashboard"] = ["streamlit", "run", "app.py", f"--server.port={port}"]
    return [Process(name, c, environment, root / f"{name}.log") for name, c in commands.items()]


def _killing(
    world: World, town: Town, processes: list[Process], seen: Seen, dice: random.Random, seconds: float
) -> None:
    began = time.monotonic()
    dies = {p.name: began + dice.uniform(*LIVES) for p in processes}
    holders: dict[str, str] = {}
    # On a busy machine little happens in the time given: nobody learns from it before a run changed hands.
    while time.monotonic() - began < (seconds if seen.taken_over else 3 * seconds):
        town.live()
        for process in processes:
            if time.monotonic() >= dies[process.name]:
                process.kill()
                seen.kills[process.name] += 1
                process.start()
                dies[process.name] = time.monotonic() + dice.uniform(*LIVES)
        _look(world, processes, seen, holders)
        time.sleep(dice.uniform(0.05, 0.4))
    seen.seconds = time.monotonic() - began


def _look(world: World, processes: list[Process], seen: Seen, holders: dict[str, str]) -> None:
    """Who holds which run now; counted once for each time it changes hands."""
    names = {str(p.pid): p.name for p in processes}
    for run in world.services.ledger.runs.all(live=True):
        holder = world.services.ledger.leases.holder(f"run:{run.id}")
        pid = holder.split(":")[1] if holder else ""
        if pid in names and holders.get(run.id) != pid:
            seen.hands[names[pid]] += 1
            seen.taken_over += run.id in holders
            holders[run.id] = pid


def _finish(world: World, last: Process, seen: Seen) -> None:
    """The one that is left drives everything to its end."""
    end = time.monotonic() + 180
    while world.services.ledger.runs.all(live=True) and time.monotonic() < end:
        time.sleep(0.2)
    for run in world.services.ledger.runs.all(live=True):
        seen.broken.append(f"run {run.id} did not end: {run.state} {run.note}")


def _promises(world: World, town: Town, seen: Seen) -> None:
    runs = world.services.ledger.runs.all(limit=100_000)
    known: list[str] = []
    for run in runs:
        seen.ended[run.state] += 1
        if run.state not in WELL and not _only_the_unsubscribed(run, town):
            seen.broken.append(f"run {run.id} ended {run.state}: {run.note}")
        if not _adds_up(run):
            seen.broken.append(f"the counts of run {run.id} do not add up: {dict(run.counts)}")
        batches = world.services.ledger.runs.batches(run.id)
        seen.ambiguous += sum(b.ambiguous for b in batches)
        seen.sent_twice += sum("sent again" in str(b.note) for b in batches)
        known += [b.activity_id for b in batches if b.activity_id and b.kind in BatchKind]
    _nobody_twice(world, known, seen)
    for export, contact_list in town.exports.items():
        _everybody_is_there(world, town, export, contact_list, seen)
    told = world.sandbox.admin("GET", "inspect/counters")
    for name in ("consent_violations", "contact_delete_used", "internal_errors"):
        if told[name]:
            seen.broken.append(f"the other side counted {told[name]} {name}")


def _only_the_unsubscribed(run: Run, town: Town) -> bool:
    """Who unsubscribed between planning and sending is rejected, and rightly so."""
    others = run.counts.get("missing", 0) + run.counts.get("unknown", 0)
    rejected = run.counts.get("rejected", 0)
    return run.state is RunState.SUCCEEDED_WITH_REJECTS and not others and rejected <= len(town.gone)


def _adds_up(run: Run) -> bool:
    counts = run.counts
    if "candidates" not in counts or "sent" not in counts:
        return run.state is RunState.CANCELLED
    decided = counts["add"] + counts["update"] + counts["unchanged"] + counts["left_out"]
    found = counts["verified"] + counts["rejected"] + counts["missing"] + counts["unknown"]
    return (counts["candidates"], counts["sent"]) == (decided, found)


def _nobody_twice(world: World, known: list[str], seen: Seen) -> None:
    """No activity twice but ambiguous ones, and no activity of ours that the ledger does not know."""
    jobs = world.sandbox.admin("GET", "inspect/activities")["activities"]
    queued = {job["activity_id"] for job in jobs if job["kind"] in OURS}
    seen.activities = len(queued)
    if len(known) != len(set(known)):
        seen.broken.append("two requests took the same activity for theirs")
    if not set(known) <= queued:
        seen.broken.append("the ledger knows activities that were never queued")
    if len(queued) - len(known) > seen.sent_twice:
        seen.broken.append(f"{len(queued) - len(known)} activities more than requests say")


def _everybody_is_there(world: World, town: Town, export: str, contact_list: str, seen: Seen) -> None:
    found = world.sandbox.admin("GET", f"inspect/contacts?limit=1000&list={contact_list}")["contacts"]
    there = {c["email"]: c["fields"].get("first_name", "") for c in found}
    expected = town.expected() | {"guest@example.org": there.get("guest@example.org", "not there")}
    if set(there) != set(expected):
        lost, extra = len(set(expected) - set(there)), len(set(there) - set(expected))
        seen.broken.append(f"{export}: {lost} are not on the list, {extra} should not be on it")
    wrong = sum(there.get(address) != name for address, name in expected.items())
    if wrong:
        seen.broken.append(f"{export}: {wrong} contacts have other values than the profiles")


if __name__ == "__main__":
    main(sys.argv[1:])
