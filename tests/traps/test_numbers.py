"""Traps of size and number: lines, error lines, ceilings of the account, the price. By their numbers."""

import json
from typing import Any

import pytest

from ccexport.constant_contact.account import Account
from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Answer, Request
from ccexport.errors import BadInput, Refused
from ccexport.model.words import RunState, WaitReason
from tests.conformance.exchange import Recorder
from tests.traps.conftest import imported, mapped, outcomes, prepared
from tests.world import ADA, CARL, World, person


def account_of(world: World) -> Account:
    return world.services.accounts().account(world.services.connections.get(ADA, "Main").id)


def test_trap_02_the_forty_thousand_and_first_contact_lands_too(world: World, wire: Recorder) -> None:
    """What is beyond 40,000 in one request is dropped, and the answer is 201 all the same."""
    world.ready((person(n) for n in range(40_001)), fields=[])

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert (run.counts["sent"], run.counts["verified"]) == (40_001, 40_001)
    assert max(len(body) for body in imported(wire)) < 40_000


def test_trap_02_a_file_of_forty_thousand_rows_and_a_header_is_refused(world: World, wire: Recorder) -> None:
    """In a file the header is a line too, so the last contact would be lost."""
    world.connect()
    target = world.services.connections.create_list(ADA, "Main", world.list_name)
    rows = [f"person{n}@example.com" for n in range(40_000)]

    with pytest.raises(BadInput, match="lines"):
        account_of(world).import_csv("\n".join(["email", *rows]).encode(), [target.id])
    activity = account_of(world).import_csv("\n".join(["email", *rows[1:]]).encode(), [target.id])

    assert account_of(world).activity(activity.id).counters["person_count"] == 39_999
    assert [one.asked for one in wire.api].count("POST /activities/contacts_file_import") == 1


HINTS: list[dict[str, Any]] = [
    {"error_messages": "strings", "error_message_limit": 2},
    {"error_messages": "objects", "error_message_limit": 0},
    {"error_messages": "none"},
]


@pytest.mark.parametrize("config", HINTS, ids=["two", "all", "none"])
def test_trap_05_who_was_refused_is_read_off_the_list_and_not_out_of_messages(
    world: World, config: dict[str, Any]
) -> None:
    """Four are refused; two, all or none of them are named. The report is the same."""
    world.sandbox.admin("PATCH", "config", config | {"email_max_chars": 30})
    long = [f"somebody.with.a.long.address{n}@example.com" for n in range(4)]
    prepared(world, [person(n) for n in range(5)] + [person(10 + n, email=long[n]) for n in range(4)])

    run = world.run()

    assert run.state is RunState.SUCCEEDED_WITH_REJECTS
    assert {address: outcomes(world, run)[address] for address in long} == dict.fromkeys(long, "rejected")
    assert (run.counts["verified"], run.counts["rejected"], run.counts["missing"]) == (5, 4, 0)


def test_trap_05_a_message_about_the_wrong_line_harms_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which line is which is not documented: whoever is on the list is verified, whatever was said."""
    prepared(world, [person(n) for n in range(5)])
    sent = Transport.send

    def slandered(self: Transport, request: Request) -> Answer:
        got = sent(self, request)
        assert isinstance(got, Answer)
        if request.asked != "GET /v3/activities":
            return got
        told = json.loads(got.body)
        for activity in told["activities"]:
            activity["activity_errors"] = ["Line 3: Invalid email", "Line 99: Invalid email", "Line one"]
        return Answer(got.status, got.headers, json.dumps(told).encode())

    monkeypatch.setattr(Transport, "send", slandered)
    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert set(outcomes(world, run).values()) == {"verified"}


def test_trap_37_one_custom_field_too_many_is_said_when_saving(world: World, wire: Recorder) -> None:
    """An import takes 25 of them and drops the others without a word."""
    names = [f"field_{n}" for n in range(26)]
    world.connect()
    for name in names:
        account_of(world).create_custom_field(name)
    fields = [f"cf:{name}" for name in names]
    profile = person(1) | dict.fromkeys(fields, "value")

    with pytest.raises(BadInput, match="at most 25 custom fields; 26 are mapped"):
        _saved(world, [profile], fields)
    world.export("News", fields=mapped(*fields[1:]))
    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert len(world.there("person1@example.com")["custom_fields"]) == 25
    assert len(imported(wire)) == 1


def _saved(world: World, profiles: list[dict[str, object]], fields: list[str]) -> None:
    from tests.traps.conftest import ingest

    ingest(world, profiles)
    world.services.segments.create(ADA, "Everybody", everybody=True)
    world.services.connections.create_list(ADA, "Main", world.list_name)
    world.export("News", fields=mapped(*fields))


def test_trap_37_a_list_or_field_more_than_the_account_takes_is_one_clear_sentence(world: World) -> None:
    """1,000 lists and 100 custom fields an account; here fewer, to be there sooner."""
    world.connect()
    world.sandbox.admin("PATCH", "config", {"lists_max": 1, "custom_fields_max": 0})

    with pytest.raises(Refused, match="maximum number of lists"):
        world.services.connections.create_list(ADA, "Main", "One more")
    with pytest.raises(Refused, match="maximum number of custom fields"):
        account_of(world).create_custom_field("One more")


def test_trap_40_more_than_the_contract_takes_needs_a_persons_word(world: World, wire: Recorder) -> None:
    """The price follows the highest number ever, so a wrong run cannot be undone."""
    world.ready([person(n) for n in range(5)])
    world.services.connections.change(ADA, "Main", contract_limit=4)

    blocked = world.run()
    assert (blocked.state, imported(wire)) == (RunState.BLOCKED, [])
    assert "room for 4" in str(blocked.note)
    world.services.runs.release(ADA, "News", "head_room", reason="the new tier is agreed")

    assert world.run().state is RunState.SUCCEEDED


def test_trap_40_contacts_that_came_from_elsewhere_take_the_room_too(world: World, wire: Recorder) -> None:
    """Between preview and run others may have filled the account; the same plan is then one too many."""
    world.ready([person(n) for n in range(5)])
    world.services.connections.change(ADA, "Main", contract_limit=5)
    plan = world.services.previews.preview(CARL, "News")
    assert plan.guards == ()
    world.sandbox.admin("POST", "contacts", {"contacts": [{"email": "guest@example.org"}]})

    run = world.run(digest=plan.digest)

    assert (run.state, imported(wire)) == (RunState.BLOCKED, [])
    assert "room for 4" in str(run.note)


def test_trap_40_a_run_that_cannot_count_waits(world: World, wire: Recorder) -> None:
    """A guard that is not asked would let everything past."""
    world.ready([person(n) for n in range(5)])
    world.services.connections.change(ADA, "Main", contract_limit=4)
    world.fault("status", path="/v3/contacts/counts", status=503, times=0)

    waiting = world.run()
    assert (waiting.state, waiting.wait_reason) == (RunState.WAITING, WaitReason.CONSTANT_CONTACT_DOWN)
    assert imported(wire) == []
    world.sandbox.admin("DELETE", "faults")

    assert world.services.runs.drive_here(waiting.id).state is RunState.BLOCKED
