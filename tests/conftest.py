"""Shared by every test: a clean environment, a clock that is set by hand, the ledger on both databases."""

import contextlib
import logging
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from ccexport.logs import JsonLines, TextLines
from ccexport.services import passwords

# Hundreds of processes are started here, and each would compile everything anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

settings.register_profile("ci", max_examples=60, deadline=None)
settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile("long", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

ROOT = Path(__file__).parents[1]


# What `make check` leaves out: rooms whose tests start processes, browsers or whole worlds.
LONG = {
    "api",
    "browser",
    "cli",
    "conformance",
    "operate",
    "runs",
    "sandbox",
    "schedules",
    "security",
    "situations",
    "traps",
    "ui",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin first, so that no worker ends long after the other.

    A file stays with one worker, but for tests that name a group of their own.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(ROOT))))
        if item.path.parent.name not in LONG and "slow" not in item.keywords:
            item.add_marker("fast")
    kinds: dict[Path, int] = {}
    for item in items:
        whole = {"world", "demo"} & set(getattr(item, "fixturenames", ()))
        kind = 0 if "slow" in item.keywords else 1 if whole or "browser" in item.keywords else 2
        kinds[item.path] = min(kind, kinds.get(item.path, kind))
    items.sort(key=lambda item: kinds[item.path])


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer's reaches a test, and no `.env` is read."""
    for name in list(os.environ):
        if name.startswith(("CCEXPORT_", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def open_log() -> Iterator[None]:
    """Commands set how much is logged, and where, for their whole process; the next test in it starts anew."""
    root = logging.getLogger()
    logging.getLogger("ccexport").setLevel(logging.NOTSET)
    level = root.level
    yield
    root.setLevel(level)
    for handler in [h for h in root.handlers if isinstance(h.formatter, JsonLines | TextLines)]:
        root.removeHandler(handler)


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """Hashing is made slow on purpose; how slow is asserted by tests/unit/test_people.py."""
    with pytest.MonkeyPatch.context() as everywhere:
        everywhere.setattr(passwords, "ROUNDS", 4)
        yield


class Clock:
    """A clock that only moves when it is told to; sleeping moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _postgres_binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A throw-away PostgreSQL server on a free loopback port; its URL without a database."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed (make tools installs Debian's when root)")
    folder = Path(tempfile.mkdtemp(prefix="ccexport-pg-", dir="/tmp"))
    who: dict[str, int] = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        who = {"user": account.pw_uid, "group": account.pw_gid}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **who}
    cluster = folder / "cluster"
    subprocess.run(
        [binaries / "initdb", "-D", cluster, "-A", "trust", "-U", "ccexport", "-E", "UTF8", "--no-sync"],
        check=True,
        **quiet,
    )
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    subprocess.run([binaries / "pg_ctl", "-D", cluster, "-o", options, "-w", "start"], check=True, **quiet)
    try:
        yield f"postgresql://ccexport@127.0.0.1:{port}"
    finally:
        subprocess.run([binaries / "pg_ctl", "-D", cluster, "-m", "immediate", "stop"], check=False, **quiet)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_database(postgres: str) -> str:
    """The address of an empty database on the PostgreSQL server."""
    import psycopg

    name = f"t{os.urandom(6).hex()}"
    with contextlib.closing(psycopg.connect(f"{postgres}/postgres", autocommit=True)) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    return f"{postgres}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty ledger, once on each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    address: str = request.getfixturevalue("empty_database")
    return address
