"""The installation as the doctor sees it: its settings, and its ledger opened for reading.

Must never make or change anything in the data directory: what is calculated meanwhile lies in a folder of its own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from ccexport.ledger import Ledger
from ccexport.profiles.store import ProfileStore
from ccexport.runs.engine import Engine
from ccexport.segments.members import MemberStore
from ccexport.settings import Settings

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass
class Patient:
    """What every check is given. `deep` compares every byte that has a known hash."""

    settings: Settings
    clock: Callable[[], datetime]
    scratch: Path
    deep: bool = False

    @property
    def root(self) -> Path:
        return self.settings.data_dir

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger, for reading only; the checks that ask for it run only when there is a sound one."""
        settings = self.settings
        return Ledger(
            settings.ledger_address,
            settings.data_dir,
            secret_key=settings.secret_key.get_secret_value(),
            clock=self.clock,
            read_only=True,
        )

    @cached_property
    def profiles(self) -> ProfileStore:
        store = ProfileStore(self.root, memory_limit=self.settings.memory_limit, clock=self.clock)
        store.temp_dir = self.scratch
        return store

    @cached_property
    def engine(self) -> Engine:
        """The engine of the checks that calculate. It works in the scratch folder and reaches no account."""
        return Engine(
            ledger=self.ledger,
            profiles=self.profiles,
            members=MemberStore(self.root, self.profiles, clock=self.clock),
            data_dir=self.scratch,
            memory_limit=self.settings.memory_limit,
            account_for=_nobody,
            clock=self.ledger.clock,
            sleep=time.sleep,
            random=bytes,
        )

    @property
    def on_this_machine(self) -> bool:
        """Whether people reach the dashboard on this machine only, not through a proxy."""
        return urlsplit(self.settings.base_url).hostname in LOOPBACK

    def close(self) -> None:
        if "ledger" in self.__dict__:
            self.ledger.close()


def _nobody(connection_id: str) -> NoReturn:
    raise RuntimeError(f"the doctor reaches no account ({connection_id})")
