"""kill -9 at every fault point, a restart, and the promises of docs/reliability.md.

The table there is made from what this test saw: `make reliability` writes it anew.
"""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccexport.model.exports import Export
from ccexport.model.runs import Run
from ccexport.model.words import Mode, RunState
from tests.conftest import ROOT
from tests.world import ADA, CARL, World, person

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- kill table -->", "<!-- end of kill table -->"
JOINERS, LEAVERS = 6, 2


@dataclass(frozen=True)
class Death:
    """What one kill led to."""

    point: str
    state: str
    ambiguous: int


@pytest.mark.slow
def test_after_kill_9_at_every_point_a_restart_finishes_the_run(tmp_path: Path) -> None:
    world = World(tmp_path, config={"lists_per_contact": 10_000})
    try:
        world.ready([person(n) for n in range(JOINERS + LEAVERS)])
        names = _points(world)
        exports = [_prepared(world, number) for number in range(1, len(names) + 1)]
        world.ingest([person(n, first_name="New") for n in range(JOINERS)], accept_changes=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda n: _killed(world, n), range(1, len(names) + 1)))
        deaths = [_recovered(world, export) for export in exports]
        assert world.sandbox.admin("GET", "inspect/consent_violations")["consent_violations"] == []
    finally:
        world.close()

    assert len(deaths) > 60
    assert {death.state for death in deaths} == {"succeeded"}
    _compare_with_the_page(deaths)


def _list_of(number: int) -> str:
    return f"List-{number}"


def _prepared(world: World, number: int) -> Export:
    """An export to a list of its own that has run once, so that there is something to update and remove."""
    world.services.connections.create_list(ADA, "Main", _list_of(number))
    export = world.export(f"Export {number}", contact_list=_list_of(number), mode=Mode.MIRROR)
    first = world.run(export.name)
    assert first.state is RunState.SUCCEEDED, first.note
    return export


def _points(world: World) -> list[str]:
    """The names of the fault points of an unharmed run, in order."""
    _prepared(world, 0)
    world.ingest([person(n, first_name="New") for n in range(JOINERS)], accept_changes=True)
    done = _process(world, 0, fatal=0)
    assert done.returncode == 0, done.stderr
    names = (world.root / "names-0").read_text().splitlines()
    world.ingest([person(n) for n in range(JOINERS + LEAVERS)], accept_changes=True)
    return names


def _killed(world: World, number: int) -> None:
    done = _process(world, number, fatal=number)
    # The number of polls may differ from run to run; a run with fewer points ends unharmed.
    assert done.returncode in {-signal.SIGKILL, 0}, done.stderr


def _process(world: World, number: int, *, fatal: int) -> subprocess.CompletedProcess[str]:
    settings = json.loads(world.settings.model_dump_json())
    settings |= {"cc_client_secret": "a-client-secret", "secret_key": ""}
    told = {
        "settings": settings,
        "export": f"Export {number}",
        "fatal": fatal,
        "names": str(world.root / f"names-{number}"),
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.runs.killed", json.dumps(told)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _recovered(world: World, export: Export) -> Death:
    """Restart, finish, and check every promise."""
    name = (world.root / f"names-{export.name.split()[-1]}").read_text().splitlines()[-1]
    runs = world.services.runs.list(CARL, export=export.name)
    run = world.services.runs.drive_here(runs[0].id) if len(runs) > 1 else world.run(export.name)
    number = int(export.name.split()[-1])
    people = {f"person{n}@example.com" for n in range(JOINERS)}

    assert run.state is RunState.SUCCEEDED, (name, run.note)
    assert world.on_list(_list_of(number)) == people, name
    _counts_add_up(run, name)
    ambiguous = [b for b in world.services.runs.batches(CARL, run.id) if b.ambiguous]
    return Death(name, run.state, len(ambiguous))


def _counts_add_up(run: Run, name: str) -> None:
    counts = run.counts
    decided = counts["add"] + counts["update"] + counts["unchanged"] + counts["left_out"]
    found = counts["verified"] + counts["rejected"] + counts["missing"] + counts["unknown"]
    assert (counts["candidates"], counts["sent"]) == (decided, found), name
    assert (counts["sent"], counts["removed"]) == (JOINERS, LEAVERS), name


def _compare_with_the_page(deaths: list[Death]) -> None:
    """The page names every kind of point; `CCEXPORT`-free switch: WRITE_RELIABILITY=1 writes it."""
    kinds: dict[str, list[Death]] = {}
    for death in deaths:
        kinds.setdefault(death.point, []).append(death)
    lines = ["| killed | times | the restart ended | found ambiguous |", "|---|---|---|---|"]
    lines += [
        f"| {kind} | {len(of)} | succeeded, all verified | {sum(d.ambiguous for d in of)} |"
        for kind, of in sorted(kinds.items())
    ]
    text = PAGE.read_text()
    if os.environ.get("WRITE_RELIABILITY"):
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        PAGE.write_text(f"{head}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{tail}")
        return
    table = text.split(BEGIN)[1].split(END)[0]
    written = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")} - {
        "killed"
    }
    # Which points there are depends a little on timing (how often is polled), so not every one must be there.
    assert len(set(kinds) & written) >= 0.8 * len(kinds), "run `make reliability` to write the table anew"
