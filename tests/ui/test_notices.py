"""Notices in the pages: added by an administrator, tested by a button, and what did not arrive is seen."""

from datetime import timedelta

from ccexport.messages import message
from ccexport.model.notices import Notice, NoticeEvent, NoticeState
from tests.schedules.receivers import http_receiver
from tests.ui.conftest import Pages, said


def test_somebody_is_added_tested_and_removed(empty: Pages) -> None:
    with http_receiver() as hook:
        page = empty.open("system", "administrator", view="notices")
        assert "No e-mail can be sent yet" in said(page)
        page.radio("notice_channel").set_value("webhook")
        empty.run(page, "administrator")
        page.text_input("notice_address").input(hook.url)
        empty.run(page, "administrator")
        page.button("add_notice").click()
        empty.run(page, "administrator")
        assert not page.error
        (one,) = empty.services.ledger.notices.subscribers()
        secret = empty.services.ledger.notices.destination(one.id).secret
        assert secret in [block.value for block in page.code]
        assert hook.url not in said(page)  # the way to it is a secret: its host is shown

        page.button(f"test-{one.id}").click()
        empty.run(page, "administrator")
        assert [d["event"] for d in hook.documents] == ["test"]
        hook.answers = [500]
        page = empty.open("system", "contributor", view="notices")
        page.button(f"test-{one.id}").click()
        empty.run(page, "contributor")
        assert "answered 500" in page.error[0].value
        assert "1 of these did not arrive" in said(empty.open("system", "contributor", view="notices"))
        assert secret not in said(page)

    page = empty.open("system", "administrator", view="notices")
    page.button(f"drop-{one.id}").click()
    empty.run(page, "administrator")
    assert empty.services.ledger.notices.subscribers() == []


def test_a_wrong_address_gets_its_sentence_and_viewers_see_no_notices(empty: Pages) -> None:
    page = empty.open("system", "administrator", view="notices", language="nb")
    page.text_input("notice_address").input("somebody@example.com")
    empty.run(page, "administrator", "nb")
    page.button("add_notice").click()
    empty.run(page, "administrator", "nb")
    assert "Det kan ikke sendes" in page.error[0].value

    page = empty.open("system", "viewer", view="notices")
    assert not page.exception
    assert "Who is told" not in said(page)


def test_what_did_not_arrive_needs_a_person_on_the_overview(empty: Pages) -> None:
    services = empty.services
    now = services.ledger.clock()
    lost = Notice(
        id="notice-1",
        recipient="person:ada",
        label="ada",
        event=NoticeEvent.FAILED,
        subject="export:gone",
        title="News failed",
        text="It failed.",
        created_at=now,
        state=NoticeState.GIVEN_UP,
        attempts=8,
        error=message("{host} answered {status}.", host="example.com", status="500"),
    )
    services.ledger.notices.put([lost])
    page = empty.open("overview", "contributor", language="nb")
    assert "kom 1 ikke fram" in said(page) and "svarte 500" in said(page)
    assert "ikke fram" not in said(empty.open("overview", "viewer", language="nb"))
    services.ledger.notices.change("notice-1", created_at=now - timedelta(days=8))
    assert "did not arrive" not in said(empty.open("overview", "contributor"))
