"""Use cases of operating: rotate the key, move the ledger. Administrators only.

Must never remove what was moved, nor show a key.
"""

from typing import TYPE_CHECKING

from ccexport.errors import BadInput
from ccexport.ledger.maintenance import Moved, move
from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services.access import require

if TYPE_CHECKING:
    from ccexport.services.context import Services


class OperatingUseCases:
    """What concerns the installation and not what it sends."""

    def __init__(self, services: "Services") -> None:
        self._services = services

    def rotate_key(self, actor: Actor) -> int:
        """Seal every stored secret with the newest key; how many were."""
        require(actor, Role.ADMINISTRATOR, "rotate the key")
        ledger = self._services.ledger
        sealed = ledger.connections.reseal() + ledger.notices.reseal() + ledger.sources.reseal()
        ledger.audit.add(actor.name, "key rotated", f"{sealed} secrets")
        return sealed

    def move_ledger(self, actor: Actor, to: str) -> Moved:
        """Copy the ledger into another, empty database."""
        require(actor, Role.ADMINISTRATOR, "move the ledger")
        here = self._services.settings.ledger_address
        if to == here:
            raise BadInput("The ledger is there already.")
        self._services.ledger.audit.add(actor.name, "ledger moved", to.split("://", 1)[0])
        return move(here, to)
