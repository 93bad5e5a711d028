"""Tokens with which other programs ask, as values. A token's secret is never part of one."""

from dataclasses import dataclass
from datetime import datetime

from ccexport.model.words import Role

SERVICE = "service:"  # no person's name has a colon
SESSION = "token:"  # what stands before a token's id in the session of its actor


@dataclass(frozen=True)
class Token:
    """A token of a person, or of a service account (`service:NAME`), which belongs to a program."""

    id: str
    name: str
    owner: str
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    @property
    def of_service(self) -> bool:
        return self.owner.startswith(SERVICE)

    def alive(self, now: datetime) -> bool:
        """Whether the token is neither revoked nor over."""
        return self.revoked_at is None and now < self.expires_at
