"""Use cases of what is kept how long: tidying, and erasing one person. Administrators only."""

from typing import TYPE_CHECKING

from ccexport.model.exports import Actor
from ccexport.model.words import Role
from ccexport.services.access import require
from ccexport.worker.erasing import Eraser, Receipt
from ccexport.worker.tidying import Tidied, Tidying

if TYPE_CHECKING:
    from ccexport.services.context import Services


class UpkeepUseCases:
    """What is removed from the data directory, and when."""

    def __init__(self, services: "Services") -> None:
        self._services = services

    def tidy(self, actor: Actor) -> Tidied:
        """Remove now what the worker would remove once a day."""
        require(actor, Role.ADMINISTRATOR, "tidy the data directory")
        months = self._services.settings.retention_months
        return Tidying(self._services.engine, months=months).tidy(by=actor.name)

    def erase(self, actor: Actor, address: str) -> Receipt:
        """Erase one person from everything kept here. The audit keeps the receipt, which holds no address."""
        require(actor, Role.ADMINISTRATOR, "erase people")
        receipt = Eraser(self._services.engine).erase(address)
        detail = {"touched": dict(receipt.touched), "still_on": list(receipt.still_on)}
        self._services.ledger.audit.add(actor.name, "person erased", receipt.id, detail)
        return receipt
