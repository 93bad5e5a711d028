"""The audit is a chain: whatever is changed, inserted or removed later is found."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from ccexport.ledger import Ledger
from ccexport.ledger.database import NEWEST
from tests.ledger.test_upgrade import _migrated as migrated


@contextmanager
def by_hand(address: str) -> Iterator[Connection]:
    """As somebody with the database's own tool."""
    url = make_url(address)
    engine = create_engine(url.set(drivername="postgresql+psycopg") if "postgresql" in address else url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _filled(ledger: Ledger) -> None:
    ledger.audit.add(
        "ada", "export created", "News", {"list": "Nyhetsbrev Ø", "fields": ("a", "b"), "n": 0.1}
    )
    ledger.audit.add("ada", "person added", "bo")
    ledger.audit.add("bo", "run started", "run-1", {"at": datetime(2026, 1, 2, tzinfo=UTC)})


def test_entries_follow_from_each_other(ledger: Ledger) -> None:
    assert ledger.audit.first_broken() is None
    _filled(ledger)

    assert ledger.audit.first_broken() is None
    assert len({row["hash"] for row in ledger.audit.all()}) == 3


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE id = 2", 2),
        ("UPDATE audit SET detail = '{}' WHERE id = 1", 1),
        ("UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE id = 3", 3),
        ("UPDATE audit SET hash = '' WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("INSERT INTO audit SELECT 9, at, actor, action, subject, detail, hash FROM audit WHERE id = 3", 9),
        ("UPDATE audit SET id = 9 WHERE id = 1", 2),
    ],
)
def test_what_is_done_by_hand_is_found(ledger: Ledger, ledger_address: str, change: str, broken: int) -> None:
    _filled(ledger)
    with by_hand(ledger_address) as connection:
        connection.execute(text(change))

    assert ledger.audit.first_broken() == broken
    ledger.audit.add("ada", "person added", "cy")
    assert ledger.audit.first_broken() == broken


def test_entries_of_several_processes_make_one_chain(
    ledger: Ledger, ledger_address: str, tmp_path: Path
) -> None:
    """Each with its own connection to the ledger."""

    def write(name: str) -> None:
        other = Ledger(ledger_address, tmp_path)
        for n in range(20):
            other.audit.add(name, "person added", str(n))
        other.close()

    threads = [threading.Thread(target=write, args=(name,)) for name in ("ada", "bo", "cy", "di")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ledger.audit.all()) == 80
    assert ledger.audit.first_broken() is None


def test_an_audit_from_before_is_chained_by_the_upgrade(ledger_address: str, tmp_path: Path) -> None:
    with migrated(ledger_address, "0009") as connection:
        for n in range(1_100):
            connection.execute(
                text(
                    "INSERT INTO audit (at, actor, action, subject, detail) VALUES "
                    f"('2026-01-02 03:04:05.{n:06}', 'ada', 'person added', 'ø{n}', '{{\"n\": {n}}}')"
                )
            )
    upgraded = Ledger(ledger_address, tmp_path)

    assert NEWEST >= "0010"
    assert upgraded.audit.first_broken() is None
    upgraded.audit.add("ada", "person added", "bo")
    assert upgraded.audit.first_broken() is None
    with by_hand(ledger_address) as connection:
        connection.execute(text("UPDATE audit SET subject = 'x' WHERE id = 600"))
    assert upgraded.audit.first_broken() == 600
    upgraded.close()
