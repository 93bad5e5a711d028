"""While the services are being made: the pages say so, and what asks the services is put off."""

import socket

import httpx
import pytest
from starlette.applications import Starlette
from streamlit.testing.v1 import AppTest

from ccexport.ui.app_state import STARTED
from ccexport.ui.lifespan import lifespan
from ccexport.ui.middleware import MIDDLEWARE
from ccexport.ui.routes import ROUTES
from ccexport.ui.sockets import send_at_once
from tests.loops import run_async
from tests.ui.conftest import MAIN, said


def test_a_page_opened_too_early_says_that_it_goes_on_by_itself() -> None:
    page = AppTest.from_file(str(MAIN), default_timeout=60).run()
    assert not page.exception
    assert "Starting" in said(page)


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/auth/complete?t=x", "/download/audit.csv", "/oauth/callback"]
)
def test_a_route_opened_too_early_says_try_again(path: str) -> None:
    """503, not a broken answer."""

    async def asked() -> int:
        way = httpx.ASGITransport(app=Starlette(routes=ROUTES, middleware=MIDDLEWARE))
        async with httpx.AsyncClient(transport=way, base_url="http://127.0.0.1:8501") as web:
            return (await web.get(path)).status_code

    assert run_async(asked()) == 503


def test_wrong_settings_end_the_start_before_anything_is_served(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One sentence, and the exit status for wrong settings."""

    class Ended(Exception):
        pass

    def ended(status: int) -> None:
        raise Ended(status)

    async def begin() -> None:
        async with lifespan(None):
            raise AssertionError("it served")

    monkeypatch.setattr("os._exit", ended)
    monkeypatch.setenv("CCEXPORT_MEMORY_LIMIT", "a lot")
    with pytest.raises(Ended, match="2"):
        run_async(begin())
    assert "Traceback" not in capfd.readouterr().err
    assert STARTED.services is None


def test_messages_of_a_rerun_leave_at_once() -> None:
    """What is accepted on a listening socket of this process does not wait for acknowledgements."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert send_at_once() >= 1
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
