"""The doctor: checks everything an operator has to get right, and says for each what to do.

Each check stands alone: what goes wrong in one is a finding of that one, and hides no other. A new check is a
function that takes the patient and yields findings, and a row of `INSIDE`, or of `FIRST` or `LAST` when it
needs no ledger.
Must never change anything, and never raise for what it finds.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from ccexport.clock import utc_now
from ccexport.errors import BadSettings, CcexportError
from ccexport.messages import message
from ccexport.services.doctor import folder, ledger, outside, settings, stored, work
from ccexport.services.doctor.findings import Finding, Health, fail
from ccexport.services.doctor.folder import NO_SPACE
from ccexport.services.doctor.patient import Patient
from ccexport.settings import load_settings

__all__ = ["NO_SPACE", "Finding", "Health", "diagnose", "worst_of"]

Check = tuple[str, Callable[[Patient], Iterator[Finding]]]
FIRST: tuple[Check, ...] = (
    ("settings", settings.settings),
    ("settings", settings.contradictions),
    ("data directory", folder.data_dir),
    ("data directory", folder.owners),
    ("free space", folder.space),
    ("temporary files", folder.temporary),
)
INSIDE: tuple[Check, ...] = (
    ("key", ledger.key),
    ("audit", ledger.audit),
    ("sign-in", outside.sign_in),
    ("connection", outside.connections),
    ("quota", work.quota),
    ("worker", work.worker),
    ("refresh", work.refresh),
    ("schedules", work.schedules),
    ("runs", work.waiting),
    ("notices", work.notices),
    ("plans", stored.plans),
    ("deliveries", stored.deliveries),
    ("outcomes", stored.outcomes),
    ("readings", stored.readings),
    ("segments", stored.member_lists),
    ("holds", stored.holds),
    ("left", stored.left),
)
LAST: tuple[Check, ...] = (
    ("profiles", stored.snapshot),
    ("sandbox", stored.sandbox),
    ("API", outside.hosts),
    ("mail", outside.mail),
)


def diagnose(
    data_dir: Path | None = None, *, clock: Callable[[], datetime] = utc_now, deep: bool = False
) -> list[Finding]:
    """Return every finding, in the order in which to fix them."""
    try:
        read = load_settings(data_dir=data_dir)
    except CcexportError as error:
        advice = message("Correct this setting and ask again.")
        return [fail("setting_wrong", "settings", error.message, advice)]
    with TemporaryDirectory(prefix="ccexport-doctor-") as scratch:
        patient = Patient(read, clock, Path(scratch), deep)
        try:
            return list(_all(patient))
        finally:
            patient.close()


def worst_of(findings: list[Finding]) -> Health:
    """Return the worst health among the findings."""
    health = {finding.health for finding in findings}
    return next((one for one in (Health.FAIL, Health.WARN) if one in health), Health.OK)


def _all(patient: Patient) -> Iterator[Finding]:
    for what, check in FIRST:
        yield from _alone(what, check, patient)
    looked = list(_alone("ledger", ledger.ledger, patient))
    yield from looked
    sound = worst_of(looked) is Health.OK and ledger.is_there(patient)
    for what, check in (*(INSIDE if sound else ()), *LAST):
        yield from _alone(what, check, patient)


def _alone(what: str, check: Callable[[Patient], Iterator[Finding]], patient: Patient) -> Iterator[Finding]:
    """Run one check; what it does not foresee is a finding too."""
    advice = message("Mend this and ask again; CCEXPORT_LOG_LEVEL=DEBUG shows more.")
    try:
        yield from check(patient)
    except BadSettings as error:
        yield fail("setting_wrong", what, error.message, message("Correct this setting and ask again."))
    except CcexportError as error:
        yield fail("check_failed", what, error.message, advice)
    except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
        said = message("It could not be looked at ({kind}).", kind=type(error).__name__)
        yield fail("check_failed", what, said, advice)
