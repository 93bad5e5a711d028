"""What every step of a run needs, passed down once.

Must never be imported by rooms below; has no logic beyond creating ids.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ccexport.constant_contact.account import Account
from ccexport.ledger import Lease, Ledger
from ccexport.model.ids import make_id
from ccexport.plan.pack import MOST_CONTACTS
from ccexport.profiles.store import ProfileStore
from ccexport.segments.members import MemberStore


@dataclass(frozen=True)
class Engine:
    """The stores, access to accounts, and time. All are injected, so that tests control them."""

    ledger: Ledger
    profiles: ProfileStore
    members: MemberStore
    data_dir: Path
    memory_limit: str
    account_for: Callable[[str], Account]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[int], bytes]
    # The number of the lease under which a run is driven. It is part of file names, so that a process
    # that lost the lease cannot overwrite the files of the new holder.
    term: int = 0
    most_contacts: int = MOST_CONTACTS  # in one request

    def new_id(self, prefix: str) -> str:
        """Return a new id such as `run-…`."""
        return make_id(prefix, self.clock(), self.random(5))

    def under(self, lease: Lease, check: Callable[[], None]) -> "Engine":
        """Return the same engine for the holder of a lease, who can write and send nothing once it is lost.

        `check` raises `HandOver` when the lease may have ended; it is called right before each request.
        """
        account_for = self.account_for
        return replace(
            self,
            ledger=self.ledger.under(lease),
            term=lease.number,
            account_for=lambda connection_id: account_for(connection_id).checked(check),
        )


class Ticks:
    """How long to wait between polls: short at first, then longer, never above `longest` seconds."""

    def __init__(self, first: float = 0.3, factor: float = 1.5, longest: float = 20.0) -> None:
        self._next, self._factor, self._longest = first, factor, longest

    def next(self) -> float:
        now, self._next = self._next, min(self._next * self._factor, self._longest)
        return now
