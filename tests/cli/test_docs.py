"""Every command in the documentation is run here, or stands in `NOT_RUN` with the reason.

What the reader has to fill in is filled in by `Reader`; nothing else of a command is changed.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from typer.main import get_command

from ccexport.cli.main import app, main
from ccexport.cli.reference import reference
from ccexport.settings import Settings
from tests.conftest import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

FRESH = "makes an environment anew, which takes minutes; the job that runs these tests began with it"
ROOT_ONLY = "needs root and systemd; the units are looked at by tests/schedules/test_deploy.py"
NOT_RUN = {
    "git clone <this repository> ccexport && cd ccexport": FRESH,
    "make run": f"{FRESH}; tests/browser starts the dashboard as it does",
    "make install": FRESH,
    "make install && . .venv/bin/activate": FRESH,
    ". .venv/bin/activate": "changes the reader's shell; these tests are inside already",
    "python -m ccexport demo --data-dir /tmp/ccexport-demo": "run by tests/cli/test_journey.py, once is enough",
    "useradd --system --home-dir /opt/ccexport ccexport": ROOT_ONLY,
    "git clone <this repository> /opt/ccexport && cd /opt/ccexport": ROOT_ONLY,
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt": FRESH,
    "install -m 0600 deploy/ccexport.env /etc/ccexport.env": ROOT_ONLY,
    "install -m 0644 deploy/ccexport.service /etc/systemd/system/": ROOT_ONLY,
    "systemctl daemon-reload && systemctl enable --now ccexport": ROOT_ONLY,
    "podman run -d --name ccexport -p 127.0.0.1:8501:8501 -v ccexport:/data --env-file /etc/ccexport.env "
    "-e CCEXPORT_DATA_DIR=/data ccexport": "needs podman; the file is looked at by tests/schedules/test_deploy.py",
}


def commands(document: Path) -> list[str]:
    """The commands of the shell blocks, one a line, without comments."""
    found = []
    for language, block in FENCE.findall(document.read_text("utf-8")):
        if language in {"sh", "bash", "shell", "console"}:
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            found += [re.sub(r"\s{2,}#.*", "", line).strip() for line in lines if not line.startswith("#")]
    return [line for line in found if line]


class Reader:
    """Somebody who follows a document, with what the document leaves to them."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.folder = folder
        self.words: dict[str, str] = {}
        self.ran: list[str] = []
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def run(self, command: str) -> str:
        """Run it and give what it printed on stdout."""
        self.ran.append(command)
        for word, meant in self.words.items():
            command = command.replace(word, meant)
        parts = shlex.split(command)
        if parts[0] == "export":
            name, _, value = parts[1].partition("=")
            self._monkeypatch.setenv(name, value)
            return ""
        named = list(iter_assignments(parts))
        ours = parts[len(named) :][:3] == ["python", "-m", "ccexport"]
        if ours and not {"connections", ">", "|"} & set(parts):
            return self._here(dict(named), parts[len(named) + 3 :])
        return self._in_a_shell(command)

    def _here(self, settings: dict[str, str], arguments: list[str]) -> str:
        """In this process, which is quicker."""
        self._capfd.readouterr()
        with pytest.MonkeyPatch.context() as set_:
            for name, value in settings.items():
                set_.setenv(name, value)
            with pytest.raises(SystemExit) as left:
                main(arguments)
        said = self._capfd.readouterr()
        well = (
            {0, 6} if arguments[0] == "doctor" else {0}
        )  # the doctor misses a worker, which is nothing wrong
        assert left.value.code in well, (arguments, said.err, said.out)
        return said.out

    def _in_a_shell(self, command: str) -> str:
        return shell(command, self.folder)


def shell(script: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (script, done.stderr)
    return done.stdout


def iter_assignments(parts: list[str]) -> Iterator[tuple[str, str]]:
    for part in parts:
        if not re.match(r"[A-Z_]+=", part):
            return
        name, _, value = part.partition("=")
        yield name, value


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Reader:
    return Reader(tmp_path, monkeypatch, capfd)


def customers(folder: Path) -> None:
    """The file the README describes."""
    lines = ["Customer Id,First Name,Last Name,Email,Country", "c0,Some,Body,somebody@example.com,Norway"]
    lines += [f"c{n},First{n},Last{n},person{n}@example.com,Norway" for n in range(1, 20)]
    (folder / "customers.csv").write_text("\n".join(lines) + "\n")


def browser(folder: Path) -> str:
    """A person's browser: opens the address, presses Allow, follows the way back."""
    script = folder / "browser.py"
    script.write_text("import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=30).read()")
    return f"{sys.executable} {script} %s &"


def test_nothing_in_the_documentation_is_forgotten() -> None:
    found = {command for document in DOCUMENTS for command in commands(document)}
    followed = {c for name in FOLLOWED for c in commands(ROOT / name)}

    assert sorted(found - followed - NOT_RUN.keys()) == []
    assert sorted(NOT_RUN.keys() - found) == []


def test_readme_and_operating_are_followed_to_the_letter(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation is made as the README says, and then operated."""
    customers(tmp_path)
    store, old, new = tmp_path / "store", "", "a new key of some length"
    monkeypatch.setenv("BROWSER", browser(tmp_path))
    reader.words = {"/tmp/ccexport-own": str(store)}
    for command in [c for c in commands(ROOT / "README.md") if c not in NOT_RUN]:
        if "RUN_ID" in command:
            reader.words["RUN_ID"] = json.loads(reader.run("python -m ccexport runs list --json"))[0][
                "run_id"
            ]
        said = reader.run(command)
    assert "verified" in said  # somebody@example.com is on the list

    reader.words["/srv/crm"] = str(tmp_path)
    for command in commands(ROOT / "docs" / "by-itself.md"):
        said = reader.run(command)
    assert said == "Nothing is to be changed.\n"  # what was dumped is what there is

    old = (store / "secret.key").read_text().strip()
    reader.words |= {
        "/var/lib/ccexport": str(store),
        "/backup": str(tmp_path / "backup"),
        "/srv/ccexport-restored": str(tmp_path / "restored"),
        "NEW,OLD": f"{new},{old}",
        "postgresql://ccexport:password@db/ccexport": f"sqlite:///{tmp_path / 'moved.sqlite'}",
    }
    monkeypatch.setenv("CCEXPORT_SECRET_KEY", old)  # the back-up leaves the key out
    for command in [c for c in commands(ROOT / "docs" / "operate.md") if c not in NOT_RUN]:
        reader.run(command)
        if "rotate-key" in command:
            monkeypatch.setenv("CCEXPORT_SECRET_KEY", new)
            reader.run("python -m ccexport doctor")
    monkeypatch.setenv("CCEXPORT_LEDGER_URL", f"sqlite:///{tmp_path / 'moved.sqlite'}")
    moved = json.loads(reader.run("python -m ccexport runs list --json"))
    assert [run["state"] for run in moved] == ["queued", "succeeded"]  # the refresh has begun the second

    # What was backed up before the key was rotated is restored elsewhere, with the old key.
    monkeypatch.delenv("CCEXPORT_LEDGER_URL")
    monkeypatch.setenv("CCEXPORT_SECRET_KEY", old)
    monkeypatch.setenv("CCEXPORT_DATA_DIR", str(tmp_path / "restored"))
    reader.run("python -m ccexport doctor")
    preview = json.loads(reader.run("python -m ccexport exports preview Newsletter --json"))
    assert preview["verdicts"]["unchanged"] == 20  # it knows what was sent


def test_the_sandbox_document_is_followed(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    start, *rest = [c.replace("8765", port) for c in commands(ROOT / "docs" / "sandbox.md")]
    script = [f"{start} >started & echo $!; until grep -q listening started; do sleep 0.1; done", *rest]
    said = shell("trap 'kill %1' EXIT\n" + "\n".join(script), tmp_path)

    assert '"name":"Newsletter"' in said.replace('": "', '":"')
    assert '"left":["Newsletter"]' in said.replace('": [', '":[')


# docs/api.md is followed by tests/api/test_curl.py, beside a dashboard.
FOLLOWED = ("README.md", "docs/api.md", "docs/by-itself.md", "docs/operate.md", "docs/sandbox.md")


def test_the_reference_is_written_from_the_code() -> None:
    """When this fails: `make reference`, then read what has changed."""
    assert (ROOT / "docs" / "reference.md").read_text("utf-8") == reference()


def test_every_setting_says_what_it_means_and_every_command_what_it_does() -> None:
    undescribed = [name for name, field in Settings.model_fields.items() if not field.description]

    assert undescribed == []
    assert "|  |" not in re.sub(r" \|  \|$", "", reference(), flags=re.M)  # only options may be absent


def test_every_command_ends_its_help_with_an_example() -> None:
    assert "exports run" in known()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120


def example_of(command: click.Command, path: list[str]) -> None:
    """Its help ends with an example that its own options can read."""
    help_text = " ".join((command.help or "").split())
    assert "Example: " in help_text, f"{' '.join(path)} has no example"
    words = [w for w in shlex.split(help_text.split("Example: ", 1)[1]) if not re.match("CCEXPORT_", w)]
    assert words[: len(path) + 1] == ["ccexport", *path]
    given = [w.rstrip(";") for w in words[len(path) + 1 :]]
    ends = [given.index(word) for word in (">", "and") if word in given]
    command.make_context(path[-1], given[: min(ends, default=len(given))])


def known() -> list[str]:
    found: list[str] = []

    def walk(command: click.Command, path: list[str]) -> None:
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append(" ".join(path))
            example_of(command, path)
        for name, child in (inner or {}).items():
            walk(child, [*path, name])

    walk(get_command(app), [])
    return found


def test_yaml_and_json_in_the_documentation_can_be_read() -> None:
    for document in DOCUMENTS:
        for language, block in FENCE.findall(document.read_text("utf-8")):
            with contextlib.suppress(KeyError):
                {"yaml": yaml.safe_load, "json": json.loads}[language](block)
