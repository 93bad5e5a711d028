"""Use cases of the contact lists and custom fields of an account."""

from collections.abc import Sequence
from typing import Any

from ccexport.errors import NotFound
from ccexport.messages import message
from ccexport.model.contact_lists import ContactList, CustomField
from ccexport.model.exports import Actor
from ccexport.services.access import require_use
from ccexport.services.naming import checked
from ccexport.services.wiring import UseCases


class ContactLists(UseCases):
    """The contact lists and custom fields of a connection's account."""

    def lists(self, actor: Actor, name: str) -> Sequence[ContactList]:
        """Return the contact lists of the account."""
        return self._usable(actor, name, "see contact lists").lists()

    def find_list(self, actor: Actor, name: str, id_or_name: str) -> ContactList:
        """Find one by id, exact name, or name in any case. Raises `NotFound` naming the existing ones."""
        there = self.lists(actor, name)
        wanted = id_or_name.strip()
        meant = (
            [found for found in there if found.id.casefold() == wanted.casefold()]
            or [found for found in there if found.name == wanted]
            or [found for found in there if found.name.casefold() == wanted.casefold()]
        )
        if len(meant) != 1:
            names = ", ".join(sorted(found.name for found in there)[:20]) or "none"
            which = message("more than one contact list") if meant else message("no contact list")
            where = self._ledger.connections.named(name).name
            raise NotFound(
                "There is {which} named {name} in {where}. Contact lists: {names}.",
                which=which,
                name=wanted,
                where=where,
                names=names,
            )
        return meant[0]

    def create_list(self, actor: Actor, name: str, list_name: str) -> ContactList:
        """Create a contact list, or return the existing one of that name."""
        account = self._usable(actor, name, "create contact lists")
        made = account.create_list(checked(list_name, "A contact list needs a name of 1 to 200 characters."))
        self._ledger.audit.add(actor.name, "contact list created", made.name)
        return made

    def custom_fields(self, actor: Actor, name: str) -> Sequence[CustomField]:
        return self._usable(actor, name, "see custom fields").custom_fields()

    def _usable(self, actor: Actor, name: str, what: str) -> Any:
        found = self._ledger.connections.named(name)
        require_use(actor, found, what)
        return self._wiring.accounts().account(found.id)
