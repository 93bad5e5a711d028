"""What an account holds, as values: contact lists and custom fields."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ContactList:
    """A contact list. `members` counts the active members with a delay; None when not sent."""

    id: str
    name: str
    members: int | None = None
    description: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted: bool = False


@dataclass(frozen=True)
class CustomField:
    """A custom field. An import names it `cf:<name>`; renaming the field changes the name."""

    id: str
    label: str
    name: str
    type: str
    choices: tuple[str, ...] = ()
