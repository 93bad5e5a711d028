"""The door: only our own address, only so many strangers, nothing uploaded without a session."""

import contextlib
import http.client
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from ccexport.services import Services
from ccexport.settings import load_settings
from ccexport.ui import middleware
from ccexport.ui.app_state import STARTED
from ccexport.ui.door import address_of, is_ours
from ccexport.ui.visitors import STRANGERS_PER_ORIGIN, Strangers, Uploads
from tests.browser.conftest import Server
from tests.loops import run_async
from tests.security.conftest import session_of
from tests.security.wire import Wire

Get = Callable[..., httpx.Response]


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:{port}", None, 200),
        ("localhost:{port}", "http://localhost:{port}", 200),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", 200),
        ("evil.example:{port}", None, 403),
        ("127.0.0.1", None, 403),
        ("127.0.0.1:{port}", "http://localhost:9999", 403),
        ("127.0.0.1:{port}", "http://127.0.0.1:9999", 403),
        ("127.0.0.1:{port}", "https://evil.example", 403),
        ("127.0.0.1:{port}", "null", 403),
        ("127.0.0.1:{port}", "", 403),
    ],
)
def test_only_our_own_host_and_origin_come_in(
    server: Server, host: str, origin: str | None, status: int
) -> None:
    """By HTTP and by websocket; Streamlit itself takes every port of localhost."""
    port = port_of(server)
    headers = {"Host": host.format(port=port)} | (
        {} if origin is None else {"Origin": origin.format(port=port)}
    )
    assert httpx.get(f"{server.url}/", headers=headers).status_code == status
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    with contextlib.closing(connection):
        connection.request("GET", "/_stcore/stream", headers=headers | upgrade)
        assert connection.getresponse().status == (101 if status == 200 else 403)


def test_a_stranger_uploads_nothing(server: Server) -> None:
    """Not even with a websocket of their own, whose files would be held in memory."""
    with Wire(server.url) as wire:
        seen = wire.rerun()
        session = next(
            m.new_session.initialize.session_id for m in seen.messages if m.HasField("new_session")
        )
        answer = httpx.put(
            f"{server.url}/_stcore/upload_file/{session}/x", files={"x": ("x.csv", b"id,email\n" * 1000)}
        )
    assert answer.status_code == 403


def test_a_session_holds_only_so_much() -> None:
    """What is on its way counts, from however many tabs; what ended does not."""
    uploads = Uploads()
    with (
        uploads.coming("session", "tab 1", 60, 100) as first,
        uploads.coming("session", "tab 2", 60, 100) as second,
    ):
        assert (first, second) == (True, False)
        with uploads.coming("another", "tab 3", 60, 100) as other:
            assert other
    with uploads.coming("session", "tab 2", 60, 100) as later:
        assert later


def test_an_upload_without_a_length_is_refused(server: Server, services: Services) -> None:
    """A body of unknown size could not be counted."""
    cookie = session_of(services, "contributor")
    answer = httpx.put(
        f"{server.url}/_stcore/upload_file/tab/file",
        content=iter([b"x" * 10]),
        cookies={"ccx_session": cookie},
    )
    assert answer.status_code == 429


def test_many_strangers_leave_room_for_who_is_signed_in(server: Server, services: Services) -> None:
    """From one origin so many connections are open; a signed-in person comes in beside them."""
    with contextlib.ExitStack() as open_ones:
        for _ in range(STRANGERS_PER_ORIGIN):
            open_ones.enter_context(Wire(server.url))
        with pytest.raises(InvalidStatus), Wire(server.url):
            pass
        assert httpx.get(server.url).status_code == 429
        with Wire(server.url, session_of(services, "viewer")) as wire:
            assert "Overview" in wire.rerun("overview").text
    with Wire(server.url):
        pass


def test_strangers_are_forgotten_when_they_leave() -> None:
    """By origin, and all together."""
    strangers = Strangers(each=1, all_=2)
    with strangers.one_more("a") as a, strangers.one_more("a") as again, strangers.one_more("b") as b:
        assert (a, again, b) == (True, False, True)
        with strangers.one_more("c") as c:
            assert not c
    with strangers.one_more("a") as later:
        assert later


@pytest.mark.parametrize(
    "path",
    [
        "/_stcore/metrics",
        "/base/_stcore/metrics",
        "/base/media/x.csv",
        "/media/x.csv",
        "/a/b/_stcore/upload_file/x/y",
    ],
)
def test_a_base_path_opens_no_door(server: Server, path: str) -> None:
    """Whatever it is called."""
    assert httpx.get(server.url + path).status_code in {403, 404}
    assert "Sign in first" in httpx.get(server.url + path).text or "metrics" in path


@pytest.fixture
def behind_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Get:
    """The middleware as it is behind a proxy with TLS."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def answer(_: object) -> PlainTextResponse:
        made = PlainTextResponse("ok")
        made.set_cookie("_streamlit_xsrf", "x")
        return made

    settings = load_settings(data_dir=tmp_path, base_url="https://app.example.com", sandbox="off")
    monkeypatch.setattr(STARTED, "settings", settings)
    app = Starlette(routes=[Route("/", answer)], middleware=middleware.MIDDLEWARE)

    async def got(headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="https://app.example.com") as client:
            return await client.get("/", headers=headers)

    return lambda **headers: run_async(got(headers))


def test_behind_tls_every_cookie_and_connection_is_secure(behind_tls: Get) -> None:
    """Streamlit's own cookies too; the policy names our host and no other."""
    answer = behind_tls()
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert "Secure" in answer.headers["set-cookie"]
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self' wss://app.example.com;" in policy
    assert "form-action 'self'" in policy
    assert " ws:" not in policy


@pytest.mark.parametrize("origin", ["http://app.example.com", "https://app.example.com:444"])
def test_another_scheme_or_port_is_another_origin(behind_tls: Get, origin: str) -> None:
    assert behind_tls(Origin=origin).status_code == 403


ADDRESSES: list[tuple[str, str, str, str]] = [
    ("", "203.0.113.9", "198.51.100.1", "203.0.113.9"),
    ("127.0.0.1", "127.0.0.1", "198.51.100.1", "198.51.100.1"),
    ("127.0.0.1", "127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
    ("127.0.0.1,10.0.0.0/8", "127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
    ("10.0.0.0/8", "127.0.0.1", "198.51.100.1", "127.0.0.1"),
    ("", "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
    ("", "::ffff:203.0.113.9", "", "203.0.113.9"),
    ("127.0.0.1", "127.0.0.1", "no address", "unknown"),
]


@pytest.mark.parametrize(("proxies", "peer", "forwarded", "expected"), ADDRESSES)
def test_a_forwarded_address_is_believed_from_a_named_proxy_only(
    proxies: str, peer: str, forwarded: str, expected: str
) -> None:
    assert address_of(load_settings(trusted_proxies=proxies), peer, forwarded) == expected


def test_what_a_browser_claims_about_its_origin_is_dropped() -> None:
    """The header that pages read is set by the middleware alone."""
    scope = {"headers": [(b"X-CCExport-Origin", b"6.6.6.6"), (b"a", b"b")]}
    middleware._tell_origin(scope, "203.0.113.9")
    assert scope["headers"] == [(b"a", b"b"), (b"x-ccexport-origin", b"203.0.113.9")]


def test_hosts_are_compared_whole() -> None:
    """No prefix, no suffix."""
    settings = load_settings(base_url="https://app.example.com")
    ours: Callable[[str], bool] = lambda host: is_ours(settings, 8501, {"host": host})  # noqa: E731
    assert ours("APP.example.com") and ours("127.0.0.1:8501")
    assert not any(
        ours(h) for h in ("app.example.com.evil.example", "xapp.example.com", "", "127.0.0.1:8502")
    )
