"""What an account asks, and what it makes of the answers."""

import pytest
from fake_api import JOB, LIST, answer, bench, job

from ccexport.errors import OutcomeUnknown


def test_an_import_sends_exactly_the_bytes_it_was_given():
    """The outbox file is the request: not a byte is re-encoded."""
    body = '{"import_data": [ {"email":"zoë@example.com"} ],  "list_ids":["' + LIST + '"]}'
    desk = bench(answer(201, job()))

    activity = desk.account.import_contacts(body.encode())

    assert body.encode() == desk.api.seen[0].content
    assert (activity.id, activity.state) == (JOB, "initialized")
    assert desk.api.seen[0].headers["content-type"] == "application/json"


def test_any_2xx_with_an_activity_is_a_queued_job():
    """The sources disagree about 201 and 202."""
    assert (
        bench(answer(202, job()))
        .account.import_contacts(b'{"import_data":[],"list_ids":["%s"]}' % LIST.encode())
        .id
        == JOB
    )


@pytest.mark.parametrize("body", [None, "<html>", {"state": "initialized"}], ids=["empty", "html", "no-id"])
def test_a_2xx_without_an_activity_is_an_unknown_outcome(body):
    """There may be a job that nobody can name."""
    with pytest.raises(OutcomeUnknown):
        bench(answer(201, body)).account.start_list_export(LIST)
