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
