"""Plans as files: reviewed, signed, run exactly or refused; the pipelines of docs/pipelines.md as scripts."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from ccexport.cli.main import main
from tests.cli.test_docs import shell
from tests.conftest import ROOT
from tests.world import CARL, World, person

Said = tuple[int, str, str]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.ready([person(n) for n in range(10)])
    yield made
    made.close()


@pytest.fixture
def ccexport(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """One command on that installation; gives exit code, stdout and stderr."""
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> Said:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(words))
        said = capfd.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def environment(world: World) -> dict[str, str]:
    settings = world.settings
    return {
        "CCEXPORT_DATA_DIR": str(settings.data_dir),
        "CCEXPORT_CC_API_URL": settings.cc_api_url,
        "CCEXPORT_CC_AUTH_URL": settings.cc_auth_url,
        "CCEXPORT_CC_CLIENT_ID": "key",
        "CCEXPORT_CC_CLIENT_SECRET": "a-client-secret",
        "CCEXPORT_VERIFY_GRACE": "0",
    }


def test_a_plan_that_was_looked_at_is_run(
    ccexport: Callable[..., Said], world: World, tmp_path: Path
) -> None:
    file = str(tmp_path / "plan.zip")
    code, out, err = ccexport("exports", "plan", "News", "--out", file, "--detailed-exitcode", "--json")
    assert code == 5, err
    told = json.loads(out)
    assert (told["would_change"], told["verdicts"]["add"]) == (True, 10)
    code, out, err = ccexport("exports", "run", "News", "--plan", file, "--wait", "--json")
    assert (code, json.loads(out)["counts"]["verified"]) == (0, 10), err
    assert ccexport("exports", "plan", "News", "--detailed-exitcode")[0] == 0  # everybody is unchanged
    code, _, err = ccexport("exports", "run", "News", "--plan", file, "--wait")
    assert (code, "changed since" in err) == (1, True)  # it would send nobody now
    assert len(world.services.ledger.runs.all()) == 1


@pytest.mark.parametrize("change", ["profiles", "export"])
def test_anything_else_than_the_plan_is_refused(
    ccexport: Callable[..., Said], world: World, tmp_path: Path, change: str
) -> None:
    file = str(tmp_path / "plan.zip")
    assert ccexport("exports", "plan", "News", "--out", file)[0] == 0
    if change == "profiles":
        world.ingest([person(n) for n in range(11)])
    else:
        world.services.exports.change(CARL, "News", fields={"last_name": "first_name"})
    code, _, err = ccexport("exports", "run", "News", "--plan", file)
    assert (code, len(err.strip().splitlines())) == (1, 1), err
    assert world.services.ledger.runs.all() == []


def test_a_file_that_was_changed_is_refused(
    ccexport: Callable[..., Said], world: World, tmp_path: Path
) -> None:
    file = tmp_path / "plan.zip"
    ccexport("exports", "plan", "News", "--out", str(file))
    with zipfile.ZipFile(file) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    assert set(parts) == {"plan.json", "plan.sig"}
    assert b"example.com" not in b"".join(parts.values())
    with zipfile.ZipFile(file, "w") as changed:
        changed.writestr("plan.json", parts["plan.json"].replace(b'"add": 10', b'"add": 11'))
        changed.writestr("plan.sig", parts["plan.sig"])
    code, _, err = ccexport("exports", "run", "News", "--plan", str(file))
    assert (code, "another installation or key signed it" in err) == (2, True)
    for wrong in (b"", b"PK", b"not a zip"):
        file.write_bytes(wrong)
        code, _, err = ccexport("exports", "run", "News", "--plan", str(file))
        assert (code, "not a plan" in err) == (2, True)
    assert world.services.ledger.runs.all() == []


def test_people_are_in_the_file_only_when_asked_for(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    file = tmp_path / "plan.zip"
    assert ccexport("exports", "plan", "News", "--out", str(file), "--rows")[0] == 0
    with zipfile.ZipFile(file) as opened:
        (tmp_path / "rows.parquet").write_bytes(opened.read("rows.parquet"))
    assert pq.read_table(tmp_path / "rows.parquet").num_rows == 10


def test_markdown_is_a_table_in_which_a_name_is_text(ccexport: Callable[..., Said], world: World) -> None:
    world.export("News | *x*", segments=["Everybody"])
    code, out, _ = ccexport("exports", "plan", "News | *x*", "--markdown")
    assert code == 0
    assert out.startswith("### News \\| \\*x\\*\n")
    assert "| add | 10 |" in out


@pytest.mark.parametrize("number", [0, 1], ids=["github", "gitlab"])
def test_the_pipelines_of_the_documentation_run(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    world.export("Newsletter", segments=["Everybody"])
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    text = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
    jobs = yaml.safe_load(re.findall(r"^```yaml\n(.*?)^```", text, re.M | re.S)[number])
    beside = f'ccexport() {{ python -m ccexport "$@"; }}; cd {tmp_path}; '
    shell(beside + "ccexport dump > ccexport.yaml", tmp_path)
    for script in scripts(jobs):
        shell(beside + script, tmp_path)
    assert len(world.on_list()) == 10
    summary = tmp_path / ("summary.md" if number == 0 else "plan.md")
    assert "| add | 10 |" in summary.read_text()


def scripts(jobs: dict[str, Any]) -> Iterator[str]:
    """What the jobs run, in order."""
    for job in (jobs.get("jobs") or jobs).values():
        if isinstance(job, dict):
            yield from (step["run"] for step in job.get("steps", ()) if "run" in step)
            yield from job.get("script", ())
