"""Whatever is wrong with an installation, the doctor says so by a code, and changes nothing."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccexport.cli.main import main
from ccexport.services.doctor import INSIDE, Health, diagnose, worst_of
from tests.conftest import ROOT
from tests.operate.breaks import BREAKS, Sick
from tests.world import ADA, World, person

CODES = re.compile(r"(?:\bwarn|\bfail|make)\(\s*f?\"([a-z_{}]+)\"")
ROOT_ONLY = {"a file of another account"}
READ_BY_OTHERS = {"a shorter plan", "damaged deliveries"}  # other checks read these files too, and say so


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation that has run, at rest."""
    world = World(tmp_path_factory.mktemp("healthy"))
    world.ready([person(n) for n in range(3)])
    world.services.segments.create(ADA, "Some", members=["c00001"])
    world.run()
    world.services.close()
    yield world
    world.close()


@pytest.fixture
def sick(healthy: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sick:
    """A copy of it, and its settings in the environment."""
    root = tmp_path / "store"
    shutil.copytree(healthy.settings.data_dir, root)
    for name in ("cc_api_url", "cc_auth_url", "cc_client_id"):
        monkeypatch.setenv(f"CCEXPORT_{name.upper()}", str(getattr(healthy.settings, name)))
    monkeypatch.setenv("CCEXPORT_DATA_DIR", str(root))
    return Sick(root, monkeypatch.setenv)


def table() -> dict[str, str]:
    """The codes of the table in docs/operate.md, with the rest of their rows."""
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", (ROOT / "docs" / "operate.md").read_text("utf-8"), re.M)
    return dict(rows)


@pytest.mark.parametrize("broken", BREAKS)
def test_what_is_broken_is_named(sick: Sick, broken: str) -> None:
    if broken in ROOT_ONLY and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    code, how = BREAKS[broken]
    how(sick)
    before = state_of(sick.root)

    found = diagnose()

    assert code in {f.code for f in found if f.health is not Health.OK}, [(f.code, f.found) for f in found]
    assert all(f.to_do for f in found if f.health is not Health.OK)
    assert state_of(sick.root) == before
    assert broken in READ_BY_OTHERS or "check_failed" not in {f.code for f in found}, [f.found for f in found]


def test_every_code_is_in_the_table_and_can_be_brought_about() -> None:
    code = "".join(p.read_text("utf-8") for p in (ROOT / "ccexport" / "services" / "doctor").glob("*.py"))
    known = {each for name in CODES.findall(code) for each in _filled(name)}
    shown = {code for code, _ in BREAKS.values()}
    elsewhere = {"check_failed", "clock_off", "clock_unknown", "left_wrong", "source_closed"}
    disk = {"space_none", "space_low", "space_for_refresh", "space_names"}

    assert known == set(table())
    assert known - shown == elsewhere | disk
    assert len(BREAKS) >= 30


def _filled(name: str) -> list[str]:
    return [name.replace("{code}", code) for code in ("api", "authorisation")] if "{" in name else [name]


def test_a_healthy_installation_is_well_and_stays_as_it_is(sick: Sick) -> None:
    before = state_of(sick.root)

    found = diagnose(deep=True)

    assert worst_of(found) is Health.OK, [(f.code, f.found) for f in found if f.health is not Health.OK]
    assert {what for what, _ in INSIDE} - {"connection", "runs"} <= {f.what for f in found}
    assert state_of(sick.root) == before


def test_a_check_that_breaks_is_a_finding_of_its_own(sick: Sick, monkeypatch: pytest.MonkeyPatch) -> None:
    sick.sql("UPDATE exports SET config = '{}'", "UPDATE segments SET kind = 'nonsense'")

    found = diagnose()

    assert "segments" in {f.what for f in found if f.code == "check_failed"}
    assert {"key", "plans", "API"} <= {f.what for f in found if f.health is Health.OK}


def test_only_every_byte_finds_a_changed_byte(sick: Sick) -> None:
    path = sick.one("plans/*/plan.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 1  # in the rows, not in the foot
    path.write_bytes(content)

    assert worst_of(diagnose()) is Health.OK
    assert "plan_damaged" in {f.code for f in diagnose(deep=True)}


def test_the_advice_works_where_it_is_given(sick: Sick) -> None:
    sick.sql("UPDATE connections SET state = 'reconnect'")
    (here,) = [f.to_do for f in diagnose() if f.code == "connection_lost"]
    sick.set("CCEXPORT_BASE_URL", "https://people.example.com")
    (there,) = [f.to_do for f in diagnose() if f.code == "connection_lost"]

    assert here == "connections add 'Main' --agree --reconnect"
    assert there == "In the dashboard (https://people.example.com), Connections → Reconnect, beside Main."


def test_nothing_is_made_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCEXPORT_DATA_DIR", str(tmp_path / "new" / "store"))
    monkeypatch.setenv("CCEXPORT_SANDBOX", "on")

    assert worst_of(diagnose()) is Health.OK
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "given, code",
    [({}, 0), ({"CCEXPORT_BASE_URL": "http://people.example.com"}, 6), ({"CCEXPORT_WORKER": "x"}, 1)],
)
def test_the_exit_code_says_how_it_is(
    sick: Sick, given: dict[str, str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in given.items():
        sick.set(name, value)
    with pytest.raises(SystemExit) as left:
        main(["doctor", "--json"])
    document = json.loads(capsys.readouterr().out)

    assert left.value.code == code
    assert document["healthy"] == (code != 1)
    assert {"what", "health", "code", "found", "to_do"} == set(document["findings"][0])


@pytest.mark.slow
def test_a_demo_that_has_run_is_well(tmp_path: Path) -> None:
    """As somebody finds it who tries ccexport for the first time."""
    environment = os.environ | {"CCEXPORT_DATA_DIR": str(tmp_path / "demo"), "PYTHONPATH": str(ROOT)}

    def ccexport(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ccexport", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    assert ccexport("demo").returncode == 0
    before = state_of(tmp_path / "demo")
    said = ccexport("doctor", "--deep")

    assert said.returncode == 0, said.stdout
    assert state_of(tmp_path / "demo") == before


def state_of(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every byte, mode and time of a folder and what is in it."""
    if not root.is_dir():
        return {}
    found: dict[str, tuple[int, int, bytes]] = {}
    for path in (root, *root.rglob("*")):
        about = path.lstat()
        content = path.read_bytes() if path.is_file() and about.st_size < 100_000_000 else b""
        found[str(path)] = (about.st_mode, about.st_mtime_ns, content)
    return found
