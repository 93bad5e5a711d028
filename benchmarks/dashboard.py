"""Times the dashboard: start to healthy, reruns of pages with 1,000 rows, and 50 people at once.

`python benchmarks/dashboard.py [--people N] [--seconds S] [--rows N] [--history N]`. A real server in a process of
its own, spoken to over real websockets in Streamlit's own protocol. A rerun is timed from sending it to the last
message of its answer, so the numbers hold more than the server's own time; what the server's processor did for it
is beside it, less what it does anyway, and does not depend on what else this machine is busy with.

*50 people at once* are 50 open sessions, signed in, each on a walk through five pages (overview, exports, runs,
suppression list, segments), each page opened anew: the most a click can cost. A person looks at a page between half
and one and a half times the pause, by chance of their own, from when it was there until the next click. Two crowds:
everybody clicks every 2 seconds, as a hurried person does, which the budget is about; and every 5 seconds. When the
server falls behind, people wait and click less: the reruns a second beside it say what was really asked for.
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
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, select
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from ccexport.ledger.tables import runs
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services import Services
from ccexport.services.demo import ensure_demo
from ccexport.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
ADMINISTRATOR = Actor("administrator", Role.ADMINISTRATOR)
REPEATS = 20
PAUSES = (5.0, 2.0)  # seconds a person looks at a page before doing something, on average
IDLE = 3.0  # seconds to see what the server does by itself
TICK = os.sysconf("SC_CLK_TCK")
STARTS = 3
SETTLED = 4.0
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
    parser.add_argument("--history", type=int, default=10_000)
    told = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="ccexport-bench-"))
    try:
        cookies = prepared(root / "data", told.people, told.rows, told.history)
        for name, value in rows(root, cookies, told.seconds, told.rows):
            sys.stdout.write(f"{name:<58}{value:>22}\n")
            sys.stdout.flush()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def prepared(folder: Path, people: int, rows: int, history: int) -> list[str]:
    """The demo with so many exports, suppressed addresses and ended runs, and each person's session cookie."""
    services = Services(load_settings(data_dir=folder, sandbox="on", verify_grace=0))
    ensure_demo(services)
    services.runs.drive_here(services.runs.start(ADMINISTRATOR, "Newsletter").id)
    services.system.suppress(ADMINISTRATOR, [f"person{n}@example.com" for n in range(rows)])
    for n in range(rows - 2):
        services.exports.duplicate(ADMINISTRATOR, "Newsletter", f"Newsletter {n:04}")
    remember_runs(services, history)
    person = services.ledger.people.get("administrator")
    secrets = [services.people.redeem(services.people.ticket(person, {})) for _ in range(people)]
    services.close()
    return [found[0] for found in secrets if found]


def remember_runs(services: Services, many: int) -> None:
    """The one run again and again, of all exports in turn, one every seven minutes until now."""
    exports = services.ledger.exports.all()
    with services.ledger._database.write() as connection:
        run = dict(connection.execute(select(runs)).mappings().one())
        made = []
        for n, at in ((n, run["created_at"] - timedelta(minutes=7 * n)) for n in range(1, many + 1)):
            export = exports[n % len(exports)]
            made.append(
                run
                | {"id": f"run-{many - n:08}", "export_id": export.id, "export_name": export.name}
                | {"created_at": at, "started_at": at, "ended_at": at + timedelta(seconds=40)}
            )
        if made:
            connection.execute(insert(runs), made)


def rows(root: Path, cookies: list[str], seconds: float, many: int) -> Iterator[tuple[str, str]]:
    """Name and measured value, one after the other."""
    starts = []
    for _ in range(STARTS):
        with running(root) as (_, took):
            starts.append(took)
    yield f"start to healthy, best of {STARTS} (budget 2 s)", f"{min(starts):.2f} s"
    with running(root) as (server, _):
        idle = server.idle()
        for name, page in PAGES.items():
            before, began = server.busy(), time.perf_counter()
            times = asyncio.run(reruns(server.url, cookies[0], page))
            used = (server.busy() - before - idle * (time.perf_counter() - began)) / (REPEATS + 2)
            said = f"{statistics.median(times) * 1000:.0f} ms, cpu {used * 1000:.0f} ms"
            yield f"rerun with {many:,} rows there: {name} (50 ms)", said
        before_people = server.memory()
        for pause in PAUSES:
            yield from crowded(server, cookies, seconds, pause, idle)
        each = (server.memory() - before_people) / len(cookies)
        yield "memory of the server, and what each person added", f"{server.memory():.0f} MiB, {each:.1f} MiB"


def crowded(
    server: "Server", cookies: list[str], seconds: float, pause: float, idle: float
) -> Iterator[tuple[str, str]]:
    """How long people wait when everybody acts every so many seconds."""
    times, busy = asyncio.run(crowd(server, cookies, seconds, pause))
    used = busy - idle * seconds
    p50, p95 = (statistics.quantiles(times, n=100)[q - 1] * 1000 for q in (50, 95))
    who = f"{len(cookies)} people, a click every {pause:.0f} s each"
    yield f"{who}: half within", f"{p50:.0f} ms"
    yield f"{who}: 95 % within{' (200 ms)' if pause == min(PAUSES) else ''}", f"{p95:.0f} ms"
    yield (
        f"{who}: reruns, server's cpu for each",
        f"{len(times) / seconds:.1f}/s, {used / len(times) * 1000:.0f} ms",
    )


@dataclass(frozen=True)
class Server:
    """The running dashboard, and what Linux knows of its process."""

    url: str
    pid: int

    def busy(self) -> float:
        """Seconds of processor it has used, user and system."""
        told = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / TICK

    def idle(self) -> float:
        """Seconds of processor it uses in a second while nobody asks for anything."""
        before = self.busy()
        time.sleep(IDLE)
        return (self.busy() - before) / IDLE

    def memory(self) -> float:
        """MiB that are in memory now."""
        lines = Path(f"/proc/{self.pid}/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@contextmanager
def running(root: Path) -> Iterator[tuple[Server, float]]:
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
        time.sleep(SETTLED)  # the imports of the first page come after the first answer
        yield Server(url, process.pid), took
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


async def crowd(
    server: Server, cookies: list[str], seconds: float, pause: float
) -> tuple[list[float], float]:
    """Everybody on a walk through the pages: what each click waited, and the processor's seconds for them all.

    People come one after the other within two pauses, and what they do first does not count. Every answer to a
    click within the time is waited for, however long it takes.
    """

    async def person(number: int, cookie: str) -> list[float]:
        chance = random.Random(number)
        async with opened(server.url, cookie) as browser:
            await asyncio.sleep(chance.uniform(0, 2 * pause))
            await rerun(browser, WALK[number % len(WALK)])
            everybody.release()
            await here.wait()
            found: list[float] = []
            await asyncio.sleep(chance.uniform(0, 1.5) * pause)
            while time.perf_counter() < end:
                found.append(await rerun(browser, WALK[(number + len(found)) % len(WALK)]))
                await asyncio.sleep(chance.uniform(0.5, 1.5) * pause)
        return found

    everybody, here = asyncio.Semaphore(0), asyncio.Event()
    walks = [asyncio.create_task(person(n, cookie)) for n, cookie in enumerate(cookies)]
    for _ in cookies:
        await everybody.acquire()
    before, end = server.busy(), time.perf_counter() + seconds
    here.set()
    found = await asyncio.gather(*walks)
    return [value for walk in found for value in walk], server.busy() - before


if __name__ == "__main__":
    main()
