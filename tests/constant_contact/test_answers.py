"""Every documented error shape becomes the one error that says what to do next."""

from datetime import UTC, datetime, timedelta

import pytest

from ccexport.constant_contact.answers import decipher, harmless, read_complaint, retry_after
from ccexport.constant_contact.wire import Answer, Lost, Request
from ccexport.errors import (
    ConstantContactDown,
    OutcomeUnknown,
    QueueFull,
    QuotaExceeded,
    ReconnectNeeded,
    Refused,
    Throttled,
)

from .fake_api import NOW, QUOTA, THROTTLED, UNAUTHORIZED

URL = "https://api.cc.email/v3/contacts"
READ = Request("GET", URL, repeatable=True)
BULK = Request("POST", "https://api.cc.email/v3/activities/contacts_json_import", queues=True)
NOT_FOUND = [{"error_key": "contacts.api.not_found", "error_message": "contact_id is in an invalid format."}]
DENIED = {
    "error_key": "access_denied",
    "error_message": "Request forbidden due to insufficient user privileges.",
}
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


def got(status, body=None, **headers):
    """An answer as the transport gives it."""
    import json

    raw = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
    return Answer(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)


MEANINGS = [
    pytest.param(READ, 400, [{"error_key": "http.status.bad_request"}], Refused, id="array-400"),
    pytest.param(READ, 404, NOT_FOUND, Refused, id="array-404"),
    pytest.param(BULK, 400, [], Refused, id="empty-array"),
    pytest.param(READ, 401, UNAUTHORIZED, ReconnectNeeded, id="object-401"),
    pytest.param(BULK, 401, None, ReconnectNeeded, id="empty-401"),
    pytest.param(READ, 403, DENIED, Refused, id="object-403"),
    pytest.param(READ, 403, {"message": "Forbidden"}, Refused, id="gateway-403"),
    pytest.param(BULK, 409, NOT_FOUND, Refused, id="conflict"),
    pytest.param(BULK, 413, HTML, Refused, id="too-large-by-a-proxy"),
    pytest.param(BULK, 415, None, Refused, id="unsupported"),
    pytest.param(BULK, 422, ["strange"], Refused, id="array-of-strings"),
    pytest.param(READ, 302, None, Refused, id="redirect"),
    pytest.param(READ, 429, THROTTLED, Throttled, id="second-limit-on-a-read"),
    pytest.param(BULK, 429, THROTTLED, Throttled, id="second-limit-on-a-bulk-post"),
    pytest.param(READ, 429, QUOTA, QuotaExceeded, id="day-limit-on-a-read"),
    pytest.param(BULK, 429, QUOTA, QuotaExceeded, id="day-limit-on-a-bulk-post"),
    pytest.param(BULK, 429, None, QueueFull, id="queue-full-without-a-body"),
    pytest.param(BULK, 429, [{"error_key": "queue.full"}], QueueFull, id="queue-full-with-an-unknown-body"),
    pytest.param(READ, 429, HTML, Throttled, id="unknown-429-on-a-read"),
    pytest.param(READ, 500, HTML, ConstantContactDown, id="html-500-on-a-read"),
    pytest.param(READ, 503, None, ConstantContactDown, id="empty-503-on-a-read"),
    pytest.param(BULK, 500, HTML, OutcomeUnknown, id="html-500-on-a-bulk-post"),
    pytest.param(BULK, 504, None, OutcomeUnknown, id="gateway-timeout-on-a-bulk-post"),
    pytest.param(READ, 202, {"status": "processing"}, ConstantContactDown, id="still-preparing"),
]


@pytest.mark.parametrize(("request_", "status", "body", "meaning"), MEANINGS)
def test_an_answer_means_one_thing(request_, status, body, meaning):
    """Status, body and kind of request decide together."""
    error = decipher(got(status, body), request_, NOW)

    assert meaning is type(error)
    assert status == error.evidence["status"]
    assert request_.asked == error.evidence["asked"]
    assert str(error).endswith((".", "”."))


LOSSES = [
    pytest.param(READ, False, ConstantContactDown, id="read-never-left"),
    pytest.param(READ, True, ConstantContactDown, id="read-without-answer"),
    pytest.param(BULK, False, ConstantContactDown, id="bulk-never-left"),
    pytest.param(BULK, True, OutcomeUnknown, id="bulk-without-answer"),
]


@pytest.mark.parametrize(("request_", "sent", "meaning"), LOSSES)
def test_a_lost_answer_is_unknown_only_for_what_may_have_an_effect(request_, sent, meaning):
    """A request that never left has certainly no effect."""
    assert meaning is type(decipher(Lost(sent, "ReadTimeout"), request_, NOW))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_given_back_as_it_is(status):
    """Any 2xx to a POST, whatever the sources say about 201 and 202."""
    answer = got(status, {})

    assert answer is decipher(answer, BULK, NOW)


COMPLAINTS = [
    pytest.param(NOT_FOUND, "contacts.api.not_found", "contact_id is in an invalid format.", id="array"),
    pytest.param(UNAUTHORIZED, "unauthorized", "Unauthorized", id="object"),
    pytest.param({"message": "Forbidden"}, None, "Forbidden", id="gateway"),
    pytest.param(
        {"error": "invalid_grant", "error_description": "The refresh token is invalid or expired."},
        "invalid_grant",
        "The refresh token is invalid or expired.",
        id="oauth",
    ),
    pytest.param({"errorCode": "E0000021", "errorSummary": "Bad"}, "E0000021", "Bad", id="okta"),
    pytest.param(HTML, None, "", id="html"),
    pytest.param(None, None, "", id="empty"),
    pytest.param("null", None, "", id="null"),
    pytest.param("7", None, "", id="number"),
    pytest.param({"error_key": 7, "error_message": None}, None, "", id="wrong-types"),
    pytest.param(
        [NOT_FOUND[0], NOT_FOUND[0]], "contacts.api.not_found", NOT_FOUND[0]["error_message"], id="twice"
    ),
]


@pytest.mark.parametrize(("body", "key", "text"), COMPLAINTS)
def test_every_documented_error_shape_is_read(body, key, text):
    """Arrays and objects, the gateway's and the authorisation server's, and none at all."""
    complaint = read_complaint(got(400, body))

    assert (key, text) == (complaint.key, complaint.text)


def test_no_address_and_no_token_of_the_vendors_text_is_passed_on():
    """Messages reach logs and screens of people who may not see contacts."""
    token = "eyJ" + "a" * 1_000
    body = [{"error_key": "contacts.api.conflict", "error_message": f"zoë.o'neil@example.com has {token}"}]

    error = decipher(got(409, body), READ, NOW)

    for text in (str(error), error.log, repr(error)):
        assert "example.com" not in text
        assert "aaaa" not in text


def test_harmless_text_is_one_short_line():
    """Control characters could fake log lines."""
    assert harmless("a\n\r  b") == "a b"
    assert len(harmless("x y " * 200)) == 300


def test_the_used_up_day_says_when_it_is_over():
    """The count starts anew at 00:00 UTC, wherever we are."""
    there = datetime(2026, 11, 24, 3, 0, tzinfo=UTC).astimezone(tz=None)

    error = decipher(got(429, QUOTA), READ, there)

    assert datetime(2026, 11, 25, tzinfo=UTC) == error.evidence["until"]
    assert "25 November 2026" in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("Mon, 23 Nov 2026 20:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 19:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
    ],
    ids=["seconds", "date", "past-date", "nonsense", "absent"],
)
def test_retry_after_is_read_when_it_is_there(header, seconds):
    """It is not promised, in either of its forms."""
    assert seconds == retry_after(got(429, None, retry_after=header), NOW)


def test_a_request_id_of_the_gateway_is_kept_as_evidence():
    """The vendor's support can find the request by it."""
    error = decipher(got(500, None, apigw_requestid="abc="), READ, NOW + timedelta(0))

    assert error.evidence["trace"] == "abc="
    assert "trace=abc=" in error.log


def test_the_gateways_own_quota_body_waits_for_midnight():
    """It has no key; taken for a throttling it would be asked again every few seconds until then."""
    got = Answer(429, {}, b'{"message": "Limit Exceeded"}')

    for request in (READ, BULK):
        assert isinstance(decipher(got, request, NOW), QuotaExceeded)
