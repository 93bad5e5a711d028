"""What an operator does: ask the doctor, rotate the key, restore a back-up, move to PostgreSQL."""

import contextlib
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from ccexport.errors import Conflict, NotPermitted, StoreTrouble
from ccexport.ledger import Ledger
from ccexport.ledger.maintenance import move, version_of
from ccexport.messages import message, verbatim
from ccexport.model.notices import Channel
from ccexport.model.schedules import Schedule
from ccexport.model.words import RunState
from ccexport.services import Services
from ccexport.services.doctor import Finding, Health, diagnose
from ccexport.worker.holders import holder_name
from tests.conftest import Clock
from tests.ledger.conftest import make_config, make_connection, make_run
from tests.schedules.conftest import Timed
from tests.world import ADA, CARL, World, brief, person

OLD, NEW = "an old key of some length", "a new key of some length"


@pytest.fixture
def now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world in the time of this machine, and its settings in the environment."""
    made = World(tmp_path)
    for name in ("data_dir", "cc_api_url", "cc_auth_url", "cc_client_id"):
        monkeypatch.setenv(f"CCEXPORT_{name.upper()}", str(getattr(made.settings, name)))
    yield made
    made.close()


def by_name(found: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in found}


def test_a_healthy_installation_is_all_well(now: World) -> None:
    now.ready([person(1)])

    found = diagnose()

    assert {f.health for f in found} == {Health.OK}
    assert {"settings", "data directory", "free space", "ledger", "key", "API", "authorisation", "clock"} < {
        f.what for f in found
    }
    assert "quota" in by_name(found)


def test_it_says_what_is_wrong_and_what_to_do(now: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now.ready([person(1)])
    connection = now.services.ledger.connections.named("Main")
    now.services.ledger.connections.change(
        connection.id, state="reconnect", state_reason=message("Connect again.")
    )
    monkeypatch.setenv("CCEXPORT_CC_API_URL", "http://127.0.0.1:9/v3")
    (now.settings.data_dir / "secret.key").write_text("x" * 43 + "=")

    found = by_name(diagnose())

    assert found["API"].health is Health.FAIL
    assert found["key"].health is Health.FAIL
    assert found["connection Main"].health is Health.FAIL
    assert "--reconnect" in found["connection Main"].to_do
    assert all(f.to_do for f in found.values() if f.health is not Health.OK)


def test_a_schedule_without_a_worker_is_seen(now: World, on: Callable[..., Schedule]) -> None:
    now.ready([person(1)])
    assert "nothing waits for one" in by_name(diagnose())["worker"].found
    now.services.schedules.set(CARL, ["News"], on(every="day", at=["06:00"]))
    assert by_name(diagnose())["worker"].health is Health.WARN

    now.services.worker().run_once()

    assert f"at work on {socket.gethostname()}" in by_name(diagnose())["worker"].found
    now.services.ledger.leases.drop(f"worker:{socket.gethostname()}", holder_name())
    host, _, started, thread, place = holder_name().split(":")
    dead = f"{host}:999999999:{started}:{thread}:{place}"
    now.services.ledger.leases.take(f"worker:{socket.gethostname()}", dead, seconds=60)
    assert by_name(diagnose())["worker"].health is Health.WARN
    now.services.worker().run_once()  # takes the place of the dead one at once
    assert by_name(diagnose())["worker"].health is Health.OK


def test_a_clock_that_is_wrong_is_seen(now: World, clock: Clock) -> None:
    assert by_name(diagnose(clock=clock))["clock"].health is Health.FAIL


def test_a_wrong_setting_and_a_newer_ledger_are_one_finding(
    now: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import text

    with now.services.ledger._database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert by_name(diagnose())["ledger"].health is Health.FAIL
    with now.services.ledger._database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    older = by_name(diagnose())
    assert older["ledger"].health is Health.WARN
    assert "quota" not in older
    assert version_of(now.settings.ledger_address) == "0001"  # a look changes nothing
    monkeypatch.setenv("CCEXPORT_WORKER", "sometimes")
    (finding,) = diagnose()

    assert "CCEXPORT_WORKER" in finding.found


def test_the_key_rotates(world: Timed) -> None:
    def opened(key: str) -> None:
        world.services.close()
        world.settings = world.settings.model_copy(update={"secret_key": SecretStr(key)})
        world.set_clock(world.clock)

    opened(OLD)
    world.ready([person(1)])
    world.services.notices.subscribe(ADA, Channel.SLACK, "https://example.com/hook")
    opened(f"{NEW},{OLD}")
    with pytest.raises(NotPermitted):
        world.services.maintenance.rotate_key(CARL)
    assert world.services.maintenance.rotate_key(ADA) == 2
    opened(NEW)

    assert world.run().state is RunState.SUCCEEDED
    opened(OLD)
    with pytest.raises(StoreTrouble, match="CCEXPORT_SECRET_KEY"):
        world.services.ledger.connections.tokens(world.services.ledger.connections.all()[0].id)


def test_a_copied_data_directory_is_a_back_up(world: Timed, on: Callable[..., Schedule]) -> None:
    world.ready([person(n) for n in range(3)])
    world.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))
    run = world.run()
    world.services.close()
    shutil.copytree(world.settings.data_dir, world.root / "back-up")
    shutil.rmtree(world.settings.data_dir)

    restored = world.settings.model_copy(update={"data_dir": world.root / "back-up"})
    world.services = Services(restored, clock=world.clock, sleep=brief)

    assert world.services.runs.get(ADA, run.id).counts["verified"] == 3
    assert len(world.services.runs.contacts(ADA, run.id)) == 3
    assert world.run().counts["unchanged"] == 3  # it still knows what it delivered
    world.until(world.at(6, 30))
    assert world.runs()[-1].trigger == "schedule"


def test_the_ledger_moves_to_postgresql_with_everything(world: Timed, empty_database: str) -> None:
    world.ready([person(n) for n in range(3)])
    world.services.notices.subscribe(ADA, Channel.SLACK, "https://example.com/hook")
    run = world.run()
    story = world.services.runs.story(ADA, run.id)
    moved = world.services.maintenance.move_ledger(ADA, empty_database)
    assert moved.rows["run_events"] == len(story)
    with contextlib.closing(sqlite3.connect(world.settings.data_dir / "ledger.sqlite")) as there:
        tables = {name for (name,) in there.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(moved.rows) == {t for t in tables if not t.startswith("sqlite_")} - {"alembic_version"}
    world.services.close()
    world.settings = world.settings.model_copy(update={"ledger_url": empty_database})
    world.set_clock(world.clock)

    assert world.services.runs.story(ADA, run.id) == story
    assert world.run().counts["unchanged"] == 3  # new events get new numbers
    assert world.services.ledger.notices.subscribers()[0].label == "example.com"


def test_a_ledger_is_moved_into_an_empty_one_only_and_while_nothing_is_sent(
    tmp_path: Path, clock: Clock
) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.sqlite'}", f"sqlite:///{tmp_path / 'b.sqlite'}"
    ledger = Ledger(here, tmp_path, clock=clock)
    ledger.connections.add(make_connection(clock), tokens={}, agreed_text="yes")
    ledger.exports.add("export-one", make_config("one"), by="ada")
    ledger.runs.create(make_run(clock))
    ledger.runs.move("run-1", RunState.PLANNING, verbatim("planning"), actor="ada")
    with pytest.raises(Conflict, match="is being worked on"):
        move(here, there)
    ledger.runs.move("run-1", RunState.CANCELLED, verbatim("enough"), actor="ada")

    assert move(here, there).rows["runs"] == 1
    with pytest.raises(Conflict, match="is not empty"):
        move(here, there)
    ledger.close()
