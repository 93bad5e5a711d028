"""Checks of the ledger and its key."""

from collections.abc import Iterator

from ccexport.errors import BadSettings, CcexportError
from ccexport.ledger.looking import exists, look_over
from ccexport.ledger.maintenance import NEWEST, version_of
from ccexport.messages import message
from ccexport.services.doctor.findings import Finding, fail, ok, warn
from ccexport.services.doctor.patient import Patient

WHAT = "ledger"
KEPT = ("profiles/current", "deliveries", "plans", "outcomes")
RESTORE = message("Restore the newest back-up into a new data directory (restore).")


def ledger(patient: Patient) -> Iterator[Finding]:
    """Check that the ledger is there, sound, and of this program's version."""
    address = patient.settings.ledger_address
    if not exists(address):
        yield _none(patient)
        return
    try:
        looked = look_over(address)
    except BadSettings as error:
        yield fail("ledger_unreachable", WHAT, error.message, message("Correct CCEXPORT_LEDGER_URL."))
        return
    except CcexportError as error:
        damaged = "damaged" in error.message.template
        if damaged:
            yield fail("ledger_damaged", WHAT, error.message, RESTORE)
        else:
            advice = message("Check CCEXPORT_LEDGER_URL and the database.")
            yield fail("ledger_unreachable", WHAT, error.message, advice)
        return
    if looked.damaged:
        said = message("The ledger is damaged: {why}", why=looked.damaged[0])
        yield fail("ledger_damaged", WHAT, said, RESTORE)
    elif looked.missing:
        said = message("Its table {table} is missing.", table=looked.missing[0])
        yield fail("ledger_damaged", WHAT, said, RESTORE)
    elif looked.loose:
        said = message("Rows of its table {table} lead nowhere.", table=looked.loose[0])
        yield fail("ledger_loose_rows", WHAT, said, RESTORE)
    else:
        yield _version(looked.version, patient)


def _none(patient: Patient) -> Finding:
    left = [name for name in KEPT if (patient.root / name).exists()]
    if not left:
        return ok("ledger", WHAT, message("It is made at the first start."))
    return fail(
        "ledger_gone",
        WHAT,
        message("It is gone, although the data directory has {names}.", names=left),
        message("Put ledger.sqlite back from a back-up, or set CCEXPORT_LEDGER_URL, before anything starts."),
    )


def _version(version: str | None, patient: Patient) -> Finding:
    if version is None:
        said = message("The database has no ledger yet; one is made at the first start.")
        return ok("ledger", WHAT, said)
    if version > NEWEST:
        return fail(
            "ledger_newer",
            WHAT,
            message("It is at version {version}, this program at {newest}.", version=version, newest=NEWEST),
            message("Install the ccexport that wrote it, or a newer one."),
        )
    if version < NEWEST:
        return warn(
            "ledger_older",
            WHAT,
            message(
                "It is at version {version} and is brought to {newest} by the next start.",
                version=version,
                newest=NEWEST,
            ),
            message("Back up, start ccexport, and ask again for the rest."),
        )
    return ok("ledger", WHAT, message("It is at version {version}.", version=version))


def is_there(patient: Patient) -> bool:
    """Return whether there is a ledger of this program's version."""
    return version_of(patient.settings.ledger_address) == NEWEST


def key(patient: Patient) -> Iterator[Finding]:
    """Check that the key opens every sealed secret, and that a key is there."""
    what, by_setting = "key", bool(patient.settings.secret_key.get_secret_value())
    advice = message(
        "Put the key back from where it is kept (secret.key or CCEXPORT_SECRET_KEY), or connect again."
    )
    if not by_setting and not (patient.root / "secret.key").exists():
        said = message("secret.key is missing in the data directory, and CCEXPORT_SECRET_KEY is not set.")
        yield fail("key_missing", what, said, advice)
        return
    ledger = patient.ledger
    try:
        for connection in ledger.connections.all():
            ledger.connections.tokens(connection.id)
        for subscriber in ledger.notices.subscribers():
            ledger.notices.destination(subscriber.id)
        for source in ledger.sources.all():
            ledger.sources.password(source.name)
    except CcexportError as error:
        yield fail("key_wrong", what, error.message, advice)
        return
    where = "CCEXPORT_SECRET_KEY" if by_setting else "secret.key"
    yield ok("key", what, message("The key in {where} opens every stored secret.", where=where))


def audit(patient: Patient) -> Iterator[Finding]:
    """Check that each entry of the audit follows from the one before it."""
    what, broken = "audit", patient.ledger.audit.first_broken()
    if broken is None:
        yield ok("audit", what, message("Every entry follows from the one before."))
        return
    said = message(
        "The entry {id} was changed, or one before it was removed, after it was written.", id=str(broken)
    )
    advice = message("Compare the audit with that of a back-up; from this entry on it proves nothing.")
    yield fail("audit_broken", what, said, advice)
