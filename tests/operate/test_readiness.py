"""An installation that cannot do its work says so, and why to who may know."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from ccexport.errors import StoreTrouble
from ccexport.services.readiness import troubles
from ccexport.ui.app_state import STARTED
from ccexport.ui.middleware import MIDDLEWARE
from ccexport.ui.routes import ROUTES
from tests.conftest import ROOT
from tests.loops import run_async
from tests.world import CARL, World, person

TOKEN = "a-token-of-some-length"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.ready([person(1)])
    yield made
    made.close()


def ledger_gone(world: World) -> None:
    for path in world.settings.data_dir.glob("ledger.sqlite*"):
        path.unlink()
    world.services.ledger.close()  # so that no open handle still reads the file that is gone


def ledger_damaged(world: World) -> None:
    world.services.ledger.close()
    for path in world.settings.data_dir.glob("ledger.sqlite-*"):
        path.unlink()
    (world.settings.data_dir / "ledger.sqlite").write_bytes(b"no database at all" * 1_000)


def older_ledger(world: World) -> None:
    with sqlite3.connect(world.settings.data_dir / "ledger.sqlite") as db:
        db.execute("UPDATE alembic_version SET version_num = '0001'")


def other_key(world: World) -> None:
    (world.settings.data_dir / "secret.key").write_text("another key of some length")
    world.reopened()


def run_without_a_worker(world: World) -> None:
    world.services.runs.start(CARL, "News")


def data_gone(world: World) -> None:
    shutil.rmtree(world.settings.data_dir)


BROKEN: list[tuple[Callable[[World], None], str]] = [
    (ledger_gone, "ledger"),
    (ledger_damaged, "ledger"),
    (older_ledger, "version 0001"),
    (other_key, "key"),
    (run_without_a_worker, "No worker"),
    (data_gone, "data directory"),
]


def test_a_whole_installation_is_ready(world: World) -> None:
    assert troubles(world.services.wiring) == []


@pytest.mark.parametrize(("break_it", "named"), BROKEN, ids=[b.__name__ for b, _ in BROKEN])
def test_what_is_broken_is_named(world: World, break_it: Callable[[World], None], named: str) -> None:
    break_it(world)

    assert any(named in sentence for sentence in troubles(world.services.wiring))


def asked(**headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        way = httpx.ASGITransport(app=Starlette(routes=ROUTES, middleware=MIDDLEWARE))
        async with httpx.AsyncClient(transport=way, base_url="http://127.0.0.1") as web:
            return await web.get("/readyz", headers=headers)

    return run_async(ask())


@pytest.mark.parametrize("content", ["", "short"])
def test_a_damaged_key_file_is_named_at_the_start(world: World, content: str) -> None:
    (world.settings.data_dir / "secret.key").write_text(content)

    with pytest.raises(StoreTrouble, match=r"secret\.key is empty or damaged"):
        world.reopened()


def test_the_reason_is_for_who_has_the_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = world.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    monkeypatch.setattr(STARTED, "services", world.services)
    monkeypatch.setattr(STARTED, "settings", settings)
    assert asked().status_code == 200

    older_ledger(world)
    stranger, monitor = asked(), asked(authorization=f"Bearer {TOKEN}")

    assert (stranger.status_code, monitor.status_code) == (503, 503)
    assert "why" not in stranger.json()
    assert "0001" in monitor.json()["why"][0]


def test_a_worker_can_be_probed(world: World) -> None:
    """1 while none is at work, 0 while one is."""
    environment = os.environ | {"CCEXPORT_DATA_DIR": str(world.settings.data_dir)}
    command = [sys.executable, "-m", "ccexport", "worker"]

    def probe() -> int:
        done = subprocess.run(
            [*command, "--check"], cwd=ROOT, env=environment, capture_output=True, check=False
        )
        return done.returncode

    assert probe() == 1
    working = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        assert working.stderr is not None
        working.stderr.readline()  # it says that it is working
        while not world.services.ledger.leases.held("worker:"):
            assert working.poll() is None
        assert probe() == 0
    finally:
        working.kill()
        working.wait()
