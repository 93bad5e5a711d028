"""One PostgreSQL for several hosts: stopped ones, cut ones, and ones whose clock is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ccexport.clock import utc_now
from ccexport.errors import LedgerTrouble
from ccexport.ledger import Ledger
from ccexport.ledger.database import Database
from ccexport.ledger.server_clock import ServerClock


@pytest.fixture
def address(empty_database: str) -> str:
    return empty_database


@pytest.fixture
def two(address: str, tmp_path: Path) -> Iterator[tuple[Ledger, Ledger]]:
    """A host whose clock is right and one whose clock is 31 s ahead."""
    right = Ledger(address, tmp_path)
    ahead = Ledger(address, tmp_path, clock=lambda: utc_now() + timedelta(seconds=31))
    yield right, ahead
    right.close()
    ahead.close()


def test_a_host_whose_clock_is_ahead_takes_no_lease_before_it_is_over(two: tuple[Ledger, Ledger]) -> None:
    right, ahead = two
    assert right.leases.take("run:1", "right", seconds=30)

    assert not ahead.leases.take("run:1", "ahead", seconds=30)
    assert ahead.leases.holder("run:1") == "right"
    assert ahead.leases.held("run:") == {"run:1": "right"}
    assert ahead.leases.take("run:2", "ahead", seconds=30)
    right.leases.drop("run:1", "right")
    assert ahead.leases.take("run:1", "ahead", seconds=30) == 2


def test_both_hosts_tell_the_time_and_the_pace_by_the_servers_clock(two: tuple[Ledger, Ledger]) -> None:
    def step(kept: Any, now: datetime) -> tuple[dict[str, Any], datetime]:
        return {}, now

    times = [ledger.clock() for ledger in two] + [ledger.pace.change("key", step) for ledger in two]

    assert all(abs(at - utc_now()) < timedelta(seconds=15) for at in times)


def test_the_server_is_told_how_long_to_wait(address: str) -> None:
    names = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
    database = Database(address)
    with database.read() as connection:
        told = [connection.execute(text(f"SHOW {name}")).scalar() for name in names]
    database.close()

    assert told == ["15s", "10s", "1min"]


def test_who_stops_between_two_statements_is_cut_off_and_lets_go_of_its_rows(address: str) -> None:
    """Seconds instead of the usual fifteen; the error is the ledger's, which lets a run wait, not a fault."""
    database = Database(address)
    database.upgrade()
    with pytest.raises(LedgerTrouble), database.write() as stopped:
        stopped.execute(text("SET LOCAL idle_in_transaction_session_timeout = '50ms'"))
        stopped.execute(text("LOCK TABLE leases"))
        with database.single() as other:
            assert other.execute(text("SELECT count(*) FROM leases")).scalar() == 0  # waits for the lock
        stopped.execute(text("SELECT 1"))
    database.close()


def test_who_waits_for_a_row_too_long_is_told(address: str) -> None:
    database = Database(address)
    database.upgrade()
    with database.write() as holding:
        holding.execute(text("LOCK TABLE leases"))
        with pytest.raises(LedgerTrouble) as told, database.write() as waiting:
            waiting.execute(text("SET LOCAL lock_timeout = '20ms'"))
            waiting.execute(text("LOCK TABLE leases"))
    assert "lock timeout" in told.value.log  # the log names what was wrong, not only that something was
    database.close()


def test_whoever_holds_the_lock_of_the_upgrade_and_was_stopped_keeps_nobody_from_starting(
    address: str, tmp_path: Path
) -> None:
    first = Ledger(address, tmp_path)
    with first._database.single() as stopped:
        stopped.execute(text("SELECT pg_advisory_lock(710112)"))

        Ledger(address, tmp_path).close()

        stopped.execute(text("SELECT pg_advisory_unlock(710112)"))
    first.close()


def test_the_servers_clock_is_not_asked_each_time_and_survives_a_server_that_is_away() -> None:
    counted, asked = [0.0], []

    def ask() -> datetime:
        asked.append(counted[0])
        if 50 < counted[0] < 100:
            raise LedgerTrouble("away")
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=counted[0])

    clock = ServerClock(ask, count=lambda: counted[0])
    seen = []
    for at in (0.0, 10.0, 59.0, 61.0, 62.0, 90.0, 120.0):
        counted[0] = at
        seen.append((clock() - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds())

    assert seen == [0.0, 10.0, 59.0, 61.0, 62.0, 90.0, 120.0]
    assert asked == [0.0, 61.0, 90.0, 120.0]


def test_an_answer_of_the_server_that_took_long_is_not_believed() -> None:
    """A process may be stopped while it asks."""
    counted, late = [0.0], [0.0]

    def ask() -> datetime:
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=counted[0])
        counted[0] += late[0]
        return at

    clock = ServerClock(ask, count=lambda: counted[0])
    first = clock()
    counted[0], late[0] = 70.0, 40.0

    assert clock() - first == timedelta(seconds=110)
