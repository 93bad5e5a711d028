"""The one place that knows httpx, on a wire of our own and on a real loopback server."""

import io
import logging
import socket
import threading
from contextlib import contextmanager

import httpx
import pytest

from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Answer, Lost, Request
from ccexport.errors import BadSettings

from .fake_api import API, FakeApi, answer

READ = Request("GET", f"{API}/contacts", params={"email": "zoe+x@example.com"}, repeatable=True)


@contextmanager
def serving(*replies):
    """A server on this machine that gives each connection one of these raw replies, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def serve():
            for reply in replies:
                with server.accept()[0] as visitor:
                    visitor.recv(65_536)
                    visitor.sendall(reply)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ReadTimeout("late"), True),
        (httpx.WriteTimeout("late"), True),
        (httpx.ReadError("reset"), True),
        (httpx.RemoteProtocolError("hung up"), True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_connecting_failures_certainly_never_left(error, sent):
    """Everything later may have been taken."""
    assert Transport(wire=FakeApi(error)).send(READ) == Lost(sent, type(error).__name__)


def test_a_refused_connection_never_left():
    """On the real network too: nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert Transport().send(Request("GET", f"http://127.0.0.1:{port}/v3/x")) == Lost(False, "ConnectError")


def test_a_server_that_hangs_up_may_have_taken_the_request():
    """No byte of an answer came. Whether the end or a reset is seen first, the network decides."""
    with serving(b"") as url:
        got = Transport().send(Request("POST", f"{url}/v3/x", body=b"{}"))

    assert got in (Lost(True, "RemoteProtocolError"), Lost(True, "ReadError"))


def test_an_answer_cut_short_is_no_answer():
    """Half a list must not be taken for a short one."""
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}") as url:
        got = Transport().send(Request("GET", f"{url}/v3/x"))

    assert isinstance(got, Lost)


def test_a_broken_download_begins_anew():
    """What came of the first is thrown away."""
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nEmail address\na@x.org"
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nEmail address\n"
    sink = io.BytesIO()
    with serving(half, whole) as url:
        request, transport = Request("GET", f"{url}/v3/x"), Transport()
        first, second = transport.download(request, sink), transport.download(request, sink)

    assert isinstance(first, Lost)
    assert isinstance(second, Answer)
    assert sink.getvalue() == b"Email address\n"


def test_the_body_of_an_error_does_not_go_to_the_file():
    """It is a complaint, to be read."""
    sink = io.BytesIO()

    got = Transport(wire=FakeApi(answer(404, [{"error_key": "x"}]))).download(READ, sink)

    assert got.json() == [{"error_key": "x"}]
    assert sink.getvalue() == b""


@pytest.mark.parametrize(
    "url",
    [
        "http://api.cc.email/v3/contacts",
        "ftp://api.cc.email/v3",
        "http://10.0.0.1/v3",
        "http://localhost.evil/v3",
        "/v3",
    ],
)
def test_nothing_is_sent_unencrypted_to_another_machine(url):
    """A token would go with it."""
    wire = FakeApi()

    with pytest.raises(BadSettings, match="https"):
        Transport(wire=wire).send(Request("GET", url))
    assert wire.seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_this_machine_may_be_spoken_to_plainly(host):
    """The built-in double lives there."""
    assert (
        Transport(wire=FakeApi(answer(200, {}))).send(Request("GET", f"http://{host}:9/v3/x")).status == 200
    )


def test_a_proxy_of_the_environment_is_not_for_this_machine(monkeypatch):
    """The double would be asked for on the proxy's machine."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as url:
        got = Transport().send(Request("GET", f"{url}/v3/x"))

    assert got.status == 204


def test_redirects_are_not_followed():
    """They would carry a token elsewhere, or turn a POST into a GET."""
    wire = FakeApi(answer(302, location="https://evil.example/"))

    assert Transport(wire=wire).send(READ).status == 302
    assert len(wire.seen) == 1


def test_a_redirected_file_is_fetched_without_the_token(tmp_path):
    """The store of the file is another host, and the token is not for it."""
    wire = FakeApi(
        answer(302, location="https://files.example/a.csv?signature=x"),
        answer(307, location="/b.csv"),
        httpx.Response(200, content=b"Email address\r\n"),
    )
    with (tmp_path / "file").open("w+b") as sink:
        got = Transport(wire=wire).download(READ.with_token("secret"), sink)
        sink.seek(0)

        assert (got.status, sink.read()) == (200, b"Email address\r\n")
    assert [str(r.url.copy_with(query=None)) for r in wire.seen[1:]] == [
        "https://files.example/a.csv",
        "https://files.example/b.csv",
    ]
    assert ["authorization" in r.headers for r in wire.seen] == [True, False, False]


def test_a_file_is_not_fetched_unencrypted_or_round_and_round(tmp_path):
    """A redirect to plain http is refused; after three, the last redirect is the answer."""
    with (tmp_path / "file").open("w+b") as sink:
        with pytest.raises(BadSettings):
            Transport(wire=FakeApi(answer(302, location="http://files.example/a"))).download(READ, sink)
        wire = FakeApi(*(answer(302, location="https://files.example/a") for _ in range(9)))

        assert Transport(wire=wire).download(READ, sink).status == 302
        assert len(wire.seen) == 4


def test_one_line_is_logged_for_each_request_without_its_query(caplog):
    """Method, path, status and time; nothing of httpx's own, which shows whole addresses."""
    caplog.set_level(logging.DEBUG)
    ticks = iter([10.0, 10.25, 20.0, 20.5])
    wire = FakeApi(answer(200, {}), httpx.ReadTimeout("x"))
    transport = Transport(wire=wire, timer=lambda: next(ticks))

    transport.send(READ.with_token("secret"))
    transport.send(READ.with_token("secret"))

    assert [record.getMessage() for record in caplog.records] == [
        "GET /v3/contacts 200 250 ms",
        "GET /v3/contacts ReadTimeout 500 ms",
    ]
    assert "zoe" not in caplog.text


def test_uploads_have_time_and_connecting_has_not():
    """The times httpx is given, by phase."""
    wire = FakeApi(answer(200, {}))

    Transport(wire=wire).send(Request("GET", f"{API}/contacts", timeout=120))

    assert wire.seen[0].extensions["timeout"] == {"connect": 10.0, "read": 120, "write": 120, "pool": 120}


def test_closing_ends_it():
    """No connection stays open behind it."""
    transport = Transport(wire=FakeApi())
    transport.close()

    with pytest.raises(RuntimeError):
        transport.send(READ)
