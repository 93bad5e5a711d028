"""The curl lines of docs/api.md, as a stranger with a token types them, against the dashboard as it is started."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.settings import load_settings
from tests.browser.conftest import Server, start, stop, wait_until_healthy
from tests.cli.test_docs import commands, shell
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo with its worker; no browser is needed."""
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    running = start(tmp_path_factory.mktemp("dashboard"), CCEXPORT_SANDBOX="on")
    try:
        wait_until_healthy(running)
        yield running
    finally:
        stop(running)


def test_the_curl_lines_of_the_documentation_work(
    dashboard: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CCEXPORT_DATA_DIR", str(dashboard.data_dir))
    customers(tmp_path, dashboard)
    words = {"https://ccexport.example.com": dashboard.url}
    said: dict[str, str] = {}
    for command in commands(ROOT / "docs" / "api.md"):
        line = command
        for word, meant in words.items():
            line = line.replace(word, meant)
        answer = said[command] = shell(line, tmp_path)
        if command.endswith("/Newsletter/previews"):
            preview = json.loads(answer)
            words |= {"PLAN_ID": preview["plan_id"], "DIGEST": preview["digest"]}
        if command.endswith("/runs"):
            words["RUN_ID"] = json.loads(answer)["run_id"]
    ended = next(json.loads(text) for command, text in said.items() if "wait=60" in command)
    assert ended["state"] == "succeeded", ended
    outcomes = next(json.loads(text) for command, text in said.items() if "what=verified" in command)
    assert outcomes["items"]
    assert (tmp_path / "preview.parquet").stat().st_size > 0


def customers(folder: Path, dashboard: Server) -> None:
    """The profiles that are there, as somebody would upload them again."""
    services = Services(load_settings(data_dir=dashboard.data_dir, sandbox="on"))
    services.profiles.export(Actor("cli:test", Role.ADMINISTRATOR), folder / "customers.csv", form="csv")
    services.close()


def test_the_page_and_the_document_are_there_for_everybody(dashboard: Server) -> None:
    """They hold nothing of anybody."""
    assert "/runs/{run_id}" in httpx.get(f"{dashboard.url}/api/v1").text
    assert httpx.get(f"{dashboard.url}/api/v1/openapi.json").json()["openapi"] == "3.1.0"
    assert httpx.get(f"{dashboard.url}/api/v1/runs").status_code == 401
