"""Who is on the list, and by whom: situations that users of such tools reported, as a careful user expects them."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Answer, Lost, Request
from ccexport.errors import BadInput, Conflict
from ccexport.model.exports import ConsentRule
from ccexport.model.words import Mode, RunState, WaitReason
from ccexport.plan.standing import holds_path
from ccexport.runs import destination
from ccexport.runs.holders import Misfits, misfits
from tests.world import ADA, CARL, World, person

COUNTRY = {"all": [{"field": "country", "op": "is", "value": "Norway"}]}


def at(*numbers: int) -> set[str]:
    return {f"person{n}@example.com" for n in numbers}


def leave(world: World, *numbers: int) -> None:
    for n in numbers:
        world.sandbox.admin(
            "POST", "contacts/leave_list", {"email": f"person{n}@example.com", "list": world.list_name}
        )


def join(world: World, *numbers: int) -> None:
    """By own hand; whoever Constant Contact does not know yet is made first."""
    for n in numbers:
        email = f"person{n}@example.com"
        known = world.sandbox.admin("GET", f"inspect/contacts?email={email}")["contacts"]
        if known:
            world.sandbox.admin("POST", "contacts/join_list", {"email": email, "list": world.list_name})
        else:
            world.sandbox.admin(
                "POST", "contacts", {"contacts": [{"email": email, "lists": [world.list_name]}]}
            )


def people(numbers: Iterable[int], **values: object) -> list[dict[str, object]]:
    return [person(n, **values) for n in numbers]


def two_mirrors(world: World) -> None:
    """`News` mirrors Norway, `Other` mirrors Sweden, both on one list."""
    world.ingest(people(range(8)) + people(range(8, 12), country="Sweden"))
    for name, country in (("Norway", "Norway"), ("Sweden", "Sweden")):
        rule = {"all": [{"field": "country", "op": "is", "value": country}]}
        world.services.segments.create(CARL, name, rule=rule)
    world.connect()
    world.services.connections.create_list(ADA, "Main", world.list_name)
    world.export("News", segments=["Norway"], mode=Mode.MIRROR)
    world.export("Other", segments=["Sweden"], mode=Mode.MIRROR)


# -- a run has its target and its settings from the moment it is asked for --------------------------


def test_a_queued_run_goes_to_the_list_it_was_asked_for(world: World) -> None:
    """I pressed Run for one list; what a colleague changes afterwards is for the next run."""
    world.ready(people(range(3)))
    world.services.connections.create_list(ADA, "Main", "Second")
    queued = world.services.runs.start(CARL, "News")
    world.services.exports.change(CARL, "News", contact_list="Second")

    run = world.services.runs.drive_here(queued.id)

    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 3), run.note
    assert (len(world.on_list()), world.on_list("Second")) == (3, set())


def test_a_queued_run_takes_the_segment_as_it_was(world: World) -> None:
    """A rule changed while the run waits would send people nobody looked at."""
    world.ingest(people(range(2)) + people(range(2, 4), country="Sweden"))
    world.services.segments.create(CARL, "Chosen", rule=COUNTRY)
    world.connect()
    world.services.connections.create_list(ADA, "Main", world.list_name)
    world.export("News", segments=["Chosen"])
    queued = world.services.runs.start(CARL, "News")
    sweden = {"all": [{"field": "country", "op": "is", "value": "Sweden"}]}
    world.services.segments.change(CARL, "Chosen", rule=sweden)

    world.services.runs.drive_here(queued.id)

    assert world.on_list() == at(0, 1)


def test_pausing_ends_what_has_not_begun_and_says_why(world: World) -> None:
    """Paused means that nothing goes out, also not what was queued a moment before."""
    world.ready(people(range(3)))
    queued = world.services.runs.start(CARL, "News")

    world.services.exports.pause(CARL, "News")
    run = world.services.runs.get(CARL, queued.id)

    assert (run.state, str(run.note)) == (RunState.CANCELLED, "carl paused the export. Nothing was sent.")
    assert world.on_list() == set()


def paused_before(world: World, monkeypatch: pytest.MonkeyPatch, asked: str, number: int) -> None:
    """The export is paused by a colleague at the moment of that request."""
    sent = Transport.send
    seen: list[str] = []

    def then_paused(self: Transport, request: Request) -> Answer | Lost:
        if request.asked == asked:
            seen.append(asked)
            if len(seen) == number:
                world.services.exports.pause(CARL, "News")
        return sent(self, request)

    monkeypatch.setattr(Transport, "send", then_paused)


IMPORT = "POST /v3/activities/contacts_json_import"


def test_pausing_an_export_that_is_sending_holds_its_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing more goes out; nothing that went out is forgotten; it can go on, and nobody is sent twice."""
    world.ready(people(range(40)))
    world.fill_requests_with(2)
    paused_before(world, monkeypatch, IMPORT, 3)

    held = world.run()
    there = len(world.on_list())
    with pytest.raises(Conflict, match="is paused; let it go on first"):
        world.services.runs.resume(CARL, held.id)
    with pytest.raises(Conflict, match="is sending"):
        world.services.exports.remove(CARL, "News")
    driven_while_paused = world.services.worker().run_once()
    world.services.exports.pause(CARL, "News", paused=False)
    driven = world.services.worker().run_once()
    run = world.services.runs.get(CARL, held.id)

    assert (held.state, held.wait_reason) == (RunState.WAITING, WaitReason.PAUSED)
    assert 0 < there < 40 and f"{there // 2} of 20 requests were sent" in str(held.note)
    assert (driven_while_paused, driven) == (0, 1)
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 40), run.note
    assert world.sandbox.admin("GET", "inspect/counters")["duplicate_bodies"] == 0


def test_pausing_holds_removals_too_and_cancelling_says_what_is_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mirror that is paused between adding and taking off takes off nobody until it goes on."""
    world.ready(people(range(20)), mode=Mode.MIRROR)
    world.run()
    world.ingest(people(range(2, 22)))
    paused_before(world, monkeypatch, IMPORT, 1)

    held = world.run()
    there = world.on_list()
    world.services.runs.cancel(CARL, held.id)
    run = world.services.runs.drive_here(held.id)

    assert (held.state, held.wait_reason) == (RunState.WAITING, WaitReason.PAUSED)
    assert there == at(*range(22))
    assert (run.state, run.counts["verified"], run.counts["removed"]) == (RunState.CANCELLED, 2, 0), run.note
    assert world.on_list() == at(*range(22))


def test_an_export_that_is_sending_cannot_be_removed(world: World) -> None:
    """It would go on sending for an export that is not there."""
    world.ready(people(range(3)))
    world.fault("failed", activity="contact_exports", skip=2)
    waiting = world.run()

    with pytest.raises(Conflict, match="is sending"):
        world.services.exports.remove(CARL, "News")

    assert waiting.state is RunState.WAITING
    world.services.runs.drive_here(waiting.id)
    world.services.exports.remove(CARL, "News")


# -- holds ------------------------------------------------------------------------------------------


def test_a_removed_export_holds_nobody(world: World) -> None:
    """Otherwise another mirror of the list could never take anybody off again."""
    two_mirrors(world)
    world.run()
    world.ingest(people(range(4, 12), country="Sweden"))
    world.run("Other")
    world.services.exports.remove(CARL, "News")
    world.ingest(people(range(6, 12), country="Sweden"))

    run = world.run("Other")

    assert (run.state, run.counts["removed"]) == (RunState.SUCCEEDED, 2), run.note
    assert world.on_list() == at(0, 1, 2, 3, *range(6, 12))


def test_removing_an_export_can_take_its_people_off(world: World) -> None:
    """I said so when I removed it; whom another export holds as well stays."""
    two_mirrors(world)
    world.run()
    world.ingest(people(range(6)) + people(range(6, 12), country="Sweden"))
    world.run("Other")
    queued = world.services.runs.remove_export(CARL, "News", take_off=True)
    assert queued is not None

    run = world.services.runs.drive_here(queued.id)

    assert (run.state, run.counts["removed"]) == (RunState.SUCCEEDED, 6), run.note
    assert world.on_list() == at(*range(6, 12))


CHANGES = {
    "another list": {"contact_list": "Second"},
    "no mirror any more": {"mode": Mode.ADD_AND_UPDATE},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("take_off", [False, True], ids=["leave", "take off"])
def test_an_export_that_goes_elsewhere_asks_what_becomes_of_its_people(
    world: World, change: dict[str, Any], take_off: bool
) -> None:
    """Left, they are nobody's; taken off, whom another export holds stays all the same."""
    two_mirrors(world)
    world.services.connections.create_list(ADA, "Main", "Second")
    world.run()
    world.ingest(people(range(6)) + people(range(6, 12), country="Sweden"))
    world.run("Other")
    held = world.services.exports.held(CARL, "News")
    world.services.exports.change(CARL, "News", take_off=take_off, **change)
    queued = world.services.runs.list(CARL, live=True)
    runs = [world.services.runs.drive_here(run.id) for run in queued]
    world.ingest(people(range(6)) + people(range(8, 12), country="Sweden"))
    later = world.run("Other")

    assert (held.alone, held.shared) == (6, {"Other": 2})
    assert [run.counts["removed"] for run in runs] == ([6] if take_off else [])
    assert later.counts["removed"] == 2  # News holds them no more, so they are Other's alone
    assert world.on_list() == (at(*range(8, 12)) if take_off else at(*range(6), *range(8, 12)))


def test_a_detached_export_leaves_or_takes_off_its_people(world: World) -> None:
    """The run goes on although the export is paused by then."""
    two_mirrors(world)
    world.run()
    world.services.exports.detach(CARL, "News", take_off=True)
    (queued,) = world.services.runs.list(CARL, live=True)
    world.services.exports.pause(CARL, "News")

    run = world.services.runs.drive_here(queued.id)

    assert (run.state, run.counts["removed"], world.on_list()) == (RunState.SUCCEEDED, 8, set()), run.note


def test_nobody_is_taken_off_by_a_change_that_ends_no_hold(world: World) -> None:
    """Asked for by mistake, it would empty a list that the export goes on with."""
    two_mirrors(world)
    world.run()
    version = world.services.exports.get(CARL, "News").version

    with pytest.raises(BadInput, match="still holds"):
        world.services.exports.change(CARL, "News", take_off=True, resend_unchanged=True)
    queued = world.services.runs.start(CARL, "News")
    with pytest.raises(Conflict, match="Nothing was changed"):
        world.services.exports.change(CARL, "News", take_off=True, mode=Mode.ADD_AND_UPDATE)

    assert world.services.exports.get(CARL, "News").version == version
    assert [run.id for run in world.services.runs.list(CARL, live=True)] == [queued.id]


def test_a_mover_between_two_mirrors_is_kept(world: World) -> None:
    """They belong on the list all the time, so they are not taken off and put back."""
    two_mirrors(world)
    world.run()
    world.run("Other")
    world.ingest(people(range(7)) + people(range(7, 12), country="Sweden"))

    plan = world.services.previews.preview(CARL, "News")
    first = world.run()
    kept = world.on_list()
    world.run("Other")
    world.ingest(people(range(6)) + people(range(8, 12), country="Sweden"))
    world.run("Other")

    assert plan.warnings["held_by_other"] == 1
    said = [str(remark) for remark in world.services.previews.remarks(CARL, "News", plan)]
    assert "1 contact that left the segments stays on the list for Other." in said
    assert first.counts["removed"] == 0
    assert kept == at(*range(12))
    assert "person7@example.com" in world.on_list()  # News still holds them, until it runs
    world.run()
    assert "person7@example.com" not in world.on_list()


def test_consent_withdrawn_takes_off_whoever_else_holds(world: World) -> None:
    """One refusal is enough; another export with the same rule keeps nobody on the list against it."""
    world.ready(people(range(8)), mode=Mode.MIRROR, consent=ConsentRule(field="consent"))
    world.export("Other", mode=Mode.MIRROR, consent=ConsentRule(field="consent"))
    world.run()
    world.run("Other")
    world.ingest([person(n, consent="no" if n == 0 else "yes") for n in range(8)])

    run = world.run()

    assert run.counts["removed"] == 1
    assert world.on_list() == at(*range(1, 8))


def test_an_export_whose_add_failed_holds_nobody(world: World) -> None:
    """It put nobody there, so it cannot keep anybody there."""
    world.ready(people(range(8)), mode=Mode.MIRROR)
    world.export("Other", mode=Mode.MIRROR)
    world.fault("failed", activity="contacts_json_import")
    failed = world.run()
    world.run("Other")
    world.services.exports.pause(CARL, "News")
    world.ingest(people(range(7)))

    run = world.run("Other")

    assert failed.state is RunState.FAILED
    assert run.counts["removed"] == 1, run.note


# -- left by own hand -------------------------------------------------------------------------------


def test_who_left_and_came_back_by_own_hand_is_not_taken_off(world: World) -> None:
    """They are there because they want to be, whatever our segments say."""
    world.ready(people(range(8)), mode=Mode.MIRROR)
    world.run()
    leave(world, 0)
    world.services.previews.preview(CARL, "News")
    join(world, 0)
    world.ingest(people(range(1, 8)))

    run = world.run()

    assert run.counts["removed"] == 0
    assert "person0@example.com" in world.on_list()


def test_who_is_no_candidate_and_left_is_noticed_too(world: World) -> None:
    """Otherwise coming into a segment again would put them back against their will."""
    world.ready(people(range(4)))
    world.run()
    world.ingest(people(range(1, 4)))
    leave(world, 0)
    world.run()
    world.ingest(people(range(4)))

    run = world.run()

    assert (run.counts["reason_left_list"], run.counts["sent"]) == (1, 0)
    assert world.on_list() == at(1, 2, 3)


def test_who_was_imported_and_left_at_once_is_not_put_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Constant Contact counts them as applied, so they rather left than got lost."""
    world.ready(people(range(4)))
    sent = Transport.send
    exports: list[str] = []

    def then_leaves(self: Transport, request: Request) -> Answer | Lost:
        if request.asked == "POST /v3/activities/contact_exports":
            exports.append(request.asked)
            if len(exports) == 3:
                leave(world, 0)
        return sent(self, request)

    monkeypatch.setattr(Transport, "send", then_leaves)
    first = world.run()
    second = world.run()

    assert (first.counts["left"], first.counts["missing"]) == (1, 0), first.note
    assert (second.counts["reason_left_list"], second.counts["sent"]) == (1, 0)
    assert world.on_list() == at(1, 2, 3)


def test_who_was_on_the_list_before_us_and_left_is_not_put_back_by_a_first_run(world: World) -> None:
    """An earlier look at the list has them, so a first run knows that they left."""
    world.ready(people(range(3)))
    join(world, 0)
    world.services.previews.preview(CARL, "News")
    leave(world, 0)

    run = world.run()

    assert (run.counts["reason_left_list"], run.counts["verified"]) == (1, 2)
    assert world.on_list() == at(1, 2)


def test_a_removal_of_ours_that_shows_late_is_no_leaving(world: World) -> None:
    """Whom we took off comes back when they belong there again."""
    world.ready(people(range(20)), mode=Mode.MIRROR)
    world.run()
    world.ingest(people(range(18)))
    world.sandbox.admin("PATCH", "config", {"visibility_seconds": 30})
    late = world.run()
    world.sandbox.admin("POST", "clock", {"advance": 60})
    world.sandbox.admin("PATCH", "config", {"visibility_seconds": 0})
    world.ingest(people(range(20)))

    run = world.run()

    assert late.counts["removed"] == 0
    assert (run.counts["add"], run.counts.get("reason_left_list", 0)) == (2, 0)
    assert len(world.on_list()) == 20


def test_an_undo_after_a_mirror_took_them_off_says_nobody_left(world: World) -> None:
    """We took them off, so they may be put back by the next run."""
    world.ready(people(range(8)), mode=Mode.MIRROR)
    world.run()
    world.ingest(people(range(8), first_name="New"))
    update = world.run()
    world.ingest(people(range(6), first_name="New"))
    world.run()
    undo = world.services.runs.undo(CARL, update.id)
    world.services.runs.drive_here(undo.id)
    world.ingest(people(range(8), first_name="New"))

    run = world.run()

    assert (run.counts["add"], run.counts.get("reason_left_list", 0)) == (2, 0)
    assert world.on_list() == at(*range(8))


def test_undo_a_failed_run_and_undo_again_blocks_nobody(world: World) -> None:
    """Who never arrived has not left."""
    world.ready(people(range(4)))
    first = world.run()
    world.services.runs.drive_here(world.services.runs.undo(CARL, first.id).id)
    world.fault("failed", activity="contacts_json_import")
    failed = world.run()
    world.services.runs.drive_here(world.services.runs.undo(CARL, failed.id).id)

    run = world.run()

    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 4), run.note


def test_who_became_visible_after_the_grace_is_ours(world: World) -> None:
    """We put them there, so the mirror takes them off when they leave the segment."""
    world.ready(people(range(20)), mode=Mode.MIRROR)
    world.sandbox.admin("PATCH", "config", {"visibility_seconds": 30})
    late = world.run()
    world.sandbox.admin("POST", "clock", {"advance": 60})
    world.sandbox.admin("PATCH", "config", {"visibility_seconds": 0})
    world.ingest(people(range(18)))

    run = world.run()

    assert late.counts["verified"] == 0
    assert (run.counts["removed"], len(world.on_list())) == (2, 18), run.note


# -- gone, and put back -----------------------------------------------------------------------------


def cleared(world: World) -> None:
    """A colleague takes 25 of 30 off the list by hand; one of them unsubscribed."""
    world.ready(people(range(30)))
    world.run()
    leave(world, *range(24))
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person24@example.com"})


def test_a_cleared_list_asks_and_can_be_filled_again(world: World) -> None:
    """It is no mass leaving when a colleague cleared it; who unsubscribed stays off all the same."""
    cleared(world)

    blocked = world.run()
    world.services.runs.put_back(ADA, "News", reason="cleared by mistake")
    run = world.run()

    assert (blocked.state, "24 of the 29" in str(blocked.note)) == (RunState.BLOCKED, True), blocked.note
    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 24), run.note
    assert world.on_list() == at(*range(24), *range(25, 30))


def test_when_they_really_left_they_stay_off(world: World) -> None:
    """The administrator says so once, and nobody is put back, not even by a later answer."""
    cleared(world)
    world.run()
    world.services.runs.release(ADA, "News", "gone_percent", reason="they moved")
    run = world.run()
    world.services.runs.put_back(ADA, "News", reason="too late")
    again = world.run()

    assert (run.state, run.counts["sent"], again.counts["sent"]) == (RunState.SUCCEEDED, 0, 0)
    assert world.on_list() == at(*range(25, 30))


def test_a_reading_that_came_back_empty_is_not_believed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list says itself that it has members; so the run waits, and nobody has left."""
    world.ready(people(range(40)))
    world.run()
    known = destination.known
    empty = [True, True]

    def nobody(*given: object) -> Iterable[str]:
        return known(*given) if not empty else []  # type: ignore[arg-type]

    monkeypatch.setattr(destination, "known", nobody)
    waiting = world.run()
    empty.clear()
    run = world.services.runs.drive_here(waiting.id)

    assert waiting.state is RunState.WAITING
    assert "counts 40 members, but only 0 could be read" in str(waiting.note)
    assert (run.state, run.counts["unchanged"]) == (RunState.SUCCEEDED, 40), run.note


def test_the_doctor_finds_what_does_not_add_up(world: World) -> None:
    """A hold without an export would keep somebody on a list for no reason that lives."""
    world.ready(people(range(3)))
    world.run()
    engine = world.services.wiring.engine
    before = misfits(engine)
    ((_, _, path),) = engine.ledger.files.all_deliveries()
    rows = pq.read_table(path)
    pq.write_table(pa.concat_tables([rows, rows.slice(0, 1)]), path)
    holds = pq.read_table(holds_path(path))
    other = [hold | {"export_id": "export-nobody"} for hold in holds.to_pylist()[:2]]
    pq.write_table(pa.concat_tables([holds, pa.Table.from_pylist(other, holds.schema)]), holds_path(path))

    assert not before
    assert misfits(engine) == Misfits(twice=1, without_export=2)


@pytest.mark.parametrize("how", ["removed", "moved", "no mirror any more"])
@pytest.mark.parametrize("another_run", [False, True])
def test_an_undo_leaves_the_people_whom_the_export_left_behind(
    world: World, how: str, another_run: bool
) -> None:
    """They were to stay, and no export holds them: an undo says so, whether or not another run went there since."""
    two_mirrors(world)
    first = world.run("News")
    if how == "removed":
        world.services.runs.remove_export(CARL, "News", take_off=False)
    elif how == "moved":
        world.services.connections.create_list(ADA, "Main", "Another list")
        world.services.exports.change(CARL, "News", contact_list="Another list")
    else:
        world.services.exports.change(CARL, "News", mode=Mode.ADD_AND_UPDATE)
    if another_run:
        world.run("Other")

    run = world.services.runs.drive_here(world.services.runs.undo(CARL, first.id).id)

    assert (run.state, "nothing to undo" in str(run.note)) == (RunState.BLOCKED, True), run.note
    assert at(*range(8)) <= world.on_list()
