"""One installation with two connections, lists and segments; each test makes an export of its own."""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from ccexport.model.exports import Export
from tests.cli.conftest import Said, commanded
from tests.world import ADA, World, person

NUMBERS = count(1)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("settings"))
    world.ready([person(n) for n in range(3)])
    world.connect("Other")
    services = world.services
    services.connections.create_list(ADA, "Main", "Events")
    services.segments.create(ADA, "Norway", rule={"field": "country", "op": "is", "value": "Norway"})
    services.accounts().account(services.ledger.connections.named("Main").id).create_custom_field(
        "Tier", "string"
    )
    world.export("First")
    yield world
    world.close()


@pytest.fixture
def export(installation: World) -> Iterator[Export]:
    made = installation.export(f"Export {next(NUMBERS)}", fields=[])
    yield made
    installation.services.exports.remove(ADA, made.id)


@pytest.fixture
def ccexport(installation: World) -> Callable[..., Said]:
    """Runs `ccexport …` on that installation."""
    given = installation.settings
    settings: Mapping[str, Any] = {
        "data_dir": str(given.data_dir),
        "cc_api_url": given.cc_api_url,
        "cc_auth_url": given.cc_auth_url,
        "cc_client_id": "key",
        "cc_client_secret": "a-client-secret",
    }

    def run(*arguments: str, stdin: str = "") -> Said:
        return commanded(arguments, settings, stdin)

    return run
