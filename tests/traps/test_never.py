"""Traps that are requests: those that must never be made, in a whole story of an export. By their numbers.

Held against the request log of the other side, which keeps also what it does not know.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ccexport.errors import CcexportError
from ccexport.model.words import Mode, RunState
from tests.conformance.exchange import Recorder, recorded
from tests.traps.conftest import imported
from tests.world import ADA, CARL, World, person

LIST = "Newsletter"


@dataclass(frozen=True)
class Story:
    """What the other side saw in all of it."""

    requests: list[str]
    activities: list[dict[str, Any]]
    counters: dict[str, int]
    there: dict[str, dict[str, Any]]
    imports: list[list[dict[str, Any]]]
    lists: dict[str, int]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Joiners, changes, leavers few and many, a failed job, a cancelled run, a reconnection, an end."""
    with recorded() as wire:
        world = World(tmp_path_factory.mktemp("story"))
        try:
            yield _told(world, wire)
        finally:
            world.close()


def _told(world: World, wire: Recorder) -> Story:
    world.ready([person(n) for n in range(80)], mode=Mode.MIRROR)
    assert world.run().state is RunState.SUCCEEDED
    people = [person(0, first_name="Renamed"), *(person(n) for n in range(1, 78)), person(90)]
    world.ingest(people)
    few = world.run()
    assert (few.state, few.counts["sent"], few.counts["removed"]) == (RunState.SUCCEEDED, 2, 2)
    world.ingest(people[:9], accept_changes=True)
    for guard in world.services.previews.preview(ADA, "News").guards:
        world.services.runs.release(ADA, "News", guard.name, reason="the season is over")
    many = world.run()
    assert (many.state, many.counts["removed"]) == (RunState.SUCCEEDED, 70)
    world.ingest([person(n, first_name="Again") for n in range(9)])
    world.fault("failed", activity="contacts_json_import")
    assert world.run().state is RunState.SUCCEEDED_WITH_REJECTS
    cancelled = world.services.runs.start(CARL, "News")
    world.services.runs.cancel(CARL, cancelled.id)
    world.sandbox.admin("POST", "revoke", {})
    waiting = world.run()
    world.connect(reconnect=True)
    assert world.services.runs.drive_here(waiting.id).state is RunState.SUCCEEDED
    world.services.exports.remove(CARL, "News")
    with pytest.raises(CcexportError):
        world.run()
    world.services.connections.remove(ADA, "Main")
    told = world.sandbox.admin("GET", "inspect/requests?limit=100000")["requests"]
    return Story(
        requests=[f"{each['method']} {each['path']}" for each in told],
        activities=world.sandbox.admin("GET", "inspect/activities")["activities"],
        counters=world.sandbox.admin("GET", "inspect/counters"),
        there={f"person{n}@example.com": world.there(f"person{n}@example.com") for n in (0, 20, 79)},
        imports=imported(wire),
        lists={
            each["name"]: each["members"] for each in world.sandbox.admin("GET", "inspect/lists")["lists"]
        },
    )


def test_the_log_keeps_what_is_not_there(tmp_path: Path) -> None:
    """Otherwise the tests below could not see a request to an endpoint that the double does not have."""
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    world = World(tmp_path)
    try:
        with pytest.raises(HTTPError):
            urlopen(Request(f"{world.sandbox.api_url}/contacts/sign_up_form", b"{}", method="POST"))
        told = world.sandbox.admin("GET", "inspect/requests")["requests"]
    finally:
        world.close()

    assert [(each["method"], each["path"], each["status"]) for each in told] == [
        ("POST", "/v3/contacts/sign_up_form", 403)
    ]


def test_trap_21_nobody_is_said_to_have_signed_up(story: Story) -> None:
    """`sign_up_form` claims an explicit consent that nobody gave; an import leaves it implied."""
    assert not [asked for asked in story.requests if "sign_up_form" in asked]
    assert {contact["permission"] for contact in story.there.values()} == {"implicit"}


def test_trap_23_a_list_is_never_emptied_and_filled_again(story: Story) -> None:
    """The difference is sent: removals name contacts, and who has not changed is not imported again."""
    removals = [each for each in story.activities if each["kind"] == "remove_list_memberships"]
    assert [each["rows"] for each in removals] == [2, 70]
    assert all(set(each["request"]["source"]) == {"contact_ids"} for each in removals)
    assert [len(body) for body in story.imports] == [80, 2, 9, 9]


def test_trap_25_nobody_is_deleted_from_the_account(story: Story) -> None:
    """`contact_delete` with a list wipes everybody on it; leaving a list is something else."""
    assert not [asked for asked in story.requests if "contact_delete" in asked or asked.startswith("DELETE")]
    assert (story.counters["contact_delete_used"], story.counters["deleted_contacts"]) == (0, 0)
    assert [contact["deleted"] for contact in story.there.values()] == [False] * 3
    assert [contact["lists"] for contact in story.there.values()] == [[LIST], [], []]


def test_trap_26_no_list_is_deleted(story: Story) -> None:
    """Not when the export goes, and not when the connection goes: a list is its owner's."""
    assert not [asked for asked in story.requests if "list_delete" in asked or asked.startswith("DELETE")]
    assert story.lists[LIST] == 9


def test_only_known_requests_are_made(story: Story) -> None:
    """Whatever comes into the product later has to be written down here first."""
    shapes = {
        "/".join("*" if len(part) == 36 else part for part in asked.removeprefix("/v3").split("/"))
        for asked in story.requests
        if "/oauth2/" not in asked
    }

    assert shapes == {
        "GET /v3/account/summary",
        "GET /v3/account/user/privileges",
        "GET /v3/activities",
        "GET /v3/contact_exports/*",
        "GET /v3/contact_lists",
        "GET /v3/contact_lists/*",
        "GET /v3/contacts",
        "POST /v3/activities/contact_exports",
        "POST /v3/activities/contacts_json_import",
        "POST /v3/activities/remove_list_memberships",
        "POST /v3/contact_lists",
    }
