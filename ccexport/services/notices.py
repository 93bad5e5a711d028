"""Use cases of notices: subscribers, test notices, and the delivery of each notice.

Must never show more of a webhook's address than its host, nor its secret after the first time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from ccexport.errors import BadInput, CcexportError
from ccexport.messages import NOTHING, Message, message
from ccexport.model.exports import Actor
from ccexport.model.notices import Channel, Destination, Notice, NoticeEvent, NoticeState, Subscriber
from ccexport.model.words import Role
from ccexport.services.access import require
from ccexport.services.wiring import UseCases
from ccexport.worker.notices_delivery import Mail, Postman, checked_url, new_secret, undelivered

EVENTS = tuple(event for event in NoticeEvent if event is not NoticeEvent.TEST)


@dataclass(frozen=True)
class Subscribed:
    """A new subscriber; `secret` checks the signature of a webhook and is shown only once."""

    subscriber: Subscriber
    secret: str = ""


@dataclass(frozen=True)
class Tested:
    """Whether a test notice arrived, and if not, why."""

    arrived: bool
    sentence: Message


class NoticeUseCases(UseCases):
    """Subscribers and their notices."""

    @property
    def mail_is_set_up(self) -> bool:
        """Whether e-mail can be sent at all."""
        return bool(self._mail().url and self._mail().sender)

    def subscribe(
        self,
        actor: Actor,
        channel: Channel,
        address: str,
        *,
        export: str | None = None,
        connection: str | None = None,
        events: Sequence[NoticeEvent] = (),
    ) -> Subscribed:
        """Send notices about one export, one connection with its exports, or everything to this address."""
        require(actor, Role.ADMINISTRATOR, "decide who gets notices")
        if export and connection:
            raise BadInput("A subscriber is for one export or for one connection; add two.")
        secret = new_secret() if channel is Channel.WEBHOOK else ""
        address, label = self._checked(channel, address)
        made = Subscriber(
            id=self._wiring.engine.new_id("subscriber"),
            channel=channel,
            label=label,
            export_id=self._ledger.exports.named(export).id if export else None,
            connection_id=self._ledger.connections.named(connection).id if connection else None,
            events=tuple(events) or EVENTS,
            created_by=actor.name,
            created_at=self._ledger.clock(),
        )
        self._ledger.notices.subscribe(made, Destination(address, secret))
        self._ledger.audit.add(actor.name, "subscriber added", made.id, {"channel": str(channel)})
        return Subscribed(made, secret)

    def _checked(self, channel: Channel, address: str) -> tuple[str, str]:
        """Return the address, and the part of it that may be shown."""
        if channel is not Channel.EMAIL:
            return checked_url(address, self._wiring.settings.private_webhooks), urlsplit(
                address.strip()
            ).hostname or ""
        if not self._mail().url:
            raise BadInput("No mail can be sent yet: set CCEXPORT_SMTP_URL and CCEXPORT_SMTP_FROM first.")
        try:
            found = validate_email(address.strip(), check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise BadInput("That is not an e-mail address: {problem}", problem=error) from error
        return found, found

    def subscribers(self, actor: Actor) -> Sequence[Subscriber]:
        require(actor, Role.CONTRIBUTOR, "see who gets notices")
        return self._ledger.notices.subscribers()

    def unsubscribe(self, actor: Actor, subscriber_id: str) -> None:
        """Remove a subscriber. Raises `NotFound`."""
        require(actor, Role.ADMINISTRATOR, "decide who gets notices")
        found = self._ledger.notices.subscriber(subscriber_id)
        self._ledger.notices.unsubscribe(found.id)
        self._ledger.audit.add(actor.name, "subscriber removed", found.id)

    def test(self, actor: Actor, subscriber_id: str) -> Tested:
        """Send a test notice now and return whether it arrived; the outbox keeps it like any other."""
        require(actor, Role.CONTRIBUTOR, "test notices")
        found = self._ledger.notices.subscriber(subscriber_id)
        now = self._ledger.clock()
        notice = Notice(
            id=self._wiring.engine.new_id("notice"),
            recipient=f"subscriber:{found.id}",
            label=found.label,
            event=NoticeEvent.TEST,
            subject="test",
            title="Test notice",
            text=f"{actor.name} asked for this test. Nothing has happened.",
            created_at=now,
        )
        why = self._arrives(notice)
        state = NoticeState.GIVEN_UP if why else NoticeState.DELIVERED
        told = {"state": state, "attempts": 1, "error": why, "delivered_at": None if why else now}
        self._ledger.notices.put([Notice(**(vars(notice) | told))])
        done = message("The test notice was delivered to {label}.", label=found.label)
        return Tested(not why, why or done)

    def replay(self, actor: Actor, notice_id: str) -> Tested:
        """Send a notice again now, with its own id and text, and return whether it arrived."""
        require(actor, Role.CONTRIBUTOR, "send notices again")
        notice = self._ledger.notices.get(notice_id)
        why = self._arrives(notice)
        told: dict[str, Any] = {"attempts": notice.attempts + 1, "error": why}
        if not why:
            told |= {"state": NoticeState.DELIVERED, "delivered_at": self._ledger.clock()}
        self._ledger.notices.change(notice.id, **told)
        self._ledger.audit.add(actor.name, "notice sent again", notice.id)
        done = message("The notice was delivered to {label}.", label=notice.label)
        return Tested(not why, why or done)

    def _arrives(self, notice: Notice) -> Message:
        """Deliver a notice. Returns nothing when it arrived, else the reason."""
        try:
            allowed = self._wiring.settings.private_webhooks
            Postman(self._wiring.engine, Event(), self._mail(), allowed=allowed).deliver(notice)
        except CcexportError as error:
            return error.message
        return NOTHING

    def outbox(self, actor: Actor, *, limit: int = 100) -> Sequence[Notice]:
        """Return every notice and whether it arrived, newest first."""
        require(actor, Role.CONTRIBUTOR, "see notices")
        return self._ledger.notices.all(limit=limit)

    def undelivered(self, actor: Actor) -> Sequence[Notice]:
        """Return the notices of the last seven days that were tried and have not arrived."""
        require(actor, Role.CONTRIBUTOR, "see notices")
        return undelivered(self._ledger)

    def _mail(self) -> Mail:
        return self._wiring.mail()
