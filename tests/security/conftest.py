"""A real server over a demo that a test may spoil, and the same data directory from this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.services.demo import ensure_demo
from ccexport.settings import load_settings
from tests.browser.conftest import Server, let_it_go_on, start, stop, wait_until_healthy
from tests.security.wire import Wire

ROOT = Actor("cli:test", Role.ADMINISTRATOR)
CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The demo with one ended run, one that is queued, and a source."""
    folder = tmp_path_factory.mktemp("attacked")
    made = Services(load_settings(data_dir=folder / "data", sandbox="on", verify_grace=0))
    ensure_demo(made)
    made.runs.drive_here(made.runs.start(CONTRIBUTOR, "Newsletter").id)
    made.runs.start(CONTRIBUTOR, "Good customers")
    made.sources.save(ROOT, "crm", files=[str(write_source(folder))], key="customer_id")
    yield made
    made.close()


def write_source(folder: Path) -> Path:
    path = folder / "crm.csv"
    path.write_text("customer_id,email\n1,one@example.com\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def server(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The dashboard over the same data, without a worker: what is queued stays so."""
    folder = tmp_path_factory.mktemp("server")
    running = start(
        folder,
        CCEXPORT_DATA_DIR=str(services.settings.data_dir),
        CCEXPORT_WORKER="off",
        CCEXPORT_SANDBOX="on",
    )
    try:
        wait_until_healthy(running)
        with Wire(running.url) as wire:
            while "Starting." in wire.rerun().text:
                let_it_go_on(0.1)
        yield running
    finally:
        stop(running)
    assert "a page broke" not in running.log.read_text()


def session_of(services: Services, name: str) -> str:
    """A fresh session cookie of that person."""
    person = services.ledger.people.get(name)
    redeemed = services.people.redeem(services.people.ticket(person, {}))
    assert redeemed is not None
    return redeemed[0]
