"""What every step of a run needs, handed down once.

Must never be imported by rooms below; holds no logic beyond naming new things.
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
    """The stores, the way to an account, and time: all injected, so tests own them."""

    ledger: Ledger
    profiles: ProfileStore
    members: MemberStore
    data_dir: Path
    memory_limit: str
    account_for: Callable[[str], Account]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[int], bytes]
    # The number of the lease a run is driven under: part of the names of its files, so that who lost the lease
    # overwrites nothing of who has it.
    term: int = 0
    most_contacts: int = MOST_CONTACTS  # in one request

    def new_id(self, prefix: str) -> str:
        """A fresh id such as `run-…`."""
        return make_id(prefix, self.clock(), self.random(5))

    def under(self, lease: Lease, check: Callable[[], None]) -> "Engine":
        """The same for the holder of a lease, who writes and sends nothing once it is lost.

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
    """How long to wait between polls: quick at first, then rarer, never above `longest` seconds."""

    def __init__(self, first: float = 0.3, factor: float = 1.5, longest: float = 20.0) -> None:
        self._next, self._factor, self._longest = first, factor, longest

    def next(self) -> float:
        now, self._next = self._next, min(self._next * self._factor, self._longest)
        return now
