"""Checks of what goes on by itself: workers, schedules, refreshes, waiting runs, notices."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta

from ccexport.errors import BadInput
from ccexport.ledger import Ledger
from ccexport.messages import Message, counted, message
from ccexport.model.firings import FiringState, RefreshState
from ccexport.model.notices import Channel
from ccexport.model.schedules import LOOK_BACK, Follows, due_times, times
from ccexport.model.words import RunState, WaitReason
from ccexport.runs.accounts import SharedPace
from ccexport.services.doctor.findings import Finding, fail, ok, warn
from ccexport.services.doctor.patient import Patient
from ccexport.services.wiring import SANDBOX_CLIENT
from ccexport.worker.notices_delivery import undelivered
from ccexport.worker.presence import machines_with_workers
from ccexport.worker.sources import found_files

QUOTA = 10_000
GRACE = timedelta(minutes=5)
"""How late something may begin before it is overdue: a worker looks every few seconds."""
_START = message("Start the dashboard, or `ccexport worker` when CCEXPORT_WORKER is off.")


def worker(patient: Patient) -> Iterator[Finding]:
    """Check that a worker runs if work waits: without one, a schedule looks as if it were not due yet."""
    what, ledger = "worker", patient.ledger
    late = list(overdue(ledger, ledger.clock()))
    there = machines_with_workers(ledger)
    if there and late:
        advice = message("The log of the worker says what holds it up; `ccexport runs list` what it does.")
        yield warn("work_overdue", what, late[0], advice)
    elif there:
        yield ok("worker", what, message("One is at work on {machines}.", machines=there))
    elif late:
        said = message("{late} No worker was at work in the last minute.", late=late[0])
        yield fail("worker_missing", what, said, _START)
    elif _something_waits(ledger):
        said = message("None was at work in the last minute, so nothing runs by itself.")
        yield warn("worker_absent", what, said, _START)
    else:
        yield ok("worker", what, message("None is at work, and nothing waits for one."))


def _something_waits(ledger: Ledger) -> bool:
    by_time = any(one.schedule.follows is Follows.TIMES for one in ledger.schedules.all().values())
    return by_time or bool(ledger.runs.all(live=True, limit=1)) or ledger.refreshes.settings()[0].on


def overdue(ledger: Ledger, now: datetime) -> Iterator[Message]:
    """Yield a sentence for each thing that should have begun."""
    names, saved = ledger.exports.names(), ledger.schedules.all()
    for export_id, name in names.items():
        one = saved.get(export_id)
        if one is None or one.schedule.follows is not Follows.TIMES:
            continue
        last = ledger.schedules.last_time(export_id)
        due = due_times(one.schedule, max(one.since, last or one.since), now)
        if due and due[0] < now - GRACE:
            yield message("The export {name} was due at {at}.", name=name, at=due[0])
    for firing in ledger.schedules.open():
        if firing.state is FiringState.DUE and firing.due_at < now - GRACE:
            yield message("An export was due at {at}.", at=firing.due_at)
    yield from _overdue_refreshes(ledger, now)
    for run in ledger.runs.all(live=True, limit=1_000):
        if run.state is RunState.QUEUED and run.created_at < now - GRACE:
            yield message("The run {run} has been queued since {at}.", run=run.id, at=run.created_at)


def _overdue_refreshes(ledger: Ledger, now: datetime) -> Iterator[Message]:
    settings, since = ledger.refreshes.settings()
    if settings.on and settings.recurrence is not None:
        start = max(since, ledger.refreshes.last_time() or since, now - LOOK_BACK)
        due = next(times(settings.recurrence, settings.zone, start), None)
        if due is not None and due < now - GRACE:
            yield message("The refresh was due at {at}.", at=due)
    for refresh in ledger.refreshes.open():
        if refresh.state is RefreshState.DUE and refresh.due_at < now - GRACE:
            yield message("The refresh was due at {at}.", at=refresh.due_at)


def refresh(patient: Patient) -> Iterator[Finding]:
    """Check that the refresh finds its files, and how the last one ended."""
    what, ledger = "refresh", patient.ledger
    settings, _ = ledger.refreshes.settings()
    if not settings.on:
        yield ok("refresh", what, message("It is off."))
        return
    troubles = list(_files_of_refresh(ledger, settings.sources))
    yield from troubles
    last = next(iter(ledger.refreshes.all(limit=1)), None)
    if last is not None and last.state is RefreshState.STOPPED:
        advice = message("Look at the file, then `ccexport refresh run`; --accept-changes when it is right.")
        yield warn("refresh_stopped", what, message("The last one was stopped: {why}", why=last.note), advice)
    elif last is not None and last.state is RefreshState.FAILED:
        advice = message("Mend that, then `ccexport refresh run`.")
        yield fail("refresh_failed", what, message("The last one failed: {why}", why=last.note), advice)
    elif not troubles:
        yield ok("refresh", what, message("It is on, and its files can be read."))


def _files_of_refresh(ledger: Ledger, watched: tuple[str, ...]) -> Iterator[Finding]:
    named = ledger.sources.all()
    patterns = [pattern for source in named for pattern in source.files] if named else list(watched)
    for pattern in patterns:
        try:
            files = found_files([pattern])
        except BadInput as error:
            advice = message("Put the file there, or change what is watched (refresh set, sources set).")
            yield fail("source_missing", "refresh", error.message, advice)
            continue
        closed = [file for file in files if not os.access(file, os.R_OK)]
        if closed:
            said = message("The file {file} may not be read.", file=str(closed[0]))
            advice = message("Give the account that ccexport runs as the right to read it.")
            yield fail("source_closed", "refresh", said, advice)


def schedules(patient: Patient) -> Iterator[Finding]:
    """Find exports whose last time was let pass."""
    ledger = patient.ledger
    names, saved = ledger.exports.names(), ledger.schedules.all()
    dropped = [
        (names[export_id], firing.note)
        for export_id, firing in ledger.schedules.last_firings(list(names)).items()
        if firing.state is FiringState.DROPPED
        and not (export_id in saved and saved[export_id].schedule.paused_until)
    ]
    for name, note in dropped:
        said = message("The last time of the export {name} was let pass: {why}", name=name, why=note)
        yield warn(
            "schedule_dropped", "schedules", said, message("Mend that; `ccexport exports run` catches up.")
        )
    if not dropped:
        yield ok("schedules", "schedules", message("No time was let pass."))


def waiting(patient: Patient) -> Iterator[Finding]:
    """Find runs that wait for a person or for the disk."""
    for run in patient.ledger.runs.all(live=True, limit=1_000):
        if run.state is RunState.WAITING and run.wait_reason in {WaitReason.RECONNECT, WaitReason.STORAGE}:
            said = message("The run {run} waits: {why}", run=run.id, why=run.note)
            advice = message("Mend that; the run goes on by itself.")
            yield warn("run_waits", "runs", said, advice)


def quota(patient: Patient) -> Iterator[Finding]:
    """Check how many of the day's requests are left."""
    client = SANDBOX_CLIENT if patient.settings.sandbox_on else patient.settings.cc_client_id
    ledger = patient.ledger
    used = SharedPace(ledger, client, clock=ledger.clock, sleep=lambda seconds: None).used_today()
    said = message("{used} of the day's {all} requests were used.", used=used, all=QUOTA)
    if used < 0.8 * QUOTA:
        yield ok("quota", "quota", said)
    else:
        advice = message("Runs wait until 00:00 UTC; schedule less, or fewer lists.")
        yield warn("quota_low", "quota", said, advice)


def notices(patient: Patient) -> Iterator[Finding]:
    """Check that notices arrive."""
    what, ledger = "notices", patient.ledger
    by_mail = [one for one in ledger.notices.subscribers() if one.channel is Channel.EMAIL]
    if by_mail and not patient.settings.smtp_url.get_secret_value():
        said = counted(
            "{n} subscriber is told by e-mail, and no mail server is set.",
            "{n} subscribers are told by e-mail, and no mail server is set.",
            n=len(by_mail),
        )
        yield fail("mail_not_set", what, said, message("Set CCEXPORT_SMTP_URL and CCEXPORT_SMTP_FROM."))
    failed = undelivered(ledger)
    if failed:
        said = message("{n} did not arrive: {why}", n=len(failed), why=failed[0].error)
        yield warn("notices_undelivered", what, said, message("See `notices outbox`."))
    elif not by_mail or patient.settings.smtp_url.get_secret_value():
        yield ok("notices", what, message("None is undelivered."))
