"""Delivers notices from the outbox by SMTP, signed webhook, or Slack-style webhook, with retries.

After a crash a notice may arrive twice, with the same id. A notice that does not arrive keeps the reason. Must
never put a password, a signing secret or a Slack address into an error or the log.
"""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import smtplib
import ssl
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from ccexport.errors import BadInput, BadSettings, CcexportError, HandOver, NotFound
from ccexport.ledger import Ledger
from ccexport.messages import NOTHING, Message
from ccexport.model.notices import Channel, Destination, Notice, NoticeState, scrubbed
from ccexport.outgoing import NoAnswer, exchange
from ccexport.outgoing_addresses import NotPublic, checked_address
from ccexport.runs.engine import Engine
from ccexport.worker.claims import Claim

log = logging.getLogger(__name__)
LEASE = "notices"
SECONDS = 15.0
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
AGAIN = tuple(timedelta(seconds=s) for s in (30, 120, 600, 1800, 7200, 21600, 43200))
RECENT = timedelta(days=7)
SIGNATURE = "X-Ccexport-Signature"  # sent in addition to the standard headers until the next release
SECRET = "whsec_"  # noqa: S105 (the prefix of every secret)


class NotDelivered(CcexportError):
    """A notice did not arrive; its sentence may be shown."""


@dataclass(frozen=True)
class Mail:
    """How mail is sent: the server as `smtp://` (with STARTTLS if offered) or `smtps://`, and the sender."""

    url: str
    sender: str

    def __repr__(self) -> str:
        return "<mail>"


class Postman:
    """Delivers notices from the outbox, in one process at a time."""

    def __init__(
        self, engine: Engine, stop: threading.Event, mail: Mail, *, allowed: Collection[str] = ()
    ) -> None:
        """`allowed`: hosts of webhooks that need not have a public address."""
        self._engine = engine
        self._allowed = allowed
        self._notices = engine.ledger.notices
        self._stop = stop
        self._mail = mail

    def tick(self) -> int:
        """Deliver the notices that are due. Returns how many arrived."""
        if not self._notices.due(limit=1):
            return 0
        claim = Claim(self._engine, LEASE, self._stop, name=LEASE)
        if not claim.take():
            return 0
        arrived = 0
        try:
            for notice in self._notices.due():
                claim.beat()
                arrived += self._try(notice)
        except HandOver:
            log.info("the outbox is handed over")
        finally:
            claim.drop()
        return arrived

    def _try(self, notice: Notice) -> bool:
        now = self._engine.clock()
        try:
            self.deliver(notice)
        except (NotDelivered, BadSettings, NotFound) as error:
            self._put_off(notice, error.message, now)
            return False
        self._notices.change(
            notice.id,
            state=NoticeState.DELIVERED,
            delivered_at=now,
            attempts=notice.attempts + 1,
            error=NOTHING,
        )
        return True

    def _put_off(self, notice: Notice, why: Message, now: datetime) -> None:
        attempts = notice.attempts + 1
        over = attempts > len(AGAIN)
        log.warning("notice %s was not delivered (attempt %s): %s", notice.id, attempts, scrubbed(str(why)))
        self._notices.change(
            notice.id,
            state=NoticeState.GIVEN_UP if over else NoticeState.PENDING,
            attempts=attempts,
            next_at=None if over else now + AGAIN[attempts - 1],
            error=why.with_texts(scrubbed),
        )

    def deliver(self, notice: Notice) -> None:
        """Try to deliver a notice once, now. Raises `NotDelivered`, `BadSettings` or `NotFound`."""
        kind, _, name = notice.recipient.partition(":")
        if kind == "person":
            person = self._engine.ledger.people.find(name)
            if person is None or not person.email:
                raise NotFound("{name} has no e-mail address any more.", name=name)
            self._send_mail(notice, person.email)
            return
        subscriber = self._notices.subscriber(name)
        to = self._notices.destination(name)
        if subscriber.channel is Channel.EMAIL:
            self._send_mail(notice, to.address)
        elif subscriber.channel is Channel.SLACK:
            post(to.address, slack_body(notice), {}, self._allowed)
        else:
            body = webhook_body(notice)
            post(to.address, body, signed(to, notice.id, body, self._engine.clock()), self._allowed)

    def _send_mail(self, notice: Notice, address: str) -> None:
        if not self._mail.url or not self._mail.sender:
            raise BadSettings("No mail can be sent: set CCEXPORT_SMTP_URL and CCEXPORT_SMTP_FROM.")
        send_mail(self._mail, notice, address)


def undelivered(ledger: Ledger) -> list[Notice]:
    """Return notices of the last days that have not arrived, without tests: their result was shown at once."""
    return ledger.notices.failing(ledger.clock() - RECENT)


# -- e-mail ---------------------------------------------------------------------------------------


def send_mail(mail: Mail, notice: Notice, address: str) -> None:
    """Send one message over one connection. Raises `NotDelivered`."""
    message = EmailMessage()
    message["From"] = mail.sender
    message["To"] = address
    message["Subject"] = " ".join(f"ccexport: {notice.title}".split())
    message["Date"] = format_datetime(notice.created_at)
    message["Message-ID"] = f"<{notice.id}@ccexport>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notice.text)
    try:
        with _opened(mail.url) as server:
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        raise NotDelivered("The mail server refused with {code}.", code=str(error.smtp_code)) from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        raise NotDelivered("The mail server refused the recipient with {codes}.", codes=codes) from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotDelivered("The mail server cannot be used: {problem}.", problem=_reason(error)) from error


def _opened(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host, context = parts.hostname or "localhost", ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=SECONDS, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=SECONDS)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
        elif parts.password and host not in LOOPBACK:
            server.close()
            raise NotDelivered("The mail server offers no encryption, so no password was given to it.")
    if parts.username and parts.password:
        server.login(unquote(parts.username), unquote(parts.password))
    return server


# -- webhooks -------------------------------------------------------------------------------------


def webhook_body(notice: Notice) -> bytes:
    """Return the JSON body of a webhook, with the names of CloudEvents; a repeated notice has the same `id`."""
    document = {
        "specversion": "1.0",
        "id": notice.id,
        "source": "/ccexport",
        "type": f"ccexport.{notice.event}",
        "time": notice.created_at.isoformat(),
        "datacontenttype": "application/json",
        "data": {"event": notice.event, "title": notice.title, "text": notice.text},
        # The names of before, for receivers that know them.
        "event": notice.event,
        "subject": notice.subject,
        "title": notice.title,
        "text": notice.text,
        "at": notice.created_at.isoformat(),
    }
    return json.dumps(document, ensure_ascii=False).encode()


def slack_body(notice: Notice) -> bytes:
    """Return `{"text": …}`, with the three characters escaped that Slack requires."""
    text = f"*{notice.title}*\n{notice.text}"
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    return json.dumps({"text": text}, ensure_ascii=False).encode()


def new_secret() -> str:
    """Return a new secret for signatures, in the format of Standard Webhooks."""
    return SECRET + base64.b64encode(secrets.token_bytes(32)).decode()


def signed(to: Destination, notice_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks (https://www.standardwebhooks.com), and our older header.

    The signature covers id, time and body, so that an old request cannot be replayed. An older secret has no
    `whsec_`; its text is the key.
    """
    seconds = str(int(at.timestamp()))
    text = to.secret.encode()
    key = base64.b64decode(to.secret.removeprefix(SECRET)) if to.secret.startswith(SECRET) else text
    digest = hmac.new(key, f"{notice_id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    before = hmac.new(text, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "webhook-id": notice_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        SIGNATURE: f"t={seconds},sha256={before}",
    }


def checked_url(url: str, allowed: Collection[str]) -> str:
    """Return the address if it is https to a public host, or goes to one of `allowed`. Raises `BadInput`.

    A name that cannot be resolved now is taken: every delivery checks it again.
    """
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 (raises for a wrong port)
    except ValueError as error:
        raise BadInput("The address of the webhook is not a URL.") from error
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not parts.hostname or not secure or parts.username:
        raise BadInput("The address of a webhook must be https://… without a name or password in it.")
    try:
        checked_address(parts.hostname, parts.port or 443, allowed)
    except NotPublic as error:
        raise BadInput(
            "{host} is not a public address: it belongs to this machine or its network. An operator can allow it in "
            "CCEXPORT_WEBHOOK_HOSTS.",
            host=parts.hostname,
        ) from error
    except OSError:
        log.info("the host of a new webhook cannot be resolved now")
    return url.strip()


def post(url: str, body: bytes, headers: Mapping[str, str], allowed: Collection[str]) -> None:
    """Send one POST to a public or allowed host, without following redirects.

    Raises `NotDelivered` for any answer but a 2xx.
    """
    host = urlsplit(url).hostname
    try:
        given = {"Content-Type": "application/json", **headers}
        status = exchange(
            "POST", url, body=body, headers=given, seconds=SECONDS, only_public=True, allowed=allowed
        ).status
    except NoAnswer as error:
        raise NotDelivered("{host} cannot be reached: {problem}.", host=host, problem=error) from error
    if not 200 <= status < 300:
        raise NotDelivered("{host} answered {status}.", host=host, status=str(status))


def _reason(error: Exception) -> str:
    """Return the reason without the other side's answer, which may hold an address."""
    return getattr(error, "strerror", None) or type(error).__name__
