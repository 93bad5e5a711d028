"""Traps of people and values: whom not to put back, who is the same, what a value may hold. By their numbers."""

from pathlib import Path

import pytest

from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.wire import Answer, Lost, Request
from ccexport.model.exports import MappedField
from ccexport.model.words import Mode, RunState
from tests.conformance.exchange import Recorder
from tests.traps.conftest import contacts, imported, ingest, mapped, outcomes, prepared, reasons
from tests.world import ADA, CARL, World, person


def test_trap_04_an_update_whose_request_failed_is_sent_again(world: World, wire: Recorder) -> None:
    """Being on the list proves an addition, not a change: whoever was there before is there anyway."""
    world.ready([person(n) for n in range(4)])
    world.run()
    world.ingest([person(n, first_name="New") for n in range(4)])
    world.fault("failed", activity="contacts_json_import")

    failed = world.run()
    again = world.run()

    assert failed.state is RunState.SUCCEEDED_WITH_REJECTS
    assert [len(body) for body in imported(wire)] == [4, 4, 4]
    assert again.state is RunState.SUCCEEDED, again.note
    assert world.there("person1@example.com")["fields"]["first_name"] == "New"


def test_trap_04_who_was_sent_is_ours_though_reading_the_list_back_failed(world: World) -> None:
    """The export for it may fail as any activity may; the run then waits, and forgets nobody."""
    people = [person(n) for n in range(4)]
    world.ready(people, mode=Mode.MIRROR)
    world.fault("failed", activity="contact_exports", skip=2)

    waiting = world.run()
    assert waiting.state is RunState.WAITING
    run = world.services.runs.drive_here(waiting.id)
    world.ingest(people[:3])
    after = world.run()

    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 4)
    assert (after.state, after.counts["removed"]) == (RunState.SUCCEEDED, 1)
    assert len(world.on_list()) == 3


def test_trap_04_who_was_sent_is_ours_though_the_list_may_not_be_read_back(world: World) -> None:
    """A refusal for good ends the run, but not what is known of the people it sent."""
    people = [person(n) for n in range(4)]
    world.ready(people, mode=Mode.MIRROR)
    world.fault("status", path="/v3/activities/contact_exports", status=403, skip=2)

    failed = world.run()
    again = world.run()
    world.ingest(people[:3])
    after = world.run()

    assert (failed.state, again.state) == (RunState.FAILED, RunState.SUCCEEDED)
    assert (after.state, after.counts["removed"]) == (RunState.SUCCEEDED, 1)


def test_trap_04_an_exported_file_that_comes_a_moment_late_costs_nothing(
    world: World, wire: Recorder
) -> None:
    """Neither before anything is sent, nor when the list is read back."""
    world.ready([person(n) for n in range(4)])
    world.fault("status", path="/v3/contact_exports/*", status=404, times=2)
    world.fault("status", path="/v3/contact_exports/*", status=404, skip=2)

    run = world.run()

    assert (run.state, run.counts["verified"]) == (RunState.SUCCEEDED, 4), run.note
    assert len(imported(wire)) == 1


def test_trap_04_a_removal_that_left_people_on_the_list_is_no_success(world: World) -> None:
    """`completed` says as little of a removal as of an import: the list tells, and the next run takes them off."""
    world.ready([person(n) for n in range(20)], mode=Mode.MIRROR)
    world.run()
    world.ingest([person(n) for n in range(16)])
    world.fault("short", activity="remove_list_memberships")

    run = world.run()
    after = world.run()

    assert (run.state, run.counts["removed"]) == (RunState.SUCCEEDED_WITH_REJECTS, 2), run.note
    assert "2 contacts that were to leave the list are still on it." in str(run.note)
    assert (after.state, after.counts["removed"]) == (RunState.SUCCEEDED, 2), after.note
    assert len(world.on_list()) == 16


def test_trap_04_who_is_seen_a_while_after_being_taken_off_is_waited_for(tmp_path: Path) -> None:
    """The end of a membership shows as late as its beginning."""

    def sleep(seconds: float) -> None:
        world.sandbox.admin("POST", "clock", {"advance": seconds})

    world = World(tmp_path, sleep=sleep, verify_grace=60)
    try:
        world.ready([person(n) for n in range(20)], mode=Mode.MIRROR)
        world.run()
        world.ingest([person(n) for n in range(16)])
        world.sandbox.admin("PATCH", "config", {"visibility_seconds": 20})

        run = world.run()
        said = [str(event.text) for event in world.services.runs.story(CARL, run.id)]
    finally:
        world.close()

    assert (run.state, run.counts["removed"]) == (RunState.SUCCEEDED, 4), run.note
    assert any("4 contacts taken off the list are still visible on it" in text for text in said)


def test_trap_20_what_is_empty_is_not_sent(world: World, wire: Recorder) -> None:
    """Whether an empty value erases is not documented; here it would, and nothing is erased."""
    world.sandbox.admin("PATCH", "config", {"blanks_erase": True})
    prepared(world, [person(1, first_name="Anna")], fields=mapped("first_name", "country"))
    world.run()
    for blank in ("", "   ", "\u200b"):
        ingest(world, [person(1, first_name=blank, country=f"Land{blank}e")])
        assert world.run().state is RunState.SUCCEEDED

    assert world.there("person1@example.com")["fields"]["first_name"] == "Anna"
    assert all(value != "" for contact in contacts(wire) for value in contact.values())
    assert "first_name" not in contacts(wire)[-1]


def test_trap_22_who_left_the_list_is_not_put_back(world: World, wire: Recorder) -> None:
    """An import would subscribe them again. Nor does a later run, a change or a full resend."""
    prepared(world, [person(n) for n in range(3)], mode=Mode.MIRROR, fields=mapped("first_name"))
    world.run()
    world.sandbox.admin(
        "POST", "contacts/leave_list", {"email": "person1@example.com", "list": world.list_name}
    )
    ingest(world, [person(n, first_name="Changed") for n in range(3)])

    first = world.run()
    world.services.exports.change(CARL, "News", resend_unchanged=True)
    second = world.run()

    assert (first.state, second.state) == (RunState.SUCCEEDED, RunState.SUCCEEDED)
    assert reasons(world, first)["c00001"] == reasons(world, second)["c00001"] == "left_list"
    assert [contact["email"] for contact in contacts(wire)].count("person1@example.com") == 1
    assert world.sandbox.admin("GET", "inspect/consent_violations")["consent_violations"] == []


def test_trap_27_an_empty_segment_does_not_empty_the_list(world: World) -> None:
    """So few that no limit on removals strikes: an empty segment is mostly a wrong file or rule."""
    ingest(world, [person(n) for n in range(4)])
    rule = {"all": [{"field": "country", "op": "is", "value": "Norway"}]}
    world.services.segments.create(CARL, "Norway", rule=rule)
    world.connect()
    world.services.connections.create_list(ADA, "Main", world.list_name)
    world.export("News", segments=["Norway"], mode=Mode.MIRROR)
    world.run()
    ingest(world, [person(n, country="Sweden") for n in range(4)])

    run = world.run()

    assert run.state is RunState.BLOCKED
    assert "no members" in str(run.note)
    assert len(world.on_list()) == 4


def test_trap_28_the_unsubscribed_are_no_failure_and_not_tried_again(world: World, wire: Recorder) -> None:
    """A category of their own, before anything is sent."""
    world.ready([person(n) for n in range(4)])
    world.sandbox.admin("POST", "contacts", {"contacts": [{"email": "person1@example.com"}]})
    world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person1@example.com"})

    runs = [world.run() for _ in range(2)]

    assert [run.state for run in runs] == [RunState.SUCCEEDED] * 2
    assert [reasons(world, run)["c00001"] for run in runs] == ["unsubscribed"] * 2
    assert "person1@example.com" not in {contact["email"] for contact in contacts(wire)}


def test_trap_28_who_unsubscribes_while_we_send_is_rejected_and_not_missing(
    world: World, wire: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the reading and the import; the run says why, and the next one leaves them out."""
    world.ready([person(n) for n in range(4)])
    world.sandbox.admin("POST", "contacts", {"contacts": [{"email": "person1@example.com"}]})
    sent = Transport.send

    def just_before(self: Transport, request: Request) -> Answer | Lost:
        if request.asked == "POST /v3/activities/contacts_json_import":
            world.sandbox.admin("POST", "contacts/unsubscribe", {"email": "person1@example.com"})
        return sent(self, request)

    monkeypatch.setattr(Transport, "send", just_before)
    run = world.run()
    following = world.run()

    assert run.state is RunState.SUCCEEDED_WITH_REJECTS
    assert (run.counts["rejected"], run.counts["missing"]) == (1, 0)
    assert outcomes(world, run)["person1@example.com"] == "rejected"
    assert (following.state, following.counts["sent"]) == (RunState.SUCCEEDED, 0)
    assert reasons(world, following)["c00001"] == "unsubscribed"


def test_trap_35_one_address_in_many_spellings_is_sent_once_in_the_whole_run(
    world: World, wire: Recorder
) -> None:
    """Over all requests, not within one: which of two concurrent imports would win is not documented."""
    world.fill_requests_with(2)
    spellings = ["anna@example.com", " Anna@Example.com", "ANNA@EXAMPLE.COM\t", "\ufeffanna@example.com "]
    people = [
        person(n, email=spelling, first_name=f"Name{n}", updated_at=f"2026-01-0{n + 1}")
        for n, spelling in enumerate(spellings)
    ]
    prepared(world, [*people, *(person(n) for n in range(10, 15))], fields=mapped("first_name"))

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert len(imported(wire)) == 3
    sent = [contact for contact in contacts(wire) if "anna" in contact["email"].lower()]
    assert sent == [{"email": "anna@example.com", "first_name": "Name3"}]
    assert [reasons(world, run)[f"c0000{n}"] for n in range(4)] == ["duplicate"] * 3 + [None]


NASTY = {
    "quotes": ('He said "hi", \\ and left', 'He said "hi", \\ and left'),
    "lines": ("first\r\nsecond\u2028third\tend", "first second\u2028third end"),
    "controls": ("be\x07ll \x1b[31m\x7fred\x85", "bell [31mred"),
    "nul": ("be\x00fore", "before"),
    "formula": ('=HYPERLINK("http://x.org")', '=HYPERLINK("http://x.org")'),
    "mark": ("\ufeffAnna", "Anna"),
    "script": ("Ærlig 王 😀 e\u0301", "Ærlig 王 😀 é"),
    "brackets": ("</script>'; DROP TABLE x;--", "</script>'; DROP TABLE x;--"),
}


def test_trap_42_strange_characters_arrive_as_they_are_and_controls_do_not(
    world: World, wire: Recorder
) -> None:
    """They spoil neither their own row nor the next one."""
    rows = [
        person(n, email=f"{name}@example.com", first_name=raw)
        for n, (name, (raw, _)) in enumerate(NASTY.items())
    ]
    prepared(world, rows, fields=mapped("first_name"))

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert {name: world.there(f"{name}@example.com")["fields"]["first_name"] for name in NASTY} == {
        name: clean for name, (_, clean) in NASTY.items()
    }
    assert not [c for c in contacts(wire) for v in c.values() if any(ord(letter) < 32 for letter in v)]


def test_trap_42_what_is_downloaded_is_no_formula(world: World) -> None:
    """The file is opened in a spreadsheet by somebody who trusts it."""
    prepared(
        world,
        [person(0, email="=cmd|x", first_name="=1+1"), person(1, first_name="@SUM(A1)")],
        fields=mapped("first_name"),
    )
    run = world.run()

    text = "".join(world.services.runs.contacts_csv(CARL, run.id))

    cells = [cell for line in text.splitlines() for cell in line.split('","')]
    assert not [cell for cell in cells if cell.lstrip('"')[:1] in {"=", "+", "-", "@"}]


def test_trap_43_dates_are_iso_and_birthdays_whole(world: World, wire: Recorder) -> None:
    """A date that Constant Contact cannot read costs the whole contact, so it is never sent."""
    columns = [
        ("leap", "2000-02-29", "2015-05-17 13:45:10", "17.05.2015"),
        ("early", "1899-12-31", "1815-05-17 00:00:00", "1.2.2015"),
        ("none", "", "", ""),
        ("wrong", "1990-07-01", "2015-05-17 00:00:00", "31.02.2015"),
    ]
    rows = [
        person(n, email=f"{name}@example.com") | {"born": born, "since": since, "local": local}
        for n, (name, born, since, local) in enumerate(columns)
    ]
    account_fields = [
        MappedField(target="birthday", source="born"),
        MappedField(target="anniversary", source="since"),
        MappedField(target="first_name", source="local", transforms=("date:%d.%m.%Y",)),
    ]
    prepared(world, rows, fields=account_fields)

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert {contact.pop("email").split("@")[0]: contact for contact in contacts(wire)} == {
        "leap": {
            "first_name": "2015-05-17",
            "birthday_month": 2,
            "birthday_day": 29,
            "anniversary": "2015-05-17",
        },
        "early": {"first_name": "2015-02-01", "birthday_month": 12, "birthday_day": 31},
        "none": {},
        "wrong": {"birthday_month": 7, "birthday_day": 1, "anniversary": "2015-05-17"},
    }


def test_trap_43_half_a_birthday_is_none(world: World, wire: Recorder) -> None:
    """A month without a day would cost the contact."""
    rows = [
        person(n) | {"month": month, "day": day}
        for n, (month, day) in enumerate([("2", "29"), ("2", "30"), ("", "3"), ("7", ""), ("May", "3")])
    ]
    fields = [
        MappedField(target="birthday_month", source="month"),
        MappedField(target="birthday_day", source="day"),
    ]
    prepared(world, rows, fields=fields)

    run = world.run()

    assert run.state is RunState.SUCCEEDED, run.note
    assert [contact.get("birthday_day") for contact in contacts(wire)] == [29, None, None, None, None]
    assert all(("birthday_day" in c) == ("birthday_month" in c) for c in contacts(wire))
