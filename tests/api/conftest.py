"""The interface over HTTP on loopback, with a whole installation behind it and a token for each role."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from ccexport.api.limits import Limits
from ccexport.api.serving import api_routes
from ccexport.model.words import Role
from tests.browser.conftest import free_port, let_it_go_on
from tests.world import ADA, CARL, VERA, World, person


@dataclass(frozen=True)
class Door:
    """A running interface, the installation behind it, and a secret for each role."""

    url: str
    world: World
    secrets: Mapping[Role, str]

    def ask(self, role: Role, method: str, path: str, **how: object) -> httpx.Response:
        """One request with the token of that role."""
        headers = {"Authorization": f"Bearer {self.secrets[role]}"} | dict(how.pop("headers", {}))  # type: ignore[call-overload]
        with httpx.Client(trust_env=False, timeout=60) as web:
            return web.request(method, f"{self.url}{path}", headers=headers, **how)  # type: ignore[arg-type]


def serve(world: World, limits: Limits) -> Iterator[str]:
    """The routes on a free port, in a thread."""
    port = free_port()
    app = Starlette(routes=api_routes(lambda: world.services, limits=limits))
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="warning", lifespan="off", timeout_graceful_shutdown=5)
    )
    working = threading.Thread(target=server.run, daemon=True)
    working.start()
    while not server.started:
        let_it_go_on(0.02)
    yield f"http://127.0.0.1:{port}/api/v1"
    server.should_exit = True
    working.join(20)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Twenty people, an export, and nothing run yet."""
    world = World(tmp_path_factory.mktemp("door"))
    for actor in (ADA, CARL, VERA):
        world.services.people.add(
            ADA if actor is not ADA else actor, actor.name, role=actor.role, password="correct horse battery"
        )
    world.ready([person(n) for n in range(20)])
    made = {a.role: world.services.tokens.create(a, "test", role=a.role)[1] for a in (ADA, CARL, VERA)}
    serving = serve(world, Limits(at_once=1_000_000))
    yield Door(next(serving), world, made)
    next(serving, None)
    world.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that somebody uploads."""
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,email\n" + "".join(f"n{n},new{n}@example.com\n" for n in range(30)))
    return path
