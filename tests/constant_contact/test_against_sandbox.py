"""The whole client over real HTTP against the local double, whose time stands still unless we sleep.

Every API request is also checked against the vendor's document. Requests are paced as in
production: sleeping moves the double's clock, so nothing here waits.
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from ccexport.constant_contact import oauth
from ccexport.constant_contact.account import Account
from ccexport.constant_contact.backoff import Patience
from ccexport.constant_contact.pacing import Pace, decide, fresh_state, penalise, slot_or_raise, use_up
from ccexport.constant_contact.probe import Prepared, probe
from ccexport.constant_contact.tokens import TokenEndpoint, TokenKeeper
from ccexport.constant_contact.transport import Transport
from ccexport.constant_contact.values import Activity
from ccexport.constant_contact.wire import Request
from ccexport.errors import (
    ConstantContactDown,
    NotFound,
    OutcomeUnknown,
    QueueFull,
    QuotaExceeded,
    ReconnectNeeded,
    Refused,
)

from .schemas import check_request

embedded = pytest.importorskip("ccexport.sandbox.embedded", reason="the local double is not there")
BACK = "http://localhost"


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator["embedded.RunningSandbox"]:
    """One double for all tests of this file."""
    with embedded.RunningSandbox(tmp_path_factory.mktemp("double") / "sandbox.sqlite") as double:
        yield double


class Checked(httpx.HTTPTransport):
    """The real network, with every API request held against the vendor's document.

    `bodies` is off for the probe, which breaks documented limits on purpose.
    """

    bodies = True

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/v3/"):
            request.read()
            check_request(request, body=self.bodies)
        return super().handle_request(request)


class Kept:
    """Tokens in memory, with the story of what was stored."""

    def __init__(self, tokens: oauth.Tokens) -> None:
        self.tokens, self.stored = tokens, 0

    @contextmanager
    def locked(self):
        yield self

    def read(self) -> oauth.Tokens:
        return self.tokens

    def store(self, tokens: oauth.Tokens) -> None:
        self.tokens, self.stored = tokens, self.stored + 1


@dataclass
class Desk:
    """An account at the double, and what a test does to the double."""

    double: "embedded.RunningSandbox"
    now: datetime
    wire: Checked
    transport: Transport
    account: Account = None  # type: ignore[assignment]
    kept: Kept = None  # type: ignore[assignment]

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.admin("POST", "clock", {"advance": seconds})

    def admin(self, method: str, path: str, body=None):
        return self.double.admin(method, path, body)

    def configure(self, **settings) -> None:
        self.admin("PATCH", "config", settings)

    def fault(self, **spec) -> None:
        self.admin("POST", "faults", spec)

    def list_named(self, name: str) -> str:
        return next(found.id for found in self.account.lists() if found.name == name)

    def finished(self, activity: Activity) -> Activity:
        """The activity when it has ended, by polling the collection."""
        for _ in range(200):
            self.sleep(2)
            found = next(a for a in self.account.activities() if a.id == activity.id)
            if found.ended:
                self.sleep(2)  # memberships show a little later
                return found
        raise AssertionError("never ended")

    def on_list(self, list_id: str) -> set[str]:
        """Who is on the list, by export."""
        job = self.finished(self.account.start_list_export(list_id))
        return set(self.account.export_addresses(job.id))

    def jobs(self, kind: str) -> int:
        """How many jobs of that kind the double has ever had."""
        found = self.admin("GET", "inspect/requests?path=/v3/activities/" + kind)["requests"]
        return sum(1 for one in found if one["status"] in (201, None))


def consent(desk: Desk, *, secret: str = "demo-secret", person: int | None = None) -> oauth.Tokens:
    """Tokens, after the consent of the owner (or of somebody else)."""
    app = oauth.OAuthApp(desk.double.auth_url, desk.double.client_id, secret)
    state = oauth.make_state(secrets.token_bytes)
    verifier = None if secret else oauth.make_verifier(secrets.token_bytes)
    url = oauth.authorize_url(
        app.auth_url, client_id=app.client_id, redirect_url=BACK, state=state, verifier=verifier
    )
    asked = Request("GET", url)
    if person is not None:
        form = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        form |= {"decision": "allow", "person": str(person)}
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        asked = Request("POST", url.split("?")[0], headers=kind, body=urlencode(form).encode())
    came_back = desk.transport.send(asked).headers["location"]
    params = {k: v[0] for k, v in parse_qs(urlsplit(came_back).query).items()}
    code = oauth.read_callback(params, state=state)
    desk.sleep(2)
    return endpoint(desk, secret).exchange(code, redirect_url=BACK, verifier=verifier)


def endpoint(desk: Desk, secret: str = "demo-secret") -> TokenEndpoint:
    """The token endpoint, paced by the double's time."""
    app = oauth.OAuthApp(desk.double.auth_url, desk.double.client_id, secret)
    return TokenEndpoint(desk.transport, app, Patience(clock=desk.clock, sleep=desk.sleep, attempts=4))


def connect(desk: Desk, tokens: oauth.Tokens, secret: str = "demo-secret") -> None:
    """Give the desk its account."""
    state = [fresh_state(desk.now)]

    def take(purpose):
        granted = slot_or_raise(decide(state[0], desk.now, purpose))
        state[0] = granted.state
        return granted.wait

    def change(how):
        return lambda *args: state.__setitem__(0, how(state[0], desk.now, *args))

    pace = Pace(take, sleep=desk.sleep, slow_down=change(penalise), day_is_over=change(use_up))
    desk.kept = Kept(tokens)
    keeper = TokenKeeper(desk.kept.read, desk.kept.locked, endpoint(desk, secret).refresh, desk.clock)
    patience = Patience(clock=desk.clock, sleep=desk.sleep)
    desk.account = Account(
        transport=desk.transport, api_url=desk.double.api_url, token=keeper, pace=pace, patience=patience
    )


@pytest.fixture
def desk(running) -> Iterator[Desk]:
    """An authorised account at a double that starts over, with its clock standing still."""
    running.admin("POST", "reset", {})
    running.admin("PATCH", "config", {"background_engine": False})
    now = running.admin("POST", "clock", {"freeze": True})["clock"]
    wire = Checked()
    made = Desk(running, datetime.fromtimestamp(now, UTC), wire, Transport(wire=wire))
    connect(made, consent(made))
    yield made
    made.transport.close()


def body(list_id: str, *addresses: str, **more: str) -> bytes:
    """An import of these addresses."""
    rows = [{"email": address} | more for address in addresses]
    return json.dumps({"import_data": rows, "list_ids": [list_id]}, ensure_ascii=False).encode()


def test_connecting_with_a_secret_reads_the_account(desk):
    """Consent, code, tokens, account, privileges."""
    assert desk.account.summary().organisation == "Nordlys Demo AS"
    assert "contacts:write" in desk.account.privileges()
    assert desk.account.counts()["total"] == 240
    assert oauth.missing_scopes(desk.kept.tokens) == ()


def test_connecting_without_a_secret_uses_pkce(desk):
    """And refreshing works without one too."""
    connect(desk, consent(desk, secret=""), secret="")
    desk.sleep(86_400)

    assert desk.account.summary().account_id == "p07nordlysdemo"
    assert desk.kept.stored == 1


def test_an_import_arrives_and_is_read_back_three_ways(desk):
    """Counters, export and contacts agree, and nobody was asked too fast."""
    events = desk.list_named("Season ticket holders")
    wanted = {f"person-{n}@example.com" for n in range(700)} | {"zoë@example.com"}

    ended = desk.finished(desk.account.import_contacts(body(events, *sorted(wanted), first_name="Zoë")))

    assert ended.finished
    assert ended.counters["person_count"] == len(wanted)
    landed = desk.on_list(events)
    assert landed == {c.address for c in desk.account.contacts_on_list(events)}
    assert landed >= wanted - {"zoë@example.com"}
    rates = desk.admin("GET", "inspect/rates")["keys"][0]
    assert (rates["refused"], rates["most_in_a_second"] <= 4) == (0, True)


def test_a_file_import_arrives(desk):
    """Multipart with a boundary and one part of lists."""
    first, second = desk.list_named("Newsletter"), desk.list_named("Season ticket holders")
    data = "email,first_name,cf:Loyalty_level\nzoe@example.com,Zoë,Gold\n".encode()

    queued = desk.account.import_csv(data, [first, second], file_name="run-1-0001.csv")

    assert desk.finished(queued).file_name == "run-1-0001.csv"
    assert "zoe@example.com" in desk.on_list(first) & desk.on_list(second)


def test_a_row_that_was_refused_is_counted_and_hinted_at(desk):
    """Completed is not the same as landed."""
    season = desk.list_named("Season ticket holders")

    ended = desk.finished(desk.account.import_contacts(body(season, "good@example.com", "bad address")))

    assert ended.finished
    assert ended.counters["error_count"] + ended.counters["correctable_count"] == 1
    assert any("Line 3" in message for message in ended.errors)


@pytest.mark.parametrize("lifetime", [86_400, 28_800, 60])
def test_a_run_may_outlive_its_token(desk, lifetime):
    """Refreshed before the end, each refresh token used once."""
    desk.configure(access_token_seconds=lifetime)
    for _ in range(3):
        desk.sleep(86_400)
        desk.account.summary()

    assert desk.kept.stored == 3
    assert not [e for e in desk.admin("GET", "inspect/events")["events"] if "reuse" in e["kind"]]


def test_a_token_that_ends_early_costs_one_replay(desk):
    """401, one refresh, and the import is queued once."""
    season = desk.list_named("Season ticket holders")
    desk.admin("POST", "revoke", {"access_only": True})
    desk.sleep(2)

    desk.account.import_contacts(body(season, "zoe@example.com"))

    assert desk.kept.stored == 1
    assert desk.jobs("contacts_json_import") == 1


def test_a_withdrawn_consent_needs_a_person(desk):
    """One question to the token endpoint, no loop."""
    desk.admin("POST", "revoke", {})
    desk.sleep(2)

    with pytest.raises(ReconnectNeeded, match="Connect the account again"):
        desk.account.summary()
    assert desk.kept.stored == 0


def test_a_refresh_whose_answer_was_lost_is_the_end_of_a_rotating_token(desk):
    """Asked again, because otherwise it might not be the end."""
    desk.sleep(86_400)
    desk.fault(kind="drop_after", method="POST", path="*/token")

    with pytest.raises(ReconnectNeeded):
        desk.account.summary()


def test_a_refresh_whose_answer_was_lost_is_nothing_with_a_long_lived_token(desk):
    """The same value comes back."""
    desk.configure(refresh_mode="long_lived")
    connect(desk, consent(desk))
    desk.sleep(86_400)
    desk.fault(kind="drop_after", method="POST", path="*/token")

    assert desk.account.summary().organisation == "Nordlys Demo AS"


def test_an_import_whose_answer_was_lost_is_found_again(desk):
    """It was queued: exactly one job, known by looking."""
    season = desk.list_named("Season ticket holders")
    known = {a.id for a in desk.account.activities()}
    began = desk.now
    desk.fault(kind="drop_after", method="POST", path="*/contacts_json_import")

    with pytest.raises(OutcomeUnknown):
        desk.account.import_contacts(body(season, "zoe@example.com"))

    found = desk.account.find_activity_since(began, known, contacts=1)
    assert desk.finished(found).counters["person_count"] == 1
    assert desk.jobs("contacts_json_import") == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_before"},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500, "body": ""},
    ],
    ids=["dropped", "503", "empty-500"],
)
def test_an_import_that_was_not_taken_is_not_found(desk, fault):
    """So the caller may send it again."""
    season = desk.list_named("Season ticket holders")
    desk.fault(method="POST", path="*/contacts_json_import", **fault)

    with pytest.raises(OutcomeUnknown):
        desk.account.import_contacts(body(season, "zoe@example.com"))

    assert desk.account.find_activity_since(desk.now - timedelta(minutes=1), set()) is None


@pytest.mark.parametrize(
    "fault",
    [{"kind": "drop_after"}, {"kind": "drop_before"}, {"kind": "status", "status": 502}],
    ids=["lost-answer", "dropped", "502"],
)
def test_reads_survive_trouble(desk, fault):
    """Twice in a row."""
    desk.fault(method="GET", times=2, **fault)

    assert len(desk.account.lists()) == 4


def test_trouble_that_stays_becomes_a_clear_error(desk):
    """After six attempts."""
    desk.fault(kind="status", status=503, method="GET", times=0)

    with pytest.raises(ConstantContactDown, match=r"status\.constantcontact\.com"):
        desk.account.lists()


def test_a_stricter_limit_than_ours_only_slows_us_down(desk):
    """Somebody else uses the key as well."""
    desk.configure(requests_per_second=1)

    assert len([desk.account.lists() for _ in range(4)]) == 4


def test_a_used_up_day_waits_for_midnight_utc(desk):
    """And then goes on."""
    desk.configure(requests_per_day=3)

    with pytest.raises(QuotaExceeded) as caught:
        for _ in range(5):
            desk.account.lists()

    until = caught.value.evidence["until"]
    assert (until.hour, until.minute) == (0, 0)
    with pytest.raises(QuotaExceeded):
        desk.account.activities()
    desk.sleep((until - desk.now).total_seconds() + 1)
    assert desk.account.lists()


def test_a_full_queue_is_told_apart(desk):
    """Nothing is lost by waiting."""
    season = desk.list_named("Season ticket holders")
    desk.configure(queued_activities_max=1)
    desk.account.import_contacts(body(season, "a@example.com"))

    with pytest.raises(QueueFull):
        desk.account.import_contacts(body(season, "b@example.com"))


def test_many_lists_are_read_page_by_page(desk):
    """With deleted ones left out."""
    desk.admin("POST", "lists", {"names": [f"List {n}" for n in range(600)]})

    found = desk.account.lists()

    assert len({one.id for one in found}) == 604
    assert [one.name for one in desk.account.lists("List 77")] == ["List 77"]


@pytest.mark.parametrize("ignore_case", [True, False])
def test_creating_a_list_that_is_there_gives_it(desk, ignore_case):
    """Whichever way the vendor compares names."""
    desk.configure(list_names_ignore_case=ignore_case)

    made = desk.account.create_list("Autumn letter", "once a year")

    assert desk.account.create_list("Autumn letter").id == made.id
    assert (desk.account.create_list("AUTUMN LETTER").id == made.id) is ignore_case
    assert desk.account.list(made.id).name == "Autumn letter"


def test_a_list_that_is_not_there_is_not_found(desk):
    """With a sentence for a person."""
    with pytest.raises(NotFound):
        desk.account.list("5bbf758c-d8ce-11e9-8d3a-fa163e56c9b0")


def test_custom_fields_are_created_once(desk):
    """The label as given, the name as imports need it."""
    made = desk.account.create_custom_field("Shoe size", "string")

    assert (made.name, desk.account.create_custom_field("Shoe size").id) == ("Shoe_size", made.id)
    assert made.id in {field.id for field in desk.account.custom_fields()}


def test_leavers_are_found_and_taken_off_one_list_only(desk):
    """By address to id to removal; they stay in the account."""
    newsletter = desk.list_named("Newsletter")
    season = desk.list_named("Season ticket holders")
    desk.finished(desk.account.import_contacts(body(newsletter, "zoe+x@example.com")))
    desk.finished(desk.account.import_contacts(body(season, "zoe+x@example.com")))

    contact = desk.account.contact_by_email("zoe+x@example.com")
    ended = desk.finished(desk.account.remove_from_list([contact.id], season))

    assert ended.finished
    assert set(contact.lists) == {newsletter, season}
    assert "zoe+x@example.com" not in desk.on_list(season)
    assert "zoe+x@example.com" in desk.on_list(newsletter)


def test_the_unsubscribed_are_exported(desk):
    """So that they are not sent."""
    newsletter = desk.list_named("Newsletter")
    desk.finished(desk.account.import_contacts(body(newsletter, "gone@example.com")))
    desk.admin("POST", "contacts/unsubscribe", {"email": "gone@example.com"})

    job = desk.finished(desk.account.start_unsubscribed_export())

    assert "gone@example.com" in set(desk.account.export_addresses(job.id))
    assert desk.account.contact_by_email("gone@example.com").permission == "unsubscribed"


@pytest.mark.parametrize("status", [404, 202])
def test_an_export_fetched_too_early_is_an_error_and_no_empty_list(desk, status):
    """Whichever way the vendor says that it is not ready."""
    desk.configure(export_before_completion=status, activity_start_seconds=100_000.0)
    job = desk.account.start_list_export(desk.list_named("Newsletter"))

    with pytest.raises(ConstantContactDown):
        list(desk.account.export_addresses(job.id))


def test_an_empty_list_exports_nobody(desk):
    """A header and no rows."""
    made = desk.account.create_list("Empty")

    assert desk.on_list(made.id) == set()


def test_a_job_is_forgotten_after_ten_days(desk):
    """Which is not a failure."""
    job = desk.finished(desk.account.start_unsubscribed_export())
    desk.sleep(11 * 86_400)

    with pytest.raises(NotFound, match="ten days"):
        desk.account.activity(job.id)


@pytest.mark.parametrize("kind", ["failed", "timed_out", "cancelled"])
def test_jobs_that_end_badly_are_seen(desk, kind):
    """They are not finished, and there is nothing to wait for."""
    season = desk.list_named("Season ticket holders")
    desk.fault(kind=kind)
    job = desk.account.import_contacts(body(season, "zoe@example.com"))
    desk.sleep(30)

    seen = desk.account.activity(job.id)

    assert (seen.finished, seen.failed, seen.state) == (False, True, kind)


def test_a_state_nobody_knows_is_waited_on(desk):
    """It may yet become a known one, and here it does."""
    season = desk.list_named("Season ticket holders")
    desk.configure(activity_overhead_seconds=60.0)
    desk.fault(kind="unknown_state")
    job = desk.account.import_contacts(body(season, "zoe@example.com"))
    desk.sleep(10)

    seen = desk.account.activity(job.id)

    assert seen.state not in {"initialized", "processing", "completed"}
    assert not seen.ended
    assert desk.finished(job).finished


@pytest.mark.parametrize("messages", ["strings", "objects", "none"])
def test_error_messages_of_jobs_are_read_in_every_shape(desk, messages):
    """Or are not there at all."""
    desk.configure(error_messages=messages)
    season = desk.list_named("Season ticket holders")

    ended = desk.finished(desk.account.import_contacts(body(season, "bad")))

    assert bool(ended.errors) is (messages != "none")
    assert all(isinstance(message, str) for message in ended.errors)


def test_a_campaign_creators_consent_is_explained(desk):
    """The consent succeeds; the first look at contacts does not."""
    people = desk.admin("GET", "inspect/accounts")["accounts"][0]["people"]
    creator = next(p["person"] for p in people if p["role"] == "campaign_creator")

    connect(desk, consent(desk, person=creator))

    assert "contacts:write" not in desk.account.privileges()
    with pytest.raises(Refused, match="account owner"):
        desk.account.counts()


def test_two_accounts_are_told_apart(desk):
    """By their ids."""
    made = desk.admin("POST", "accounts", {"organization_name": "Other AS"})
    people = desk.admin("GET", "inspect/accounts")["accounts"]
    owner = next(a["people"][0]["person"] for a in people if a["account"] == made["account"])
    first = desk.account.summary().account_id

    connect(desk, consent(desk, person=owner))

    assert desk.account.summary().account_id != first


def test_an_unregistered_return_address_is_not_redirected_to(desk):
    """A page for the person, and no code for anybody."""
    url = oauth.authorize_url(
        desk.double.auth_url, client_id=desk.double.client_id, redirect_url="http://localhost/evil", state="s"
    )

    assert desk.transport.send(Request("GET", url)).status == 400


def test_a_regenerated_secret_is_an_operators_matter(desk):
    """The message names the setting."""
    desk.admin("POST", "clients", {"client_id": desk.double.client_id, "secret": "new"})
    desk.sleep(86_400)

    with pytest.raises(ReconnectNeeded, match="CCEXPORT_CC_CLIENT_SECRET"):
        desk.account.summary()
    desk.admin("POST", "clients", {"client_id": desk.double.client_id, "secret": "demo-secret"})


def probed(desk, **more):
    """What the probe says and finds."""
    said: list[str] = []
    desk.wire.bodies = False
    findings = probe(
        desk.account, desk.double.api_url, said.append, clock=desk.clock, sleep=desk.sleep, **more
    )
    return said, {finding.question: finding for finding in findings}


def test_the_probe_finds_the_double_as_guessed_and_cleans_up(desk):
    """The double is built on the same guesses; nothing of the probe stays, within fifty requests."""
    desk.configure(foreign_phones="drop")
    before = (desk.account.counts()["total"], len(desk.account.lists()))
    asked = len(desk.admin("GET", "inspect/requests?path=/v3/*")["requests"])

    said, findings = probed(desk)

    used = len(desk.admin("GET", "inspect/requests?path=/v3/*")["requests"]) - asked
    desk.sleep(60)
    assert [f.line for f in findings.values() if f.right is not True] == []
    assert len(findings) == 15
    assert used <= 50
    assert f"{used} requests" in said[-1]
    assert (desk.account.counts()["total"], len(desk.account.lists())) == before
    assert not any("left over" in line for line in said)


@pytest.mark.parametrize(
    ("settings", "question"),
    [
        ({"import_max_bytes": 4_194_304}, "a body over 4 MB"),
        ({"duplicates": "first_wins"}, "an address twice in a body"),
        ({"blanks_erase": True}, "an empty value"),
        ({"unknown_list_status": 404}, "import onto an unknown list"),
        ({"items_total_includes_header": False}, "items_total_count of a JSON import"),
        ({"email_max_chars": 80}, "an address of 60 characters"),
        ({"foreign_phones": "keep"}, "a foreign phone number"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_probe_notices_a_wrong_guess(desk, settings, question):
    """One at a time."""
    desk.configure(**settings)

    _, findings = probed(desk)

    assert [q for q, finding in findings.items() if finding.right is False] == [question]


def test_the_probe_tries_prepared_people(desk):
    """The operator's own addresses, left as they are afterwards."""
    newsletter = desk.list_named("Newsletter")
    people = {"email": "out@example.com"}, {"email": "gone@example.com", "deleted": True}
    desk.admin("POST", "contacts", {"contacts": [one | {"lists": ["Newsletter"]} for one in people]})
    desk.admin("POST", "contacts/unsubscribe", {"email": "out@example.com"})

    _, findings = probed(desk, prepared=Prepared(unsubscribed="out@example.com", deleted="gone@example.com"))

    assert findings["import of one who is unsubscribed"].right
    assert findings["import of one who is deleted"].right
    assert desk.account.contact_by_email("gone@example.com") is not None
    assert newsletter in {found.id for found in desk.account.lists()}


def test_the_probe_cleans_up_after_trouble(desk):
    """What it had made by then is taken away."""
    before = len(desk.account.lists())
    desk.fault(kind="status", status=500, method="POST", path="*/contacts_json_import")

    with pytest.raises(OutcomeUnknown):
        probed(desk)

    desk.sleep(60)
    assert len(desk.account.lists()) == before
