"""People who may sign in, as values."""

from dataclasses import dataclass
from datetime import datetime

from ccexport.model.words import Role


@dataclass(frozen=True)
class Person:
    """A person who may sign in. `password_hash` is a bcrypt hash."""

    name: str
    display_name: str
    email: str
    role: Role
    password_hash: str
    disabled: bool
    created_at: datetime
    password_at: datetime
