"""What is in deploy/: units that systemd takes, settings that are settings, a Containerfile that finds its files."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dotenv import dotenv_values

from ccexport.settings import PREFIX, load_settings
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"


@pytest.mark.parametrize("name", ["ccexport.service", "ccexport-worker.service"])
def test_systemd_takes_the_unit(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    (tmp_path / "opt" / ".venv").mkdir(parents=True)
    (tmp_path / "opt" / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    text = (DEPLOY / name).read_text()
    text = text.replace("/opt/ccexport", str(tmp_path / "opt")).replace("/etc/", f"{DEPLOY}/")
    (tmp_path / name).write_text(text)

    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / name], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_environment_file_holds_settings_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = dotenv_values(DEPLOY / "ccexport.env")
    for name, value in given.items():
        monkeypatch.setenv(name, value or "")

    settings = load_settings()

    ours = {name.removeprefix(PREFIX).lower() for name in given if name.startswith(PREFIX)}
    assert ours <= type(settings).model_fields.keys()
    assert (settings.log, settings.sandbox_on) == ("json", False)
    assert set(given) - {PREFIX + name.upper() for name in ours} == {"STREAMLIT_SERVER_ALLOWED_HOSTS"}


def test_the_containerfile_copies_what_is_there_and_what_is_needed() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    copied = {
        word.removeprefix("./")
        for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE)
        for word in line.split()[:-1]
    }

    assert [name for name in sorted(copied) if not (ROOT / name).exists()] == []
    assert {"app.py", "ccexport", "pages", ".streamlit", "requirements.txt"} <= copied
    assert f"python:{sys.version_info.major}." in text
