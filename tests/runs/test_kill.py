"""kill -9, and a power cut, at every fault point; a restart; and the promises of docs/reliability.md.

The table there is made from what this test saw: `make reliability` writes it anew. Every death happens to a
copy of the same two stores, ours and the other side's, as they are right before the run: so each starts alike,
and nothing is made a hundred times.
"""

import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccexport.model.runs import Run
from ccexport.model.words import Mode, RunState
from ccexport.services import Services
from tests.conftest import ROOT
from tests.runs.killed import run_until_killed
from tests.world import CARL, World, brief, person

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- kill table -->", "<!-- end of kill table -->"
JOINERS, LEAVERS = 6, 2
GROUPS = 4  # so that the workers share them
CHANGING = ("rename", "add_batches", "change_batch", "contacts_json_import")
VANISHING = {"vanishing": "person0@*", "vanishing_takes": "request"}
LEAVING = [person(n) for n in range(JOINERS, JOINERS + LEAVERS)]
# Every death is a process of its own, forked from one that has imported everything and started nothing:
# a hundred interpreters that import it each would take longer than all the runs.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.runs.killed"])


@dataclass(frozen=True)
class Death:
    """What one kill led to."""

    point: str
    ended: str
    ambiguous: int
    cut: bool


@pytest.mark.slow
@pytest.mark.parametrize(
    "group", [pytest.param(n, marks=pytest.mark.xdist_group(f"kill-{n}")) for n in range(GROUPS)]
)
def test_after_an_end_at_any_point_a_restart_finishes_the_run(tmp_path: Path, group: int) -> None:
    world = World(tmp_path)
    try:
        prepared = Prepared(world)
        points = prepared.points()
        deaths = [prepared.death(n) for n in points if n % GROUPS == group]
        deaths += [prepared.death(n, cut=True) for n, risk in points.items() if risk and n % GROUPS == group]
    finally:
        world.close()

    assert len(points) > 60
    _compare_with_the_page(deaths)


@pytest.mark.slow
@pytest.mark.xdist_group("kill-halving")
def test_after_an_end_while_halving_a_restart_finishes_the_run(tmp_path: Path) -> None:
    world = World(tmp_path, config=VANISHING)
    try:
        lost = PreparedToHalve(world)
        points = lost.while_halving()
        deaths = [lost.death(n) for n in points]
        deaths += [lost.death(n, cut=True) for n, risk in points.items() if risk]
    finally:
        world.close()

    assert len(deaths) > 10
    _compare_with_the_page(deaths)


class Prepared:
    """An export that has run once, so that there is somebody to add, to update and to remove; kept to begin from."""

    runs_before, in_halves, ended = 1, False, "succeeded, all verified"

    def __init__(self, world: World) -> None:
        self._world = world
        self._prepare(world)
        world.services.close()
        self._there, self._saved = world.their_store, world.root / "saved.sqlite"
        _copy(self._there, self._saved)

    def _prepare(self, world: World) -> None:
        world.ready([person(n) for n in range(JOINERS - 1)] + LEAVING, mode=Mode.MIRROR)
        assert world.run().state is RunState.SUCCEEDED
        world.ingest([person(n, first_name="New") for n in range(JOINERS)], accept_changes=True)

    def points(self) -> dict[int, bool]:
        """The fault points of an unharmed run: whether a power cut there leaves something else than a kill."""
        return {n: risk for n, (_, risk) in enumerate(self._named(), start=1)}

    def _named(self) -> list[tuple[str, bool]]:
        store, names = self._begun(0, "whole")
        assert self._process(store, names, fatal=0, left=None) == 0
        lines = [line.split("\t") for line in names.read_text().splitlines()]
        return [(name, risk == "1") for name, risk in lines]

    def death(self, number: int, *, cut: bool = False) -> Death:
        """Die at the point of that number, restart, finish, and check every promise.

        `cut`: of our own files only what was flushed is there at the restart.
        """
        store, names = self._begun(number, "cut" if cut else "kill")
        left = store.with_name(f"{store.name}-left") if cut else None
        # The number of polls may differ from run to run; a run with fewer points ends unharmed.
        code = self._process(store, names, fatal=number, left=left)
        assert code in {-signal.SIGKILL, 0}
        died_at = names.read_text().splitlines()[-1].split("\t")[0]
        found = left if left and code else store
        services = Services(self._world.settings.model_copy(update={"data_dir": found}), sleep=brief)
        try:
            run = self._recovered(services)
            ambiguous = [b for b in services.runs.batches(CARL, run.id) if b.ambiguous]
        finally:
            services.close()
        self._promises(run, died_at)
        told = self._world.sandbox.admin("GET", "inspect/counters")
        assert (told["consent_violations"], told["internal_errors"]) == (0, 0), died_at
        return Death(died_at, self.ended, len(ambiguous), cut)

    def _recovered(self, services: Services) -> Run:
        """What a worker, or the next person, does after the restart."""
        runs = services.runs.list(CARL, export="News")
        begun = len(runs) > self.runs_before
        run = runs[0] if begun else services.runs.start(CARL, "News", in_halves=self.in_halves)
        return services.runs.drive_here(run.id)

    def _promises(self, run: Run, died_at: str) -> None:
        assert run.state is RunState.SUCCEEDED, (died_at, run.note)
        assert self._world.on_list() == {f"person{n}@example.com" for n in range(JOINERS)}, died_at
        _counts_add_up(run, died_at)
        assert (run.counts["sent"], run.counts["removed"]) == (JOINERS, LEAVERS), died_at

    def _begun(self, number: int, kind: str) -> tuple[Path, Path]:
        """Both stores as they were before the run; the data directory, and the file for the points' names."""
        _copy(self._saved, self._there)
        store = self._world.root / f"store-{kind}-{number}"
        shutil.copytree(self._world.root / "store", store)
        return store, self._world.root / f"names-{kind}-{number}"

    def _process(self, store: Path, names: Path, *, fatal: int, left: Path | None) -> int | None:
        """How the process ended; what it said is on standard error."""
        settings = json.loads(self._world.settings.model_dump_json())
        settings |= {"cc_client_secret": "a-client-secret", "secret_key": "", "data_dir": str(store)}
        told = (settings, "News", fatal, names, self.in_halves, left)
        process = processes.Process(target=run_until_killed, args=told)
        process.start()
        process.join(120)
        return process.exitcode


class PreparedToHalve(Prepared):
    """An export of which one contact makes Constant Contact lose the whole request in silence."""

    runs_before, in_halves, ended = 0, True, "succeeded but for the one found by halving"

    def _prepare(self, world: World) -> None:
        world.ready([person(n) for n in range(JOINERS)])

    def while_halving(self) -> dict[int, bool]:
        """The first point of each kind that changes something, since the first smaller request was made."""
        named = list(enumerate(self._named(), start=1))
        begun = next(n for n, (name, _) in named if "rename to halves/" in name)
        first = {name: (n, risk) for n, (name, risk) in reversed(named) if n >= begun}
        return {
            n: risk for name, (n, risk) in sorted(first.items()) if any(word in name for word in CHANGING)
        }

    def _promises(self, run: Run, died_at: str) -> None:
        assert run.state is RunState.SUCCEEDED_WITH_REJECTS, (died_at, run.note)
        assert self._world.on_list() == {f"person{n}@example.com" for n in range(1, JOINERS)}, died_at
        _counts_add_up(run, died_at)
        assert (run.counts["verified"], run.counts["rejected"]) == (JOINERS - 1, 1), died_at


def _copy(source: Path, target: Path) -> None:
    """One SQLite database over another, also one that is being served."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _counts_add_up(run: Run, name: str) -> None:
    counts = run.counts
    decided = counts["add"] + counts["update"] + counts["unchanged"] + counts["left_out"]
    found = counts["verified"] + counts["rejected"] + counts["missing"] + counts["unknown"]
    assert (counts["candidates"], counts["sent"]) == (decided, found), name


def _compare_with_the_page(deaths: list[Death]) -> None:
    """The page names every kind of point; WRITE_RELIABILITY=1, in one process, writes it."""
    kinds: dict[tuple[str, str], list[Death]] = {}
    seen.extend(deaths)
    for death in seen if os.environ.get("WRITE_RELIABILITY") else deaths:
        kinds.setdefault((death.point, death.ended), []).append(death)
    text = PAGE.read_text()
    if os.environ.get("WRITE_RELIABILITY"):
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(_table(kinds)) + f"\n{END}{tail}")
        return
    table = text.split(BEGIN)[1].split(END)[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| ")]
    written = {(row[1].strip(), row[4].strip()) for row in rows}
    # Which points there are depends a little on timing (how often is polled), so not every one must be there.
    assert len(set(kinds) & written) >= 0.8 * len(kinds), "run `make reliability` to write the table again"


def _table(kinds: dict[tuple[str, str], list[Death]]) -> list[str]:
    """A power cut that would leave just what a kill does is not done once more."""
    lines = [
        "| the end came | kills | power cuts | the restart ended | found ambiguous |",
        "|---|---|---|---|---|",
    ]
    for (kind, ended), of in sorted(kinds.items(), key=lambda pair: (pair[0][1] != Prepared.ended, pair[0])):
        cuts = sum(d.cut for d in of) or "the same"
        found = sum(d.ambiguous for d in of)
        lines.append(f"| {kind} | {sum(not d.cut for d in of)} | {cuts} | {ended} | {found} |")
    return lines


seen: list[Death] = []
