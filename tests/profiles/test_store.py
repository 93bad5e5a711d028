"""Snapshots: immutable, found again, never half there."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import ccexport
from ccexport.errors import NotFound, StoreTrouble
from ccexport.model.profiles import IngestReport
from ccexport.profiles.address_cells import addresses_in_cell
from ccexport.profiles.sample import write_profiles
from ccexport.profiles.store import ProfileStore

ROOT = Path(ccexport.__file__).parents[1]


def _people(tmp_path: Path, count: int, name: str = "people.csv") -> Path:
    path = tmp_path / name
    path.write_text("id,email\n" + "".join(f"{n},p{n}@example.com\n" for n in range(count)), encoding="utf-8")
    return path


def test_snapshots_are_listed_and_opened_by_id(store: ProfileStore, tmp_path: Path) -> None:
    """Old ones stay readable while a new one is current."""
    first = store.ingest([_people(tmp_path, 2)]).snapshot
    second = store.ingest([_people(tmp_path, 3)]).snapshot
    assert store.current() == second
    assert {s.id for s in store.snapshots()} == {first.id, second.id}
    assert store.snapshot(first.id) == first
    with store.open(first) as db, store.open(second) as other:
        assert (db.row("SELECT count(*) FROM s.profiles"), other.row("SELECT count(*) FROM s.profiles")) == (
            (2,),
            (3,),
        )


@pytest.mark.parametrize("name", ["nope", "../nope", "", ".."])
def test_an_unknown_snapshot_is_not_found(store: ProfileStore, name: str) -> None:
    """An id never becomes a path outside the store."""
    with pytest.raises(NotFound):
        store.snapshot(name)


def test_a_failed_ingest_leaves_everything_as_it_was(store: ProfileStore, tmp_path: Path) -> None:
    """No litter, and the same current snapshot."""
    store.ingest([_people(tmp_path, 2)])
    before = sorted(p.name for p in store.folder.iterdir())
    bad = tmp_path / "bad.csv"
    bad.write_text("id,name\n1\n2\n3\n4,x\n", encoding="utf-8")
    with pytest.raises(ccexport.errors.BadInput):
        store.ingest([bad])
    assert sorted(p.name for p in store.folder.iterdir()) == before
    assert list(store.temp_dir.iterdir()) == []


def test_two_ingests_at_once_are_safe(tmp_path: Path) -> None:
    """Each becomes a snapshot of its own; one of them is current."""
    store = ProfileStore(tmp_path / "s", memory_limit="256MB", clock=lambda: datetime.now(UTC))
    done: list[IngestReport] = []
    files = [_people(tmp_path, 100, f"{n}.csv") for n in range(4)]
    threads = [threading.Thread(target=lambda f=f: done.append(store.ingest([f]))) for f in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({r.snapshot.id for r in done}) == 4
    assert len(store.snapshots()) == 4
    assert store.current() in store.snapshots()


def test_a_killed_ingest_leaves_nothing_behind(tmp_path: Path) -> None:
    """kill -9 in the middle: the current snapshot stays and the next start wipes what was spilled."""
    store = ProfileStore(tmp_path / "s", memory_limit="256MB", clock=lambda: datetime.now(UTC))
    old = store.ingest([_people(tmp_path, 10)]).snapshot
    big = tmp_path / "big.csv"
    write_profiles(big, 60_000)
    program = f"""
from datetime import datetime, UTC
from pathlib import Path
from ccexport.profiles.store import ProfileStore
store = ProfileStore(Path({str(tmp_path / "s")!r}), memory_limit="256MB", clock=lambda: datetime.now(UTC))
store.ingest([Path({str(big)!r})], accept_changes=True, progress=lambda share: print(share, flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    assert store.current() == old
    assert len(list((tmp_path / "s" / "tmp").iterdir())) == 1
    again = tmp_path / "again.py"
    again.write_text(
        program.replace(str(big), str(_people(tmp_path, 20))).replace(", accept_changes=True", "")
    )
    subprocess.run(
        [sys.executable, str(again)], check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert list((tmp_path / "s" / "tmp").iterdir()) == []


def test_a_damaged_description_is_an_operators_matter(store: ProfileStore, tmp_path: Path) -> None:
    """It names the file."""
    snapshot = store.ingest([_people(tmp_path, 2)]).snapshot
    (store.folder / f"{snapshot.id}.json").write_text("{", encoding="utf-8")
    with pytest.raises(StoreTrouble, match=rf"{snapshot.id}\.json"):
        store.current()


def test_sample_profiles_are_the_same_for_the_same_seed(store: ProfileStore, tmp_path: Path) -> None:
    """The demo and the benchmarks rely on it; every row becomes a profile."""
    one, two, other = tmp_path / "1.csv", tmp_path / "2.csv", tmp_path / "3.csv"
    write_profiles(one, 3000, 7)
    write_profiles(two, 3000, 7)
    write_profiles(other, 3000, 8)
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()
    report = store.ingest([one])
    assert (report.rows_read, report.reasons) == (3000, {})
    snapshot = report.snapshot
    assert (snapshot.id_field, snapshot.address_fields, snapshot.updated_field) == (
        "customer_id",
        ("email",),
        "updated_at",
    )
    with store.open(snapshot) as db:
        codes = dict(db.rows('SELECT "email#code", count(*) FROM s.profiles GROUP BY 1'))
        assert set(codes) == {0, 1, 2, 3, 4}
        assert db.row('SELECT count(*) > 50 FROM s.profiles WHERE "email#shared"') == (True,)
        kept = db.rows('SELECT DISTINCT email FROM s.profiles WHERE "email#code" IN (0, 3, 4)')
        addresses = {a for (cell,) in kept for a in addresses_in_cell(cell) or (cell.strip().lower(),)}
        assert [a for a in addresses if not re.search(r"[@.]example\.(com|org|net)$", a)] == []
