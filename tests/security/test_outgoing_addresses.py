"""A webhook that somebody adds cannot reach this machine, its network or a cloud's metadata service."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccexport.errors import BadInput
from ccexport.model.notices import Channel
from ccexport.outgoing import NoAnswer, exchange
from ccexport.outgoing_addresses import is_public
from tests.schedules.receivers import Hook, http_receiver
from tests.world import ADA, World

PRIVATE = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
    *("169.254.169.254", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254"),
    *("2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::"),
]
URLS = [
    *("https://127.0.0.1/hook", "https://localhost/hook", "http://localhost:8080/", "https://[::1]/hook"),
    *("https://169.254.169.254/latest/meta-data/", "https://10.0.0.7/", "https://[::ffff:127.0.0.1]/"),
    *("https://2130706433/", "https://127.1/", "https://0x7f000001/", "https://017700000001/", "https://0/"),
]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, webhook_hosts="")
    yield made
    made.close()


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_counts_as_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_a_public_address_counts_as_one(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("channel", [Channel.WEBHOOK, Channel.SLACK])
@pytest.mark.parametrize("url", URLS)
def test_a_webhook_to_this_machine_or_network_is_refused(world: World, url: str, channel: Channel) -> None:
    with pytest.raises(BadInput, match="is not a public address"):
        world.services.notices.subscribe(ADA, channel, url)
    assert world.services.notices.subscribers(ADA) == []


def test_one_that_was_added_before_reaches_nobody_until_its_host_is_allowed(
    tmp_path: Path, hook: Hook
) -> None:
    world = World(tmp_path)
    made = world.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url)
    world.settings = world.settings.model_copy(update={"webhook_hosts": ""})

    refused = world.reopened().notices.test(ADA, made.subscriber.id)
    world.settings = world.settings.model_copy(update={"webhook_hosts": " 127.0.0.1 , example.com"})
    arrived = world.reopened().notices.test(ADA, made.subscriber.id)
    world.close()

    assert not refused.arrived
    assert "CCEXPORT_WEBHOOK_HOSTS" in str(refused.sentence)
    assert arrived.arrived
    assert len(hook.bodies) == 1


def test_the_address_that_was_checked_is_the_one_connected_to(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers with a public address first and with ours the second time."""
    real, answers = socket.getaddrinfo, ["203.0.114.1", "127.0.0.1"]

    def rebinding(host: Any, *rest: Any, **named: Any) -> Any:
        return real(answers.pop(0) if host == "rebind.test" else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    port = hook.url.rpartition(":")[2].partition("/")[0]
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(NoAnswer):
        exchange("POST", f"http://rebind.test:{port}/", body=b"{}", seconds=0.5, only_public=True)

    assert answers == ["127.0.0.1"]
    assert hook.bodies == []


def test_a_host_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch, hook: Hook
) -> None:
    def several(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in ("1.1.1.1", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    with pytest.raises(NoAnswer, match="not a public one"):
        exchange("POST", hook.url, body=b"{}", seconds=1, only_public=True)
    assert hook.bodies == []


def test_a_redirect_is_not_followed(tmp_path: Path, hook: Hook) -> None:
    world = World(tmp_path)
    made = world.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url)
    hook.answers = [302]

    told = world.services.notices.test(ADA, made.subscriber.id)
    world.close()

    assert not told.arrived
    assert "answered 302" in str(told.sentence)
    assert len(hook.bodies) == 1
