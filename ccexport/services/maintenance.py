"""Use cases of maintenance: rotate the key, move the ledger, tidy, erase one person. Administrators only.

Must never delete the old ledger after a move, nor show a key.
"""

from collections.abc import Sequence

from ccexport.errors import BadInput
from ccexport.ledger.maintenance import Moved, move
from ccexport.model.exports import Actor
from ccexport.model.maintenance import Receipt
from ccexport.model.words import Role
from ccexport.runs.repair import Wrongly, repair, wrongly_left
from ccexport.services.access import require
from ccexport.services.wiring import UseCases
from ccexport.worker.erasing import Eraser
from ccexport.worker.tidying import Tidied, Tidying


class MaintenanceUseCases(UseCases):
    """Maintenance of the installation."""

    def rotate_key(self, actor: Actor) -> int:
        """Seal every stored secret with the newest key. Returns how many were sealed."""
        require(actor, Role.ADMINISTRATOR, "rotate the key")
        ledger = self._ledger
        sealed = ledger.connections.reseal() + ledger.notices.reseal() + ledger.sources.reseal()
        ledger.audit.add(actor.name, "key rotated", f"{sealed} secrets")
        return sealed

    def move_ledger(self, actor: Actor, to: str) -> Moved:
        """Copy the ledger into another, empty database."""
        require(actor, Role.ADMINISTRATOR, "move the ledger")
        here = self._wiring.settings.ledger_address
        if to == here:
            raise BadInput("The ledger is there already.")
        self._ledger.audit.add(actor.name, "ledger moved", to.split("://", 1)[0])
        return move(here, to)

    def tidy(self, actor: Actor) -> Tidied:
        """Remove now what the worker removes once a day."""
        require(actor, Role.ADMINISTRATOR, "tidy the data directory")
        months = self._wiring.settings.retention_months
        return Tidying(self._wiring.engine, months=months).tidy(by=actor.name)

    def repair(self, actor: Actor, *, check: bool = False) -> Sequence[Wrongly]:
        """Correct who is wrongly said to have left a list; with `check`, only return what would be corrected."""
        require(actor, Role.ADMINISTRATOR, "repair the data directory")
        if check:
            return wrongly_left(self._wiring.engine)
        found = repair(self._wiring.engine)
        for one in found:
            detail = {"removed": one.removed, "missing": one.missing}
            self._ledger.audit.add(actor.name, "deliveries repaired", one.list_name, detail)
        return found

    def erase(self, actor: Actor, address: str) -> Receipt:
        """Erase one person from everything stored here. The audit keeps the receipt, which holds no address."""
        require(actor, Role.ADMINISTRATOR, "erase people")
        receipt = Eraser(self._wiring.engine).erase(address)
        detail = {"touched": dict(receipt.touched), "still_on": list(receipt.still_on)}
        self._ledger.audit.add(actor.name, "person erased", receipt.id, detail)
        return receipt
