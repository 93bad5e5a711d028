"""Notices reach people, once per change of state, signed, again after trouble, and name no contact."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from ccexport.errors import BadInput, NotPermitted
from ccexport.ledger import Ledger
from ccexport.messages import NOTHING, message
from ccexport.model.exports import Guards
from ccexport.model.notices import Channel, Destination, NoticeEvent, NoticeState, scrubbed
from ccexport.model.schedules import Schedule
from ccexport.model.words import Mode, Role, RunState, WaitReason
from ccexport.services import Services
from ccexport.worker.notices_delivery import AGAIN, signed
from tests.schedules.conftest import Timed
from tests.schedules.receivers import Hook, Mailbox, http_receiver, mail_server
from tests.world import ADA, CARL, VERA, person


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def told(world: Timed, hook: Hook) -> Timed:
    """A world with an export and a webhook about everything."""
    world.ready([person(n) for n in range(4)])
    world.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url)
    return world


def with_mail(world: Timed, box: Mailbox) -> Services:
    world.services.close()
    world.settings = world.settings.model_copy(
        update={"smtp_url": SecretStr(box.url), "smtp_from": "ccexport@example.org"}
    )
    world.set_clock(world.clock)
    return world.services


def tick(world: Timed) -> None:
    world.services.worker().run_once()


def fail(world: Timed, times: int = 0) -> None:
    world.fault("status", path="/v3/activities/contacts_json_import", status=400, times=times)


def test_each_change_of_state_is_told_once(told: Timed, hook: Hook) -> None:
    fail(told)
    for _ in range(3):
        assert told.run().state is RunState.FAILED
        tick(told)
        tick(told)
    told.sandbox.admin("DELETE", "faults")
    for _ in range(2):
        assert told.run().state is RunState.SUCCEEDED
        tick(told)

    assert [d["event"] for d in hook.documents] == ["failed", "recovered"]
    assert hook.documents[0]["title"] == "News failed"
    assert told.settings.base_url in hook.documents[0]["text"]
    assert len({d["id"] for d in hook.documents}) == 2


def test_what_happened_between_two_looks_is_told_too(told: Timed, hook: Hook) -> None:
    fail(told, times=1)
    told.run()
    told.sandbox.admin("DELETE", "faults")
    told.run()
    tick(told)

    assert [d["event"] for d in hook.documents] == ["failed", "recovered"]


def test_rejects_are_told_and_their_end(told: Timed, hook: Hook) -> None:
    config = told.sandbox.admin("GET", "config")
    told.sandbox.admin("PATCH", "config", {"email_max_chars": 30})
    long = person(8, email="somebody.with.a.rather.long@example.com")
    told.ingest([person(1), long], accept_changes=True)
    assert told.run().state is RunState.SUCCEEDED_WITH_REJECTS
    tick(told)
    told.sandbox.admin("PATCH", "config", {"email_max_chars": config["email_max_chars"]})
    assert told.run().state is RunState.SUCCEEDED
    tick(told)

    assert [d["event"] for d in hook.documents] == ["rejects", "recovered"]
    assert "somebody" not in str(hook.documents)


def test_a_blocked_run_is_told(told: Timed, hook: Hook) -> None:
    told.services.exports.change(
        CARL, "News", mode=Mode.MIRROR, guards=Guards(removals_floor=0, shrunk_percent=None)
    )
    told.run()
    told.ingest([person(n) for n in range(2)], accept_changes=True)
    told.run()
    tick(told)

    assert [d["event"] for d in hook.documents] == ["blocked"]
    assert "would be taken off" in hook.documents[0]["text"] or "remov" in hook.documents[0]["text"]


def test_a_connection_that_needs_a_person_is_told_and_its_recovery(told: Timed, hook: Hook) -> None:
    connection = told.services.ledger.connections.named("Main")
    told.services.ledger.connections.change(
        connection.id, state="reconnect", state_reason=message("Connect again.")
    )
    tick(told)
    tick(told)
    told.services.ledger.connections.change(connection.id, state="connected", state_reason=NOTHING)
    tick(told)

    assert [(d["event"], d["title"]) for d in hook.documents] == [
        ("waiting", "Main waits for a person"),
        ("recovered", "Main recovered"),
    ]


def test_waiting_for_approval_is_told_and_waiting_for_time_is_not(told: Timed, hook: Hook) -> None:
    told.services.connections.change(ADA, "Main", approval_above=1)
    run = told.run()
    assert run.wait_reason is WaitReason.APPROVAL
    tick(told)
    told.services.runs.cancel(CARL, run.id)
    tick(told)
    told.services.connections.change(ADA, "Main", approval_above=None)
    told.fault("status", path="/v3/activities/contacts_json_import", status=503, times=0)
    assert told.run().state is RunState.WAITING
    tick(told)

    assert [d["event"] for d in hook.documents] == ["waiting"]


def test_a_size_that_left_its_usual_band_is_told_once(told: Timed, hook: Hook) -> None:
    for _ in range(3):
        told.run()
    told.ingest([person(n) for n in range(12)], accept_changes=True)
    told.run()
    told.run()
    tick(told)

    assert [d["event"] for d in hook.documents] == ["size"]
    assert hook.documents[0]["text"].startswith("12 candidates; usual are 4.")


def test_a_webhook_is_signed(world: Timed, hook: Hook) -> None:
    made = world.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url)

    assert world.services.notices.test(CARL, made.subscriber.id).arrived

    headers, body = hook.headers[0], hook.bodies[0]
    seconds = headers["webhook-timestamp"]
    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    text = f"{json.loads(body)['id']}.{seconds}.".encode() + body
    assert headers["webhook-id"] == json.loads(body)["id"]
    assert headers["webhook-signature"] == "v1," + standard(key, text)
    before = hmac.new(made.secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256)
    assert headers["X-Ccexport-Signature"] == f"t={seconds},sha256={before.hexdigest()}"
    assert int(seconds) == int(world.clock().timestamp())


def test_a_notice_is_sent_again_as_it_was(world: Timed, hook: Hook) -> None:
    """With its own id, so that a receiver knows it, and with the names of CloudEvents."""
    made = world.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url)
    hook.answers = [500, 500]
    assert not world.services.notices.test(CARL, made.subscriber.id).arrived
    notice = world.services.notices.outbox(CARL)[0]

    assert not world.services.notices.replay(CARL, notice.id).arrived
    assert world.services.notices.outbox(CARL)[0].state is NoticeState.GIVEN_UP
    assert world.services.notices.replay(CARL, notice.id).arrived

    sent = hook.documents[-1]
    assert {document["id"] for document in hook.documents} == {notice.id}
    assert (sent["specversion"], sent["type"], sent["source"]) == ("1.0", "ccexport.test", "/ccexport")
    assert datetime.fromisoformat(sent["time"]) == notice.created_at
    assert sent["data"] == {"event": "test", "title": sent["title"], "text": sent["text"]}
    again = world.services.notices.outbox(CARL)[0]
    assert (again.state, again.attempts, again.error) == (NoticeState.DELIVERED, 3, NOTHING)


def standard(key: bytes, text: bytes) -> str:
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def test_the_signature_is_that_of_the_example_of_standard_webhooks() -> None:
    to = Destination("https://example.com", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = signed(to, "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_subscriber_of_before_is_signed_for_with_the_text_of_its_secret() -> None:
    headers = signed(
        Destination("https://example.com", "old-secret_"), "n1", b"{}", datetime(2026, 1, 1, tzinfo=UTC)
    )

    seconds = headers["webhook-timestamp"]
    assert headers["webhook-signature"] == "v1," + standard(b"old-secret_", f"n1.{seconds}.{{}}".encode())


def test_it_is_tried_again_and_the_failure_is_visible(told: Timed, hook: Hook) -> None:
    hook.answers = [500, 302]
    fail(told)
    told.run()
    tick(told)
    (failed,) = told.services.notices.undelivered(CARL)
    assert (failed.state, str(failed.error)) == (NoticeState.PENDING, "127.0.0.1 answered 500.")
    tick(told)
    assert len(hook.bodies) == 1  # not before its time
    told.clock.sleep(31)
    tick(told)
    told.clock.sleep(121)
    tick(told)

    assert len(hook.bodies) == 3  # a redirect is not followed
    assert len({d["id"] for d in hook.documents}) == 1
    assert told.services.notices.outbox(CARL)[0].state is NoticeState.DELIVERED


def test_it_is_given_up_in_the_end(told: Timed, hook: Hook) -> None:
    hook.answers = [500] * 99
    fail(told)
    told.run()
    for _ in range(len(AGAIN) + 3):
        tick(told)
        told.clock.sleep(AGAIN[-1].total_seconds() + 1)

    (notice,) = told.services.notices.outbox(CARL)
    assert (notice.state, notice.attempts) == (NoticeState.GIVEN_UP, len(AGAIN) + 1)
    assert len(hook.bodies) == len(AGAIN) + 1


def test_a_crash_before_delivery_loses_nothing(told: Timed, hook: Hook) -> None:
    fail(told)
    told.run()
    worker = told.services.worker()
    worker.chores[2]()  # into the outbox, and here the process dies
    assert hook.bodies == []
    told.set_clock(told.clock)

    tick(told)

    assert [d["event"] for d in hook.documents] == ["failed"]


def test_mail_goes_to_subscribers_and_to_the_owner_who_is_no_administrator(
    world: Timed, mailbox: Mailbox
) -> None:
    services = with_mail(world, mailbox)
    services.people.add(
        ADA, "carl", role=Role.CONTRIBUTOR, password="a long enough one", email="carl@example.org"
    )
    world.ready([person(1)])
    world.services.notices.subscribe(
        ADA, Channel.EMAIL, "ops@example.org", export="News", events=[NoticeEvent.FAILED]
    )
    fail(world)
    world.run()
    tick(world)
    world.sandbox.admin("DELETE", "faults")
    world.run()
    tick(world)

    assert sorted(mailbox.recipients) == ["carl@example.org", "carl@example.org", "ops@example.org"]
    subjects = [m["Subject"] for m in mailbox.messages]
    assert sorted(subjects) == ["ccexport: News failed", "ccexport: News failed", "ccexport: News recovered"]
    assert mailbox.messages[0]["From"] == "ccexport@example.org"


def test_a_mail_server_that_refuses_is_said_without_its_words(world: Timed, mailbox: Mailbox) -> None:
    with_mail(world, mailbox)
    made = world.services.notices.subscribe(ADA, Channel.EMAIL, "ops@example.org")
    mailbox.refuse = "550 no such person: person1@example.com"

    tested = world.services.notices.test(CARL, made.subscriber.id)

    assert (tested.arrived, str(tested.sentence)) == (False, "The mail server refused with 550.")
    assert world.services.notices.outbox(CARL)[0].state is NoticeState.GIVEN_UP


def test_a_slack_style_webhook_gets_escaped_text(world: Timed, hook: Hook) -> None:
    world.ready([person(1)])
    world.services.exports.change(CARL, "News", name="News <&> more")
    world.services.notices.subscribe(ADA, Channel.SLACK, hook.url)
    fail(world)
    world.run("News <&> more")
    tick(world)

    assert hook.documents[0]["text"].startswith("*News &lt;&amp;&gt; more failed*\n")


def test_a_subscriber_of_one_export_hears_of_no_other(told: Timed, hook: Hook) -> None:
    told.export("Other")
    for subscriber in told.services.notices.subscribers(CARL):
        told.services.notices.unsubscribe(ADA, subscriber.id)
    told.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url, export="Other")
    told.services.notices.subscribe(ADA, Channel.WEBHOOK, hook.url + "?c", connection="Main")
    fail(told)
    told.run()
    tick(told)

    assert len(hook.bodies) == 1


def test_a_stopped_refresh_is_told(told: Timed, hook: Hook) -> None:
    source = told.root / "people.csv"
    told.services.refreshes.change(ADA, sources=[source], id_field="customer_id")
    source.write_text("")
    told.services.refreshes.run_here(CARL)
    tick(told)

    assert [(d["event"], d["subject"]) for d in hook.documents] == [("blocked", "refresh")]
    assert "people.csv is empty" in hook.documents[0]["text"]


def test_addresses_secrets_and_rights_are_kept(told: Timed, hook: Hook, tmp_path: Path) -> None:
    made = told.services.notices.subscribe(ADA, Channel.SLACK, hook.url + "?secret=very-secret-path")

    assert made.subscriber.label == "127.0.0.1"
    stored = b"".join(p.read_bytes() for p in (tmp_path / "store").glob("ledger.sqlite*"))
    assert b"very-secret-path" not in stored
    for actor in (CARL, VERA):
        with pytest.raises(NotPermitted):
            told.services.notices.subscribe(actor, Channel.WEBHOOK, hook.url)
    with pytest.raises(NotPermitted):
        told.services.notices.subscribers(VERA)
    for wrong in ("http://example.com/hook", "ftp://example.com", "nonsense", "https://a:b@example.com"):
        with pytest.raises(BadInput, match="must be https"):
            told.services.notices.subscribe(ADA, Channel.WEBHOOK, wrong)
    with pytest.raises(BadInput, match="CCEXPORT_SMTP_URL"):
        told.services.notices.subscribe(ADA, Channel.EMAIL, "ops@example.org")


def test_a_notice_holds_no_address_and_no_token() -> None:
    text = 'c1 <Person.One+x@example.com>, "b@c.no"; Bearer abcdef123456 eyJhbGciOiJIUzI1NiJ9.abc.def failed'

    assert scrubbed(text) == 'c1 <…>, "…"; … … failed'


def test_destinations_are_sealed_anew_with_the_newest_key(
    ledger_address: str, tmp_path: Path, clock: Callable[[], object]
) -> None:
    from ccexport.model.notices import Destination, Subscriber

    old = Ledger(ledger_address, tmp_path, secret_key="o" * 20, shared_clock=clock)  # type: ignore[arg-type]
    made = Subscriber(
        "subscriber-1", Channel.SLACK, "x", None, None, (NoticeEvent.FAILED,), "ada", old.clock()
    )
    old.notices.subscribe(made, Destination("https://example.com/a"))
    old.close()
    both = Ledger(ledger_address, tmp_path, secret_key="n" * 20 + "," + "o" * 20, shared_clock=clock)  # type: ignore[arg-type]
    assert both.notices.reseal() == 1
    both.close()
    new = Ledger(ledger_address, tmp_path, secret_key="n" * 20, shared_clock=clock)  # type: ignore[arg-type]

    assert new.notices.destination("subscriber-1").address == "https://example.com/a"
    assert new.notices.subscriber("subscriber-1") == made
    new.close()


def test_scheduled_runs_are_told_like_any_other(told: Timed, hook: Hook, on: Callable[..., Schedule]) -> None:
    told.services.schedules.set(CARL, ["News"], on(every="day", at=["06:30"]))
    fail(told)
    told.until(told.at(6, 30) + timedelta(minutes=1))

    assert [d["event"] for d in hook.documents] == ["failed"]
