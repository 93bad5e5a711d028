"""Runs end to end against the sandbox: what lands, what is said, what the next run does."""

import pytest

from ccexport.errors import Conflict, NotPermitted
from ccexport.model.exports import Actor, ConsentRule
from ccexport.model.runs import Run
from ccexport.model.words import BatchState, Mode, Role, RunState, WaitReason
from tests.world import ADA, CARL, VERA, World, person


def counts(run: Run, *names: str) -> tuple[int, ...]:
    return tuple(run.counts.get(name, 0) for name in names)


def test_everybody_lands_and_the_counts_add_up(world: World) -> None:
    people = [person(n) for n in range(20)]
    people += [
        person(100, email=""),
        person(101, email="not an address"),
        person(102, email="PERSON1@example.com "),
    ]
    world.ready(people)

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert counts(run, "candidates", "sent", "verified", "left_out") == (23, 20, 20, 3)
    assert counts(run, "rejected", "missing", "unknown") == (0, 0, 0)
    assert world.on_list() == {f"person{n}@example.com" for n in range(20)}


def test_a_second_run_sends_nothing_and_a_change_sends_one(world: World) -> None:
    people = [person(n) for n in range(5)]
    world.ready(people)
    world.run()

    again = world.run()
    people[2] = person(2, first_name="Renamed")
    world.ingest(people)
    changed = world.run()

    assert counts(again, "sent", "unchanged") == (0, 5)
    assert again.state is RunState.SUCCEEDED
    assert counts(changed, "sent", "update", "unchanged", "verified") == (1, 1, 4, 1)
    assert world.there("person2@example.com")["fields"]["first_name"] == "Renamed"


def test_a_preview_right_after_a_run_reads_the_list_again(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.services.previews.preview(CARL, "News")
    world.run()

    plan = world.services.previews.preview(CARL, "News", fresh=False)

    assert plan.verdicts["unchanged"] == 5
    assert plan.reasons.get("left_list", 0) == 0


def test_unsubscribed_and_hand_left_people_are_never_sent(world: World) -> None:
    people = [person(n) for n in range(6)]
    world.ready(people)
    world.run()
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person1@example.com"})
    world.sandbox.admin(
        "POST", "contacts/leave_list", {"email": "person2@example.com", "list": world.list_name}
    )
    world.ingest([person(n, first_name="Changed") for n in range(6)])

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert counts(run, "sent", "reason_unsubscribed", "reason_left_list") == (4, 1, 1)
    assert not world.on_list() & {"person1@example.com", "person2@example.com"}
    assert world.sandbox.admin("GET", "inspect/consent_violations")["consent_violations"] == []


def test_mirror_takes_off_only_whom_we_put_there(world: World) -> None:
    people = [person(n) for n in range(10)]
    world.ready(people, mode=Mode.MIRROR)
    world.sandbox.admin(
        "POST", "contacts", {"contacts": [{"email": "guest@example.org", "lists": [world.list_name]}]}
    )
    world.run()
    world.ingest(people[2:])

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert counts(run, "remove", "removed") == (2, 2)
    assert world.on_list() == {f"person{n}@example.com" for n in range(2, 10)} | {"guest@example.org"}
    assert world.there("person0@example.com")["deleted"] is False


def test_a_tripped_guard_blocks_and_a_release_lets_one_run_past(world: World) -> None:
    people = [person(n) for n in range(40)]
    world.ready(people, mode=Mode.MIRROR)
    world.run()
    world.ingest(people[:10], accept_changes=True)

    blocked = world.run()
    plan = world.services.previews.preview(CARL, "News")
    assert blocked.state is RunState.BLOCKED
    assert len(world.on_list()) == 40
    with pytest.raises(NotPermitted):
        world.services.runs.release(CARL, "News", plan.guards[0].name, reason="asked")
    for guard in plan.guards:
        world.services.runs.release(ADA, "News", guard.name, reason="the campaign is over")
    released = world.run()

    assert released.state is RunState.SUCCEEDED, released.note
    assert len(world.on_list()) == 10


def test_the_digest_of_the_preview_is_run_or_refused(world: World) -> None:
    people = [person(n) for n in range(5)]
    world.ready(people)
    plan = world.services.previews.preview(CARL, "News")

    world.sandbox.admin("POST", "contacts", {"contacts": [{"email": "person3@example.com"}]})
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person3@example.com"})
    refused = world.run(digest=plan.digest)
    fresh = world.services.previews.preview(CARL, "News", fresh=True)
    run = world.run(digest=fresh.digest)

    assert refused.state is RunState.BLOCKED
    assert "other people are unsubscribed now" in str(refused.note)
    assert run.state is RunState.SUCCEEDED
    assert run.digest == fresh.digest


def test_consent_is_required_of_every_profile_when_a_rule_is_set(world: World) -> None:
    people = [person(0), person(1, consent="no"), person(2, consent="")]
    world.ready(people, consent=ConsentRule(field="consent"))

    run = world.run()

    assert counts(run, "sent", "reason_no_consent") == (1, 2)
    assert world.on_list() == {"person0@example.com"}


def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.fault("drop_after", path="/v3/activities/contacts_json_import")

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    batch = world.services.runs.batches(CARL, run.id)[0]
    assert batch.ambiguous
    jobs = world.sandbox.admin("GET", "inspect/activities")["activities"]
    assert sum(job["kind"] == "contacts_json_import" for job in jobs) == 1


def test_a_failed_activity_is_not_a_success(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.fault("failed", path="contacts_json_import")

    run = world.run()

    assert run.state is RunState.FAILED
    assert counts(run, "sent", "verified", "missing") == (5, 0, 5)
    assert world.services.runs.batches(CARL, run.id)[0].state is BatchState.FAILED
    again = world.run()
    assert again.state is RunState.SUCCEEDED
    assert counts(again, "sent", "verified") == (5, 5)


def test_a_refused_token_waits_for_reconnection_and_goes_on(world: World) -> None:
    world.ready([person(n) for n in range(3)])
    world.sandbox.admin("POST", "revoke", {})

    waiting = world.run()
    assert (waiting.state, waiting.wait_reason) == (RunState.WAITING, WaitReason.RECONNECT)
    assert world.services.connections.get(ADA, "Main").state == "reconnect"
    world.connect("Main", reconnect=True)
    run = world.services.runs.drive_here(waiting.id)

    assert run.state is RunState.SUCCEEDED, run.note


def test_a_removed_list_is_one_clear_sentence(world: World) -> None:
    world.ready([person(1)])
    lists = world.services.connections.lists(ADA, "Main")
    target = next(found for found in lists if found.name == world.list_name)
    _delete_list(world, target.id)

    run = world.run()

    assert run.state is RunState.BLOCKED
    assert str(run.note) == (
        "This list was deleted at Constant Contact. Choose another one. Nothing was sent to Newsletter, "
        "the list of News."
    )


def _delete_list(world: World, list_id: str) -> None:
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    tokens = world.services.ledger.connections.tokens(world.services.connections.get(ADA, "Main").id)
    client = HTTPConnection(urlsplit(world.sandbox.url).netloc)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    client.request("DELETE", f"/v3/contact_lists/{list_id}", headers=headers)
    assert client.getresponse().status == 202
    client.close()


def test_cancelling_a_queued_run_sends_nothing(world: World) -> None:
    world.ready([person(1)])
    queued = world.services.runs.start(CARL, "News")

    cancelled = world.services.runs.cancel(CARL, queued.id)

    assert cancelled.state is RunState.CANCELLED
    assert world.on_list() == set()


def test_a_viewer_and_an_unshared_connection_are_refused(world: World) -> None:
    world.ready([person(1)])
    with pytest.raises(NotPermitted, match="viewer may not"):
        world.services.runs.start(VERA, "News")
    world.services.connections.change(ADA, "Main", share="administrator")
    with pytest.raises(NotPermitted, match="not shared with contributors"):
        world.services.runs.start(CARL, "News")


def test_two_starts_make_one_run(world: World) -> None:
    world.ready([person(1)])
    first = world.services.runs.start(CARL, "News")

    with pytest.raises(Conflict, match=first.id):
        world.services.runs.start(CARL, "News")


def test_a_run_above_the_threshold_waits_for_a_second_person(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    world.services.connections.change(ADA, "Main", approval_above=3)

    waiting = world.run()
    with pytest.raises(Conflict, match="Somebody else"):
        world.services.runs.approve(CARL, waiting.id)
    world.services.runs.approve(Actor("eve", Role.ADMINISTRATOR), waiting.id)
    run = world.services.runs.drive_here(waiting.id)

    assert (waiting.state, waiting.wait_reason) == (RunState.WAITING, WaitReason.APPROVAL)
    assert run.state is RunState.SUCCEEDED, run.note


def test_nobody_who_changed_the_export_since_it_last_ran_may_approve_it(world: World) -> None:
    world.ready([person(n) for n in range(5)])
    dora, eve = (Actor(name, Role.ADMINISTRATOR) for name in ("dora", "eve"))
    world.services.connections.change(ADA, "Main", approval_above=3)
    world.services.exports.change(ADA, "News", fields=[])
    world.services.exports.change(dora, "News", name="Latest news")
    waiting = world.run("Latest news")

    for actor in (CARL, ADA, dora):
        with pytest.raises(Conflict, match="Somebody else"):
            world.services.runs.approve(actor, waiting.id)
    world.services.runs.approve(eve, waiting.id)
    assert world.services.runs.drive_here(waiting.id).state is RunState.SUCCEEDED
    again = world.run("Latest news", resend_all=True)
    world.services.runs.approve(ADA, again.id)


def test_one_persons_way_is_told(world: World) -> None:
    world.ready(
        [person(1), person(2, email="person1@example.com", updated_at="2026-05-05"), person(3, email="")]
    )
    run = world.run()

    rows = world.services.runs.contacts(CARL, run.id, email="Person1@Example.com")
    gone = world.services.runs.contacts(CARL, run.id, email="c00003")

    assert {(r.profile_id, r.verdict, r.reason, r.outcome) for r in rows} == {
        ("c00002", "add", None, "verified"),
        ("c00001", None, "duplicate", None),
    }
    assert [r.reason for r in gone] == ["no_email"]


def test_a_viewer_sees_no_address(world: World) -> None:
    world.ready([person(1)])
    run = world.run()

    rows = world.services.runs.contacts(VERA, run.id)

    assert "person1" not in repr(rows)


def test_suppressed_addresses_and_domains_are_never_sent(world: World) -> None:
    people = [person(n) for n in range(4)] + [person(9, email="kari@sub.example.org")]
    world.ready(people)
    world.services.system.suppress(CARL, ["Person1@Example.com", "@sub.example.org"])

    run = world.run()

    assert counts(run, "sent", "reason_suppressed") == (3, 2)
    assert world.on_list() == {f"person{n}@example.com" for n in (0, 2, 3)}


def test_a_segment_of_whom_an_export_sent(world: World) -> None:
    world.ready([person(n) for n in range(4)] + [person(9, email="")])
    world.services.segments.create(
        CARL, "Sent", rule={"op": "sent_by_export", "value": {"export": "News", "n": 30}}
    )
    before = world.services.segments.members(CARL, "Sent").count
    world.run()

    assert (before, world.services.segments.members(CARL, "Sent").count) == (0, 4)


def test_the_preview_says_what_its_numbers_do_not(world: World) -> None:
    world.ready([person(1)])
    plan = world.services.previews.preview(CARL, "News")

    remarks = " ".join(map(str, world.services.previews.remarks(CARL, "News", plan)))

    assert "no consent rule" in remarks
    assert "Automations" in remarks
