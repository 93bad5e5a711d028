"""Checks of whom we speak with: Constant Contact, its connections, the mail server, the sign-in; and the clock."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ccexport.messages import Message, message
from ccexport.model.exports import Connection
from ccexport.model.words import Role
from ccexport.outgoing import NoAnswer, exchange
from ccexport.services.doctor.findings import Finding, fail, ok, warn
from ccexport.services.doctor.patient import Patient

OFF_SECONDS, FAR_OFF_SECONDS = 30, 300
TIMEOUT = 10.0


def hosts(patient: Patient) -> Iterator[Finding]:
    """Ask the API and the authorisation server for any answer, and compare its time with ours."""
    settings = patient.settings
    if settings.sandbox_on:
        yield ok("api", "API", message("The built-in sandbox stands where Constant Contact would."))
        return
    dates = []
    for what, code, url in (
        ("API", "api", settings.cc_api_url),
        ("authorisation", "authorisation", settings.cc_auth_url),
    ):
        date, trouble = _asked(url)
        dates.append(date)
        host = urlsplit(url).hostname
        if trouble:
            yield fail(
                f"{code}_unreachable",
                what,
                message("{host} cannot be reached: {why}.", host=host, why=trouble),
                message("Check the network, the proxy, and CCEXPORT_CC_API_URL and CCEXPORT_CC_AUTH_URL."),
            )
        else:
            yield ok(code, what, message("{host} answers.", host=host))
    yield _clock(patient.clock(), next((d for d in dates if d), None))


def _asked(url: str) -> tuple[datetime | None, str]:
    """Return the Date header of any answer, or why there was none."""
    try:
        date = exchange("GET", url, seconds=TIMEOUT).headers.get("date", "")
        return (parsedate_to_datetime(date).astimezone(UTC) if date else None), ""
    except NoAnswer as error:
        return None, str(error)
    except ValueError:
        return None, "its answer has a wrong date"


def _clock(ours: datetime, theirs: datetime | None) -> Finding:
    what = "clock"
    if theirs is None:
        said = message("No answer said what time it is.")
        return warn("clock_unknown", what, said, message("Ask again when the API answers."))
    off = round(abs((ours - theirs).total_seconds()))
    if off <= OFF_SECONDS:
        return ok("clock", what, message("It agrees with the API's."))
    make = fail if off > FAR_OFF_SECONDS else warn
    return make(
        "clock_off",
        what,
        message("It is {off} seconds off the API's.", off=off),
        message("Let the machine keep time by NTP: tokens and schedules go by this clock."),
    )


def connections(patient: Patient) -> Iterator[Finding]:
    """Check that each connection can be used."""
    for connection in patient.ledger.connections.all():
        what = f"connection {connection.name}"
        if connection.state == "connected":
            yield ok("connection", what, message("It is connected."))
        else:
            said = connection.state_reason or message("It is {state}.", state=connection.state)
            yield fail("connection_lost", what, said, _reconnect(patient, connection))


def _reconnect(patient: Patient, connection: Connection) -> Message:
    if patient.on_this_machine:
        return message("connections add '{name}' --agree --reconnect", name=connection.name)
    return message(
        "In the dashboard ({url}), Connections → Reconnect, beside {name}.",
        url=patient.settings.base_url,
        name=connection.name,
    )


def sign_in(patient: Patient) -> Iterator[Finding]:
    """Check that an administrator can sign in."""
    what, people = "sign-in", patient.ledger.people.all()
    able = [p for p in people if p.role is Role.ADMINISTRATOR and not p.disabled]
    if not people:
        said = message("Nobody has an account yet: the dashboard's log shows the code for the first one.")
        yield ok("sign_in", what, said)
    elif not able:
        said = message("No administrator can sign in: each is disabled.")
        advice = message("`ccexport people add NAME --role administrator`, or enable one (people change).")
        yield fail("no_administrator", what, said, advice)
    else:
        yield ok("sign_in", what, message("An administrator can sign in."))
    url = patient.settings.oidc_metadata_url
    if url:
        _, trouble = _asked(url)
        if trouble:
            yield fail(
                "openid_unreachable",
                what,
                message("{host} cannot be reached: {why}.", host=urlsplit(url).hostname, why=trouble),
                message("Check CCEXPORT_OIDC_METADATA_URL and the network; passwords work meanwhile."),
            )


def mail(patient: Patient) -> Iterator[Finding]:
    """Check that the mail server takes a connection; nothing is sent."""
    url = patient.settings.smtp_url.get_secret_value()
    if not url:
        return
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (465 if parts.scheme == "smtps" else 587)
    try:
        socket.create_connection((host, port), timeout=TIMEOUT).close()
    except OSError as error:
        why = error.strerror or type(error).__name__
        said = message("The mail server {host} cannot be reached: {why}.", host=host, why=why)
        yield fail("mail_unreachable", "mail", said, message("Check CCEXPORT_SMTP_URL and the network."))
    else:
        yield ok("mail", "mail", message("{host} takes connections.", host=host))
