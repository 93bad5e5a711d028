"""What the use cases are built on, once per process: stores, accounts, the engine, the settings.

A use case takes the wiring or parts of it. Must never hold a use case itself.
"""

import inspect
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property, wraps
from typing import Any

from ccexport.clock import utc_now
from ccexport.errors import BadInput
from ccexport.ledger import Ledger
from ccexport.model.exports import Actor
from ccexport.model.profiles import Snapshot
from ccexport.profiles.store import ProfileStore
from ccexport.runs.accounts import Accounts, Application, SharedPace
from ccexport.runs.engine import Engine
from ccexport.sandbox.embedded import RunningSandbox
from ccexport.segments.members import MemberStore
from ccexport.services.access import as_of_now
from ccexport.settings import Settings, make_data_dir
from ccexport.worker.erasing import drop_erased
from ccexport.worker.notices_delivery import Mail

SANDBOX_CLIENT = "ccexport-demo"


class Wiring:
    """Stores, the built-in double, accounts and the engine. `close()` stops what was started."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.settings = settings
        make_data_dir(settings.data_dir)
        self.ledger = Ledger(
            settings.ledger_address,
            settings.data_dir,
            secret_key=settings.secret_key.get_secret_value(),
            clock=clock,
        )
        # One clock for all hosts of a ledger: on PostgreSQL the server's, not ours.
        self._clock, self._sleep, self._random = self.ledger.clock, sleep, random
        self._lock = threading.Lock()
        self._sandbox: RunningSandbox | None = None
        self._accounts: Accounts | None = None
        self.profile_store = ProfileStore(
            settings.data_dir,
            memory_limit=settings.memory_limit,
            clock=self._clock,
            query_rows=settings.query_rows,
            random=random,
        )
        self.profile_store.after_ingest = lambda snapshot: drop_erased(
            self.profile_store, settings.data_dir, snapshot
        )

    # -- Constant Contact, or the double --------------------------------------------------------

    def sandbox(self) -> RunningSandbox:
        """Return the built-in double over this data directory; the first call starts it."""
        with self._lock:
            if self._sandbox is None:
                self._sandbox = RunningSandbox(
                    self.settings.data_dir / "sandbox.sqlite",
                    client_id=SANDBOX_CLIENT,
                    redirect_urls=[self.settings.redirect_url],
                )
            return self._sandbox

    def application(self) -> Application:
        """Return the application's identity and its Constant Contact: the real one or the double."""
        settings = self.settings
        if settings.sandbox_on:
            running = self.sandbox()
            return Application(
                api_url=running.api_url,
                auth_url=running.auth_url,
                client_id=running.client_id,
                client_secret=running.client_secret,
            )
        return Application(
            api_url=settings.cc_api_url,
            auth_url=settings.cc_auth_url,
            client_id=settings.cc_client_id,
            client_secret=settings.cc_client_secret.get_secret_value(),
        )

    def register_redirect(self, url: str) -> None:
        """Register a redirect address with the sandbox; elsewhere the application's owner does it in the portal."""
        if self.settings.sandbox_on and url != self.settings.redirect_url:
            self.sandbox().admin("POST", "redirect_urls", {"client_id": SANDBOX_CLIENT, "url": url})

    def accounts(self) -> Accounts:
        """Return the access to authorised accounts."""
        application = self.application()
        with self._lock:
            if self._accounts is None:
                self._accounts = Accounts(application, self.ledger, clock=self._clock, sleep=self._sleep)
            return self._accounts

    def requests_today(self) -> int:
        """Return how many of this application's daily requests were used; asks only the ledger."""
        client_id = SANDBOX_CLIENT if self.settings.sandbox_on else self.settings.cc_client_id
        return SharedPace(self.ledger, client_id, clock=self._clock, sleep=self._sleep).used_today()

    # -- profiles and the engine ----------------------------------------------------------------

    @cached_property
    def members(self) -> MemberStore:
        return MemberStore(self.settings.data_dir, self.profile_store, clock=self._clock)

    @cached_property
    def engine(self) -> Engine:
        return Engine(
            ledger=self.ledger,
            profiles=self.profile_store,
            members=self.members,
            data_dir=self.settings.data_dir,
            memory_limit=self.settings.memory_limit,
            account_for=lambda connection_id: self.accounts().account(connection_id),
            clock=self._clock,
            sleep=self._sleep,
            random=self._random,
        )

    def mail(self) -> Mail:
        """Return how notices are mailed; the address is empty when mail is not set up."""
        return Mail(self.settings.smtp_url.get_secret_value(), self.settings.smtp_from)

    def current_snapshot(self) -> Snapshot:
        """Return the current snapshot. Raises `BadInput` when nothing was ingested yet."""
        snapshot = self.profile_store.current()
        if snapshot is None:
            raise BadInput("There are no profiles yet: ingest a file first (profiles ingest FILE).")
        return snapshot

    def close(self) -> None:
        """Stop the double if we started it, and close the ledger."""
        with self._lock:
            if self._accounts is not None:
                self._accounts.close()
            if self._sandbox is not None:
                self._sandbox.stop()
        self.ledger.close()


class UseCases:
    """A group of use cases over the wiring.

    Every public method that takes an actor first asks the ledger for the actor's current role.
    """

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._ledger = wiring.ledger

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, step in list(vars(cls).items()):
            if inspect.isfunction(step) and name[0] != "_" and "actor" in step.__code__.co_varnames[:2]:
                setattr(cls, name, _asking(step))


def _asking(step: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(step)
    def asked(self: UseCases, actor: Actor, *args: Any, **named: Any) -> Any:
        return step(self, as_of_now(self._ledger, actor), *args, **named)

    return asked
