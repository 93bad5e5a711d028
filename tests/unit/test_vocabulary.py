"""Settings, errors, ids, roles, and the documents that must name every command and setting."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccexport.cli.output import ExitCode, exit_code_of, table
from ccexport.errors import BadSettings, CcexportError, Refused
from ccexport.model.ids import make_id
from ccexport.model.runs import TRANSITIONS
from ccexport.model.words import ENDED, Role, RunState
from ccexport.settings import load_settings
from tests.conftest import ROOT
from tests.ledger.conftest import make_run


def test_every_link_of_the_documents_leads_somewhere() -> None:
    broken = []
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("data/*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if not target.startswith("http") and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")

    assert broken == []


def test_a_setting_of_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text("CCEXPORT_MEMORY_LIMIT=2GB\nCCEXPORT_SANDBOX=off\n")
    monkeypatch.setenv("CCEXPORT_MEMORY_LIMIT", "3GB")

    settings = load_settings(data_dir=Path("here"))

    assert (settings.memory_limit, settings.sandbox_on) == ("3GB", False)
    assert settings.data_dir == tmp_path / "here"


def test_a_wrong_setting_names_itself_and_where_it_came_from() -> None:
    Path(".env").write_text("CCEXPORT_WORKER=sometimes\n")

    with pytest.raises(BadSettings, match=r"CCEXPORT_WORKER \(from \.env\) is wrong"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "a-long-enough-key,short", "is too short: use at least 16 characters for each key"),
        ("LEDGER_URL", "mysql://here/db", "must look like sqlite:///path or postgresql://"),
        ("MEMORY_LIMIT", "0MB", "must be a size such as 512MB or 2GB"),
        ("OIDC_METADATA_URL", "https://id.example.com/c", "needs CCEXPORT_OIDC_CLIENT_ID and"),
    ],
)
def test_every_setting_is_checked_when_it_is_read(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    """Whatever the case of its name, as for pydantic."""
    monkeypatch.setenv(f"ccexport_{name.lower()}", value)

    with pytest.raises(BadSettings) as wrong:
        load_settings()
    assert str(wrong.value).startswith(
        f"The setting CCEXPORT_{name} (from the environment) is wrong: {sentence}"
    )
    assert value not in str(wrong.value)


def test_an_empty_setting_is_not_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As a script leaves it whose variable is empty; the present folder must not become the store."""
    for name in ("DATA_DIR", "VERIFY_GRACE", "SANDBOX"):
        monkeypatch.setenv(f"CCEXPORT_{name}", "")

    assert load_settings().data_dir == tmp_path / "data" / "store"


def test_a_settings_file_that_is_no_text_is_named() -> None:
    Path(".env").write_bytes(b"CCEXPORT_OIDC_NAME=\xe5se\n")

    with pytest.raises(BadSettings, match=r"\.env is not text in UTF-8"):
        load_settings()


def test_the_sandbox_is_on_until_there_is_a_client_id(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().sandbox_on
    monkeypatch.setenv("CCEXPORT_CC_CLIENT_ID", "key")
    assert not load_settings().sandbox_on


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCEXPORT_CC_CLIENT_SECRET", "very-secret")

    assert "very-secret" not in repr(load_settings())


def test_an_error_has_a_text_for_the_person_and_one_for_the_log() -> None:
    error = Refused("It was refused.", status=400, key="bad", asked=None)

    assert str(error) == "It was refused."
    assert error.log == "It was refused. status=400 key=bad"
    assert isinstance(error, CcexportError)


def test_ids_sort_by_when_they_were_made() -> None:
    early = make_id("run", datetime(2026, 1, 1, tzinfo=UTC), os.urandom(5))
    late = make_id("run", datetime(2026, 1, 2, tzinfo=UTC), os.urandom(5))

    assert early < late
    assert re.fullmatch(r"run-[0-9a-z]{9}-[0-9a-z]{5}", early)


def test_roles_cover_those_before_them() -> None:
    assert Role.ADMINISTRATOR.covers(Role.VIEWER)
    assert Role.CONTRIBUTOR.covers(Role.CONTRIBUTOR)
    assert not Role.VIEWER.covers(Role.CONTRIBUTOR)


def test_a_run_can_end_from_everywhere_and_leave_no_end() -> None:
    for state in RunState:
        if state in ENDED:
            assert TRANSITIONS[state] == frozenset()
        else:
            assert RunState.CANCELLED in TRANSITIONS[state]
            assert RunState.FAILED in TRANSITIONS[state]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (RunState.SUCCEEDED, ExitCode.DONE),
        (RunState.SUCCEEDED_WITH_REJECTS, ExitCode.WITH_REJECTS),
        (RunState.FAILED, ExitCode.FAILED),
        (RunState.BLOCKED, ExitCode.FAILED),
        (RunState.CANCELLED, ExitCode.FAILED),
        (RunState.WAITING, ExitCode.WAITING),
        (RunState.SENDING, ExitCode.WAITING),
    ],
)
def test_exit_codes_are_the_contract(state: RunState, code: ExitCode) -> None:
    run = make_run(lambda: datetime.now(UTC), state=state)  # type: ignore[arg-type]

    assert exit_code_of(run) == code


def test_an_empty_table_says_so() -> None:
    assert table([], ["a"]) == ["(none)"]
    assert table([{"a": 1, "b": None}], ["a", "b"]) == ["a  b", "1"]
