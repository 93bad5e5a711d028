"""Nothing is named that a power cut could take back: every file is on disk before its name, and before its row."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ccexport.files import published, published_folder, recover_folder, wipe_parts
from ccexport.ledger.database import Database
from ccexport.model.words import Mode, RunState
from tests.conftest import ROOT
from tests.disk import Disk
from tests.world import ADA, World, person

FAULT = {"vanishing": "person0@*", "vanishing_takes": "request"}


@contextmanager
def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Every rename is checked, and at every write of the ledger everything has to be on disk."""
    original: Callable[..., Any] = Database.write
    with Disk(world.settings.data_dir) as disk:

        @contextmanager
        def write(database: Database) -> Iterator[Any]:
            assert disk.not_flushed() == []
            with original(database) as connection:
                yield connection

        monkeypatch.setattr(Database, "write", write)
        yield disk
        assert disk.not_flushed() == []


def test_a_run_an_ingest_and_an_erasure_flush_all_they_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ready([person(n) for n in range(6)], mode=Mode.MIRROR)
    world.services.system.suppress(ADA, ["person5@example.com"])

    with watched(world, monkeypatch) as disk:
        assert world.run().state is RunState.SUCCEEDED
        world.ingest([person(n, first_name="New") for n in range(1, 6)])
        assert world.run().counts["removed"] == 1
        world.services.segments.create(ADA, "Friends", members=["c00001", "person2@example.com"])
        assert world.services.segments.count_rule(ADA, {"op": "sent_by_export", "value": "News"}) == 4
        world.services.maintenance.erase(ADA, "person2@example.com")
        left = world.root / "left"
        disk.leave(left)

    assert {p.name for p in (left / "deliveries").rglob("*.parquet")}
    assert (left / "profiles" / "current").read_text() == world.services.profile_store.current().id


def test_halving_flushes_all_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, config=FAULT)
    try:
        world.ready([person(n) for n in range(3)])
        with watched(world, monkeypatch):
            assert world.run(in_halves=True).counts["rejected"] == 1
    finally:
        world.close()


def test_a_first_start_flushes_all_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store").mkdir()
    with Disk(tmp_path / "store") as disk:
        world = World(tmp_path)
        try:
            world.ready([person(1)])
            assert disk.not_flushed() == []
        finally:
            world.close()


def test_the_ledger_waits_for_the_disk_at_every_commit(world: World) -> None:
    with world.services.ledger._database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_block_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file.txt"
    with published(path) as part:
        part.write_text("old")

    with pytest.raises(ZeroDivisionError), published(path) as part:
        part.write_text("half")
        raise ZeroDivisionError

    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_replaces_another_whole(tmp_path: Path) -> None:
    path = tmp_path / "plans" / "one"
    for text in ("first", "second"):
        with published_folder(path) as part:
            (part / f"{text}.txt").write_text(text)

    assert [p.name for p in path.iterdir()] == ["second.txt"]
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_was_not_replaced_to_the_end_is_recovered(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.mkdir()
    (path / "file").write_text("kept")
    path.rename(tmp_path / ".one.old")

    recover_folder(path)

    assert (path / "file").read_text() == "kept"


def test_what_a_killed_process_was_writing_is_wiped(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from ccexport.files import published\n"
        "with published(Path(sys.argv[1])) as part:\n    part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "deep" / "file.txt"
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=False)
    assert len(list(path.parent.iterdir())) == 1

    with published(tmp_path / "other.txt") as part:
        part.write_text("being written")
        wipe_parts(tmp_path)
        assert part.exists()

    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["other.txt"]


CALL = re.compile(r"(?P<name>\w+)\((?P<rest>.*)\) += 0")
NAMES = re.compile(r'"([^"]*)"')
OPEN = re.compile(r"^\d+<([^>]*)>")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not here")
def test_the_operating_system_is_asked_to_flush_before_every_rename(world: World, tmp_path: Path) -> None:
    """The same with nothing of ours in between: also what DuckDB and SQLite do below Python."""
    world.ready([person(n) for n in range(3)], mode=Mode.MIRROR)
    world.services.close()
    calls = tmp_path / "calls"
    settings = tmp_path / "settings.json"
    settings.write_text(world.settings.model_dump_json())
    code = (
        "import sys, json; from pathlib import Path; from ccexport.settings import Settings\n"
        "from ccexport.services import Services; from tests.world import CARL, brief\n"
        "told = json.loads(Path(sys.argv[1]).read_text()) | {'cc_client_secret': 'a-client-secret', 'secret_key': ''}\n"
        "services = Services(Settings(**told), sleep=brief)\n"
        "run = services.runs.drive_here(services.runs.start(CARL, 'News').id)\n"
        "services.close(); sys.exit(run.state != 'succeeded')"
    )
    traced = "fsync,fdatasync,rename,renameat,renameat2"
    given = ["strace", "-f", "-y", "-s", "300", "-o", str(calls), "-e", f"trace={traced}"]
    done = subprocess.run([*given, sys.executable, "-c", code, str(settings)], cwd=ROOT, capture_output=True)
    if "PTRACE" in done.stderr.decode():
        pytest.skip("this machine lets nobody trace a process")
    assert done.returncode == 0, done.stderr.decode()

    _every_rename_is_flushed(calls.read_text().splitlines(), str(world.settings.data_dir))


def _every_rename_is_flushed(lines: list[str], root: str) -> None:
    flushed: set[str] = set()
    renames, waiting = 0, set[str]()
    for line in _whole(lines):
        found = CALL.match(line)
        if found is None:
            continue
        if found["name"].endswith("sync"):
            path = OPEN.match(found["rest"])
            flushed.add(path[1] if path else "")
            waiting.discard(path[1] if path else "")
            continue
        old, new = NAMES.findall(found["rest"])
        if new.startswith(root) and ".ccexport-" not in new:
            assert old in flushed, line
            renames += 1
            waiting.add(str(Path(new).parent))
    assert renames >= 6
    assert waiting == set()
    assert any(path.endswith("ledger.sqlite-wal") for path in flushed)


def _whole(lines: list[str]) -> Iterator[str]:
    """The calls without their process; two of them may have been under way at once."""
    begun: dict[str, str] = {}
    for line in lines:
        process, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>").rstrip()
        elif call.startswith("<... "):
            yield begun.pop(process, "") + call.partition("resumed>")[2]
        else:
            yield call
