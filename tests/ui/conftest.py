"""Pages run by Streamlit's own AppTest against real services; only the cookie is handed in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.services.demo import ensure_demo
from ccexport.settings import load_settings
from ccexport.ui import cookies
from ccexport.ui.app_state import STARTED, hold

ROOT = Path(__file__).resolve().parents[2]
MAIN = ROOT / "ccexport" / "ui" / "main.py"
PASSWORD = "correct horse battery"
Opened = Callable[..., AppTest]


class Pages:
    """Opens pages as somebody, in some language."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._secrets: dict[str, str] = {}

    def secret(self, name: str) -> str:
        if name not in self._secrets:
            person = self.services.ledger.people.get(name)
            redeemed = self.services.people.redeem(self.services.people.ticket(person, {}))
            assert redeemed is not None
            self._secrets[name] = redeemed[0]
        return self._secrets[name]

    def open(self, path: str, name: str | None, *, language: str = "en", **query: str) -> AppTest:
        """The page after its first run. `name` None is somebody who is not signed in."""
        page = AppTest.from_file(str(MAIN), default_timeout=60)
        self.run(page, name, language)
        if name is None:
            return page
        page.switch_page(str(ROOT / "pages" / f"{path}.py"))
        for key, value in query.items():
            page.query_params[key] = value
        return self.run(page, name, language)

    def run(self, page: AppTest, name: str | None, language: str = "en") -> AppTest:
        values = {cookies.SESSION: self.secret(name) if name else None, cookies.LANGUAGE: language}
        with patch("ccexport.ui.cookies.cookie", values.get):
            return page.run()


def made(folder: Path) -> Services:
    services = Services(
        load_settings(data_dir=folder, sandbox="on", verify_grace=0, webhook_hosts="127.0.0.1")
    )
    hold(services)
    return services


@pytest.fixture(scope="session", autouse=True)
def packages_are_looked_through_once() -> Iterator[None]:
    """AppTest looks for components in every installed package, each time anew: most of the time of a test."""
    found = cache(manifest_scanner.scan_component_manifests)
    with patch.object(manifest_scanner, "scan_component_manifests", found):
        yield


@pytest.fixture(scope="session")
def demo_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The demo, with one run behind it. Read-only for tests."""
    services = made(tmp_path_factory.mktemp("demo"))
    ensure_demo(services)
    actor = Actor("contributor", Role.CONTRIBUTOR)
    services.runs.drive_here(services.runs.start(actor, "Newsletter").id)
    yield services
    services.close()


@pytest.fixture
def demo(demo_services: Services) -> Pages:
    hold(demo_services)
    return Pages(demo_services)


def with_people(folder: Path) -> Services:
    services = made(folder)
    root = Actor("setup", Role.ADMINISTRATOR)
    for role in Role:
        services.people.add(root, str(role), role=role, password=PASSWORD)
    return services


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Pages]:
    """Three people and nothing else; for tests that change something."""
    services = with_people(tmp_path)
    yield Pages(services)
    services.close()


@pytest.fixture(scope="session")
def untouched_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    services = with_people(tmp_path_factory.mktemp("untouched"))
    yield services
    services.close()


@pytest.fixture
def untouched(untouched_services: Services) -> Pages:
    """The same, for tests that only look."""
    hold(untouched_services)
    return Pages(untouched_services)


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Pages]:
    """Nobody can sign in yet."""
    services = made(tmp_path)
    yield Pages(services)
    services.close()


@pytest.fixture(autouse=True)
def let_go() -> Iterator[None]:
    yield
    STARTED.services = STARTED.settings = None
    STARTED.importing = STARTED.preparing = False
    STARTED.trouble = ""


def said(page: AppTest) -> str:
    """Everything a person reads on the page, as one text."""
    kinds = ("title", "header", "subheader", "markdown", "caption", "error", "warning", "info", "success")
    texts = [element.value for kind in kinds for element in getattr(page, kind)]
    texts += [f"{m.label} {m.value}" for m in page.metric] + [b.label for b in page.button]
    return "\n".join(str(text) for text in texts).replace("\\", "").replace("\u2060", "")


def now() -> datetime:
    return datetime.now(UTC)
