"""The pace at the double: hosts that share a ledger, and a network in which no request takes as long as the last."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from ccexport.clock import utc_now
from ccexport.constant_contact.account import Account
from ccexport.constant_contact.transport import Transport
from ccexport.errors import LedgerTrouble
from ccexport.ledger import Ledger
from ccexport.runs.accounts import SharedPace
from tests.world import World

REQUESTS, AT_ONCE = 6, 4


class Uneven(httpx.HTTPTransport):
    """A real network whose every request and answer is on its way for up to 0.3 s."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        time.sleep(self._random.random() * 0.3)
        answer = super().handle_request(request)
        time.sleep(self._random.random() * 0.3)
        return answer


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, config={"requests_per_second": 4})
    made.connect()
    time.sleep(1.05)  # what connecting asked counts no more
    yield made
    made.close()


def test_never_more_than_four_in_any_second_at_the_double(
    limited: World, empty_database: str, tmp_path: Path
) -> None:
    """Two hosts, four threads each; the double refuses the fifth request of any second."""
    (connection,) = limited.services.ledger.connections.all()
    token = limited.services.ledger.connections.tokens(connection.id)["access_token"]
    before = limited.sandbox.admin("GET", "inspect/requests?limit=1000")["requests"]
    ledgers = [Ledger(empty_database, tmp_path) for _ in range(2)]
    accounts = [
        Account(
            transport=Transport(wire=Uneven(seed)),
            api_url=limited.sandbox.api_url,
            token=_Given(token),
            pace=SharedPace(ledger, "key", clock=ledger.clock, sleep=time.sleep).pace,
        )
        for seed, ledger in enumerate(ledgers)
    ]
    with ThreadPoolExecutor(2 * AT_ONCE) as pool:
        asked = [pool.submit(account.counts) for account in accounts * REQUESTS * 2]
        assert all(one.result() for one in asked)
    for ledger in ledgers:
        ledger.close()

    rows = limited.sandbox.admin("GET", "inspect/requests?limit=1000")["requests"]
    mine = [row for row in rows if row["no"] not in {old["no"] for old in before}]
    assert [row["status"] for row in mine] == [200] * (REQUESTS * 4)  # also: none was asked again


class _Given:
    def __init__(self, token: str) -> None:
        self._token = token

    def access_token(self, refused: str | None = None) -> str:
        assert refused is None
        return self._token


def test_an_answer_is_not_lost_because_the_pace_cannot_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request would be sent a second time."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path)
    pace = SharedPace(ledger, "key", clock=utc_now, sleep=time.sleep).pace

    def away(*_: Any) -> None:
        raise LedgerTrouble("away")

    answers = []
    with pace("work"):
        monkeypatch.setattr(ledger.pace, "change", away)
        answers.append("answer")
    with pytest.raises(LedgerTrouble), pace("work"):
        answers.append("never")
    ledger.close()

    assert answers == ["answer"]


def test_a_process_stopped_while_it_changes_the_pace_holds_up_nobody(
    empty_database: str, tmp_path: Path
) -> None:
    one, other = Ledger(empty_database, tmp_path), Ledger(empty_database, tmp_path)
    stopped, go_on = threading.Event(), threading.Event()
    seen: list[int] = []

    def step(kept: Any, now: Any) -> tuple[dict[str, Any], int]:
        number = (kept or {"n": 0})["n"] + 1
        return {"n": number}, number

    def halting(kept: Any, now: Any) -> tuple[dict[str, Any], int]:
        stopped.set()
        go_on.wait()
        return step(kept, now)

    thread = threading.Thread(target=lambda: seen.append(one.pace.change("key", halting)))
    thread.start()
    stopped.wait()
    seen.append(other.pace.change("key", step))
    go_on.set()
    thread.join()
    one.close()
    other.close()

    assert seen == [1, 2]
