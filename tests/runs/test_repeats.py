"""Undoing a run, retrying what it could not deliver, resending everything: seen from the other side."""

import pytest

from ccexport.errors import BadInput, Conflict, NotPermitted
from ccexport.model.exports import Actor, ConsentRule
from ccexport.model.runs import Run
from ccexport.model.words import Mode, Role, RunState, Trigger, WaitReason
from ccexport.services.start_runs import undo_sentences
from tests.world import ADA, CARL, VERA, World, person

EVE = Actor("eve", Role.ADMINISTRATOR)


def addresses(*numbers: int) -> set[str]:
    return {f"person{n}@example.com" for n in numbers}


def name_of(world: World, number: int) -> str:
    return str(world.there(f"person{number}@example.com")["fields"]["first_name"])


def second_run(world: World, **export: object) -> str:
    """Persons 0 to 3 delivered, then 4 and 5 added and 0 and 1 renamed; the second run's id."""
    world.ready([person(n) for n in range(4)], **export)
    assert world.run().state is RunState.SUCCEEDED
    world.ingest([person(n, first_name="Renamed" if n < 2 else f"Name{n}") for n in range(6)])
    run = world.run()
    assert (run.counts["add"], run.counts["update"]) == (2, 2)
    return run.id


def undone(world: World, run_id: str, digest: str | None = None) -> Run:
    return world.services.runs.drive_here(world.services.runs.undo(CARL, run_id, digest=digest).id)


def test_an_undo_takes_off_who_was_added_and_changes_back_who_was_changed(world: World) -> None:
    run_id = second_run(world)
    assert name_of(world, 0) == "Renamed"

    plan = world.services.runs.undo_preview(CARL, run_id)
    run = world.services.runs.drive_here(world.services.runs.undo(CARL, run_id, digest=plan.digest).id)

    assert (plan.verdicts["remove"], plan.verdicts["update"], plan.to_send) == (2, 2, 2)
    assert (run.state, run.trigger, run.digest) == (RunState.SUCCEEDED, Trigger.UNDO, plan.digest), run.note
    assert (run.counts["removed"], run.counts["verified"]) == (2, 2)
    assert world.on_list() == addresses(0, 1, 2, 3)
    assert [name_of(world, n) for n in range(3)] == ["Name0", "Name1", "Name2"]
    assert [r.id for r in world.services.runs.undone_by(CARL, run_id)] == [run.id]


def test_after_an_undo_a_run_delivers_again_and_no_guard_takes_the_undo_for_a_run(world: World) -> None:
    undone(world, second_run(world))

    again = world.run()

    assert again.state is RunState.SUCCEEDED, again.note
    assert (again.counts["add"], again.counts["update"], again.counts["unchanged"]) == (2, 2, 2)
    assert world.on_list() == addresses(*range(6))
    assert name_of(world, 0) == "Renamed"


def test_who_unsubscribed_or_left_meanwhile_is_left_alone_and_said(world: World) -> None:
    run_id = second_run(world)
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person0@example.com"})
    world.sandbox.admin(
        "POST", "contacts/leave_list", {"email": "person4@example.com", "list": world.list_name}
    )

    plan = world.services.runs.undo_preview(CARL, run_id)
    undone(world, run_id, plan.digest)
    after = world.run()

    said = " ".join(map(str, undo_sentences(plan)))
    assert (plan.reasons["unsubscribed"], plan.reasons["left_list"]) == (1, 1)
    assert "1 unsubscribed meanwhile" in said
    assert "cannot be undone" in said
    assert (after.counts["reason_unsubscribed"], after.counts["reason_left_list"]) == (1, 1)
    assert world.on_list() == addresses(1, 2, 3, 5)
    assert world.sandbox.admin("GET", "inspect/consent_violations")["consent_violations"] == []


def test_an_undo_that_is_not_the_one_previewed_is_refused(world: World) -> None:
    run_id = second_run(world)
    plan = world.services.runs.undo_preview(CARL, run_id)
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person5@example.com"})

    refused = undone(world, run_id, plan.digest)

    assert refused.state is RunState.BLOCKED
    assert "other people are unsubscribed now" in str(refused.note)
    assert addresses(4) <= world.on_list()
    with pytest.raises(BadInput, match="no plan with the digest"):
        world.services.runs.undo(CARL, run_id, digest="0" * 64)


def test_what_another_export_holds_or_a_later_run_sent_stays(world: World) -> None:
    run_id = second_run(world)
    world.export("Other")
    other = world.run("Other")
    people = [person(n, first_name="Renamed" if n < 2 else f"Name{n}") for n in range(6)]
    people[0] = person(0, first_name="Later")
    world.ingest(people)
    world.run()

    plan = world.services.runs.undo_preview(CARL, run_id)
    run = undone(world, run_id)

    assert other.counts["unchanged"] == 6
    assert (plan.warnings["held_by_other"], plan.warnings["undo:changed_since"]) == (2, 1)
    assert run.state is RunState.SUCCEEDED
    assert world.on_list() == addresses(*range(6))
    assert [name_of(world, n) for n in range(2)] == ["Later", "Name1"]


def test_earlier_values_are_not_sent_to_the_suppressed_or_without_consent(world: World) -> None:
    run_id = second_run(world, consent=ConsentRule(field="consent"))
    world.services.system.suppress(CARL, ["person0@example.com"])
    world.ingest([person(n, consent="no" if n == 1 else "yes") for n in range(6)])

    plan = world.services.runs.undo_preview(CARL, run_id)

    assert (plan.reasons["suppressed"], plan.reasons["no_consent"], plan.to_send) == (1, 1, 0)


def test_only_what_can_be_undone_is_and_only_by_who_may(world: World) -> None:
    run_id = second_run(world)
    undo = world.services.runs.undo(CARL, run_id)
    with pytest.raises(Conflict, match="on the same export or list"):
        world.services.runs.undo(CARL, run_id)
    world.services.runs.drive_here(undo.id)

    with pytest.raises(NotPermitted):
        world.services.runs.undo(VERA, run_id)
    again = world.services.runs.undo_preview(CARL, run_id)
    assert (again.verdicts["remove"], again.to_send, again.warnings["undo:already_off"]) == (0, 0, 2)


def test_an_undo_waits_for_a_second_person_and_sends_what_was_approved(world: World) -> None:
    run_id = second_run(world)
    world.services.connections.change(ADA, "Main", approval_above=3)
    waiting = undone(world, run_id)
    assert (waiting.state, waiting.wait_reason) == (RunState.WAITING, WaitReason.APPROVAL)
    world.services.runs.approve(EVE, waiting.id)

    run = world.services.runs.drive_here(waiting.id)

    assert run.state is RunState.SUCCEEDED, run.note
    assert run.digest == waiting.digest


def test_what_was_approved_is_sent_or_nothing(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.services.connections.change(ADA, "Main", approval_above=3)
    waiting = world.run()
    world.services.runs.approve(EVE, waiting.id)
    world.ingest([person(n) for n in range(6)])

    run = world.services.runs.drive_here(waiting.id)

    assert run.state is RunState.BLOCKED
    assert "new snapshot" in str(run.note)
    assert world.on_list() == set()


def test_a_retry_sends_again_what_failed_and_nothing_else(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.run()
    world.ingest([person(n) for n in range(8)])
    world.fault("failed", path="contacts_json_import")
    failed = world.run()
    assert (failed.state, failed.counts["missing"]) == (RunState.FAILED, 3)

    run = world.services.runs.drive_here(world.services.runs.retry(CARL, failed.id).id)

    assert (run.state, run.trigger) == (RunState.SUCCEEDED, Trigger.RETRY)
    assert (run.counts["sent"], run.counts["verified"], run.counts["unchanged"]) == (3, 3, 5)
    with pytest.raises(Conflict, match="not ended"):
        world.services.runs.retry(CARL, world.services.runs.start(CARL, "News").id)


def test_rejected_and_unknown_contacts_are_tried_again(world: World) -> None:
    world.ready([person(n) for n in range(6)])
    world.fault("partial_failed", path="contacts_json_import")
    first = world.run()
    short = first.counts["sent"] - first.counts["verified"]
    assert short > 0
    assert first.state is not RunState.SUCCEEDED

    run = world.services.runs.drive_here(world.services.runs.retry(CARL, first.id).id)

    assert (run.state, run.counts["sent"]) == (RunState.SUCCEEDED, short), run.note
    assert world.on_list() == addresses(*range(6))


def test_everything_is_resent_once_and_the_digest_says_which(world: World) -> None:
    world.ready([person(n) for n in range(4)])
    world.run()
    usual = world.services.previews.preview(CARL, "News")
    whole = world.services.previews.preview(CARL, "News", resend_all=True)

    refused = world.run(digest=usual.digest, resend_all=True)
    resent = world.run(digest=whole.digest, resend_all=True)
    after = world.run()

    assert (usual.to_send, whole.to_send) == (0, 4)
    assert refused.state is RunState.BLOCKED
    assert "unchanged contacts are to be sent" in str(refused.note)
    assert (resent.state, resent.counts["sent"], resent.counts["verified"]) == (RunState.SUCCEEDED, 4, 4)
    assert after.counts["sent"] == 0
    assert not world.services.exports.get(CARL, "News").config.resend_unchanged


def test_an_undo_puts_back_whom_a_mirror_took_off_and_can_be_undone_itself(world: World) -> None:
    """Not who unsubscribed meanwhile; and the undo of an undo is what was before it."""
    world.ready([person(n) for n in range(10)], mode=Mode.MIRROR)
    world.run()
    world.ingest([person(n) for n in range(8)])
    run = world.run()
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person9@example.com"})

    plan = world.services.runs.undo_preview(CARL, run.id)
    undo = undone(world, run.id)
    back = world.on_list()
    again = undone(world, undo.id)

    assert (run.counts["removed"], plan.verdicts["add"], plan.reasons["unsubscribed"]) == (2, 1, 1)
    assert "put back" in " ".join(map(str, undo_sentences(plan)))
    assert (undo.state, back) == (RunState.SUCCEEDED, addresses(*range(9)))
    assert (again.state, world.on_list()) == (RunState.SUCCEEDED, addresses(*range(8)))
