"""The journeys of the README, as commands."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Said
from tests.conftest import ROOT
from tests.world import person, write_csv

CUSTOMERS = ROOT.parent / "shared" / "data" / "customers-10000.csv"


def connect(tmp_path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`connections add`, and a program that opens the printed address as `curl -L` would."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")}
    environment |= {"CCEXPORT_DATA_DIR": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "ccexport",
        "connections",
        "add",
        "Sandbox",
        "--agree",
        "--no-browser",
        *more,
    ]
    started = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stderr is not None
    address = next(line.strip() for line in started.stderr if line.startswith("http"))
    with urlopen(Request(address, headers={"Accept": "*/*"}), timeout=30) as page:
        assert b"close this page" in page.read()
    out, err = started.communicate(timeout=60)
    return subprocess.CompletedProcess(command, started.returncode, out, err)


def test_the_demo_verifies_everybody_it_sent(process: Callable[..., Said]) -> None:
    said = process("demo", "--json")

    assert said.code == 0, said.err
    counts = said.json["counts"]
    assert said.json["state"] == "succeeded"
    assert counts["sent"] == counts["verified"] > 5_000
    assert counts["candidates"] == counts["add"] + counts["update"] + counts["unchanged"] + counts["left_out"]


def test_the_whole_job_on_an_own_file(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    people = [person(n) for n in range(30)] + [
        person(40, email="nobody@"),
        person(41, email="Person7@example.com"),
    ]
    path = write_csv(tmp_path / "people.csv", people)

    assert ccexport("profiles", "ingest", path, "--json").json["profiles"] == 32
    rule = '{"all": [{"field": "country", "op": "is", "value": "Norway"}]}'
    segment = ccexport("segments", "create", "Norway", "--rule", rule, "--json")
    assert (segment.code, segment.json["members"]) == (0, 32)
    connected = connect(tmp_path, "--share", "contributor", "--json")
    assert connected.returncode == 0, connected.stderr
    lists = ccexport("lists", "list", "--connection", "Sandbox", "--json").json
    assert "Newsletter" in {found["name"] for found in lists}
    arguments = [
        "--connection",
        "Sandbox",
        "--list",
        "Newsletter",
        "--segment",
        "Norway",
        "--map",
        "email=email",
    ]
    made = ccexport("exports", "create", "News", *arguments, "--map", "first_name=first_name", "--json")
    assert made.code == 0, made.err
    preview = ccexport("exports", "preview", "News", "--json").json
    assert (preview["candidates"], preview["verdicts"]["add"]) == (32, 30)
    assert (preview["reasons"]["invalid_email"], preview["reasons"]["duplicate"]) == (1, 1)
    assert (preview["requests"], preview["expected"]) == (1, {"seconds": 0.265, "runs": 0})
    run = ccexport("exports", "run", "News", "--digest", preview["digest"], "--wait", "--json")
    assert (run.code, run.json["state"], run.json["digest"]) == (0, "succeeded", preview["digest"])
    assert [b["state"] for b in run.json["batches"]] == ["completed"]
    assert ccexport("exports", "preview", "News", "--json").json["expected"]["runs"] == 1
    run_id = run.json["run_id"]
    found = ccexport("runs", "contacts", run_id, "--email", "person7@example.com", "--json").json
    assert {(row["outcome"], row["reason"]) for row in found} == {("verified", None), (None, "duplicate")}
    assert [row["run_id"] for row in ccexport("runs", "list", "--json").json] == [run_id]
    assert ccexport("runs", "show", run_id, "--json").json["events"][0]["text"].startswith("Queued by")
    dumped = ccexport("dump")
    (tmp_path / "config.yaml").write_text(dumped.out)
    again = ccexport("apply", tmp_path / "config.yaml", "--check", "--json")
    assert (again.code, again.json["differences"]) == (0, [])


@pytest.mark.skipif(not CUSTOMERS.exists(), reason="the shared customer file is not beside this checkout")
def test_ten_thousand_real_looking_customers_all_arrive(
    ccexport: Callable[..., Said], tmp_path: Path
) -> None:
    ingested = ccexport("profiles", "ingest", CUSTOMERS, "--json").json
    types = {field["name"]: field["type"] for field in ingested["fields"]}
    assert (ingested["profiles"], types["Subscription Date"]) == (10_000, "date")
    ccexport("segments", "create", "Everybody", "--all")
    assert connect(tmp_path).returncode == 0
    arguments = ["--connection", "Sandbox", "--list", "Newsletter", "--segment", "Everybody"]
    for pair in ("email=Email", "first_name=First Name", "last_name=Last Name", "company_name=Company"):
        arguments += ["--map", pair]
    assert ccexport("exports", "create", "All", *arguments).code == 0
    run = ccexport("exports", "run", "All", "--wait", "--json")

    counts = run.json["counts"]
    assert (run.code, counts["candidates"]) == (0, 10_000)
    assert counts["sent"] == counts["verified"]
    assert counts["sent"] + counts["left_out"] == 10_000
