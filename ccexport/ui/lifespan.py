"""Starts and stops what the dashboard needs: services, demo, worker.

Must never keep the server from answering while the demo's data are created.
"""

import asyncio
import gc
import logging
import os
import secrets
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import streamlit as st

from ccexport import logs, telemetry
from ccexport.errors import CcexportError
from ccexport.messages import message
from ccexport.settings import Settings, load_settings
from ccexport.ui.app_state import STARTED, hold
from ccexport.ui.door import is_loopback
from ccexport.ui.render import show_error
from ccexport.ui.sockets import send_at_once
from ccexport.ui.texts import t

if TYPE_CHECKING:
    from ccexport.services import Services
    from ccexport.worker.loop import Worker

log = logging.getLogger(__name__)
STOP_SECONDS = 10.0


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Run what the dashboard needs from the first to the last request of this process.

    Wrong settings stop the process before its first answer. Slow steps come afterwards, while the pages say
    that the dashboard is starting.
    """
    try:
        settings = load_settings()
        logs.configure(settings.log, settings.log_level)
        telemetry.configure()
    except CcexportError as error:
        _refuse(str(error))
    _refuse_to_show_the_demo_outside(settings)
    STARTED.settings = settings
    send_at_once()
    begun = _Beginning(settings)
    begun.start()
    try:
        yield
    finally:
        await asyncio.to_thread(begun.end)


class _Beginning(threading.Thread):
    """Creates the services, the worker and the demo in a thread, while the server already answers."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(name="preparation", daemon=True)
        self._settings = settings
        self._made: Services | None = None
        self._worker: Worker | None = None
        self._working: threading.Thread | None = None
        self._ending = threading.Event()

    def run(self) -> None:
        try:
            made = self._made = _make_services(self._settings)
        except CcexportError as error:
            _refuse(str(error))
        except Exception:  # nobody would see a thread's error, and the pages would go on saying "starting"
            log.exception("the services could not be made")
            _refuse("The dashboard could not start; the lines above say why.")
        if self._ending.is_set():
            return
        if self._settings.worker == "embedded":
            self._worker = made.worker()
            self._working = threading.Thread(target=self._worker.run_forever, name="worker", daemon=True)
            self._working.start()
        _import_what_pages_need()
        _prepare(made)
        gc.collect()
        gc.freeze()  # otherwise a full collection after every rerun would visit everything imported

    def end(self) -> None:
        self._ending.set()
        if self._worker is not None and self._working is not None:
            self._worker.stop.set()
            self._working.join(STOP_SECONDS)
        self.join(STOP_SECONDS)
        STARTED.services = None
        if self._made is not None:
            self._made.close()


def _make_services(settings: Settings) -> "Services":
    from ccexport.services import Services  # heavy: DuckDB, Arrow, SQLAlchemy

    made = Services(settings)
    STARTED.importing = True
    STARTED.preparing = settings.sandbox_on and not made.people.anybody()
    hold(made)
    return made


def _refuse_to_show_the_demo_outside(settings: Settings) -> None:
    address = str(st.config.get_option("server.address") or "")
    if settings.sandbox_on and not is_loopback(address):
        _refuse(
            "The built-in sandbox answers on this machine only, and server.address is "
            f"{address or 'not set'}: set it to 127.0.0.1, or set CCEXPORT_CC_CLIENT_ID."
        )


def _refuse(sentence: str) -> NoReturn:
    """Exit with one sentence instead of a traceback, and with the status for wrong settings."""
    sys.stderr.write(f"ccexport: {sentence}\n")
    sys.stderr.flush()
    os._exit(2)


def _prepare(made: "Services") -> None:
    """Create the demo's data, or show the code for the first administrator."""
    from ccexport.services.demo import demo_accounts, disable_demo_accounts, ensure_demo

    try:
        # Set up the demo if it was begun earlier, or if nobody can sign in yet.
        if made.settings.sandbox_on and (demo_accounts(made) or not made.people.anybody()):
            ensure_demo(made)
        retired = disable_demo_accounts(made)
        if retired:
            sys.stderr.write(f"{retired}\n")
            STARTED.trouble = retired
        code = made.people.setup_code()
        if code:
            sys.stderr.write(
                f"Nobody can sign in yet. Open {made.settings.base_url}/ and use this code once: {code}\n"
            )
            sys.stderr.flush()
    except CcexportError as error:
        log.error("the start is in trouble: %s", error.log)
        STARTED.trouble = error.message
    except Exception:  # nobody would see a thread's error
        reference = secrets.token_hex(4)
        log.exception("the start is in trouble, reference %s", reference)
        STARTED.trouble = message(
            "The demo could not be made; the log says why (reference {reference}).", reference=reference
        )
    finally:
        STARTED.preparing = False


def _import_what_pages_need() -> None:
    try:
        import altair  # noqa: F401
        import pandas  # noqa: F401
    finally:
        STARTED.importing = False


def on_script_error(error: Exception) -> bool:
    """Show the reader of a failed page a reference that is also in the log, instead of a traceback."""
    if isinstance(error, CcexportError):
        show_error(error)
        return True
    reference = secrets.token_hex(4)
    log.error("a page broke, reference %s", reference, exc_info=error)
    st.error(
        t(
            "Something went wrong here, and it was not your doing. Try again; if it stays, tell an operator the "
            "reference {reference}.",
            reference=reference,
        ),
        icon=":material/error:",
    )
    return True
