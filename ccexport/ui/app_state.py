"""Holds the one `Services` of this process for routes and pages alike, and how far its start is.

Must never hold anything of one person.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccexport.services import Services
    from ccexport.settings import Settings


@dataclass
class Started:
    """What the lifespan has made so far.

    `importing` while the libraries of the pages are being imported: two threads that import them at once find them
    half made. `preparing` while the demo's data are being made.
    """

    settings: "Settings | None" = None
    services: "Services | None" = None
    importing: bool = False
    preparing: bool = False
    trouble: str = ""


STARTED = Started()


def services() -> "Services":
    """The use cases. Only asked for once `STARTED.services` is there."""
    if STARTED.services is None:
        raise RuntimeError("the services are asked for before they were started")
    return STARTED.services


def hold(made: "Services") -> None:
    """From here on these are the services of this process."""
    STARTED.settings = made.settings
    STARTED.services = made
