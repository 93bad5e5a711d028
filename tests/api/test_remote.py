"""The command line as a client of an installation elsewhere: the same words, the same exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ccexport.cli.main import app, main
from ccexport.cli.remote_commands import THERE
from ccexport.model.words import Role
from tests.api.conftest import Door
from tests.cli.test_docs import known

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ccexport(door: Door, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run one command with `--remote`, as that role; gives exit code, stdout and stderr."""

    def run(*words: str, role: Role = Role.CONTRIBUTOR) -> tuple[int, str, str]:
        token = tmp_path / f"{role}.txt"
        token.write_text(door.secrets[role] + "\n")
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(["--remote", door.url.removesuffix("/api/v1"), "--token-file", str(token), *words])
        said = capfd.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def test_a_file_goes_there_and_a_run_comes_of_it(ccexport: Run, door: Door, tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    header = "customer_id,email,first_name,country,consent,updated_at\n"
    rows = "".join(f"r{n},remote{n}@example.com,N,Norway,yes,2026-01-01\n" for n in range(20))
    file.write_text(header + rows)
    code, out, err = ccexport("profiles", "ingest", str(file), "--id-field", "customer_id", "--json")
    assert (code, json.loads(out)["profiles"]) == (0, 20), err
    assert json.loads(ccexport("segments", "list", "--json")[1])[0]["members"] == 20
    assert json.loads(ccexport("exports", "list", "--json")[1])[0]["name"] == "News"
    planned = json.loads(ccexport("exports", "preview", "News", "--rows", "15", "--json")[1])
    assert (planned["to_send"], len(planned["contacts"])) == (20, 15)

    code, out, err = ccexport("exports", "run", "News", "--digest", planned["digest"], "--json")
    assert code == 0, err
    run_id = json.loads(out)["run_id"]
    door.world.services.runs.drive_here(run_id)
    assert "succeeded" in ccexport("runs", "show", run_id)[1]
    assert run_id in ccexport("runs", "list", "--export", "News")[1]
    found = json.loads(ccexport("runs", "contacts", run_id, "--email", "remote1@example.com", "--json")[1])
    assert [row["outcome"] for row in found] == ["verified"]
    undo = json.loads(ccexport("runs", "undo", run_id, "--preview", "--json")[1])
    assert undo["verdicts"]["remove"] == 20
    code, out, _ = ccexport("runs", "undo", run_id, "--digest", undo["digest"], "--json")
    assert (
        json.loads(ccexport("runs", "cancel", json.loads(out)["run_id"], "--json")[1])["state"] == "cancelled"
    )
    code, _, err = ccexport("runs", "approve", run_id)
    assert (code, "does not wait for approval" in err) == (1, True)


def test_what_is_not_allowed_says_whom_to_ask(ccexport: Run) -> None:
    code, _, err = ccexport("exports", "run", "News", role=Role.VIEWER)
    assert code == 2
    assert "Ask an administrator" in err and "reference" in err


def test_what_cannot_be_done_from_elsewhere_says_so_in_one_sentence(ccexport: Run, door: Door) -> None:
    before = door.world.services.ledger.audit.all()
    for words in sorted(set(known()) - THERE.keys()):
        parameters = needed(words)
        if any(p.param_type_name == "option" for p in parameters):
            continue  # it asks for that option first
        code, _, err = ccexport(*words.split(), *("viewer" if p.name == "role" else "1" for p in parameters))
        assert (code, "not with --remote" in err, len(err.strip().splitlines())) == (2, True, 1), (words, err)
    code, _, err = ccexport("exports", "run", "News", "--release", "gone_percent=why")
    assert (code, "--release cannot be used with --remote" in err) == (2, True)
    code, _, err = ccexport("runs", "list", "--data-dir", "/nowhere")
    assert (code, "--data-dir" in err) == (2, True)
    assert door.world.services.ledger.audit.all() == before


def needed(words: str) -> list[Any]:
    """What a command cannot do without."""
    found = get_command(app)
    for word in words.split():
        found = found.commands[word]  # type: ignore[attr-defined]
    return [p for p in found.params if p.required]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--remote", "https://x.example"), "go together"),
        (("--token-file", "token.txt"), "go together"),
        (("--remote", "http://x.example", "--token-file", "token.txt"), "by https only"),
        (("--remote", "x.example", "--token-file", "token.txt"), "write an address"),
        (("--remote", "https://x.example", "--token-file", "nowhere.txt"), "cannot be read"),
        (("--remote", "https://x.example", "--token-file", "wrong.txt"), "begins with ccx_"),
        (("--remote", "http://127.0.0.1:9", "--token-file", "token.txt"), "does not answer"),
    ],
)
def test_a_wrong_remote_is_one_sentence(
    options: tuple[str, ...], says: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "token.txt").write_text("ccx_abc")
    (tmp_path / "wrong.txt").write_text("something else")
    with pytest.raises(SystemExit) as left:
        main([*options, "runs", "list"])
    err = capfd.readouterr().err
    assert left.value.code in {1, 2}
    assert says in err and len(err.strip().splitlines()) == 1 and "ccx_abc" not in err
