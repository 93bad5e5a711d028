"""One authorised account at Constant Contact, as the rest of ccexport calls it.

Every call takes a slot of the pace, uses a valid token, and is repeated only when that
is harmless (`sending`). Nothing irreversible is offered: no contact and no list is ever
deleted. Must never remember anything between calls.
"""

import copy
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import IO

from ccexport.constant_contact.backoff import Patience
from ccexport.constant_contact.calls import Calls
from ccexport.constant_contact.exported import addresses_in
from ccexport.constant_contact.pacing import Pace
from ccexport.constant_contact.pages import Reader, objects
from ccexport.constant_contact.sending import Sender, TokenSource
from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.values import (
    AccountSummary,
    Activity,
    ContactList,
    CustomField,
    ListedContact,
    read_activity,
    read_contact,
    read_counts,
    read_custom_field,
    read_list,
    read_summary,
)
from ccexport.constant_contact.wire import Answer, Request
from ccexport.errors import ConstantContactError, NotFound, OutcomeUnknown, Refused
from ccexport.messages import message

# How far the vendor's clock may be behind ours when looking for a lost job.
CLOCK_SKEW = timedelta(minutes=2)
_PIECE = 1 << 16


class Account:
    """One authorised account."""

    def __init__(
        self,
        *,
        transport: Transport,
        api_url: str,
        token: TokenSource,
        pace: Pace,
        patience: Patience = Patience(),
    ) -> None:
        self._calls = Calls(api_url)
        self._use(Sender(transport, token, pace, patience))

    def _use(self, sender: Sender) -> None:
        self._sender = sender
        self._reader = Reader(sender)

    def checked(self, check: Callable[[], None]) -> "Account":
        """Return an account that calls `check` right before each request; an error from `check` stops the request."""
        other = copy.copy(self)
        other._use(self._sender.checked(check))
        return other

    # -- the account -------------------------------------------------------------------------

    def summary(self) -> AccountSummary:
        """Return whose account this is."""
        return read_summary(self._reader.json(self._calls.summary()))

    def privileges(self) -> tuple[str, ...]:
        """Return what the connecting person may do there, such as `contacts:write`."""
        raw = self._reader.json(self._calls.privileges())
        named = (one.get("privilege_name") for one in objects(raw))
        return tuple(name for name in named if isinstance(name, str))

    def counts(self) -> Mapping[str, int]:
        """Return how many contacts the account holds: total, explicit, implicit, pending, unsubscribed."""
        return read_counts(self._reader.json(self._calls.counts()))

    # -- lists and custom fields -------------------------------------------------------------

    def lists(self, name: str | None = None) -> Sequence[ContactList]:
        """Return all lists, or those of exactly that name."""
        return self._reader.all(self._calls.lists(name=name), "lists", read_list)

    def list(self, list_id: str) -> ContactList:
        """Return the list. Raises `NotFound` when it does not exist or was deleted."""
        with _missing("This list does not exist at Constant Contact any more. Choose another one."):
            found = read_list(self._reader.json(self._calls.list(list_id)))
        if found.deleted:
            raise NotFound("This list was deleted at Constant Contact. Choose another one.")
        return found

    def create_list(self, name: str, description: str = "") -> ContactList:
        """Create a list of that name, or return the one that has it already, ignoring case."""
        try:
            return read_list(self._reader.json(self._calls.create_list(name, description)))
        except Refused as refused:
            if refused.evidence.get("status") != 409:
                raise
            return self._list_named(name, refused)

    def custom_fields(self) -> Sequence[CustomField]:
        """Return all custom fields."""
        return self._reader.all(self._calls.custom_fields(), "custom_fields", read_custom_field)

    def create_custom_field(self, label: str, type: str = "string") -> CustomField:
        """Create a custom field (`string` or `date`), or return the one that has this label already."""
        try:
            return read_custom_field(self._reader.json(self._calls.create_custom_field(label, type)))
        except Refused as refused:
            fields = self.custom_fields() if refused.evidence.get("status") == 409 else ()
            same = next((f for f in fields if f.label.casefold() == label.casefold()), None)
            if same is None:
                raise
            return same

    # -- jobs --------------------------------------------------------------------------------

    def import_contacts(self, body: bytes) -> Activity:
        """Queue an import of exactly this JSON body.

        Raises `OutcomeUnknown` when it may have been queued although no answer came; then
        `find_activity_since` looks for it.
        """
        return self._queued(self._calls.import_json(body))

    def import_csv(
        self, data: bytes, list_ids: Sequence[str], *, file_name: str = "contacts.csv"
    ) -> Activity:
        """Queue an import of a CSV file. The activity shows `file_name`, so a unique name identifies it."""
        return self._queued(self._calls.import_csv(data, list_ids, file_name))

    def activities(self) -> Sequence[Activity]:
        """Return every job of the last ten days, including other programs' jobs, in no guaranteed order."""
        return self._reader.all(self._calls.activities(), "activities", read_activity)

    def activity(self, activity_id: str) -> Activity:
        """Return one job. Raises `NotFound` after ten days, which does not mean that the job failed."""
        with _missing("Constant Contact does not know this job (any more): it keeps them for ten days."):
            return read_activity(self._reader.json(self._calls.activity(activity_id)))

    def activities_since(
        self, moment: datetime, known_ids: Collection[str], *, skew: timedelta = CLOCK_SKEW
    ) -> Sequence[Activity]:
        """Return jobs created at `moment` or later whose ids are not known, oldest first.

        A job without a creation time counts as new.
        """
        new = [a for a in self.activities() if a.id not in known_ids]
        new = [a for a in new if a.created_at is None or a.created_at >= moment - skew]
        return sorted(new, key=lambda a: a.created_at or moment)

    def find_activity_since(
        self, moment: datetime, known_ids: Collection[str], *, contacts: int | None = None
    ) -> Activity | None:
        """Return the job whose answer was lost: the first unknown one created since `moment`, or None.

        `contacts` leaves out jobs that already count another number of persons, and every
        job that is visibly not an import.
        """
        new = self.activities_since(moment, known_ids)
        if contacts is not None:
            new = [a for a in new if _may_import(a, contacts)]
        return new[0] if new else None

    def remove_from_list(self, contact_ids: Sequence[str], list_id: str) -> Activity:
        """Queue the removal of at most 500 contacts from one list; they stay in the account."""
        return self._queued(self._calls.remove_from_list(contact_ids, list_id))

    def tag_list(self, list_id: str, tag_id: str) -> Activity:
        """Queue tagging everybody on a list: imports cannot tag."""
        return self._queued(self._calls.tag_list(list_id, tag_id))

    # -- exports -----------------------------------------------------------------------------

    def start_list_export(self, list_id: str) -> Activity:
        """Queue an export of the addresses of a list's active members."""
        return self._queued(self._calls.export_list(list_id))

    def start_unsubscribed_export(self) -> Activity:
        """Queue an export of the addresses of everybody unsubscribed in the account."""
        return self._queued(self._calls.export_unsubscribed())

    def export_csv(self, activity_id: str) -> Iterator[bytes]:
        """Return the exported file in pieces. Raises `ConstantContactDown` while it is not there (yet)."""
        with self._downloaded(activity_id) as file:
            while piece := file.read(_PIECE):
                yield piece

    def export_addresses(self, activity_id: str) -> Iterator[str]:
        """Yield the exported addresses. The file is downloaded completely before the first one."""
        with self._downloaded(activity_id) as file:
            yield from addresses_in(file)

    # -- contacts ----------------------------------------------------------------------------

    def contacts_on_list(self, list_id: str, status: str = "active") -> Iterator[ListedContact]:
        """Yield the contacts of a list, 500 a request; `status` is the vendor's word, `all` for everybody."""
        return self._reader.each(self._calls.contacts_on_list(list_id, status), "contacts", read_contact)

    def contact_by_email(self, email: str) -> ListedContact | None:
        """Return the contact with this address, deleted or not, or None. Each call is one request: not for many."""
        found = self._reader.all(self._calls.contact_by_email(email), "contacts", read_contact)
        same = (c for c in found if (c.address or "").casefold() == email.strip().casefold())
        return next(same, None)

    def raw(self, request: Request) -> Answer:
        """Return the unprocessed answer to a request built elsewhere. Only for the probe; others have methods."""
        return self._sender.send(request)

    # -- helpers -----------------------------------------------------------------------------

    def _queued(self, request: Request) -> Activity:
        """Any 2xx with an id is a job; one without an id may still be a job."""
        try:
            return read_activity(self._reader.json(request))
        except ConstantContactError as error:
            if type(error) is not ConstantContactError:
                raise
            raise OutcomeUnknown(
                "Constant Contact took this request but did not name the job. Look at its activities.",
                asked=request.asked,
            ) from error

    def _list_named(self, name: str, refused: Refused) -> ContactList:
        """Return the list of that name. Whether names ignore case is not documented, so all lists are checked."""
        lists = self.lists(name) or self.lists()
        wanted = name.strip().casefold()
        same = [found for found in lists if found.name.strip().casefold() == wanted and not found.deleted]
        if same:
            return next((found for found in same if found.name == name), same[0])
        raise Refused(
            message(
                "Constant Contact says that the list name “{name}” is in use, yet shows no such "
                "list; it may belong to a deleted one. Choose another name.",
                name=name,
            ),
            status=409,
            asked=refused.evidence.get("asked"),
        ) from refused

    @contextmanager
    def _downloaded(self, activity_id: str) -> Iterator[IO[bytes]]:
        with tempfile.TemporaryFile() as file:
            self._sender.download(self._calls.exported(activity_id), file)
            file.seek(0)
            yield file


def _may_import(activity: Activity, contacts: int) -> bool:
    if "items_completed_count" in activity.counters or "list_count" in activity.counters:
        return False
    return activity.counters.get("person_count", 0) in {0, contacts}


@contextmanager
def _missing(sentence: str) -> Iterator[None]:
    """Turn a 404 into `NotFound` with this sentence."""
    try:
        yield
    except Refused as refused:
        if refused.evidence.get("status") != 404:
            raise
        raise NotFound(sentence, **refused.evidence) from refused
