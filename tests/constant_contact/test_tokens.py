"""One refresher at a time, stored before use, and never a loop."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest

from ccexport.constant_contact.backoff import Patience
from ccexport.constant_contact.oauth import OAuthApp
from ccexport.constant_contact.tokens import FreshToken, TokenEndpoint, TokenKeeper
from ccexport.constant_contact.transport import Transport
from ccexport.errors import ConstantContactDown, ReconnectNeeded, StoreTrouble, Throttled

from .fake_api import AUTH, NOW, Clock, FakeApi, answer, tokens


class Store:
    """The stored tokens of one connection, with the lock the ledger would give."""

    def __init__(self, kept):
        self.kept = kept
        self.lock = threading.Lock()
        self.story = []

    @contextmanager
    def locked(self):
        with self.lock:
            yield self

    def read(self):
        return self.kept

    def store(self, fresh):
        self.story.append(f"stored {fresh.access_token}")
        self.kept = fresh


def keeper(store, refresh=None, now=NOW):
    """A keeper whose refreshes make tokens number 2, 3, ..."""

    def make(refresh_token):
        store.story.append(f"refreshed {refresh_token}")
        return tokens(str(int(refresh_token.removeprefix("refresh-")) + 1), now=now)

    return TokenKeeper(store.read, store.locked, refresh or make, lambda: now)


def test_a_good_token_is_used_as_it_is():
    """Refreshing per request would meet the token endpoint's own limit."""
    store = Store(tokens())

    assert keeper(store).access_token() == "access-1"
    assert store.story == []


@pytest.mark.parametrize(
    ("lifetime", "left", "refreshed"),
    [
        (86_400, 301, False),
        (86_400, 299, True),
        (86_400, -1, True),
        (60, 59, False),
        (60, 13, False),
        (60, 11, True),
    ],
)
def test_a_token_is_refreshed_before_it_ends(lifetime, left, refreshed):
    """Five minutes before, or in the last fifth of a life too short for that."""
    store = Store(tokens(seconds=lifetime, now=NOW + timedelta(seconds=left - lifetime)))

    keeper(store).access_token()

    assert bool(store.story) is refreshed


def test_new_tokens_are_stored_before_they_are_used():
    """A rotated token that was not stored is a lost connection."""
    store = Store(tokens(seconds=10, now=NOW - timedelta(seconds=9)))

    assert keeper(store).access_token() == "access-2"
    assert store.story == ["refreshed refresh-1", "stored access-2"]


def test_tokens_that_cannot_be_stored_are_not_used():
    """The trouble is the operator's to see."""
    store = Store(tokens(seconds=0))

    def broken(fresh):
        raise StoreTrouble("The disk is full.")

    store.store = broken
    with pytest.raises(StoreTrouble):
        keeper(store).access_token()


def test_another_refresher_who_was_faster_is_believed():
    """The stored tokens are read again inside the lock."""
    store = Store(tokens(seconds=0))

    @contextmanager
    def locked_late():
        store.kept = tokens("2")
        yield store

    store.locked = locked_late

    assert keeper(store).access_token() == "access-2"
    assert store.story == []


def test_a_refused_token_is_replaced_once():
    """401 on a token that should still be good: it was withdrawn, or another one replaced it."""
    store = Store(tokens("2"))

    assert keeper(store).access_token(refused="access-1") == "access-2"
    assert keeper(store).access_token(refused="access-2") == "access-3"
    assert store.story == ["refreshed refresh-2", "stored access-3"]


def test_two_threads_refresh_once():
    """With a rotating token the second would end the connection."""
    store = Store(tokens(seconds=0))
    shared, got = keeper(store), []
    threads = [threading.Thread(target=lambda: got.append(shared.access_token())) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert got == ["access-2"] * 8
    assert store.story.count("refreshed refresh-1") == 1


APP = OAuthApp(AUTH, "id", "secret")
GOOD = {"access_token": "a", "refresh_token": "r", "expires_in": 60}


def endpoint(*replies):
    """A token endpoint with these replies, and its clock."""
    clock, api = Clock(), FakeApi(*replies)
    patience = Patience(clock=clock, sleep=clock.sleep, random=lambda: 1.0)
    return TokenEndpoint(Transport(wire=api), APP, patience), api, clock


def test_invalid_grant_is_asked_once_and_never_again():
    """The token may have been reused: asking again could end the whole family."""
    asked, api, _ = endpoint(answer(400, {"error": "invalid_grant"}))

    with pytest.raises(ReconnectNeeded):
        asked.refresh("r-1")
    assert len(api.seen) == 1


def test_the_token_endpoint_is_asked_at_most_once_a_second():
    """It has a limit of its own."""
    asked, _, clock = endpoint(answer(200, GOOD), answer(200, GOOD))

    asked.refresh("r-1")
    asked.refresh("r-2")

    assert clock.slept == [1.0]


def test_passing_trouble_of_the_token_endpoint_is_waited_out():
    """429, 503 and silence, with at least a second between."""
    import httpx

    asked, api, clock = endpoint(
        answer(429, {"error": "x"}), answer(503), httpx.ReadTimeout("late"), answer(200, GOOD)
    )

    assert asked.refresh("r-1").access_token == "a"
    assert len(api.seen) == 4
    assert all(seconds >= 1 for seconds in clock.slept)


def test_a_token_endpoint_that_stays_down_is_given_up():
    """Sooner than the API: others wait for the lock, which is a lease of a minute."""
    asked, api, clock = endpoint(*(answer(503) for _ in range(20)))

    with pytest.raises(ConstantContactDown):
        asked.refresh("r-1")
    assert len(api.seen) == 4
    assert sum(clock.slept) < 20
    assert api.seen[0].extensions["timeout"]["read"] == 10


def test_a_code_is_exchanged_once():
    """It is spent by the first try, so trouble means: begin again."""
    asked, api, _ = endpoint(answer(503), answer(200, GOOD))

    with pytest.raises(ConstantContactDown):
        asked.exchange("code", redirect_url="http://localhost/cb", verifier="v")
    assert len(api.seen) == 1


def test_a_throttled_exchange_is_tried_once_more_after_a_second():
    """The 429 came before the code was looked at."""
    asked, api, clock = endpoint(answer(429, {"error": "x"}), answer(200, GOOD))

    assert asked.exchange("code", redirect_url="http://localhost/cb").access_token == "a"
    assert len(api.seen) == 2
    assert clock.slept == [1.0]


def test_an_exchange_that_stays_throttled_is_told():
    """Twice, and then the person tries again."""
    asked, api, _ = endpoint(*(answer(429, {"error": "x"}) for _ in range(5)))

    with pytest.raises(Throttled):
        asked.exchange("code", redirect_url="http://localhost/cb")
    assert len(api.seen) == 2


def test_an_account_being_connected_has_its_one_token():
    """Nothing is stored yet, so nothing can be refreshed."""
    source = FreshToken(tokens())

    assert source.access_token() == "access-1"
    with pytest.raises(ReconnectNeeded):
        source.access_token(refused="access-1")
