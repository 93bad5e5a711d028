"""Checks of the settings: names nobody knows, and settings that contradict each other."""

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from ccexport.messages import Size, message
from ccexport.services.doctor.findings import Finding, fail, ok, warn
from ccexport.services.doctor.patient import Patient
from ccexport.settings import telemetry_signals, unknown_names

WHAT = "settings"
_UNITS = {"k": 1, "m": 2, "g": 3, "t": 4}


def settings(patient: Patient) -> Iterator[Finding]:
    """Say that the settings can be read, and which Constant Contact they mean."""
    yield from names()
    if patient.settings.sandbox_on:
        said = message("All can be read; Constant Contact is the built-in sandbox (a demo).")
    else:
        said = message("All can be read; Constant Contact is {url}.", url=patient.settings.cc_api_url)
    yield ok("settings", WHAT, said)


def names() -> Iterator[Finding]:
    """Find names that begin like a setting and are none."""
    for name, near in unknown_names().items():
        said = message("{name} is no setting, and changes nothing.", name=name)
        advice = message("Remove it; docs/reference.md lists every setting.")
        if near:
            advice = message("Did you mean {near}? Rename or remove it.", near=near)
        yield fail("setting_unknown", WHAT, said, advice)


def contradictions(patient: Patient) -> Iterator[Finding]:
    """Find settings that are each valid and do not go together."""
    for found in (_application, _addresses, _mail, _openid, _ledgers, _memory):
        yield from found(patient)
    telemetry_signals()


def _application(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if settings.sandbox == "off" and not settings.cc_client_id:
        yield fail(
            "client_id_missing",
            WHAT,
            message("CCEXPORT_SANDBOX is off, and there is no CCEXPORT_CC_CLIENT_ID."),
            message("Set CCEXPORT_CC_CLIENT_ID to the API key of your application at Constant Contact."),
        )
    if settings.sandbox == "on" and settings.cc_client_id:
        yield warn(
            "sandbox_hides_account",
            WHAT,
            message(
                "CCEXPORT_CC_CLIENT_ID is set, but CCEXPORT_SANDBOX is on: nothing reaches the real account."
            ),
            message("Set CCEXPORT_SANDBOX=off to send, or leave the client id out."),
        )


def _addresses(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if patient.on_this_machine:
        return
    if urlsplit(settings.base_url).scheme != "https":
        yield warn(
            "base_url_open",
            WHAT,
            message(
                "CCEXPORT_BASE_URL is {url}: passwords cross the network unencrypted.", url=settings.base_url
            ),
            message("Put a proxy with TLS before the dashboard, and set the https address."),
        )
    elif not settings.proxies:
        yield warn(
            "proxies_unknown",
            WHAT,
            message("People come through a proxy that is not named, so all of them count as one address."),
            message("Set CCEXPORT_TRUSTED_PROXIES to the address of the proxy, such as 127.0.0.1."),
        )


def _mail(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if bool(settings.smtp_url.get_secret_value()) != bool(settings.smtp_from):
        missing, there = "CCEXPORT_SMTP_FROM", "CCEXPORT_SMTP_URL"
        if settings.smtp_from:
            missing, there = there, missing
        yield fail(
            "mail_half_set",
            WHAT,
            message(
                "{there} is set and {missing} is not: no mail can be sent.", there=there, missing=missing
            ),
            message("Set {missing} as well, or neither.", missing=missing),
        )


def _openid(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if settings.oidc_client_id and not settings.oidc_metadata_url:
        yield warn(
            "openid_half_set",
            WHAT,
            message(
                "CCEXPORT_OIDC_CLIENT_ID is set without CCEXPORT_OIDC_METADATA_URL: nobody is asked to use it."
            ),
            message("Set CCEXPORT_OIDC_METADATA_URL as well, or leave both out."),
        )


def _ledgers(patient: Patient) -> Iterator[Finding]:
    file = patient.root / "ledger.sqlite"
    if (
        patient.settings.ledger_url
        and file.exists()
        and patient.settings.ledger_address != f"sqlite:///{file}"
    ):
        yield warn(
            "ledger_twice",
            WHAT,
            message("CCEXPORT_LEDGER_URL is set, and the data directory has a ledger.sqlite as well."),
            message("Move the file away when the ledger of CCEXPORT_LEDGER_URL is the right one."),
        )


def _memory(patient: Patient) -> Iterator[Finding]:
    asked, there = bytes_of(patient.settings.memory_limit), _memory_of_machine()
    if there and asked > there:
        yield warn(
            "memory_limit_high",
            WHAT,
            message(
                "CCEXPORT_MEMORY_LIMIT is {asked}, and this machine has {there}.",
                asked=Size(asked),
                there=Size(there),
            ),
            message("Set it to half of the machine's memory at most."),
        )


def bytes_of(limit: str) -> int:
    """Return a size such as 512MB or 2GiB in bytes."""
    digits = limit.rstrip("BbiKkMmGgTt ")
    unit = limit[len(digits) :].strip().lower()
    return int(float(digits) * (1024 if "i" in unit else 1000) ** _UNITS[unit[0]])


def _memory_of_machine() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0
