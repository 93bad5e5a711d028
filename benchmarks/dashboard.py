"""Times the dashboard: start to healthy, reruns of pages with 1,000 rows, and 50 people at once.

`python benchmarks/dashboard.py [--people N] [--seconds S]`. A real server in a process of its own, spoken to
over real websockets in Streamlit's own protocol. A rerun is timed from sending it to the last message of its
answer, so the numbers hold more than the server's own time.
"""

import argparse
import asyncio
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.services.demo import ensure_demo
from ccexport.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
ADMINISTRATOR = Actor("administrator", Role.ADMINISTRATOR)
REPEATS = 20
PAUSE = 2.0  # seconds a person looks at a page before doing something
STARTS = 3
PAGES = {
    "the suppression list": ("system", "view=suppression"),
    "the exports, 20 of them": ("exports", ""),
    "the runs": ("runs", ""),
    "the overview": ("overview", ""),
}
WALK = [("overview", ""), ("exports", ""), ("runs", ""), ("system", "view=suppression"), ("segments", "")]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rows", type=int, default=1_000)
    told = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="ccexport-bench-"))
    try:
        cookies = prepared(root / "data", told.people, told.rows)
        for name, value in rows(root, cookies, told.seconds, told.rows):
            sys.stdout.write(f"{name:<58}{value:>20}\n")
            sys.stdout.flush()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def prepared(folder: Path, people: int, rows: int) -> list[str]:
    """The demo with so many exports and suppressed addresses, and the session cookie of each person."""
    services = Services(load_settings(data_dir=folder, sandbox="on", verify_grace=0))
    ensure_demo(services)
    services.runs.drive_here(services.runs.start(ADMINISTRATOR, "Newsletter").id)
    services.system.suppress(ADMINISTRATOR, [f"person{n}@example.com" for n in range(rows)])
    for n in range(rows - 2):
        services.exports.duplicate(ADMINISTRATOR, "Newsletter", f"Newsletter {n:04}")
    person = services.ledger.people.get("administrator")
    secrets = [services.people.redeem(services.people.ticket(person, {})) for _ in range(people)]
    services.close()
    return [found[0] for found in secrets if found]


def rows(root: Path, cookies: list[str], seconds: float, many: int) -> Iterator[tuple[str, str]]:
    """Name and measured value, one after the other."""
    starts = []
    for _ in range(STARTS):
        with running(root) as (_, took):
            starts.append(took)
    yield f"start to healthy, best of {STARTS} (budget 2 s)", f"{min(starts):.2f} s"
    with running(root) as (url, _):
        for name, page in PAGES.items():
            times = asyncio.run(reruns(url, cookies[0], page))
            median = statistics.median(times) * 1000
            yield f"rerun with {many:,} rows there: {name} (50 ms)", f"{median:.0f} ms"
        times = asyncio.run(crowd(url, cookies, seconds))
        p50, p95 = (statistics.quantiles(times, n=100)[q - 1] * 1000 for q in (50, 95))
        yield f"{len(cookies)} people at once, {len(times)} reruns: half within", f"{p50:.0f} ms"
        yield f"{len(cookies)} people at once: 95 % within (200 ms)", f"{p95:.0f} ms"


@contextmanager
def running(root: Path) -> Iterator[tuple[str, float]]:
    """The dashboard, and how long it took to answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    ours = {"CCEXPORT_DATA_DIR": str(root / "data"), "CCEXPORT_BASE_URL": url}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}"]
    began = time.perf_counter()
    with (root / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | ours, stdout=log, stderr=log)
    try:
        while not healthy(url):
            time.sleep(0.01)
        took = time.perf_counter() - began
        time.sleep(2.0)  # the imports of the first page come after the first answer
        yield url, took
    finally:
        process.terminate()
        process.wait(20)


def healthy(url: str) -> bool:
    """Whether it answers that it is."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def opened(url: str, cookie: str) -> connect:
    """A browser's websocket, signed in."""
    return connect(
        url.replace("http:", "ws:") + "/_stcore/stream",
        additional_headers={"Cookie": f"ccx_session={cookie}"},
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
        open_timeout=60,
    )


async def rerun(socket_: ClientConnection, page: tuple[str, str]) -> float:
    """Ask for the page and wait for the whole of it; in seconds."""
    asked = BackMsg()
    asked.rerun_script.page_name, asked.rerun_script.query_string = page
    began = time.perf_counter()
    await socket_.send(asked.SerializeToString())
    while True:
        said = ForwardMsg()
        said.ParseFromString(await socket_.recv())  # type: ignore[arg-type]
        if said.WhichOneof("type") == "script_finished":
            return time.perf_counter() - began


async def reruns(url: str, cookie: str, page: tuple[str, str]) -> list[float]:
    """One person, the same page again and again; the first two times do not count."""
    async with opened(url, cookie) as browser:
        return [await rerun(browser, page) for _ in range(REPEATS + 2)][2:]


async def crowd(url: str, cookies: list[str], seconds: float) -> list[float]:
    """Everybody on a walk through the pages, each with pauses of about two seconds."""

    async def person(number: int, cookie: str) -> list[float]:
        chance = random.Random(number)
        await asyncio.sleep(chance.uniform(0, 3 * PAUSE))
        found: list[float] = []
        async with opened(url, cookie) as browser:
            await rerun(browser, WALK[number % len(WALK)])
            await asyncio.sleep(chance.uniform(0.5, 1.5) * PAUSE)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                found.append(await rerun(browser, WALK[(number + len(found)) % len(WALK)]))
                await asyncio.sleep(chance.uniform(0.5, 1.5) * PAUSE)
        return found

    walks = await asyncio.gather(*(person(n, cookie) for n, cookie in enumerate(cookies)))
    return [value for walk in walks for value in walk]


if __name__ == "__main__":
    main()
