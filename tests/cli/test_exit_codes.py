"""The exit codes of a run, as scripts rely on them: 1 blocked, 3 with rejects, 4 waiting."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ccexport.cli.main import main
from ccexport.model.exports import Guards
from tests.world import ADA, CARL, World, person

Ran = Callable[..., tuple[int, dict[str, object]]]


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World(tmp_path)
    world.ready([person(1), person(8, email="somebody.with.a.rather.long@example.com")])
    monkeypatch.setenv("CCEXPORT_CC_CLIENT_SECRET", "a-client-secret")
    monkeypatch.setenv("CCEXPORT_VERIFY_GRACE", "0")
    for name in ("data_dir", "cc_api_url", "cc_auth_url", "cc_client_id"):
        monkeypatch.setenv(f"CCEXPORT_{name.upper()}", str(getattr(world.settings, name)))
    yield world
    world.close()


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    def run(*arguments: str) -> tuple[int, dict[str, object]]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([*arguments, "--json"])
        return int(str(left.value.code)), json.loads(capsys.readouterr().out)

    return run


def test_each_end_of_a_run_has_its_code(ready: World, ran: Ran) -> None:
    run = ("exports", "run", "News", "--wait")
    ready.services.exports.change(CARL, "News", guards=Guards(contacts_maximum=1))
    code, said = ran(*run)
    assert (code, said["state"]) == (1, "blocked")
    ready.services.exports.change(CARL, "News", guards=Guards())

    assert ran("exports", "run", "News", "--digest", "0" * 64)[0] == 2  # nobody ever previewed that
    digest = str(ran("exports", "preview", "News")[1]["digest"])
    ready.services.system.suppress(ADA, ["person1@example.com"])
    code, said = ran("exports", "run", "News", "--digest", digest, "--wait")
    assert (code, "not the one that was approved" in str(said["note"])) == (1, True)
    ready.services.system.unsuppress(ADA, "person1@example.com")

    ready.services.connections.change(ADA, "Main", approval_above=1)
    code, said = ran(*run)
    assert (code, said["waiting_for"]) == (4, "approval")
    assert ran("runs", "cancel", str(said["run_id"]))[0] == 0
    ready.services.connections.change(ADA, "Main", approval_above=None)

    ready.sandbox.admin("PATCH", "config", {"email_max_chars": 30})
    code, said = ran(*run)
    assert (code, said["state"]) == (3, "succeeded_with_rejects")

    assert ran("exports", "run", "News")[0] == 0  # queued is what was asked for
    assert ran("worker", "--once") == (0, {"driven": 1})
