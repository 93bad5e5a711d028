"""What an account asks, and what it makes of the answers."""

from datetime import timedelta

import httpx
import pytest

from ccexport.errors import (
    BadInput,
    ConstantContactDown,
    ConstantContactError,
    NotFound,
    OutcomeUnknown,
    QueueFull,
    ReconnectNeeded,
    Refused,
)

from .fake_api import JOB, LIST, NOW, THROTTLED, answer, bench, job

BODY = b'{"import_data":[{"email":"zoe@example.com"}],"list_ids":["' + LIST.encode() + b'"]}'
CONTACT = "4d88f172-21d1-11ea-b5ae-fa163e56c9b0"
IN_USE = [{"error_key": "contacts.api.conflict", "error_message": "name in use"}]
GONE = [{"error_key": "contacts.api.not_found", "error_message": "not found"}]


def test_an_import_sends_exactly_the_bytes_it_was_given():
    """The outbox file is the request: not a byte is re-encoded."""
    body = '{"import_data": [ {"email":"zoë@example.com"} ],  "list_ids":["' + LIST + '"]}'
    desk = bench(answer(201, job()))

    activity = desk.account.import_contacts(body.encode())

    assert desk.api.seen[0].content == body.encode()
    assert (activity.id, activity.state) == (JOB, "initialized")
    assert desk.api.seen[0].headers["content-type"] == "application/json"


def test_any_2xx_with_an_activity_is_a_queued_job():
    """The sources disagree about 201 and 202."""
    assert bench(answer(202, job())).account.import_contacts(BODY).id == JOB


@pytest.mark.parametrize("body", [None, "<html>", {"state": "initialized"}], ids=["empty", "html", "no-id"])
def test_a_2xx_without_an_activity_is_an_unknown_outcome(body):
    """There may be a job that nobody can name."""
    with pytest.raises(OutcomeUnknown):
        bench(answer(201, body)).account.import_contacts(BODY)


AMBIGUOUS = [
    pytest.param(httpx.ReadTimeout("late"), id="read-timeout"),
    pytest.param(httpx.RemoteProtocolError("hung up"), id="dropped"),
    pytest.param(httpx.WriteError("reset"), id="reset"),
    pytest.param(answer(500, "<html>"), id="500"),
    pytest.param(answer(502), id="502"),
    pytest.param(answer(503), id="503"),
    pytest.param(answer(504), id="504"),
]
CHANGES = [
    pytest.param(lambda a: a.import_contacts(BODY), id="import"),
    pytest.param(lambda a: a.import_csv(b"email\na@x.org\n", [LIST]), id="csv"),
    pytest.param(lambda a: a.remove_from_list([CONTACT], LIST), id="remove"),
    pytest.param(lambda a: a.tag_list(LIST, CONTACT), id="tag"),
]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("reply", AMBIGUOUS)
def test_a_bulk_request_is_never_repeated_after_an_ambiguous_failure(reply, change):
    """It would queue a second job."""
    desk = bench(reply)

    with pytest.raises(OutcomeUnknown):
        change(desk.account)
    assert len(desk.api.seen) == 1


@pytest.mark.parametrize(
    "reply",
    [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), answer(429, THROTTLED)],
    ids=["refused", "connect-timeout", "throttled"],
)
def test_a_bulk_request_that_certainly_was_not_taken_is_repeated(reply):
    """It never left, or was turned away at the gate."""
    desk = bench(reply, answer(201, job()))

    assert desk.account.import_contacts(BODY).id == JOB
    assert len(desk.api.seen) == 2


@pytest.mark.parametrize("reply", [*AMBIGUOUS, pytest.param(answer(202, {}), id="202")])
def test_reads_are_repeated(reply):
    """They change nothing."""
    desk = bench(reply, answer(200, {"encoded_account_id": "a-1"}))

    assert desk.account.summary().account_id == "a-1"


@pytest.mark.parametrize("reply", AMBIGUOUS)
def test_starting_an_export_is_repeated(reply):
    """A second export changes nothing either, it only leaves a file that nobody reads."""
    desk = bench(reply, answer(201, job()))

    assert desk.account.start_list_export(LIST).id == JOB


def test_trouble_that_stays_is_given_up():
    """Six attempts, with growing waits between."""
    desk = bench(*(answer(503) for _ in range(9)))

    with pytest.raises(ConstantContactDown):
        desk.account.activities()
    assert len(desk.api.seen) == 6
    assert desk.clock.slept == [1, 2, 4, 8, 16]


def test_a_retry_after_longer_than_our_patience_is_not_waited_for():
    """The run waits instead, without holding anything."""
    desk = bench(answer(503, retry_after="600"))

    with pytest.raises(ConstantContactDown) as caught:
        desk.account.activities()
    assert (caught.value.evidence["retry_after"], desk.clock.slept) == (600, [])


def test_every_attempt_takes_a_slot():
    """Retries count against the limits too."""
    desk = bench(answer(503), answer(200, {"activities": []}))

    desk.account.activities()

    assert desk.taken == ["poll", "poll"]


def test_a_401_is_answered_with_one_fresh_token_and_one_replay():
    """Even for a bulk request: it was turned away."""
    desk = bench(answer(401), answer(201, job()))

    desk.account.import_contacts(BODY)

    assert [r.headers["authorization"] for r in desk.api.seen] == ["Bearer token-1", "Bearer token-2"]


def test_a_second_401_needs_a_person():
    """Never a loop."""
    desk = bench(answer(401), answer(401), answer(200, {}))

    with pytest.raises(ReconnectNeeded):
        desk.account.summary()
    assert len(desk.api.seen) == 2


def test_a_full_queue_is_not_hammered():
    """Only time helps; the run waits."""
    desk = bench(answer(429, {"error_key": "whatever"}))

    with pytest.raises(QueueFull):
        desk.account.import_contacts(BODY)


def test_the_account_is_read():
    """Its id tells a reconnection to another account."""
    raw = {"encoded_account_id": "a07e", "organization_name": "Acme", "contact_email": "o@acme.example"}
    desk = bench(
        answer(200, raw),
        answer(200, [{"privilege_id": 1, "privilege_name": "contacts:write"}, {"privilege_id": 2}, "x"]),
        answer(200, {"total": 3, "explicit": 1, "implicit": 2, "pending": 0, "unsubscribed": 0}),
    )

    assert desk.account.summary().organisation == "Acme"
    assert desk.account.privileges() == ("contacts:write",)
    assert desk.account.counts()["implicit"] == 2


def lists(*names, after=None):
    """A page of lists."""
    links = {"next": {"href": f"/v3/contact_lists?cursor={after}"}} if after else {}
    rows = [{"list_id": f"id-{name}", "name": name, "membership_count": 3} for name in names]
    return answer(200, {"lists": rows, "_links": links})


def test_all_pages_of_lists_are_read():
    """500 a page, counting active members, without deleted lists."""
    desk = bench(lists("A", "B", after="x"), lists("C"))

    assert [found.name for found in desk.account.lists()] == ["A", "B", "C"]
    assert "limit=500" in desk.api.asked[0]
    assert "status=active" in desk.api.asked[0]


def test_one_list_is_read_by_its_id():
    """With how many are on it."""
    desk = bench(answer(200, {"list_id": LIST, "name": "News", "membership_count": 7}))

    assert desk.account.list(LIST).members == 7
    assert f"/v3/contact_lists/{LIST}?" in desk.api.asked[0]


@pytest.mark.parametrize(
    "reply",
    [answer(404, GONE), answer(200, {"list_id": LIST, "name": "N", "deleted_at": "2026-01-01T00:00:00Z"})],
    ids=["gone", "deleted"],
)
def test_a_list_that_is_gone_is_not_found(reply):
    """Whichever way the vendor says so."""
    with pytest.raises(NotFound, match="Choose another"):
        bench(reply).account.list(LIST)


def test_a_list_is_created():
    """Name and description, nothing marked."""
    desk = bench(answer(201, {"list_id": LIST, "name": "News"}))

    assert desk.account.create_list("News", "of the week").id == LIST


@pytest.mark.parametrize(
    ("replies", "found"),
    [
        ([lists("News")], "id-News"),
        ([lists(), lists("Other", "NEWS")], "id-NEWS"),
        ([lists(), lists("NEWS", "news", "News ")], "id-NEWS"),
    ],
    ids=["same-name", "other-case", "several"],
)
def test_a_list_name_in_use_leads_to_that_list(replies, found):
    """Whether names regard case is not documented."""
    assert bench(answer(409, IN_USE), *replies).account.create_list("News").id == found


def test_a_list_name_held_by_nothing_visible_is_refused_clearly():
    """It may belong to a deleted list."""
    with pytest.raises(Refused, match="deleted"):
        bench(answer(409, IN_USE), lists(), lists("Other")).account.create_list("News")


def test_a_refused_list_stays_refused():
    """Only 409 is looked into."""
    with pytest.raises(Refused):
        bench(answer(400, IN_USE)).account.create_list("x" * 255)


FIELD = {"custom_field_id": "f-1", "label": "Shoe size", "name": "Shoe_size", "type": "string"}


def test_custom_fields_are_read_and_created():
    """A label in use leads to the field that has it."""
    desk = bench(
        answer(200, {"custom_fields": [FIELD]}),
        answer(201, FIELD | {"type": "date"}),
        answer(409, IN_USE),
        answer(200, {"custom_fields": [FIELD]}),
    )

    assert [f.name for f in desk.account.custom_fields()] == ["Shoe_size"]
    assert desk.account.create_custom_field("Shoe size", "date").type == "date"
    assert desk.account.create_custom_field("SHOE SIZE").id == "f-1"


def test_a_custom_field_conflict_without_a_field_stays_refused():
    """Nothing is guessed."""
    with pytest.raises(Refused):
        bench(answer(409, IN_USE), answer(200, {"custom_fields": []})).account.create_custom_field("A")


def test_custom_fields_of_other_types_are_not_created():
    """How their values must look in an import is not documented."""
    with pytest.raises(BadInput):
        bench().account.create_custom_field("A", "single_select")


def test_one_request_polls_all_jobs():
    """And what is left of the day is reserved for it."""
    desk = bench(answer(200, {"activities": [job(), job("completed", activity_id="j-2")]}))

    assert [a.finished for a in desk.account.activities()] == [False, True]
    assert (desk.api.asked, desk.taken) == (["GET /v3/activities?limit=500"], ["poll"])


def test_one_job_is_read_and_may_be_forgotten():
    """After ten days it is gone, which is no failure."""
    desk = bench(answer(200, job("processing")), answer(404, GONE))

    assert desk.account.activity(JOB).state == "processing"
    with pytest.raises(NotFound, match="ten days"):
        desk.account.activity(JOB)


def made(name, seconds, **more):
    """A job made so many seconds after now."""
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    return job(activity_id=name, created_at=at, **more)


def test_a_lost_job_is_found_among_new_and_unknown_ones():
    """The oldest that fits; other programs' and our own known ones are left out."""
    jobs = [
        made("old", -600),
        made("known", 1),
        made("export", 2, status={"items_completed_count": 0, "items_total_count": 9}),
        made("other-size", 2, status={"person_count": 7}),
        made("later", 9, status={"person_count": 50}),
        made("lost", 3, status={"person_count": 0}),
    ]
    desk = bench(*(answer(200, {"activities": jobs}) for _ in range(3)))

    assert desk.account.find_activity_since(NOW, {"known"}, contacts=50).id == "lost"
    assert desk.account.find_activity_since(NOW, {"known"}).id == "export"
    assert desk.account.find_activity_since(NOW, {j["activity_id"] for j in jobs}) is None


def test_a_job_of_a_clock_slightly_behind_is_still_found():
    """Their clock need not be ours; a job without a time is new."""
    jobs = [made("behind", -60), job(activity_id="timeless", created_at=None)]

    found = bench(answer(200, {"activities": jobs})).account.activities_since(NOW, set())

    assert [a.id for a in found] == ["behind", "timeless"]


def test_an_export_asks_for_active_members_and_addresses_only():
    """Nothing else is needed, so nothing else travels."""
    import json

    desk = bench(answer(201, job()), answer(201, job()))

    desk.account.start_list_export(LIST)
    desk.account.start_unsubscribed_export()

    assert [json.loads(r.content) for r in desk.api.seen] == [
        {"list_ids": [LIST], "status": "active", "fields": ["email_address"]},
        {"status": "unsubscribed", "fields": ["email_address"]},
    ]


def test_exported_addresses_are_given_only_from_a_complete_file():
    """A download that breaks off is begun again before the first address is given."""

    def broken(request):
        def pieces():
            yield b"Email address\na@x.org\n"
            raise httpx.ReadError("reset")

        return httpx.Response(200, content=pieces())

    desk = bench(broken, answer(200, "Email address\na@x.org\nb@x.org\n"))

    assert list(desk.account.export_addresses(JOB)) == ["a@x.org", "b@x.org"]
    assert desk.api.asked == [f"GET /v3/contact_exports/{JOB}"] * 2


def test_an_exported_file_is_given_as_it_is():
    """In pieces, for whoever wants the bytes."""
    assert b"".join(bench(answer(200, "Email address\n")).account.export_csv(JOB)) == b"Email address\n"


def test_an_exported_file_may_come_later_than_the_end_of_its_job():
    """A 404 to what a job has just finished means "not yet"."""
    desk = bench(answer(404, GONE), answer(404, GONE), answer(200, "Email address\na@x.org\n"))

    assert list(desk.account.export_addresses(JOB)) == ["a@x.org"]


def test_an_exported_file_that_never_comes_is_waited_for():
    """It is no refusal, and no empty list."""
    with pytest.raises(ConstantContactDown, match="still preparing"):
        list(bench(*[answer(404, GONE)] * 6).account.export_addresses(JOB))


def test_what_is_unreadable_on_a_page_is_passed_over():
    """Other programs' jobs are on it too, and one of them must not end our run."""
    odd = [None, "x", {}, {"activity_id": None, "state": "completed"}, {"activity_id": "", "status": 3}]
    desk = bench(
        answer(200, {"activities": [*odd, job(), {"activity_id": "other", "status": [], "state": 4}]})
    )

    assert [a.id for a in desk.account.activities()] == [JOB, "other"]


def contacts(*addresses, after=None):
    """A page of contacts; an address of None is one known by phone only."""
    rows = [
        {"contact_id": f"c-{n}"}
        | ({"email_address": {"address": a, "permission_to_send": "implicit"}} if a else {})
        for n, a in enumerate(addresses)
    ]
    links = {"next": {"href": f"/v3/contacts?cursor={after}"}} if after else {}
    return answer(200, {"contacts": rows, "_links": links})


def test_contacts_of_a_list_are_read_by_cursor():
    """Lazily: a page is asked for when the one before is used up."""
    desk = bench(contacts("a@x.org", None, after="x"), contacts("b@x.org"))

    found = desk.account.contacts_on_list(LIST)

    assert desk.api.seen == []
    assert [c.address for c in found] == ["a@x.org", None, "b@x.org"]
    assert desk.api.asked == [
        f"GET /v3/contacts?lists={LIST}&status=active&limit=500",
        "GET /v3/contacts?cursor=x",
    ]


@pytest.mark.parametrize(
    ("page", "found"),
    [(contacts("Zoe@X.org"), "c-0"), (contacts("other@x.org"), None), (contacts(), None)],
    ids=["other-case", "another", "none"],
)
def test_a_contact_is_found_by_its_address(page, found):
    """Deleted ones too; an answer about somebody else is none."""
    contact = bench(page).account.contact_by_email("zoe@x.org")

    assert (contact and contact.id) == found


def test_pages_that_lead_back_are_an_error():
    """Rather than reading for ever."""
    desk = bench(contacts("a@x.org", after="x"), contacts("b@x.org", after="x"), contacts())

    with pytest.raises(ConstantContactError, match="back"):
        list(desk.account.contacts_on_list(LIST))


@pytest.mark.parametrize("many", [0, 501])
def test_a_removal_takes_one_to_five_hundred(many):
    """Checked before anything is sent."""
    with pytest.raises(BadInput, match="1 to 500"):
        bench().account.remove_from_list([CONTACT] * many, LIST)


def test_a_list_is_tagged_in_one_request():
    """Imports cannot tag."""
    desk = bench(answer(201, job()))

    assert desk.account.tag_list(LIST, CONTACT).id == JOB


def test_an_id_cannot_leave_its_place_in_the_path():
    """Whatever it holds."""
    desk = bench()
    with pytest.raises(AssertionError, match="no path"):
        desk.account.list("../contacts?x=")
    assert desk.api.asked == ["GET /v3/contact_lists/..%2Fcontacts%3Fx%3D?include_membership_count=active"]
    with pytest.raises(BadInput, match="missing"):
        desk.account.activity("")
