"""Wrong use: one clear sentence, the right exit code, and nothing changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Said
from tests.world import person, write_csv


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (["profiles", "show"], {}, "There are no profiles yet"),
        (["profiles", "ingest", "nowhere.csv"], {}, "nowhere.csv"),
        (["segments", "create", "x", "--rule", "{broken"], {}, "The rule is not JSON: line 1, column 2"),
        (["segments", "create", "x"], {}, "exactly one of"),
        (["exports", "preview", "nothing"], {}, "There is no export named nothing"),
        (["runs", "show", "run-0"], {}, "There is no run run-0"),
        (["lists", "list", "--connection", "Main"], {}, "There is no connection named Main"),
        (["connections", "add", "Main"], {}, "--agree"),
        (["apply", "missing.yaml"], {}, "missing.yaml cannot be read"),
        (["nonsense"], {}, "No such command"),
        (["runs", "list"], {"sandbox": "perhaps"}, "CCEXPORT_SANDBOX (from the environment)"),
        (["runs", "list"], {"cc_api_url": "nowhere"}, "CCEXPORT_CC_API_URL"),
        (["runs", "list"], {"ledger_url": "nonsense"}, "CCEXPORT_LEDGER_URL"),
        (["runs", "list"], {"memory_limit": "much"}, "CCEXPORT_MEMORY_LIMIT"),
        (["runs", "list"], {"secret_key": "short"}, "CCEXPORT_SECRET_KEY"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(
    ccexport: Callable[..., Said], arguments: list[str], settings: dict[str, str], sentence: str
) -> None:
    said = ccexport(*arguments, **settings)

    assert said.code == 2, said.err
    assert sentence in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_wrong_use_is_the_same_in_a_process_of_its_own(process: Callable[..., Said]) -> None:
    said = process("exports", "show", "nothing")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: There is no export named nothing.")


def test_an_error_is_json_too_when_that_was_asked_for(ccexport: Callable[..., Said]) -> None:
    said = ccexport("exports", "show", "nothing", "--json")

    assert said.code == 2
    assert said.json["error"]["kind"] == "NotFound"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nonsense"], "No such command 'nonsense'."),
        (["lists", "list"], "Missing option '--connection'."),
        (["runs", "list", "--state", "odd"], "Invalid value for '--state': 'odd' is not one of 'queued', "),
    ],
)
def test_wrong_arguments_are_json_too(
    ccexport: Callable[..., Said], arguments: list[str], sentence: str
) -> None:
    said = ccexport(*arguments, "--json")

    assert said.code == 2
    assert said.json["error"]["kind"] == "WrongUse"
    assert said.json["error"]["message"].startswith(sentence)


def test_a_group_alone_shows_its_help_and_no_error(ccexport: Callable[..., Said]) -> None:
    said = ccexport("exports")

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("Usage: ccexport exports")
    assert "detach" in said.err


def test_a_data_directory_that_is_a_file_is_a_wrong_setting(
    ccexport: Callable[..., Said], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below"):
        said = ccexport("runs", "list", "--data-dir", tmp_path / place)
        assert said.code == 2
        assert "(CCEXPORT_DATA_DIR) is a file, or below one; name a folder." in said.err


def test_what_nobody_foresaw_is_a_sentence_without_what_it_holds(
    ccexport: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A traceback may quote an address."""

    def broken() -> None:
        raise RuntimeError("kari@example.com")

    monkeypatch.setattr("getpass.getuser", broken)
    said = ccexport("runs", "list", "--json")

    assert said.code == 1
    assert said.json["error"]["message"].startswith("Something unforeseen went wrong (RuntimeError).")
    assert "kari" not in said.out + said.err
    assert "Traceback" not in said.err


def test_a_reader_that_left_is_no_mistake(tmp_path: Path) -> None:
    """`ccexport segments schema | head -1`."""
    import subprocess
    import sys

    from tests.conftest import ROOT

    command = [sys.executable, "-m", "ccexport", "segments", "schema"]
    started = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None
    started.stdout.close()
    _, err = started.communicate(timeout=60)

    assert (started.returncode, err) == (1, "")


def test_every_command_takes_json_and_a_data_directory() -> None:
    """So that a script can add both without looking."""
    from typer.main import get_command

    from ccexport.cli.main import app

    without = []
    waiting = [((), get_command(app))]
    while waiting:
        path, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting += [((*path, name), found) for name, found in below.items()]
        options = {option for parameter in command.params for option in parameter.opts}
        if not below and not {"--json", "--data-dir"} <= options:
            without.append(path)

    assert without == []


def test_a_bad_file_leaves_the_current_snapshot(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    ccexport("profiles", "ingest", write_csv(tmp_path / "good.csv", [person(1)]))
    (tmp_path / "bad.csv").write_text("")

    said = ccexport("profiles", "ingest", tmp_path / "bad.csv")

    assert said.code == 2
    assert "bad.csv" in said.err
    assert ccexport("profiles", "show", "--json").json["profiles"] == 1


def test_the_command_line_never_loads_streamlit(ccexport: Callable[..., Said], tmp_path: Path) -> None:
    import subprocess
    import sys

    from tests.conftest import ROOT

    code = (
        "import sys; import ccexport.cli.main; heavy = {'sqlalchemy', 'duckdb', 'pyarrow', 'httpx'}\n"
        "print(heavy & sys.modules.keys())  # for help and completion nobody waits for databases\n"
        "import ccexport.services.context; print('streamlit' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.split("\n")[:2] == ["set()", "False"]


def test_a_person_is_added_with_a_password_from_standard_input(ccexport: Callable[..., Said]) -> None:
    added = ccexport("people", "add", "kari", "--role", "viewer", stdin="a long password\n")
    weak = ccexport("people", "add", "ola", "--role", "viewer", stdin="short\n")

    assert added.code == 0, added.err
    assert weak.code == 2
    assert [p["name"] for p in ccexport("people", "list", "--json").json] == ["kari"]
