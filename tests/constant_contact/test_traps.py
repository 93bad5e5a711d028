"""The traps a naive exporter falls into at the client's side, one test each, by their numbers.

The numbers are those of the list of traps in docs/constant-contact.md.
"""

import gzip
import json
import logging
from datetime import UTC, datetime

import httpx
import pytest

from ccexport.constant_contact import calls
from ccexport.constant_contact.account import Account
from ccexport.constant_contact.oauth import OAuthApp, read_token_answer
from ccexport.constant_contact.pacing import DayUsedUp, Granted, PaceState, decide, fresh_state
from ccexport.constant_contact.tokens import TokenEndpoint, TokenKeeper
from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.values import read_activity
from ccexport.constant_contact.wire import Answer
from ccexport.errors import (
    BadInput,
    NotFound,
    OutcomeUnknown,
    QueueFull,
    QuotaExceeded,
    ReconnectNeeded,
    Refused,
)

from .fake_api import AUTH, JOB, LIST, NOW, QUOTA, THROTTLED, FakeApi, answer, bench, job, tokens
from .schemas import parts_of

BODY = b'{"import_data":[{"email":"zoe@example.com"}],"list_ids":["' + LIST.encode() + b'"]}'
CONTACT = "4d88f172-21d1-11ea-b5ae-fa163e56c9b0"


def test_trap_01_a_body_over_four_megabytes_is_never_sent():
    """Its end would be dropped, and the answer would be 201 all the same."""
    desk = bench()

    with pytest.raises(BadInput, match="silently drop"):
        desk.account.import_contacts(b" " * 4_000_001)
    with pytest.raises(BadInput, match="silently drop"):
        desk.account.import_csv(b" " * 3_999_500, [LIST])
    assert desk.api.seen == []


def test_trap_03_a_201_is_not_success():
    """It is a job that was queued."""
    activity = bench(answer(201, job())).account.import_contacts(BODY)

    assert not activity.finished


def test_trap_04_completed_keeps_the_three_counters():
    """So that the caller can see that not every row landed."""
    status = {"person_count": 9, "error_count": 1, "correctable_count": 2, "cannot_add_to_list_count": 3}

    assert read_activity(job("completed", status=status)).counters == status


def test_trap_06_an_import_without_an_answer_is_not_sent_again():
    """And its time is long enough for 4 MB on a slow line."""
    desk = bench(httpx.ReadTimeout("late"))

    with pytest.raises(OutcomeUnknown, match="Look at its activities"):
        desk.account.import_contacts(BODY)
    assert desk.api.seen[0].extensions["timeout"]["read"] == 120
    assert len(desk.api.seen) == 1


def test_trap_07_a_hundred_jobs_are_one_poll():
    """The collection, not each one."""
    desk = bench(answer(200, {"activities": [job(activity_id=str(n)) for n in range(100)]}))

    assert len(desk.account.activities()) == 100
    assert len(desk.api.seen) == 1


def test_trap_08_the_pace_is_one_for_all_accounts_and_keeps_a_reserve():
    """The limit counts per API key; the last 500 requests of a day are for polling."""
    state = PaceState(NOW, NOW.date(), used=9_500)

    assert isinstance(decide(state, NOW, "work"), DayUsedUp)
    assert isinstance(decide(state, NOW, "poll"), Granted)


def test_trap_09_a_used_up_day_is_not_waited_for_in_seconds():
    """It ends at 00:00 UTC, and everybody else learns of it."""
    desk = bench(answer(429, QUOTA))

    with pytest.raises(QuotaExceeded) as caught:
        desk.account.import_contacts(BODY)
    assert caught.value.evidence["until"] == datetime(2026, 11, 24, tzinfo=UTC)
    assert (desk.clock.slept, desk.slowed) == ([], [-1])


def test_trap_10_a_throttled_answer_needs_no_retry_after():
    """At least a second, for everybody; longer when it says so."""
    desk = bench(answer(429, THROTTLED), answer(429, THROTTLED, retry_after="5"), answer(201, job()))

    desk.account.import_contacts(BODY)

    assert desk.clock.slept == [1.0, 5.0]
    assert desk.slowed == [1.0, 5.0]


@pytest.mark.parametrize(
    "body",
    [
        [{"error_key": "k", "error_message": "m"}],
        {"error_key": "k"},
        {"message": "m"},
        "<html>",
        None,
        "[[]]",
    ],
    ids=["array", "object", "gateway", "html", "empty", "nested"],
)
def test_trap_11_errors_of_any_shape_are_read(body):
    """Parsing never fails on top of the failure."""
    with pytest.raises(Refused):
        bench(answer(400, body)).account.summary()


def test_trap_12_a_rotated_token_is_stored_before_it_is_used_and_invalid_grant_ends_it():
    """No retry loop: only a person can help."""
    wire = FakeApi(answer(400, {"error": "invalid_grant"}))
    endpoint = TokenEndpoint(Transport(wire=wire), OAuthApp(AUTH, "id", "secret"))
    old = tokens(seconds=0)

    class Slot:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def read(self):
            return old

        def store(self, fresh):
            raise AssertionError("nothing to store")

    keeper = TokenKeeper(lambda: old, Slot, endpoint.refresh, lambda: NOW)

    with pytest.raises(ReconnectNeeded, match="Connect the account again"):
        keeper.access_token()
    assert len(wire.seen) == 1


def test_trap_13_a_token_that_is_good_is_not_refreshed():
    """The token endpoint allows one request a second."""

    def never(*_):
        raise AssertionError("no refresh is needed")

    keeper = TokenKeeper(tokens, never, never, lambda: NOW)

    assert [keeper.access_token() for _ in range(50)] == ["access-1"] * 50


def test_trap_14_the_token_is_asked_for_before_every_request():
    """A run may outlive it; a 401 costs one replay."""
    desk = bench(*(answer(200, {"activities": []}) for _ in range(3)))

    for _ in range(3):
        desk.account.activities()

    assert desk.token.refused == [None, None, None]


def test_trap_15_a_missing_refresh_token_names_offline_access():
    """Noticed when connecting, not a day later."""
    body = json.dumps({"access_token": "a", "expires_in": 86_400}).encode()

    with pytest.raises(ReconnectNeeded, match="offline_access"):
        read_token_answer(Answer(200, {}, body), NOW)


def test_trap_16_missing_privileges_are_explained():
    """A campaign creator's consent succeeds, and then every request is forbidden."""
    denied = {
        "error_key": "access_denied",
        "error_message": "Request forbidden due to insufficient user privileges.",
    }

    with pytest.raises(Refused, match="account manager"):
        bench(answer(403, denied)).account.counts()


def test_trap_17_a_private_application_is_named_as_a_cause():
    """The gateway says no more than Forbidden."""
    with pytest.raises(Refused, match="private"):
        bench(answer(403, {"message": "Forbidden"})).account.summary()


def test_trap_18_the_account_has_an_id_to_compare():
    """A reconnection to another account would make every stored list id wrong."""
    assert bench(answer(200, {"encoded_account_id": "b-2"})).account.summary().account_id == "b-2"


def test_trap_19_custom_fields_give_the_name_that_imports_need():
    """By label they are silently dropped."""
    raw = {
        "custom_fields": [
            {"custom_field_id": "f", "label": "Shoe size", "name": "Shoe_size", "type": "string"}
        ]
    }

    assert bench(answer(200, raw)).account.custom_fields()[0].name == "Shoe_size"


@pytest.mark.parametrize("name", ["sign_up_form", "contact_delete", "list_delete", "DELETE", "PUT"])
def test_traps_21_25_26_dangerous_requests_do_not_exist(name):
    """False consent, wiped contacts, deleted lists: no code here can ask for them."""
    source = calls.__loader__.get_source(calls.__name__).split('"""', 2)[2]

    assert name not in source
    assert not hasattr(Account, name)


def test_trap_24_removals_go_by_id_and_five_hundred_at_most():
    """No endpoint takes addresses."""
    desk = bench(answer(201, job()))

    desk.account.remove_from_list([CONTACT] * 500, LIST)

    assert json.loads(desk.api.seen[0].content) == {
        "source": {"contact_ids": [CONTACT] * 500},
        "list_ids": [LIST],
    }
    with pytest.raises(BadInput):
        desk.account.remove_from_list([CONTACT] * 501, LIST)


def test_trap_29_next_links_keep_their_cursor():
    """Neither is /v3 doubled, nor does a parameter replace the cursor."""
    following = {"next": {"href": "/v3/activities?cursor=bGltaXQ9NTAw%3D%3D"}}
    desk = bench(answer(200, {"activities": [job()], "_links": following}), answer(200, {"activities": []}))

    desk.account.activities()

    assert desk.api.asked[1] == "GET /v3/activities?cursor=bGltaXQ9NTAw%3D%3D"


def test_trap_29_multipart_bodies_name_their_boundary():
    """A Content-Type set by hand would not, and be answered with 415."""
    desk = bench(answer(201, job()), answer(201, job()))

    desk.account.import_contacts(BODY)
    desk.account.import_csv(b"email\na@x.org\n", [LIST])

    assert desk.api.seen[1].headers["content-type"].startswith("multipart/form-data; boundary=")


def test_trap_30_the_lists_of_a_file_are_one_comma_joined_part():
    """Neither repeated parts nor a JSON array."""
    desk = bench(answer(201, job()))
    data = "email,first_name\nzoë@x.org,Zoë\n".encode()

    desk.account.import_csv(data, [LIST, CONTACT], file_name="run-1-0001.csv")

    assert parts_of(desk.api.seen[0]) == [
        ("list_ids", None, f"{LIST},{CONTACT}".encode()),
        ("file", "run-1-0001.csv", data),
    ]


@pytest.mark.parametrize(
    ("lists", "name"),
    [([], "a.csv"), ([LIST] * 51, "a.csv"), ([LIST], "a.txt")],
    ids=["none", "51", "not-csv"],
)
def test_trap_30_a_file_import_that_would_be_refused_is_not_sent(lists, name):
    """One to fifty lists, and a name that ends in .csv."""
    with pytest.raises(BadInput):
        bench().account.import_csv(b"email\n", lists, file_name=name)


def test_trap_31_a_plus_in_an_address_stays_a_plus():
    """Unescaped it would be a blank."""
    desk = bench(answer(200, {"contacts": []}))

    desk.account.contact_by_email("zoe+news@example.com")

    assert "email=zoe%2Bnews%40example.com" in desk.api.asked[0]


def test_trap_32_the_status_is_always_said():
    """The default hides the deleted and shows the unsubscribed."""
    desk = bench(answer(200, {"contacts": []}), answer(200, {"contacts": []}))

    list(desk.account.contacts_on_list(LIST, "all"))
    desk.account.contact_by_email("a@x.org")

    assert all("status=all" in asked for asked in desk.api.asked)


def test_trap_33_contacts_without_an_address_are_tolerated():
    """Those known by phone only."""
    page = {"contacts": [{"contact_id": "c"}, {"contact_id": "d", "email_address": None}]}

    assert [c.address for c in bench(answer(200, page)).account.contacts_on_list(LIST)] == [None, None]


def test_trap_34_an_answer_still_in_preparation_is_asked_for_again():
    """202 is not an empty list."""
    desk = bench(answer(202, {"status": "processing"}), answer(200, {"contacts": [{"contact_id": "c"}]}))

    assert [c.id for c in desk.account.contacts_on_list(LIST)] == ["c"]


def test_trap_36_a_list_name_in_use_or_a_list_removed_has_a_clear_sentence():
    """Never a bare 409 or 404."""
    desk = bench(
        answer(409, [{"error_key": "contacts.api.conflict"}]),
        answer(200, {"lists": [{"list_id": LIST, "name": "news"}]}),
        answer(404, [{"error_key": "contacts.api.not_found"}]),
    )

    assert desk.account.create_list("News").id == LIST
    with pytest.raises(NotFound, match="does not exist at Constant Contact any more"):
        desk.account.list(LIST)


def test_trap_38_a_full_queue_means_waiting():
    """Its body is not documented."""
    with pytest.raises(QueueFull, match=r"1,000"):
        bench(answer(429)).account.import_contacts(BODY)


def test_trap_39_a_job_that_is_gone_is_not_a_failed_one():
    """Ten days after."""
    with pytest.raises(NotFound, match="ten days"):
        bench(answer(404)).account.activity(JOB)


def test_trap_41_counters_are_not_corrected():
    """`items_total_count` counts the header row; whoever compares must know which is which."""
    activity = read_activity(job("completed", status={"items_total_count": 3, "person_count": 2}))

    assert (activity.counters["items_total_count"], activity.counters["person_count"]) == (3, 2)


def test_trap_44_days_and_times_are_utc():
    """Wherever the machine stands."""
    from zoneinfo import ZoneInfo

    here = datetime(2026, 11, 23, 23, 30, tzinfo=ZoneInfo("America/New_York"))
    desk = bench(answer(200, {"activities": [job(created_at="2026-11-23T23:30:00.5-05:00")]}))

    assert fresh_state(here).day.isoformat() == "2026-11-24"
    assert desk.account.activities_since(here, set())[0].created_at == datetime(
        2026, 11, 24, 4, 30, 0, 500_000, tzinfo=UTC
    )


def test_trap_45_neither_tokens_nor_addresses_are_logged_or_shown(caplog):
    """In no log line, no message and no evidence, at any level."""
    caplog.set_level(logging.DEBUG)
    said = [{"error_key": "contacts.api.validation.error", "error_message": "zoe@example.com is not valid"}]
    desk = bench(answer(400, said), answer(400, said))

    errors = []
    for ask in (
        lambda: desk.account.contact_by_email("zoe@example.com"),
        lambda: desk.account.import_contacts(BODY),
    ):
        with pytest.raises(Refused) as caught:
            ask()
        errors.append(caught.value)

    shown = caplog.text + "".join(f"{e}{e.log}{e!r}{e.evidence}" for e in errors)
    assert "zoe@example.com" not in shown
    assert "token-1" not in shown
    assert "GET /v3/contacts 400" in caplog.text


def test_compressed_answers_are_read():
    """The client offers gzip, so it must take it."""
    packed = gzip.compress(json.dumps({"encoded_account_id": "a-1"}).encode())
    reply = httpx.Response(200, content=packed, headers={"content-encoding": "gzip"})

    assert bench(reply).account.summary().account_id == "a-1"
