"""The double as a child process: shared stores, kills, lifelines, addresses."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ccexport.sandbox.embedded import RunningSandbox, SandboxTrouble

ROOT = Path(__file__).parents[2]
BACK = "http://127.0.0.1:8501/oauth/callback"
QUICK = {"requests_per_second": 0, "token_requests_per_second": 0, "activity_start_seconds": 0.0}
QUICK |= {"activity_overhead_seconds": 0.0, "rows_per_second": 0.0, "visibility_seconds": 0.0}


def connected(sandbox: RunningSandbox) -> httpx.Client:
    asked = {"client_id": "demo", "redirect_uri": BACK, "response_type": "code", "state": "s"}
    scope = "contact_data offline_access"
    answer = httpx.get(f"{sandbox.auth_url}/authorize", params={**asked, "scope": scope})
    code = httpx.URL(answer.headers["location"]).params["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    told = httpx.post(f"{sandbox.auth_url}/token", data=form, auth=("demo", "demo-secret")).json()
    return httpx.Client(headers={"Authorization": f"Bearer {told['access_token']}"}, timeout=60)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with RunningSandbox(tmp_path / "s.sqlite", redirect_urls=[BACK], config=QUICK) as running:
        yield running


def test_it_starts_says_where_and_stops(tmp_path: Path) -> None:
    running = RunningSandbox(tmp_path / "s.sqlite")
    assert running.url.startswith("http://127.0.0.1:")
    assert running.admin("GET", "healthz")["ok"]
    running.stop()

    assert not running.alive


def test_a_kill_loses_nothing(sandbox: RunningSandbox, tmp_path: Path) -> None:
    with connected(sandbox) as web:
        list_id = web.get(f"{sandbox.api_url}/contact_lists").json()["lists"][3]["list_id"]
        sandbox.admin("PATCH", "config", {"background_engine": False})
        body = {"import_data": [{"email": f"p{n}@example.com"} for n in range(500)], "list_ids": [list_id]}
        answer = web.post(f"{sandbox.api_url}/activities/contacts_json_import", json=body)
        sandbox.kill()
        with RunningSandbox(tmp_path / "s.sqlite") as again:
            path = f"{again.api_url}/activities/{answer.json()['activity_id']}"
            done = web.get(path).json()

    assert (done["state"], done["status"]["person_count"]) == ("completed", 500)


def test_two_processes_serve_one_store(sandbox: RunningSandbox, tmp_path: Path) -> None:
    with RunningSandbox(tmp_path / "s.sqlite") as other, connected(sandbox) as web:
        list_id = web.get(f"{other.api_url}/contact_lists").json()["lists"][3]["list_id"]

        def send(running: RunningSandbox, first: int) -> None:
            for start in range(first, first + 2_000, 500):
                people = [{"email": f"p{n}@example.com"} for n in range(start, start + 500)]
                body = {"import_data": people, "list_ids": [list_id]}
                web.post(f"{running.api_url}/activities/contacts_json_import", json=body)

        threads = [threading.Thread(target=send, args=pair) for pair in ((sandbox, 0), (other, 1_000))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        told = [each.admin("GET", "inspect/counters") for each in (sandbox, other)]

    assert told[0] == told[1]
    assert (told[0]["activities"], told[0]["waiting_activities"], told[0]["internal_errors"]) == (8, 0, 0)
    assert told[0]["contacts"] == 240 + 3_000


def test_two_processes_share_the_rate_limit(sandbox: RunningSandbox, tmp_path: Path) -> None:
    with RunningSandbox(tmp_path / "s.sqlite") as other, connected(sandbox) as web:
        sandbox.admin("PATCH", "config", {"requests_per_second": 4})
        sandbox.admin("POST", "clock", {"freeze": True})
        codes = [web.get(f"{each.api_url}/contact_lists").status_code for each in (sandbox, other) * 3]

    assert codes == [200, 200, 200, 200, 429, 429]


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ccexport.sandbox.embedded import RunningSandbox\n"
        "running = RunningSandbox(Path(sys.argv[1])); print(running._child.pid, flush=True)\n"
        "import os; os._exit(1)"  # no tidying up: as in a crash
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s.sqlite")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    child = int(done.stdout)
    gone = threading.Event()
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            gone.set()
            break
        gone.wait(0.1)

    assert gone.is_set() or Path(f"/proc/{child}/stat").read_text().split()[2] == "Z"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::"])
def test_other_addresses_are_refused_in_one_sentence(tmp_path: Path, host: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ccexport.sandbox",
        "--store",
        str(tmp_path / "s.sqlite"),
        "--host",
        host,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)

    assert (done.returncode, done.stdout) == (2, "")
    assert "loopback" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "s.sqlite").exists()


@pytest.mark.parametrize("config", ['{"nothing": 1}', "{", '{"requests_per_second": "many"}', "[]"])
def test_a_wrong_configuration_is_refused(tmp_path: Path, config: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ccexport.sandbox",
        "--store",
        str(tmp_path / "s.sqlite"),
        "--config",
        config,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=ROOT)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(SandboxTrouble, match="nothing"):
        RunningSandbox(tmp_path / "s.sqlite", config={"nothing": 1})


def test_it_is_stopped_by_ctrl_c_and_names_a_port_in_use(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ccexport", "sandbox", "--json", "--data-dir", str(tmp_path), "--port"]
    where = {"cwd": ROOT, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    first = subprocess.Popen([*command, "0"], **where)  # type: ignore[call-overload]
    port = json.loads(first.stdout.readline())["listening"].rpartition(":")[2]
    second = subprocess.run([*command, port], capture_output=True, text=True, timeout=60, cwd=ROOT)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=60)

    assert (second.returncode, f"port {port} is in use" in second.stderr) == (1, True)
    assert (first.returncode, err) == (130, "")


def test_the_address_can_be_written_to_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ccexport.sandbox", "--store", str(tmp_path / "s.sqlite")]
    command += ["--announce", str(tmp_path / "where"), "--exit-with-parent"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)
    waiting = threading.Event()
    for _ in range(300):
        if (tmp_path / "where").exists():
            break
        waiting.wait(0.1)
    url = (tmp_path / "where").read_text().strip()

    assert httpx.get(f"{url}/__sandbox__/healthz").json()["ok"]
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(30) == 0
