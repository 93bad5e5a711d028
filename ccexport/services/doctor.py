"""The doctor: checks everything an operator has to get right, and says for each what to do.

The checks are independent, so that one failure hides no other. Must never change anything,
and never raise for what it finds.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from urllib.parse import urlsplit

from ccexport.errors import CcexportError
from ccexport.ledger.maintenance import NEWEST, version_of
from ccexport.model.schedules import Follows
from ccexport.outgoing import NoAnswer, exchange
from ccexport.runs.holders import misfits
from ccexport.runs.repair import wrongly_left
from ccexport.services.wiring import Wiring
from ccexport.settings import Settings, load_settings
from ccexport.worker.notices_delivery import undelivered
from ccexport.worker.presence import machines_with_workers

GIB = 2**30
LITTLE_SPACE, NO_SPACE = 2 * GIB, GIB // 4
QUOTA = 10_000
OFF_SECONDS, FAR_OFF_SECONDS = 30, 300
TIMEOUT = 10.0


class Health(StrEnum):
    """The result of one check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line: what was checked, the result, and what to do when it is not OK."""

    what: str
    health: Health
    found: str
    to_do: str = ""


def diagnose(data_dir: Path | None = None, *, clock: Callable[[], datetime] | None = None) -> list[Finding]:
    """Return every finding, in the order in which to fix them."""
    try:
        settings = load_settings(data_dir=data_dir)
    except CcexportError as error:
        return [Finding("settings", Health.FAIL, str(error), "Correct this setting and ask again.")]
    found = [Finding("settings", Health.OK, _mode(settings)), *_data_dir(settings), _version(settings)]
    if any(f.health is Health.FAIL for f in found) or found[-1].health is Health.WARN:
        return found  # opening an older ledger would upgrade it
    try:
        wiring = Wiring(settings, **({"clock": clock} if clock else {}))  # type: ignore[arg-type]
    except CcexportError as error:
        return [*found, Finding("ledger", Health.FAIL, str(error), "Mend this first; the rest needs it.")]
    try:
        return [*found, *_inside(wiring)]
    finally:
        wiring.close()


def _mode(settings: Settings) -> str:
    where = "the built-in sandbox (a demo)" if settings.sandbox_on else settings.cc_api_url
    return f"All can be read; Constant Contact is {where}."


def _data_dir(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=path) as file:
            file.write(b"x")
    except OSError as error:
        yield Finding(
            "data directory",
            Health.FAIL,
            f"{path} cannot be written: {error.strerror}.",
            "Give the account ccexport runs as the right to write it, or set CCEXPORT_DATA_DIR.",
        )
        return
    open_to = path.stat().st_mode & 0o077
    if open_to:
        yield Finding(
            "data directory",
            Health.WARN,
            f"{path} is open to other accounts.",
            f"It holds customers' data: chmod 700 {path}",
        )
    else:
        yield Finding("data directory", Health.OK, f"{path} can be written.")
    free = shutil.disk_usage(path).free
    health = Health.FAIL if free < NO_SPACE else Health.WARN if free < LITTLE_SPACE else Health.OK
    to_do = "" if health is Health.OK else "Make room, or keep less (CCEXPORT_RETENTION_MONTHS)."
    yield Finding("free space", health, f"{free / GIB:.1f} GiB are free.", to_do)


def _version(settings: Settings) -> Finding:
    try:
        version = version_of(settings.ledger_address)
    except CcexportError as error:
        return Finding("ledger", Health.FAIL, str(error), "Check CCEXPORT_LEDGER_URL and the database.")
    if version is None:
        return Finding("ledger", Health.OK, "It is made at the first start.")
    if version > NEWEST:
        return Finding(
            "ledger",
            Health.FAIL,
            f"It is at version {version}, this program at {NEWEST}.",
            "Install the ccexport that wrote it, or a newer one.",
        )
    if version < NEWEST:
        return Finding(
            "ledger",
            Health.WARN,
            f"It is at version {version} and is brought to {NEWEST} by the next start.",
            "Back up, start ccexport, and ask again for the rest.",
        )
    return Finding("ledger", Health.OK, f"It is at version {version}.")


def _inside(wiring: Wiring) -> Iterator[Finding]:
    yield _key(wiring)
    yield from _hosts(wiring)
    yield _quota(wiring)
    yield _worker(wiring)
    yield from _connections(wiring)
    yield _notices(wiring)
    yield _holds(wiring)
    yield _left(wiring)


def _key(wiring: Wiring) -> Finding:
    """Check that the key opens every sealed secret."""
    try:
        for connection in wiring.ledger.connections.all():
            wiring.ledger.connections.tokens(connection.id)
        for subscriber in wiring.ledger.notices.subscribers():
            wiring.ledger.notices.destination(subscriber.id)
    except CcexportError as error:
        return Finding("key", Health.FAIL, str(error), "Restore the key from the back-up; or connect again.")
    where = "CCEXPORT_SECRET_KEY" if wiring.settings.secret_key.get_secret_value() else "secret.key"
    return Finding("key", Health.OK, f"The key in {where} opens every stored secret.")


def _hosts(wiring: Wiring) -> Iterator[Finding]:
    application = wiring.application()
    dates = []
    for what, url in (("API", application.api_url), ("authorisation", application.auth_url)):
        date, trouble = _asked(url)
        dates.append(date)
        host = urlsplit(url).hostname
        if trouble:
            yield Finding(
                what,
                Health.FAIL,
                f"{host} cannot be reached: {trouble}.",
                "Check the network, the proxy, and CCEXPORT_CC_API_URL and CCEXPORT_CC_AUTH_URL.",
            )
        else:
            yield Finding(what, Health.OK, f"{host} answers.")
    yield _clock(wiring.ledger.clock(), next((d for d in dates if d), None))


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
    if theirs is None:
        return Finding(
            "clock", Health.WARN, "No answer said what time it is.", "Ask again when the API answers."
        )
    off = abs((ours - theirs).total_seconds())
    if off <= OFF_SECONDS:
        return Finding("clock", Health.OK, "It agrees with the API's.")
    health = Health.FAIL if off > FAR_OFF_SECONDS else Health.WARN
    return Finding(
        "clock",
        health,
        f"It is {off:.0f} seconds off the API's.",
        "Let the machine keep time by NTP: tokens and schedules go by this clock.",
    )


def _quota(wiring: Wiring) -> Finding:
    used = wiring.accounts().requests_today()
    found = f"{used} of the day's {QUOTA} requests were used."
    if used < 0.8 * QUOTA:
        return Finding("quota", Health.OK, found)
    return Finding("quota", Health.WARN, found, "Runs wait until 00:00 UTC; schedule less, or fewer lists.")


def _worker(wiring: Wiring) -> Finding:
    """Check that a worker runs if work waits: without one, a schedule looks as if it were not due yet."""
    there = machines_with_workers(wiring.ledger)
    if there:
        return Finding("worker", Health.OK, f"One is at work on {', '.join(there)}.")
    saved = wiring.ledger.schedules.all().values()
    by_time = any(one.schedule.follows is Follows.TIMES for one in saved)
    waiting = wiring.ledger.runs.all(live=True, limit=1)
    if not (by_time or waiting or wiring.ledger.refreshes.settings()[0].on):
        return Finding("worker", Health.OK, "None is at work, and nothing waits for one.")
    return Finding(
        "worker",
        Health.WARN,
        "None was at work in the last minute, so nothing runs by itself.",
        "Start the dashboard, or `ccexport worker` when CCEXPORT_WORKER is off.",
    )


def _connections(wiring: Wiring) -> Iterator[Finding]:
    for connection in wiring.ledger.connections.all():
        if connection.state == "connected":
            yield Finding(f"connection {connection.name}", Health.OK, "It is connected.")
        else:
            yield Finding(
                f"connection {connection.name}",
                Health.WARN,
                str(connection.state_reason) or f"It is {connection.state}.",
                f"connections add '{connection.name}' --agree --reconnect",
            )


def _notices(wiring: Wiring) -> Finding:
    failed = undelivered(wiring.ledger)
    if not failed:
        return Finding("notices", Health.OK, "None is undelivered.")
    return Finding(
        "notices", Health.WARN, f"{len(failed)} did not arrive: {failed[0].error}", "See `notices outbox`."
    )


def _left(wiring: Wiring) -> Finding:
    """Check that nobody is said to have left a list whom we took off, or who never arrived."""
    found = wrongly_left(wiring.engine)
    people = sum(one.removed + one.missing for one in found)
    if not people:
        return Finding("left", Health.OK, "Nobody is wrongly said to have left a list.")
    lists = ", ".join(one.list_name for one in found)
    return Finding(
        "left",
        Health.WARN,
        f"{people} people are said to have left {lists}, but were taken off by us or never arrived.",
        "Correct it: `ccexport repair`.",
    )


def _holds(wiring: Wiring) -> Finding:
    """Check the stored readings: each address is known once, and each hold belongs to an existing export."""
    found = misfits(wiring.engine)
    if not found:
        return Finding("holds", Health.OK, "Every address is known once, and every hold has its export.")
    return Finding(
        "holds",
        Health.WARN,
        f"{found.twice} addresses are known twice, and {found.without_export} holds have no export.",
        "Run an export to that contact list: each run writes anew what is known of its list.",
    )
