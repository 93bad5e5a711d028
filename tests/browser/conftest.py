"""A real server in a process of its own, and a real Chromium in front of it.

Nothing is replaced by a double here except Constant Contact, whose double is part of the product.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.settings import load_settings

CONTRIBUTOR = Actor("contributor", Role.CONTRIBUTOR)
ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "screenshots"
PATIENCE = 40_000  # ms; the machine may be busy with other suites
QUIET = "[data-testid=stApp][data-test-script-state=notRunning]"


@dataclass(frozen=True)
class Server:
    """One running dashboard."""

    url: str
    data_dir: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    def password(self, role: str) -> str:
        accounts = json.loads((self.data_dir / "demo.json").read_text("utf-8"))
        return str(next(a["password"] for a in accounts if a["role"] == role))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def start(folder: Path, **settings: str) -> Server:
    """A dashboard on a free port with its own data; answers when this returns."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")}
    ours = {"CCEXPORT_DATA_DIR": str(folder / "data"), "CCEXPORT_BASE_URL": url, "CCEXPORT_VERIFY_GRACE": "0"}
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"],
            cwd=ROOT,
            env=clean | ours | settings,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return Server(url, folder / "data", log, process)


def wait_until_healthy(server: Server, *, prepared: bool = True) -> dict[str, Any]:
    """What `/healthz` says once it says ok (and, unless told otherwise, the demo is there)."""
    end = time.monotonic() + 60
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/healthz", timeout=2) as answer:
                said: dict[str, Any] = json.load(answer)
            if not (prepared and said["preparing"]):
                return said
        except (urllib.error.URLError, OSError):
            pass
        let_it_go_on(0.1)
    raise AssertionError(f"the dashboard did not become healthy:\n{server.log.read_text()}")


def let_it_go_on(seconds: float) -> None:
    """Let the other process go on."""
    threading.Event().wait(seconds)


def stop(server: Server) -> None:
    server.process.terminate()
    server.process.wait(20)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo, as `make run` starts it."""
    if shutil.which("chromium") is None:
        pytest.skip("there is no chromium")
    running = start(tmp_path_factory.mktemp("dashboard"))
    try:
        wait_until_healthy(running)
        yield running
    finally:
        stop(running)
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="session")
def base_url(server: Server) -> str:
    return server.url


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium; as root it has no sandbox of its own."""
    found = {"executable_path": shutil.which("chromium"), "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
    return {**browser_type_launch_args, **found}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The same reader every time."""
    fixed = {
        "locale": "en-GB",
        "timezone_id": "Europe/Oslo",
        "reduced_motion": "reduce",
        "viewport": {"width": 1280, "height": 900},
    }
    return {**browser_context_args, **fixed}


@pytest.fixture(autouse=True)
def patience(page: Page) -> None:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)


def quiet(page: Page) -> None:
    """Wait until the script of the page has run."""
    page.wait_for_selector(QUIET)


def sign_in(page: Page, server: Server, role: str, path: str = "/") -> None:
    """Through the form, as a person does."""
    page.goto(server.url + path)
    page.get_by_role("textbox", name="Name").fill(role)
    page.get_by_role("textbox", name="Password").fill(server.password(role))
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".st-key-person_menu")).to_be_visible()
    quiet(page)


SignedIn = Callable[..., Page]


@pytest.fixture(scope="session")
def states(server: Server, browser: Browser, browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The cookies of each role, signed in once."""
    kept = {}
    for role in ("viewer", "contributor", "administrator"):
        context = browser.new_context(**browser_context_args)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        sign_in(page, server, role)
        kept[role] = context.storage_state()
        context.close()
    return kept


@pytest.fixture
def signed_in(
    server: Server, browser: Browser, browser_context_args: dict[str, Any], states: dict[str, Any]
) -> Iterator[SignedIn]:
    """A fresh browser that is already signed in."""
    opened: list[BrowserContext] = []

    def made(role: str, **more: Any) -> Page:
        context = browser.new_context(**{**browser_context_args, **more}, storage_state=states[role])
        opened.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield made
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def paths(server: Server) -> Iterator[dict[str, str]]:
    """A name for each page, and its address; with a run behind the demo."""
    services = Services(load_settings(data_dir=server.data_dir, base_url=server.url))
    newsletter = services.exports.get(CONTRIBUTOR, "Newsletter")
    if not services.runs.list(CONTRIBUTOR, export="Newsletter"):
        services.runs.drive_here(services.runs.start(CONTRIBUTOR, "Newsletter").id)
    run = services.runs.list(CONTRIBUTOR, export="Newsletter")[0]
    customers = services.exports.get(CONTRIBUTOR, "Good customers")
    yield {
        "overview": "/",
        "profiles": "/profiles",
        "profiles-field": "/profiles?view=fields&field=tier",
        "segments": "/segments",
        "segment": "/segments?segment=Good+customers",
        "segment-time": "/segments?segment=Good+customers&view=time",
        "segment-breakdown": "/segments?segment=Good+customers&view=breakdown",
        "segment-edit": "/segments?segment=Good+customers&show=edit",
        "exports": "/exports",
        "preview": f"/exports?export={customers.id}&show=preview",
        "export-new": "/exports?show=new",
        "export-settings": f"/exports?export={newsletter.id}&show=settings",
        "runs": "/runs",
        "run": f"/runs?run={run.id}",
        "run-story": f"/runs?run={run.id}&view=story",
        "connections": "/connections",
        "connect": "/connections?show=new",
        "people": "/people",
        "system": "/system",
        "run-compare": f"/runs?run={run.id}&view=compare",
        "system-refresh": "/system?view=refresh",
        "system-audit": "/system?view=audit",
    }
    services.close()
