"""The machine itself in trouble: a full disk, folders that cannot be written, damaged files, a clock that jumps.

Whatever it is, the run ends or waits in a clear state with a sentence, nothing is lost, and the next run
succeeds.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ccexport.errors import StoreTrouble
from ccexport.model.runs import Run
from ccexport.model.words import Mode, RunState, WaitReason
from tests.world import CARL, Calendar, World, brief, person

FEW = 5
MANY = 3000


def people(count: int = FEW) -> list[dict[str, object]]:
    return [person(n) for n in range(count)]


def addresses(count: int = FEW) -> set[str]:
    return {f"person{n}@example.com" for n in range(count)}


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """A disk of a few kilobytes where the folder is. Needs root; else the largest file is made small."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = (
        os.getuid() == 0
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder], check=False, capture_output=True
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("a disk of its own needs the right to mount one")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Every write that would make a file longer fails, also in SQLite and DuckDB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def not_a_folder(folder: Path) -> Iterator[None]:
    """A file stands where the folder was: root is not stopped by permissions."""
    aside = folder.with_name(f"{folder.name}-aside")
    if folder.exists():
        folder.rename(aside)
    folder.write_text("in the way")
    try:
        yield
    finally:
        folder.unlink()
        if aside.exists():
            aside.rename(folder)


def go_on(world: World, run: Run) -> Run:
    world.services.runs.resume(CARL, run.id)
    return world.services.runs.drive_here(run.id)


# -- the disk -------------------------------------------------------------------------------------------


def test_a_full_disk_while_planning_fails_before_anything_is_sent(world: World) -> None:
    world.ready(people(MANY))

    with full_disk(world.settings.data_dir / "plans"):
        failed = world.run()
    run = world.run()

    assert failed.state is RunState.FAILED
    assert "full" in str(failed.note) or "No space" in str(failed.note)
    assert "Nothing was sent" in str(failed.note)
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, MANY), run.note


@pytest.mark.parametrize("folder", ["outcomes", "deliveries", "destination"])
def test_a_full_disk_after_sending_waits_and_then_tells_the_truth(world: World, folder: str) -> None:
    world.ready(people(MANY), mode=Mode.MIRROR)
    planned = world.services.previews.preview(CARL, "News")
    sent = _sent_but_not_verified(world)

    with full_disk(world.settings.data_dir / folder):
        waiting = go_on(world, sent)
    run = go_on(world, waiting)
    after = world.run()

    assert (waiting.state, waiting.wait_reason) == (RunState.WAITING, WaitReason.STORAGE), waiting.note
    assert "goes on by itself" in str(waiting.note)
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, planned.to_send), run.note
    assert (after.counts["sent"], after.counts["unchanged"]) == (0, MANY)


def _sent_but_not_verified(world: World) -> Run:
    """A run whose contacts are at Constant Contact, held up before it could read the list back."""
    world.fault("status", path="/v3/activities/contact_exports", status=503, skip=2, times=0)
    run = world.run()
    assert (run.state, run.wait_step) == (RunState.WAITING, RunState.VERIFYING), run.note
    world.sandbox.admin("DELETE", "faults")
    return run


def test_a_ledger_that_cannot_be_written_is_said_at_once_and_the_run_goes_on_later(world: World) -> None:
    world.ready(people())
    queued = world.services.runs.start(CARL, "News")

    with no_file_above(50_000), pytest.raises(StoreTrouble, match="The ledger cannot be used"):
        world.services.runs.drive_here(queued.id)

    assert world.services.runs.get(CARL, queued.id).state is RunState.QUEUED
    assert world.services.runs.drive_here(queued.id).state is RunState.SUCCEEDED


@pytest.mark.parametrize("folder", ["plans", "destination"])
def test_a_folder_that_cannot_be_written_fails_before_anything_is_sent(world: World, folder: str) -> None:
    world.ready(people())

    with not_a_folder(world.settings.data_dir / folder):
        failed = world.run()
    run = world.run()

    assert failed.state is RunState.FAILED
    assert "Nothing was sent" in str(failed.note)
    assert str(world.settings.data_dir) not in str(failed.note)
    assert run.state is RunState.SUCCEEDED, run.note


@pytest.mark.parametrize("folder", ["outcomes", "deliveries"])
def test_a_folder_that_cannot_be_written_afterwards_is_waited_for(world: World, folder: str) -> None:
    world.ready(people(), mode=Mode.MIRROR)

    with not_a_folder(world.settings.data_dir / folder):
        waiting = world.run()
    run = go_on(world, waiting)
    world.ingest(people(FEW - 1))
    after = world.run()

    assert (waiting.state, waiting.wait_reason) == (RunState.WAITING, WaitReason.STORAGE)
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, FEW), run.note
    assert after.counts["removed"] == 1  # the deliveries know whom we put there


# -- damaged plans --------------------------------------------------------------------------------------


def _approved_but_not_sent(world: World) -> Run:
    """A run with its plan made and its requests registered, held up by Constant Contact before the first."""
    world.fault("status", path="/v3/activities/contacts_json_import", status=503, times=0)
    run = world.run()
    assert (run.state, run.wait_step) == (RunState.WAITING, RunState.SENDING), run.note
    world.sandbox.admin("DELETE", "faults")
    return run


def _corrupt(folder: Path) -> None:
    rows = pq.read_table(folder / "plan.parquet")
    at = rows.column_names.index("contact")
    changed = pc.replace_substring(rows["contact"], "person1", "person9")
    pq.write_table(rows.set_column(at, "contact", changed), folder / "plan.parquet")


def _garble(folder: Path) -> None:
    rows = folder / "plan.parquet"
    rows.write_bytes(bytes(255 - byte for byte in rows.read_bytes()))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_corrupt, "was changed on disk"),
        (_garble, "was changed on disk"),
        (shutil.rmtree, "missing on disk"),
    ],
    ids=["corrupted", "garbled", "deleted"],
)
def test_a_damaged_plan_is_not_sent_and_the_next_run_makes_a_new_one(
    world: World, harm: Callable[[Path], None], said: str
) -> None:
    world.ready(people())
    waiting = _approved_but_not_sent(world)
    harm(world.services.ledger.files.plan_folder(waiting.plan_id or ""))

    failed = go_on(world, waiting)
    run = world.run()

    assert failed.state is RunState.FAILED
    assert said in str(failed.note)
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, FEW), run.note
    assert run.plan_id != failed.plan_id
    assert world.on_list() == addresses()


def test_a_plan_deleted_after_sending_ends_the_run_with_what_is_known(world: World) -> None:
    world.ready(people())
    sent = _sent_but_not_verified(world)
    shutil.rmtree(world.services.ledger.files.plan_folder(sent.plan_id or ""))

    failed = go_on(world, sent)
    run = world.run()

    assert (failed.state, failed.counts["sent"], failed.counts["unknown"]) == (RunState.FAILED, FEW, FEW)
    assert "cannot be read" in str(failed.note)
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, FEW), run.note


def test_a_damaged_preview_is_made_anew_by_the_run(world: World) -> None:
    world.ready(people())
    plan = world.services.previews.preview(CARL, "News")
    _corrupt(plan.path.parent)

    run = world.run(digest=plan.digest)

    assert (run.state, run.digest) == (RunState.SUCCEEDED, plan.digest), run.note
    assert run.plan_id != plan.id
    assert world.on_list() == addresses()


# -- the clock ------------------------------------------------------------------------------------------


class Jump:
    """A clock that jumps once, after so many waits of the run."""

    def __init__(self, calendar: Calendar, by: timedelta) -> None:
        self.calendar, self.by, self.waits = calendar, by, -1

    def sleep(self, seconds: float) -> None:
        if self.waits == 0:
            self.calendar.ahead += self.by
        self.waits -= 1
        brief(seconds)


@pytest.mark.parametrize("waits", [0, 1, 2, 3, 4, 6])
@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(days=1)], ids=["an hour back", "a day asleep"])
def test_a_jump_of_the_clock_during_a_run_loses_nothing(tmp_path: Path, by: timedelta, waits: int) -> None:
    calendar = Calendar()
    jump = Jump(calendar, by)
    world = World(tmp_path, clock=calendar, sleep=jump.sleep, verify_grace=0.05)
    try:
        world.ready(people(), mode=Mode.MIRROR)
        world.run()
        world.ingest([person(n, first_name="New") for n in range(1, FEW + 1)])
        jump.waits = waits

        run = world.run()
        for _ in range(5):
            if run.state.ended:
                break
            run = go_on(world, run)
        jump.waits = -1
        after = world.run()

        assert (run.state, run.counts["verified"], run.counts["removed"]) == (RunState.SUCCEEDED, FEW, 1), (
            run.note
        )
        assert (after.state, after.counts["unchanged"]) == (RunState.SUCCEEDED, FEW), after.note
        assert world.on_list() == addresses(FEW + 1) - addresses(1)
        assert world.services.previews.preview(CARL, "News").verdicts["unchanged"] == FEW
    finally:
        world.close()


def test_a_run_claimed_a_day_ago_is_gone_on_with(tmp_path: Path) -> None:
    """The laptop slept between claiming the run and the next step: the lease is long over."""
    calendar = Calendar()
    world = World(tmp_path, clock=calendar)
    try:
        world.ready(people())
        waiting = _sent_but_not_verified(world)
        assert world.services.ledger.leases.take(f"run:{waiting.id}", "elsewhere:1:1:1", seconds=30)
        calendar.ahead += timedelta(days=1)

        driven = world.services.worker().run_once()

        assert driven == 1
        run = world.services.runs.get(CARL, waiting.id)
        assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, FEW), run.note
    finally:
        world.close()


def test_a_wait_does_not_become_longer_when_the_clock_is_set_back(tmp_path: Path) -> None:
    calendar = Calendar()
    world = World(tmp_path, clock=calendar)
    try:
        world.ready(people())
        waiting = _approved_but_not_sent(world)
        calendar.ahead -= timedelta(hours=1)

        assert world.services.worker().run_once() == 1

        assert world.services.runs.get(CARL, waiting.id).state is RunState.SUCCEEDED
    finally:
        world.close()


def test_deliveries_are_later_than_every_reading_although_the_clock_was_set_back(tmp_path: Path) -> None:
    calendar = Calendar()
    world = World(tmp_path, clock=calendar)
    try:
        world.ready(people(2))
        world.services.previews.preview(CARL, "News")
        calendar.ahead -= timedelta(hours=1)
        world.ingest(people(4), accept_changes=True)
        world.run()

        plan = world.services.previews.preview(CARL, "News", fresh=False)

        assert (plan.verdicts["unchanged"], plan.reasons.get("left_list", 0)) == (4, 0)
    finally:
        world.close()
