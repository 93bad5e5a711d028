"""Holds the one `Services` of this process, for routes and pages, and the state of its start.

Must never hold anything of one person.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccexport.messages import NOTHING, Message

if TYPE_CHECKING:
    from ccexport.services import Services
    from ccexport.settings import Settings


@dataclass
class Started:
    """What the lifespan has made so far.

    `importing` is true while the libraries of the pages are imported, because a second thread that imports them at
    the same time gets incomplete modules. `preparing` is true while the demo's data are created.
    """

    settings: "Settings | None" = None
    services: "Services | None" = None
    importing: bool = False
    preparing: bool = False
    trouble: Message = NOTHING


STARTED = Started()


def services() -> "Services":
    """Return the use cases. Raises `RuntimeError` before `STARTED.services` is set."""
    if STARTED.services is None:
        raise RuntimeError("the services are asked for before they were started")
    return STARTED.services


def hold(made: "Services") -> None:
    """Make these the services of this process."""
    STARTED.settings = made.settings
    STARTED.services = made
