"""Shell completion as a shell does it: what `eval` defines is run by a real bash."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

SETTINGS = {k: v for k, v in os.environ.items() if not k.startswith("CCEXPORT_")} | {
    "PATH": f"{ROOT / 'bin'}:{os.environ['PATH']}"
}


def shell(script: str, folder: Path) -> list[str]:
    command = ["bash", "--norc", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env=SETTINGS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(autouse=True)
def installed() -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("the environment is not in .venv")


def test_bash_completes_commands_options_and_words(tmp_path: Path) -> None:
    script = """
    eval "$(_CCEXPORT_COMPLETE=source_bash ccexport)"
    complete -p ccexport >/dev/null
    tab() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ccexport_completion ccexport; echo "${COMPREPLY[@]}" ,; }
    tab ccexport sched
    tab ccexport exports run --di
    tab ccexport people add ada --role ""
    """
    found = " ".join(shell(script, tmp_path)).split(",")

    assert [words.split() for words in found[:3]] == [
        ["schedules"],
        ["--digest"],
        ["viewer", "contributor", "administrator"],
    ]
    assert list(tmp_path.iterdir()) == []  # completing a word makes no data directory


@pytest.mark.parametrize(
    ("shell_name", "asked"),
    [
        ("zsh", {"_TYPER_COMPLETE_ARGS": "ccexport sched"}),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "ccexport sched", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_the_other_shells_get_theirs(shell_name: str, asked: dict[str, str], tmp_path: Path) -> None:
    def said(**more: str) -> str:
        return subprocess.run(
            ["ccexport"], cwd=tmp_path, env=SETTINGS | more, capture_output=True, text=True, check=False
        ).stdout

    assert "_CCEXPORT_COMPLETE=complete_" + shell_name in said(_CCEXPORT_COMPLETE=f"source_{shell_name}")
    assert "schedules" in said(_CCEXPORT_COMPLETE=f"complete_{shell_name}", **asked)


def test_the_command_works_through_a_link_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "ccexport").symlink_to(ROOT / "bin" / "ccexport")
    shutil.copy(ROOT / "bin" / "ccexport", tmp_path / "bin" / "ccexport")

    through = subprocess.run([tmp_path / "ccexport", "--help"], capture_output=True, text=True, check=False)
    without = subprocess.run([tmp_path / "bin" / "ccexport"], capture_output=True, text=True, check=False)

    assert (through.returncode, "Exit codes" in through.stdout) == (0, True)
    assert (without.returncode, "make -C" in without.stderr) == (2, True)
