"""A back-up is made while everything runs, and is an installation again wherever it is restored."""

import contextlib
import json
import os
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import inspect

from ccexport.errors import BadInput, Conflict, NotPermitted, StoreTrouble
from ccexport.ledger.database import Database
from ccexport.model.words import RunState
from ccexport.services import Services
from ccexport.services.restoring import restore
from ccexport.settings import Settings
from tests.conftest import ROOT
from tests.world import ADA, CARL, World, person

PEOPLE = [person(n) for n in range(30)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "here")
    made.ready(PEOPLE)
    yield made
    made.close()


def elsewhere(world: World, root: Path, **changes: object) -> Settings:
    """The same application in another data directory."""
    return world.settings.model_copy(update={"data_dir": root, **changes})


@contextlib.contextmanager
def opened(world: World, settings: Settings) -> Iterator[Services]:
    services = Services(settings, clock=world.clock, sleep=world.sleep)
    try:
        yield services
    finally:
        services.close()


def test_a_restored_installation_knows_what_was_sent(world: World, tmp_path: Path) -> None:
    done = world.run()
    world.services.backups.back_up(ADA, tmp_path / "backup", with_key=True)
    settings = elsewhere(world, tmp_path / "there")
    restore(tmp_path / "backup", settings)

    with opened(world, settings) as restored:
        (run,) = restored.runs.list(ADA)
        assert (run.id, run.state, run.counts["verified"]) == (done.id, RunState.SUCCEEDED, 30)
        assert restored.runs.contacts(ADA, done.id)
        assert restored.previews.preview(CARL, "News").verdicts["unchanged"] == 30


@pytest.mark.parametrize("tar", [False, True])
def test_a_back_up_in_the_middle_of_a_run_goes_on_in_the_other_kind_of_ledger(
    world: World, tmp_path: Path, postgres: str, tar: bool
) -> None:
    """Half of the way is in the back-up; the restored installation ends it, and nobody is lost or doubled."""
    import psycopg

    world.fault("drop_before", path="*/contacts_json_import", times=0)  # nothing gets through while it lives
    started = world.services.runs.start(CARL, "News")
    half_way = driven_until_sending(world, started.id)
    to = tmp_path / ("backup.tar" if tar else "backup")
    world.services.backups.back_up(ADA, to, with_key=True)
    name = f"restored_{os.getpid()}_{int(tar)}"
    with contextlib.closing(psycopg.connect(f"{postgres}/postgres", autocommit=True)) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    settings = elsewhere(world, tmp_path / "there", ledger_url=f"{postgres}/{name}")
    restore(to, settings)
    world.sandbox.admin("DELETE", "faults")

    assert half_way is RunState.SENDING
    with opened(world, settings) as restored:
        ended = restored.runs.drive_here(started.id)
        assert (ended.state, ended.counts["verified"]) == (RunState.SUCCEEDED, 30)
    assert len(world.on_list()) == 30


def driven_until_sending(world: World, run_id: str) -> RunState:
    """Driven by a worker in a process of its own, which dies while it sends."""
    settings = world.settings.model_dump() | {
        "cc_client_secret": "a-client-secret",
        "metrics_token": "",
        "smtp_url": "",
        "oidc_client_secret": "",
    }
    environment = {f"CCEXPORT_{k.upper()}": str(v) for k, v in settings.items() if v and k != "secret_key"}
    command = [sys.executable, "-m", "ccexport", "worker"]
    worker = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stderr=subprocess.DEVNULL)
    runs = world.services.ledger.runs
    try:
        for _ in range(1_200):
            if runs.get(run_id).state is RunState.SENDING or worker.poll() is not None:
                break
            threading.Event().wait(0.05)
    finally:
        worker.kill()
        worker.wait()
    return runs.get(run_id).state


def test_what_is_unchanged_is_not_copied_again(world: World, tmp_path: Path) -> None:
    first = world.services.backups.back_up(ADA, tmp_path / "backup")
    world.run()
    second = world.services.backups.back_up(ADA, tmp_path / "backup")

    assert first.reused == 0
    assert second.reused >= len([f for f in first.files if f.path.endswith(".duckdb")]) > 0
    assert {f.path for f in second.files} > {f.path for f in first.files}


def test_the_key_stays_apart_unless_asked_for(world: World, tmp_path: Path) -> None:
    world.services.backups.back_up(ADA, tmp_path / "without")
    world.services.backups.back_up(ADA, tmp_path / "with", with_key=True)

    assert not (tmp_path / "without" / "files" / "secret.key").exists()
    assert (tmp_path / "with" / "files" / "secret.key").exists()


def test_damage_is_named_and_nothing_is_restored(world: World, tmp_path: Path) -> None:
    made = world.services.backups.back_up(ADA, tmp_path / "backup")
    damaged = next(f for f in made.files if f.path.endswith(".duckdb"))
    path = tmp_path / "backup" / "files" / damaged.path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()  # a link of the living file: that one must stay whole
    path.write_bytes(content)

    with pytest.raises(StoreTrouble, match=damaged.path.replace(".", r"\.")):
        restore(tmp_path / "backup", elsewhere(world, tmp_path / "there"))
    assert list((tmp_path / "there").iterdir()) == []


def test_a_restore_that_fails_leaves_the_place_empty(world: World, tmp_path: Path) -> None:
    world.services.backups.back_up(ADA, tmp_path / "backup")
    full = elsewhere(world, tmp_path / "there", ledger_url=world.settings.ledger_address)

    with pytest.raises(Conflict):  # a ledger with rows in it
        restore(tmp_path / "backup", full)
    assert list((tmp_path / "there").iterdir()) == []


def test_a_place_with_something_in_it_is_refused(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")

    with pytest.raises(BadInput, match=r"letter\.txt"):
        world.services.backups.back_up(ADA, other)
    with pytest.raises(BadInput, match="inside the data directory"):
        world.services.backups.back_up(ADA, world.settings.data_dir / "backup")
    world.services.backups.back_up(ADA, tmp_path / "backup")
    with pytest.raises(Conflict, match="not empty"):
        restore(tmp_path / "backup", elsewhere(world, other))
    assert (other / "letter.txt").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test_what_is_no_back_up_is_refused(world: World, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file.tar").write_bytes(content)

    with pytest.raises(BadInput, match="no back-up"):
        restore(tmp_path / "file.tar", elsewhere(world, tmp_path / "there"))


def test_an_older_ledgers_back_up_is_brought_up_to_date(world: World, tmp_path: Path) -> None:
    """Its rows go into tables as they were then, and the migrations do the rest."""
    done = world.run()
    world.services.backups.back_up(ADA, tmp_path / "backup", with_key=True)
    as_of(tmp_path / "backup", "0001", tmp_path)
    settings = elsewhere(world, tmp_path / "there")
    restore(tmp_path / "backup", settings)

    with opened(world, settings) as restored:
        assert restored.runs.list(ADA)[0].id == done.id


def as_of(backup: Path, version: str, scratch: Path) -> None:
    """Turn a back-up into what a program of that version would have written."""
    old = Database(f"sqlite:///{scratch / 'old.sqlite'}")
    old.upgrade_to(version)
    tables = {
        name: {c["name"] for c in inspect(old.engine).get_columns(name)}
        for name in inspect(old.engine).get_table_names()
    }
    old.close()
    for path in (backup / "ledger").glob("*.parquet"):
        if path.stem in tables:
            kept = pq.read_table(path)
            pq.write_table(kept.select([c for c in kept.column_names if c in tables[path.stem]]), path)
        else:
            path.unlink()
    manifest = json.loads((backup / "manifest.json").read_text())
    rows = {name: n for name, n in manifest["rows"].items() if name in tables}
    (backup / "manifest.json").write_text(json.dumps(manifest | {"ledger_version": version, "rows": rows}))


def test_the_back_up_of_a_newer_program_is_refused(world: World, tmp_path: Path) -> None:
    world.services.backups.back_up(ADA, tmp_path / "backup")
    newer = json.loads((tmp_path / "backup" / "manifest.json").read_text()) | {"ledger_version": "9999"}
    (tmp_path / "backup" / "manifest.json").write_text(json.dumps(newer))

    with pytest.raises(StoreTrouble, match="newer than this program"):
        restore(tmp_path / "backup", elsewhere(world, tmp_path / "there"))
    assert list((tmp_path / "there").iterdir()) == []


def test_only_administrators_back_up(world: World, tmp_path: Path) -> None:
    with pytest.raises(NotPermitted):
        world.services.backups.back_up(CARL, tmp_path / "backup")


def test_a_tar_file_is_whole_and_for_its_owner_only(world: World, tmp_path: Path) -> None:
    to = tmp_path / "backup.tar"
    world.services.backups.back_up(ADA, to)

    assert to.stat().st_mode & 0o077 == 0
    with tarfile.open(to) as archive:
        assert "./manifest.json" in archive.getnames()
    with pytest.raises(BadInput, match="already"):
        world.services.backups.back_up(ADA, to)
