"""Approval by a second person, the rights of a schedule's owner, and what a viewer's preview costs."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ccexport.errors import Conflict, NotPermitted
from ccexport.model.exports import Actor
from ccexport.model.runs import Run
from ccexport.model.words import Mode, Role, RunState, Trigger, WaitReason
from tests.conftest import Clock
from tests.schedules.conftest import MONDAY, Timed, on
from tests.world import ADA, CARL, VERA, World, person

__all__ = ["on"]
EVE = Actor("eve", Role.ADMINISTRATOR)
FAY = Actor("fay", Role.ADMINISTRATOR)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def timed(tmp_path: Path, clock: Clock) -> Iterator[Timed]:
    made = Timed(tmp_path)
    clock.now = MONDAY
    made.set_clock(clock)
    yield made
    made.close()


def ran_well(world: World, **export: object) -> None:
    """Five people are on the list, and from here on more than three need a second person."""
    world.ready([person(n) for n in range(5)], **export)
    assert world.run().state is RunState.SUCCEEDED
    world.services.connections.change(ADA, "Main", approval_above=3)


def waiting(world: World, **options: object) -> Run:
    run = world.run(**options)  # type: ignore[arg-type]
    assert run.wait_reason is WaitReason.APPROVAL, run.note
    return run


def may(world: World, actor: Actor, run: Run) -> bool:
    """What the page offers is what the use case allows."""
    offered = world.services.runs.may_approve(actor, run.id)
    if not offered:
        with pytest.raises(Conflict, match="Somebody else"):
            world.services.runs.approve(actor, run.id)
    return offered


def test_who_is_taken_off_counts_too(world: World) -> None:
    """A mirror took thousands off a list with nobody asked."""
    ran_well(world, mode=Mode.MIRROR, guards={"removals_percent": None, "shrunk_percent": None})
    world.services.profiles.ingest(
        FAY, [_csv(world, [person(0)])], id_field="customer_id", accept_changes=True
    )
    run = waiting(world)
    assert "4 contacts" in str(run.note)
    assert may(world, EVE, run) and not may(world, FAY, run) and not may(world, CARL, run)


def _csv(world: World, people: list[dict[str, object]]) -> Path:
    from tests.world import write_csv

    return write_csv(world.root / "fewer.csv", people)


Change = Callable[[World], object]
CHANGES: dict[str, Change] = {
    "the segment": lambda w: w.services.segments.change(
        FAY, "Outer", rule={"op": "not_in_segment", "value": "Inner"}
    ),
    "a segment in its rule": lambda w: w.services.segments.change(
        FAY, "Inner", rule={"field": "country", "op": "is_not", "value": "Sweden"}
    ),
    "that segment, renamed by another": lambda w: (
        w.services.segments.change(
            FAY, "Inner", rule={"field": "country", "op": "is_not", "value": "Sweden"}
        ),
        w.services.segments.change(CARL, "Inner", new_name="Renamed"),
    ),
    "the suppression list": lambda w: w.services.system.suppress(FAY, ["nobody@example.net"]),
    "a source": lambda w: w.services.sources.save(FAY, "crm", files=["/nowhere/*.csv"], key="customer_id"),
    "a guard": lambda w: w.services.runs.release(FAY, "News", "empty", reason="known"),
    "the export": lambda w: w.services.exports.change(FAY, "News", resend_unchanged=True),
}


@pytest.mark.parametrize("what", list(CHANGES))
def test_who_changed_anything_the_plan_depends_on_cannot_approve(world: World, what: str) -> None:
    """Only what happened since the export last ran well counts: who built it long ago may."""
    world.ready([person(n) for n in range(5)])
    world.services.segments.create(ADA, "Inner", rule={"field": "country", "op": "is", "value": "Norway"})
    world.services.segments.create(ADA, "Outer", rule={"op": "in_segment", "value": "Inner"})
    world.services.exports.change(CARL, "News", segments=["Everybody", "Outer"])
    assert world.run().state is RunState.SUCCEEDED
    world.services.connections.change(ADA, "Main", approval_above=3)

    CHANGES[what](world)
    run = waiting(world, resend_all=True)

    assert not may(world, FAY, run)
    assert may(world, EVE, run) and may(world, ADA, run)


def test_a_scheduled_run_needs_a_person_besides_who_scheduled_it(
    timed: Timed, on: Callable[..., object]
) -> None:
    """One person alone had a schedule ask and approved it."""
    timed.ready([person(n) for n in range(5)])
    timed.services.connections.change(ADA, "Main", approval_above=3)
    timed.services.schedules.set(EVE, ["News"], on(every="day", at=["06:30"]))  # type: ignore[arg-type]
    timed.until(timed.at(7))
    (run,) = timed.runs()
    assert (run.wait_reason, run.trigger) == (WaitReason.APPROVAL, Trigger.SCHEDULE)
    assert not may(timed, EVE, run)  # type: ignore[arg-type]
    assert may(timed, FAY, run)  # type: ignore[arg-type]


@pytest.mark.parametrize("fall", ["disabled", "lowered"])
def test_a_schedule_has_the_rights_that_its_owner_has_now(
    timed: Timed, on: Callable[..., object], fall: str
) -> None:
    """It waits and says so, and goes on once the owner may again."""
    people = timed.services.people
    root = Actor("cli:test", Role.ADMINISTRATOR)
    people.add(root, "olga", role=Role.CONTRIBUTOR, password="correct horse battery")
    timed.ready([person(1)])
    timed.services.schedules.set(
        Actor("olga", Role.CONTRIBUTOR),
        ["News"],
        on(every="day", at=["06:30"]),  # type: ignore[arg-type]
    )
    if fall == "disabled":
        people.disable(root, "olga")
    else:
        people.change_role(root, "olga", Role.VIEWER)
    timed.until(timed.at(7))
    assert timed.runs() == []
    assert "olga, who set this schedule" in str(timed.services.schedules.history(VERA, "News")[0].note)

    people.disable(root, "olga", disabled=False)
    people.change_role(root, "olga", Role.CONTRIBUTOR)
    timed.until(timed.at(8))
    assert [run.state for run in timed.runs()] == [RunState.SUCCEEDED]


def used(world: World) -> int:
    return int(world.services.wiring.requests_today())


def test_a_viewers_preview_asks_constant_contact_for_nothing(world: World) -> None:
    """*Plan again* cost seven of the day's requests each time."""
    world.ready([person(1)])
    world.run()
    before = used(world)
    for fresh in (None, True, False):
        world.services.previews.preview(VERA, "News", fresh=fresh)
    assert used(world) == before


def test_in_the_dashboard_an_export_is_read_once_a_minute(world: World) -> None:
    """However often somebody presses *Plan again*."""
    world.ready([person(1)])
    people = world.services.people
    made = people.add(ADA, "kari", role=Role.CONTRIBUTOR, password="correct horse battery")
    redeemed = people.redeem(people.ticket(made, {}))
    assert redeemed is not None
    kari = people.signed_in(redeemed[0])
    assert kari is not None
    world.services.previews.preview(kari, "News", fresh=True)
    before = used(world)
    for _ in range(5):
        world.services.previews.preview(kari, "News", fresh=True)
    readings = used(world) - before
    world.services.previews.preview(CARL, "News", fresh=True)
    assert readings < 5 * (used(world) - before - readings)


def test_a_service_account_is_no_second_person(world: World) -> None:
    """Nor is who made its token: they could ask in its name."""
    ran_well(world, resend_unchanged=True)
    tokens = world.services.tokens
    _, secret = tokens.create(EVE, "crm", role=Role.CONTRIBUTOR, service="crm")
    crm = tokens.actor_of(secret)
    assert crm is not None
    own = waiting(world)
    assert not world.services.runs.may_approve(crm, own.id)
    with pytest.raises(NotPermitted, match="service account may not approve"):
        world.services.runs.approve(crm, own.id)
    world.services.runs.cancel(EVE, own.id)
    world.services.runs.drive_here(own.id)

    asked = world.services.runs.drive_here(world.services.runs.start(crm, "News").id)
    assert asked.wait_reason is WaitReason.APPROVAL
    assert not may(world, EVE, asked) and may(world, FAY, asked)
